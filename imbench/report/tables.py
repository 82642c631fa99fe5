"""The comparison as data: rows, means, gains and verdicts, grouped by (data set, model).

``build_leaderboard`` is called once over the cells of a command or of a result folder; the
renderers of :mod:`imbench.report.render` and the page only lay out what it returns.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from imbench.metrics import MetricOptions, compute, summarise
from imbench.report.statistics import Comparison, compare
from imbench.results import CellResult, FoldResult, Status

BASELINE = "none"
# What cells must share beside the strategy for their folds to be the same folds.
SHARED = ("dataset", "fingerprint", "model", "splits", "tuning", "seed")
STATUS_ORDER = {"ok": 0, "skipped": 1, "failed": 2}


@dataclass(frozen=True)
class FoldRow:
    """Every metric of one fold that is ``ok``."""

    repeat: int
    fold: int
    n_train: int
    n_test: int
    fit_s: float
    predict_s: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Row:
    """One cell of the comparison.

    Parameters
    ----------
    run_id, dataset, model, label : str
    title : str
        The label, with the parameters that tell it from other cells of that label.
    stages : tuple of str
    status : {"ok", "skipped", "failed"}
    reason : str
        Why the status is not ``ok``, or how many folds are missing.
    mean, std : mapping of str to float
        Over the folds; empty unless the status is ``ok``.
    fit_s : float
        Mean seconds of fitting a fold.
    folds : tuple of FoldRow
    comparison : Comparison or None
        None for the baseline, without one, and unless the status is ``ok``.
    notes : mapping of str to int
        What imbench changed to fit a fold, and in how many folds.
    """

    run_id: str
    dataset: str
    model: str
    label: str
    title: str
    stages: tuple[str, ...]
    status: Status
    reason: str
    mean: Mapping[str, float]
    std: Mapping[str, float]
    fit_s: float
    folds: tuple[FoldRow, ...]
    comparison: Comparison | None = None
    notes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Block:
    """The strategies that met the same data set, model and folds, best first."""

    dataset: str
    model: str
    title: str
    caption: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Leaderboard:
    """Everything that a table shows.

    Parameters
    ----------
    columns : tuple of str
        The metrics shown; `sort` is always one of them.
    sort : str
        The metric that rows are sorted by and that gains and verdicts are about.
    higher_is_better : mapping of str to bool
        Direction of every column.
    blocks : tuple of Block
    """

    columns: tuple[str, ...]
    sort: str
    higher_is_better: Mapping[str, bool]
    blocks: tuple[Block, ...]

    @property
    def rows(self) -> list[Row]:
        """Rows of all blocks."""
        return [row for block in self.blocks for row in block.rows]


def build_leaderboard(cells: Iterable[CellResult], options: MetricOptions) -> Leaderboard:
    """Compute metrics, sort, and compare with the baseline.

    Raises
    ------
    ConfigError
        If ``metrics.minority`` or a user metric does not fit the data.
    """
    groups: dict[str, list[CellResult]] = {}
    for cell in cells:
        groups.setdefault(_group_key(cell), []).append(cell)
    ordered = sorted(groups.values(), key=lambda g: (g[0].dataset, g[0].model))
    titles = _distinguish(
        [f"{g[0].dataset} · {g[0].model}" for g in ordered],
        [{key: g[0].config.get(key) for key in SHARED} for g in ordered],
    )
    shown = options.shown
    columns = shown if options.sort in shown else (options.sort, *shown)
    return Leaderboard(
        columns=columns,
        sort=options.sort,
        higher_is_better={name: options.higher_is_better(name) for name in columns},
        blocks=tuple(_block(g, t, options) for g, t in zip(ordered, titles, strict=True)),
    )


def _block(cells: Sequence[CellResult], title: str, options: MetricOptions) -> Block:
    labels = _distinguish([c.label for c in cells], [c.config.get("strategy") for c in cells])
    baseline = next((c for c in cells if c.label == BASELINE and c.status == "ok"), None)
    rows = {c.run_id: _row(c, name, options) for c, name in zip(cells, labels, strict=True)}
    comparisons: dict[str, Comparison] = {}
    if baseline is not None:
        others = [c for c in cells if c is not baseline and c.status == "ok"]
        gains = {c.run_id: _gains(c, baseline, rows, options) for c in others}
        comparisons = compare(gains, _test_train_ratio(baseline))
    finished = [replace(row, comparison=comparisons.get(run_id)) for run_id, row in rows.items()]
    sign = -1 if options.higher_is_better(options.sort) else 1

    def place(row: Row) -> tuple[int, bool, float, str]:
        value = row.mean.get(options.sort, math.nan)
        undefined = math.isnan(value)
        return STATUS_ORDER[row.status], undefined, 0.0 if undefined else sign * value, row.title

    return Block(
        dataset=cells[0].dataset,
        model=cells[0].model,
        title=title,
        caption=_caption(finished, baseline is not None, len(comparisons), options)
        + _budget(cells[0].config.get("tuning")),
        rows=tuple(sorted(finished, key=place)),
    )


def _row(cell: CellResult, title: str, options: MetricOptions) -> Row:
    folds = tuple(_fold_row(f, options) for f in cell.folds if f.status == "ok")
    mean, std = summarise([f.metrics for f in folds]) if cell.status == "ok" else ({}, {})
    reason = cell.reason
    if cell.status == "ok" and len(folds) < cell.n_folds:
        reason = f"{len(folds)} of {cell.n_folds} folds: run the command again to go on"
    return Row(
        run_id=cell.run_id,
        dataset=cell.dataset,
        model=cell.model,
        label=cell.label,
        title=title,
        stages=cell.stages,
        status=cell.status,
        reason=reason,
        mean=mean,
        std=std,
        fit_s=float(np.mean([f.fit_s for f in folds])) if folds else math.nan,
        folds=folds,
        notes=Counter(note for fold in cell.folds for note in dict.fromkeys(fold.notes)),
    )


def _fold_row(fold: FoldResult, options: MetricOptions) -> FoldRow:
    return FoldRow(
        fold.repeat,
        fold.fold,
        fold.n_train,
        len(fold.y_true),
        fold.fit_s,
        fold.predict_s,
        compute(fold, options),
    )


def _gains(
    cell: CellResult, baseline: CellResult, rows: Mapping[str, Row], options: MetricOptions
) -> list[float]:
    """Differences on the folds with the same test rows where both values are defined."""
    sign = 1.0 if options.higher_is_better(options.sort) else -1.0
    test_rows = [
        {(f.repeat, f.fold): f.test_index for f in c.folds if f.status == "ok"}
        for c in (cell, baseline)
    ]
    ours, theirs = (
        {(f.repeat, f.fold): f.metrics[options.sort] for f in rows[c.run_id].folds}
        for c in (cell, baseline)
    )
    gains = [
        sign * (value - theirs[place])
        for place, value in ours.items()
        if place in theirs and np.array_equal(test_rows[0][place], test_rows[1][place])
    ]
    return [gain for gain in gains if not math.isnan(gain)]


def _test_train_ratio(cell: CellResult) -> float:
    folds = [f for f in cell.folds if f.status == "ok"]
    return sum(len(f.y_true) for f in folds) / max(sum(f.n_train for f in folds), 1)


def _caption(rows: Sequence[Row], has_baseline: bool, m: int, options: MetricOptions) -> str:
    """One line: on what the numbers stand and what the verdict means."""
    shown = next((r for r in rows if r.status == "ok" and r.folds), None)
    if shown is None:
        return "No strategy finished here."
    n_folds = max(len(r.folds) for r in rows)
    sizes = [f.n_test for f in shown.folds]
    size = str(min(sizes)) if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
    base = (
        f"Mean ± sd over {n_folds} fold{'s' if n_folds > 1 else ''} of {size} test rows; "
        f"fit s is per fold"
    )
    if not has_baseline:
        return f"{base}. No gains: run strategy={BASELINE} too, to compare with doing nothing."
    if n_folds == 1:
        return (
            f"{base}. gain: {options.sort} against {BASELINE}; one fold has no interval, so no "
            "difference can be told from chance: set splits.n_splits or splits.n_repeats."
        )
    strategies = f"{m} strateg{'ies' if m != 1 else 'y'}"
    return (
        f"{base}. gain: improvement of {options.sort} over {BASELINE} with its 95 % interval; "
        f"better / worse: corrected resampled t-test on the same folds, Holm over {strategies}, "
        "5 %."
    )


def _budget(tuning: Mapping[str, Any] | None) -> str:
    """One sentence on what every strategy of a block was given to be tuned; empty if nothing."""
    if not tuning:
        return ""
    trials, inner = tuning["trials"], tuning["inner_splits"]
    late = f" or {tuning['timeout']} s" if tuning.get("timeout") else ""
    return (
        f" Tuned: {trials} trials{late} of {inner} inner folds for every strategy "
        f"({tuning['sampler']}, {tuning['metric']['name']}), {trials * inner} fits a fold at most."
    )


def _group_key(cell: CellResult) -> str:
    shared = {key: cell.config.get(key) for key in SHARED}
    return json.dumps([cell.dataset, cell.model, shared], sort_keys=True, default=str)


def _distinguish(names: Sequence[str], configs: Sequence[Any]) -> list[str]:
    """Append to equal names the parameters in which their configurations differ."""
    flat = [flatten(config) if isinstance(config, Mapping) else {} for config in configs]
    result = list(names)
    for i, name in enumerate(names):
        twins = [flat[j] for j, other in enumerate(names) if other == name]
        keys = sorted(
            {k for twin in twins for k in twin if any(t.get(k) != twin[k] for t in twins)}
        )
        if len(twins) > 1 and keys:
            parts = [f"{k.rpartition('.')[2]}={flat[i].get(k)}" for k in keys[:3]]
            result[i] = f"{name} ({', '.join(parts)})"
    return result


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn a nested configuration into ``{"model.lr": 0.1}``; lists stay values."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
