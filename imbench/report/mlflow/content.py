"""Content of the MLflow run of a cell: tags, parameters, metrics, files, and a digest of them.

Called by :mod:`imbench.report.mlflow.tracker`; nothing here imports MLflow.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from imbench.errors import masked
from imbench.report.board import Leaderboard, Row
from imbench.report.canvas import save_png
from imbench.report.export import to_csv
from imbench.report.mlflow.views import as_split, fold_table, intervals
from imbench.report.plots import figures
from imbench.report.titles import flatten
from imbench.report.trials import to_trials_csv, tuned_values, tuning_metrics
from imbench.results.fold import ARRAYS, OPTIONAL, CellResult
from imbench.results.metric_options import MetricOptions

FORMAT = 3  # increase it when the layout of a run changes: existing runs are then rewritten
RUN_ID, DIGEST = "imbench.run_id", "imbench.digest"  # tags
# Limits of an MLflow server: keys, values of parameters and tags, entities per request.
MAX_KEY, MAX_PARAM, MAX_TAG, MAX_PARAMS, MAX_ENTITIES = 250, 6000, 5000, 100, 1000
TABLE = "folds.json"
LOGGED = {"mlflow.loggedArtifacts": json.dumps([{"path": TABLE, "type": "table"}])}
T = TypeVar("T")
U = TypeVar("U")


def digest_of(cell: CellResult, options: MetricOptions) -> str:
    """Return the SHA-256 of everything that the run of a cell shows, in hexadecimal digits."""
    digest = hashlib.sha256()
    facts: list[object] = [FORMAT, cell.config, cell.status, cell.reason, cell.stages]
    facts += [cell.n_folds, cell.stopped, options.minority, options.rare, options.ece_bins]
    facts += [options.extra, options.costs, vars(options.points)]
    for fold in cell.folds:
        facts += [fold.repeat, fold.fold, fold.status, fold.reason, fold.fit_s, fold.predict_s]
        facts += [fold.counts_before, fold.counts_after, fold.minority, fold.class_names]
        facts += [fold.rare]
        if fold.trials:
            facts += [fold.tuned, fold.trials, fold.importance]
    digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
    for fold in cell.folds:
        for name in (*ARRAYS, *OPTIONAL):
            digest.update(getattr(fold, name).tobytes())
    return digest.hexdigest()


def write_files(folder: Path, cell: CellResult, board: Leaderboard, options: MetricOptions) -> None:
    """Write the artifacts of a run: plots, tables, the traceback of a failed fold.

    Parameters
    ----------
    folder : Path
        Empty folder.
    cell : CellResult
    board : Leaderboard
        Of this cell alone.
    options : MetricOptions
    """
    row = board.rows[0]
    for name, figure in figures(cell):
        save_png(figure, folder / f"{name}.png")
    texts = {
        "folds.csv": to_csv(board) if row.folds else "",
        # The format of `MlflowClient.log_table`, which imports pandas and reads before it writes.
        TABLE: as_split(fold_table(row, options.sort)) if row.folds else "",
        "tuning.csv": to_trials_csv(cell) if any(f.trials for f in cell.folds) else "",
        "traceback.txt": next((f.traceback for f in cell.folds if f.traceback), ""),
    }
    for name, text in texts.items():
        if text:
            (folder / name).write_text(text, encoding="utf-8")


def tags_of(cell: CellResult) -> dict[str, str]:
    """Return the tags that the UI filters and groups by, cut to a server's limit."""
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
    if cell.stopped:
        tags["stopped"] = cell.stopped
    return {key: masked(value)[:MAX_TAG] for key, value in tags.items()}


def params_of(cell: CellResult) -> dict[str, str]:
    """Return the flattened configuration as MLflow parameters.

    The names of strategy, data set and model come first, as MLflow's comparison page shows them.
    """
    named = {"strategy": cell.label, "dataset": cell.dataset, "model": cell.model}
    flat = named | {k: v for k, v in flatten(cell.config).items() if k not in named}
    flat |= {f"tuned/{key}": value for key, value in tuned_values(cell).items()}
    names = mlflow_names(flat)
    return {names[key]: masked(str(value))[:MAX_PARAM] for key, value in flat.items()}


def metrics_of(cell: CellResult, row: Row) -> Iterator[tuple[str, float, int]]:
    """Yield name, value and step of every metric.

    Means, limits of their 95 % intervals, standard deviations (``std/...``), costs, and one value
    per fold (``fold/...``), whose step counts the folds of all repeats.
    """
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
    """Return a valid and unique MLflow name for each name.

    MLflow accepts letters, digits, ``_ - . : /`` and spaces, at most 250 characters, and a slash
    only in a normalized path (no ``..``, no empty part).

    Examples
    --------
    >>> mlflow_names(["recall/<b>", "recall/(b)", "f1/T-shirt/top"])
    {'recall/<b>': 'recall/_b_', 'recall/(b)': 'recall/_b__2', 'f1/T-shirt/top': 'f1/T-shirt/top'}
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
    """Split parameters and metrics into as few requests as a server accepts.

    Examples
    --------
    >>> [(len(params), len(metrics)) for params, metrics in batches(range(150), range(50))]
    [(100, 50), (50, 0)]
    """
    n_metrics = MAX_ENTITIES - MAX_PARAMS
    for i in range(max(-(-len(params) // MAX_PARAMS), -(-len(metrics) // n_metrics))):
        yield (
            params[i * MAX_PARAMS : (i + 1) * MAX_PARAMS],
            metrics[i * n_metrics : (i + 1) * n_metrics],
        )
