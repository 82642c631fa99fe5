"""Export a leaderboard for programs: CSV, data frame, Parquet and JSON lines."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbench.errors import ConfigError
from imbench.report.board import Block, Leaderboard, Row
from imbench.report.questions import question_verdicts
from imbench.report.statistics.verdict import Comparison

if TYPE_CHECKING:
    import pandas as pd

CELL_COLUMNS = ("run_id", "dataset", "model", "label", "status", "reason")
FOLD_COLUMNS = ("repeat", "fold", "n_train", "n_test", "fit_s", "predict_s", "metric", "value")
TEXT = (*CELL_COLUMNS, "metric")
INTEGERS = ("repeat", "fold", "n_train", "n_test")


def to_csv(board: Leaderboard) -> str:
    """Return one line per cell, fold and metric.

    The long format suits data sets with different classes. A cell without a finished fold has one
    line with an empty metric. Undefined values are empty.

    Examples
    --------
    >>> from imbench.report.board import Block, FoldRow
    >>> fold = FoldRow(0, 0, n_train=80, n_test=20, fit_s=0.5, predict_s=0.1, metrics={"mcc": 0.9})
    >>> row = Row(
    ...     "0f1a", "toy", "knn", label="none", title="none", stages=(), status="ok", reason="",
    ...     mean={"mcc": 0.9}, std={}, fit_s=0.5, folds=(fold,),
    ... )
    >>> block = Block("toy", "knn", "toy · knn", caption="", rows=(row,))
    >>> print(to_csv(Leaderboard(("mcc",), "mcc", {"mcc": True}, (block,))), end="")
    run_id,dataset,model,label,status,reason,repeat,fold,n_train,n_test,fit_s,predict_s,metric,value
    0f1a,toy,knn,none,ok,,0,0,80,20,0.5,0.1,mcc,0.9
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*CELL_COLUMNS, *FOLD_COLUMNS])
    for row in board.rows:
        cell = [row.run_id, row.dataset, row.model, row.title, row.status, row.reason]
        if not row.folds:
            writer.writerow([*cell, *[""] * len(FOLD_COLUMNS)])
        for fold in row.folds:
            facts = [fold.repeat, fold.fold, fold.n_train, fold.n_test, fold.fit_s, fold.predict_s]
            for name, value in fold.metrics.items():
                writer.writerow([*cell, *facts, name, "" if math.isnan(value) else repr(value)])
    return buffer.getvalue()


def to_frame(board: Leaderboard) -> pd.DataFrame:
    """Return the lines of :func:`to_csv` as a data frame, undefined values missing."""
    import pandas as pd

    types = dict.fromkeys(TEXT, "string") | dict.fromkeys(INTEGERS, "Int64")
    # Only empty cells are missing: a strategy may be called "none" or "NA".
    frame = pd.read_csv(
        io.StringIO(to_csv(board)), dtype=types, keep_default_na=False, na_values=[""]
    )
    return frame.astype({"fit_s": "float64", "predict_s": "float64", "value": "float64"})


def write_parquet(board: Leaderboard, path: Path) -> None:
    """Write :func:`to_frame` as Parquet.

    Raises
    ------
    ConfigError
        If the file cannot be written.
    """
    try:
        to_frame(board).to_parquet(path, index=False)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written ({error.strerror or error}): "
            "choose a folder that you may write to."
        ) from error


def to_json_lines(board: Leaderboard) -> Iterator[str]:
    """Yield one JSON object per cell. Undefined values are null."""
    for block in board.blocks:
        for row in block.rows:
            content = _content(row) | _verdict(block, row, board.sort)
            yield json.dumps(content, ensure_ascii=False, allow_nan=False)


def _content(row: Row) -> dict[str, Any]:
    """Return what a row is and its metrics, for JSON."""
    return {
        "run_id": row.run_id,
        "dataset": row.dataset,
        "model": row.model,
        "label": row.label,
        "title": row.title,
        "status": row.status,
        "reason": row.reason,
        "metrics": _finite(row.mean),
        "std": _finite(row.std),
        "n_folds": len(row.folds),
        "n_repeats": row.n_repeats,
        "stopped": row.stopped,
        "fit_s": None if math.isnan(row.fit_s) else row.fit_s,
        "notes": dict(row.notes),
        "among_best": row.among_best,
        "same_as": row.same_as,
        "undefined": dict(row.undefined),
        "intervals": {name: _finite(asdict(i)) for name, i in row.intervals.items()},
        "recall": {name: _finite(asdict(r)) for name, r in row.recalls.items()},
        "counts": None if row.counts is None else asdict(row.counts),
    }


def _verdict(block: Block, row: Row, metric: str) -> dict[str, Any]:
    """Return the comparisons of a row, for JSON; null where there are none."""
    told = row.comparison
    verdict: str | None = None if told is None else told.verdict
    if told is None and block.baseline and row.title == block.baseline:
        verdict = "baseline"
    return {
        "metric": metric,
        "baseline": block.baseline or None,
        **_told(told),
        "verdict": verdict,
        "note": "" if told is None else told.note,
        "questions": question_verdicts(row.profile),
        "profile": {name: _told(c) for name, c in row.profile.items()},
        "trivial": block.trivial or None,
        "beyond_trivial": None if row.trivial is None else _told(row.trivial),
    }


def _told(told: Comparison | None) -> dict[str, Any]:
    """Return a comparison for JSON, with null where a number is undefined."""
    if told is None:
        empty = ("verdict", "gain", "interval", "p_adjusted", "p_better")
        return dict.fromkeys(empty)
    numbers = {"gain": told.gain, "p_adjusted": told.p_adjusted, "p_better": told.p_better}
    has_interval = math.isfinite(told.low) and math.isfinite(told.high)
    return {
        "verdict": told.verdict,
        "interval": [told.low, told.high] if has_interval else None,
        **_finite(numbers),
    }


def _finite(values: Mapping[str, float]) -> dict[str, Any]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
