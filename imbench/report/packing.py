"""Pack the numbers of a block as float32 in base64, for the page.

This takes a third of the size of JSON and needs no parsing. ``assets/data.js`` unpacks the arrays
and has to know the order of their axes.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from imbench.report.board import Block
from imbench.report.statistics.verdict import VERDICTS, Comparison

# Last axis of the array "stats". A verdict is its place in VERDICTS.
STATS = ("mean", "std", "gain", "low", "high", "p_adjusted", "p_better", "verdict", "best")


def packed_stats(block: Block, by_metric: Mapping[str, Block]) -> str:
    """Pack means, gains and verdicts.

    Parameters
    ----------
    block : Block
    by_metric : mapping of str to Block
        The same block, judged by each metric.

    Returns
    -------
    str
        Array of shape (n_rows, n_metrics, len(STATS)), NaN where undefined.
    """
    values = np.full((len(block.rows), len(by_metric), len(STATS)), np.nan, dtype=np.float32)
    for j, (metric, told) in enumerate(by_metric.items()):
        for i, row in enumerate(told.rows):
            values[i, j, 0] = row.mean.get(metric, math.nan)
            values[i, j, 1] = row.std.get(metric, math.nan)
            if row.comparison is not None:
                values[i, j, 2:8] = _compared(row.comparison)
            if row.status == "ok":
                values[i, j, 8] = row.among_best
    return _packed(values)


def packed_fold_values(
    block: Block, places: Sequence[tuple[int, int]], metrics: Sequence[str]
) -> str:
    """Pack the metrics of all folds.

    Parameters
    ----------
    block : Block
    places : sequence of (repeat, fold)
    metrics : sequence of str

    Returns
    -------
    str
        Array of shape (n_rows, n_folds, n_metrics), NaN where a fold is missing.
    """
    values = np.full((len(block.rows), len(places), len(metrics)), np.nan, dtype=np.float32)
    column = {place: j for j, place in enumerate(places)}
    for i, row in enumerate(block.rows):
        for fold in row.folds:
            found = [fold.metrics.get(m, math.nan) for m in metrics]
            values[i, column[fold.repeat, fold.fold]] = found
    return _packed(values)


def mean_counts(counts: Sequence[Sequence[float]], shown: NDArray[np.int64]) -> list[float]:
    """Return the mean number of rows per class over the folds that have counts.

    Parameters
    ----------
    counts : sequence of sequence of float
        Rows per class of each fold, empty if unknown.
    shown : ndarray of int64
        Classes with an entry of their own. The last entry is the sum of all others.

    Examples
    --------
    >>> mean_counts([(90, 8, 2), (90, 6, 4)], np.array([1, 2]))
    [7.0, 3.0, 90.0]
    """
    said = [c for c in counts if c]
    if not said:
        return []
    mean = np.mean(np.asarray(said, dtype=np.float64), axis=0)
    parts = list(mean[shown])
    if len(shown) < len(mean):
        parts.append(mean.sum() - mean[shown].sum())
    return [short(float(value)) or 0.0 for value in parts]


def short(value: float) -> float | None:
    """Round to four significant digits. Undefined values become None.

    Examples
    --------
    >>> short(0.123456), short(math.nan)
    (0.1235, None)
    """
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _compared(told: Comparison) -> list[float]:
    place = VERDICTS.index(told.verdict)
    return [told.gain, told.low, told.high, told.p_adjusted, told.p_better, place]


def _packed(values: NDArray[np.float32]) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")
