"""Collect a metric of all strategies of a table: its values by fold, its contributions by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imbench.report.statistics.contributions import contributions
from imbench.report.statistics.joint import Evidence, TestPart
from imbench.results.fold import FoldResult
from imbench.results.metric_options import MetricOptions


def collect(
    finished: Sequence[Sequence[FoldResult]],
    values: Sequence[Sequence[float]],
    metric: str,
    options: MetricOptions,
) -> Evidence:
    """Collect the evidence of strategies that were tested on the same folds.

    Parameters
    ----------
    finished : sequence of sequence of FoldResult
        Folds of each strategy.
    values : sequence of sequence of float
        The metric of each fold. NaN, or infinity, where it is undefined.
    metric : str
    options : MetricOptions

    Notes
    -----
    Folds of the same position but other test rows are other folds, so that no difference is ever
    taken between them. Where rows have groups, the contributions of a group are added: the
    jackknife without a group at a time.
    """
    sign = 1.0 if options.higher_is_better(metric) else -1.0
    groups: dict[tuple[int, int, bytes], list[tuple[int, FoldResult, float]]] = {}
    for i, (folds, found) in enumerate(zip(finished, values, strict=True)):
        for fold, value in zip(folds, found, strict=True):
            if np.isfinite(value):
                place = (fold.repeat, fold.fold, fold.test_index.tobytes())
                groups.setdefault(place, []).append((i, fold, value))
    units = _Units()
    parts = []
    for place in sorted(groups):
        members = groups[place]
        fold = members[0][1]
        number, unit_of_row = np.unique(units.of(fold), return_inverse=True)
        scale = sign * _few_groups(fold.y_true, unit_of_row)
        part = TestPart(
            fold.repeat,
            number,
            np.full(len(finished), np.nan),
            np.zeros((len(finished), len(number))),
        )
        for i, own, value in members:
            part.values[i] = sign * value
            by_row = scale * contributions(own, metric, options)
            part.contributions[i] = np.bincount(unit_of_row, by_row, minlength=len(number))
        parts.append(part)
    once = metric not in options.extra
    unit = "group" if units.are_groups else "row"
    return Evidence(tuple(parts), len(finished), len(units), units.n_rarest, once, sign, unit)


def _few_groups(y: NDArray[np.int64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a factor for each row: n/(n-1) is about the groups of a class, not about its rows."""
    if len(np.unique(group)) == len(y):
        return np.ones(len(y))
    scale = np.ones(len(y))
    for label in np.unique(y):
        rows = y == label
        n, n_groups = np.count_nonzero(rows), len(np.unique(group[rows]))
        if n_groups > 1:
            scale[rows] = np.sqrt(n_groups / (n_groups - 1) * (n - 1) / n)
    return scale


class _Units:
    """Numbers the rows, or the groups of rows, that folds test."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._classes: dict[int, set[int]] = {}
        self.are_groups = False

    def __len__(self) -> int:
        return len(self._numbers)

    def of(self, fold: FoldResult) -> NDArray[np.int64]:
        """Return the unit of each test row of a fold."""
        self.are_groups |= len(fold.test_group) > 0
        ids = fold.test_group if len(fold.test_group) else fold.test_index
        known = self._numbers
        units = np.array([known.setdefault(i, len(known)) for i in ids.tolist()], dtype=np.int64)
        for label in np.unique(fold.y_true):
            self._classes.setdefault(int(label), set()).update(units[fold.y_true == label].tolist())
        return units

    @property
    def n_rarest(self) -> int:
        """Units of the class that has the fewest."""
        return min(map(len, self._classes.values()), default=0)
