"""The metrics of a report: those of the latest run, unless the command names others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbench.cli.reproduce import text
from imbench.errors import ConfigError
from imbench.results.last_metrics import read_metrics
from imbench.results.metric_options import MetricOptions, check_classes, metric_options

if TYPE_CHECKING:
    from imbench.results.fold import CellResult

METRICS, COSTS = "metrics", "costs"


def options_of(
    runs: Path,
    config: Mapping[str, Any],
    overrides: Sequence[str],
    cells: Sequence[CellResult],
) -> tuple[MetricOptions, str]:
    """Return the metrics of a report, and a sentence that says which the latest run has set.

    Parameters
    ----------
    runs : Path
    config : mapping
        Composed from `overrides`.
    overrides : sequence of str
        Keys that they name are taken from `config`; ``metrics=...`` names the whole group.
    cells : sequence of CellResult
        Where a class that the latest run has named does not exist in all of them, its metrics are
        left out.

    Raises
    ------
    ConfigError
        If what `config` says is wrong.
    """
    asked = metric_options(config.get(METRICS), config.get(COSTS))
    found = read_metrics(runs)
    if not found:
        return asked, ""
    named = {word.lstrip("+~").partition("=")[0] for word in overrides}
    keys = {".".join(key.split(".")[:2]) for key in named}
    metrics, costs = dict(config[METRICS]), config.get(COSTS)
    if METRICS not in keys:
        metrics |= {k: v for k, v in found[METRICS].items() if f"{METRICS}.{k}" not in keys}
    if COSTS not in {key.partition(".")[0] for key in keys}:
        costs = found.get(COSTS)
    now = {f"{METRICS}.{key}": value for key, value in metrics.items()} | {COSTS: costs}
    changed = {k: v for k, v in now.items() if v != _value(config, k)}
    if not changed:
        return asked, ""
    try:
        options = metric_options(metrics, costs)
        for names in dict.fromkeys(f.class_names for cell in cells for f in cell.folds):
            check_classes(options, names)
    except ConfigError as error:
        return asked, (
            f"the metrics of the latest run do not fit all cells, and are left out: {error}"
        )
    shown = [f"{key}={text(value)}" for key, value in changed.items()]
    return options, f"as in the latest run: {', '.join(shown)}; --set changes it."


def _value(config: Mapping[str, Any], key: str) -> Any:
    group, _, name = key.partition(".")
    return config[group].get(name) if name else config.get(group)
