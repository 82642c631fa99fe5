"""Compare the rows of a block with the baseline and with the best row."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imbench.report.board import BASELINE, Row
from imbench.report.statistics import Comparison, among_best, compare
from imbench.results.fold import CellResult, FoldResult
from imbench.results.metric_options import MetricOptions


def judge(
    rows: Sequence[Row], cells: Sequence[CellResult], options: MetricOptions
) -> tuple[Row, ...]:
    """Return the rows with their gains, verdicts and marks of the best in ``options.sort``.

    Called for each block of a table, and by the page for all other metrics.

    Parameters
    ----------
    rows : sequence of Row
    cells : sequence of CellResult
        In the order of the rows.
    options : MetricOptions
    """
    sign = 1 if options.higher_is_better(options.sort) else -1
    done = [i for i, row in enumerate(rows) if row.status == "ok"]
    finished = {i: cells[i].finished for i in done}
    values = sign * _fold_values([finished[i] for i in done], [rows[i] for i in done], options.sort)
    baseline = next((i for i in done if cells[i].label == BASELINE), None)
    ratio = _test_train_ratio(finished[done[0] if baseline is None else baseline] if done else [])
    comparisons: dict[int, Comparison] = {}
    if baseline is not None:
        gains = values - values[done.index(baseline)]
        first = [row.same_as or row.title for row in rows]
        told = compare(
            {str(i): g[~np.isnan(g)].tolist() for i, g in zip(done, gains, strict=True)
             if i != baseline},
            ratio, options.rope, same={str(i) for i in done if first[i] == first[baseline]},
        )  # fmt: skip
        comparisons = {int(i): comparison for i, comparison in told.items()}
    means = [sign * rows[i].mean.get(options.sort, math.nan) for i in done]
    defined = [k for k, mean in enumerate(means) if not math.isnan(mean)]
    best: set[int] = set()
    if defined:
        top = max(range(len(defined)), key=lambda k: means[defined[k]])
        near = among_best(values[defined], top, ratio)
        best = {done[k] for k, is_near in zip(defined, near, strict=True) if is_near}
    return tuple(
        replace(row, comparison=comparisons.get(i), among_best=i in best)
        for i, row in enumerate(rows)
    )


def same_predictions(finished: Mapping[int, Sequence[FoldResult]]) -> dict[int, int]:
    """Map each row with the predictions of an earlier row to that row.

    Parameters
    ----------
    finished : mapping of int to sequence of FoldResult
        Finished folds by row.
    """
    first: dict[bytes, int] = {}
    same = {}
    for i, folds in finished.items():
        digest = hashlib.blake2b()
        for f in folds:
            digest.update(repr((f.repeat, f.fold, f.y_score.shape)).encode())
            for array in (f.test_index, f.y_pred, f.y_score):
                digest.update(np.ascontiguousarray(array).tobytes())
        earlier = first.setdefault(digest.digest(), i)
        if earlier != i:
            same[i] = earlier
    return same


def _fold_values(
    folds: Sequence[Sequence[FoldResult]], rows: Sequence[Row], metric: str
) -> NDArray[np.float64]:
    """Return a metric with shape (strategies, folds), NaN for missing folds.

    Folds with the same position but other test rows get columns of their own, so that gains are
    never computed between them.
    """
    columns: dict[tuple[int, int, bytes], int] = {}
    found = [
        [
            (columns.setdefault((f.repeat, f.fold, f.test_index.tobytes()), len(columns)), value)
            for f, value in zip(of_row, _values(row, metric), strict=True)
        ]
        for of_row, row in zip(folds, rows, strict=True)
    ]
    values = np.full((len(rows), len(columns)), np.nan)
    for i, pairs in enumerate(found):
        for column, value in pairs:
            values[i, column] = value
    return values


def _values(row: Row, metric: str) -> list[float]:
    """Return a metric by fold. ``recall/x`` is NaN on data sets without a class x."""
    return [fold.metrics.get(metric, math.nan) for fold in row.folds]


def _test_train_ratio(folds: Sequence[FoldResult]) -> float:
    return sum(len(f.y_true) for f in folds) / max(sum(f.n_train for f in folds), 1)
