"""What an MLflow run of a cell holds: tags, parameters, metrics and files.

Called by :mod:`imbench.report.mlflow.tracker`; nothing here needs MLflow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from imbench.report.board import Leaderboard, Row
from imbench.report.canvas import save_png
from imbench.report.export import to_csv
from imbench.report.mlflow.views import as_split, fold_table, intervals
from imbench.report.plots import figures
from imbench.report.titles import flatten
from imbench.report.trials import to_trials_csv, tuned_values, tuning_metrics
from imbench.results.fold import CellResult
from imbench.results.metric_options import MetricOptions

RUN_ID = "imbench.run_id"
# Limits of an MLflow server: keys, values of parameters and tags, entities in a batch.
MAX_KEY, MAX_PARAM, MAX_TAG, MAX_PARAMS, MAX_ENTITIES = 250, 6000, 5000, 100, 1000
TABLE = "folds.json"
LOGGED = {"mlflow.loggedArtifacts": json.dumps([{"path": TABLE, "type": "table"}])}
T = TypeVar("T")
U = TypeVar("U")


def write_files(folder: Path, cell: CellResult, board: Leaderboard, options: MetricOptions) -> None:
    """Write what becomes artifacts of a run: plots, tables, the traceback of a failed fold."""
    row = board.rows[0]
    for name, figure in figures(cell):
        save_png(figure, folder / f"{name}.png")
    texts = {
        "folds.csv": to_csv(board) if row.folds else "",
        # As `MlflowClient.log_table` writes it, which imports pandas and reads before it writes.
        TABLE: as_split(fold_table(row, options.sort)) if row.folds else "",
        "tuning.csv": to_trials_csv(cell) if any(f.trials for f in cell.folds) else "",
        "traceback.txt": next((f.traceback for f in cell.folds if f.traceback), ""),
    }
    for name, text in texts.items():
        if text:
            (folder / name).write_text(text, encoding="utf-8")


def tags_of(cell: CellResult) -> dict[str, str]:
    """Return what the UI filters and groups by, cut to what a server takes."""
    tags = {
        RUN_ID: cell.run_id,
        "dataset": cell.dataset,
        "model": cell.model,
        "strategy": cell.label,
        "stages": ",".join(cell.stages),
        "status": cell.status,
        "reason": cell.reason,
        "folds": f"{sum(f.status == 'ok' for f in cell.folds)}/{cell.n_folds}",
        **{f"stage.{stage}": "true" for stage in cell.stages},
    }
    return {key: value[:MAX_TAG] for key, value in tags.items()}


def params_of(cell: CellResult) -> dict[str, str]:
    """Flatten the configuration; the three names come first, for MLflow's comparison page."""
    named = {"strategy": cell.label, "dataset": cell.dataset, "model": cell.model}
    flat = named | {k: v for k, v in flatten(cell.config).items() if k not in named}
    flat |= {f"tuned/{key}": value for key, value in tuned_values(cell).items()}
    names = mlflow_names(flat)
    return {names[key]: str(value)[:MAX_PARAM] for key, value in flat.items()}


def metrics_of(cell: CellResult, row: Row) -> Iterator[tuple[str, float, int]]:
    """Yield name, value and step of means, their intervals, standard deviations, fold values."""
    limits = intervals(row)
    names = mlflow_names([*(name for fold in row.folds for name in fold.metrics), *limits])
    for name, value in {**row.mean, **limits}.items():
        yield names[name], value, 0
    for name, value in row.std.items():
        yield f"std/{names[name]}", value, 0
    yield "fit_s", row.fit_s, 0
    costs = tuning_metrics(cell)
    for key, name in mlflow_names(costs).items():
        yield name, costs[key], 0
    n_splits = 1 + max((f.fold for f in cell.folds), default=0)
    for fold in row.folds:
        for name, value in fold.metrics.items():
            yield f"fold/{names[name]}", value, fold.repeat * n_splits + fold.fold


def mlflow_names(names: Iterable[str]) -> dict[str, str]:
    """Replace what MLflow forbids in a name, and keep names that become equal apart.

    Allowed are letters, digits, ``_ - . : /`` and spaces, at most 250, as a path in its
    shortest form (no ``..``, no empty part).
    """
    result: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        allowed = re.sub(r"[^/\w.\- :]", "_", name)
        parts = ["_" if part in ("", ".", "..") else part for part in allowed.split("/")]
        base = "/".join(parts)[: MAX_KEY - 10]  # room for "fold/" and a number
        unique, n = base, 2
        while unique in taken:
            unique, n = f"{base}_{n}", n + 1
        taken.add(unique)
        result[name] = unique
    return result


def batches(params: Sequence[T], metrics: Sequence[U]) -> Iterator[tuple[Sequence[T], Sequence[U]]]:
    """Yield parameters and metrics in as few requests as a server takes."""
    n_metrics = MAX_ENTITIES - MAX_PARAMS
    for i in range(max(-(-len(params) // MAX_PARAMS), -(-len(metrics) // n_metrics))):
        yield (
            params[i * MAX_PARAMS : (i + 1) * MAX_PARAMS],
            metrics[i * n_metrics : (i + 1) * n_metrics],
        )
