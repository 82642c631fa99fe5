"""Columns that look like an identifier, or that determine the class."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imbench.data.column_view import N_TRIED, ColumnView

MIN_ROWS = 20  # with fewer rows nothing can be told from chance
CHANCE = math.log(1e-6)
EXPECTED_PAIRS = 14.0  # of equal integers, where there is none: chance is exp(-14), about 1e-6


def identifier_reason(column: ColumnView) -> str:
    """Say why a column looks like an identifier, or return nothing.

    Integers do so if no two rows share one although they are dense, or sorted, or named as
    identifiers are: n integers that are drawn from R have n^2 / (2 R) equal pairs. Categories do
    so if there are more than half as many as rows.

    Examples
    --------
    >>> rows = np.arange(100)
    >>> print(identifier_reason(ColumnView("row", rows + 1.0, False, rows)))
    counts the rows
    >>> identifier_reason(ColumnView("age", rows % 7.0, False, rows))
    ''
    """
    if column.is_category:
        if column.n_present < MIN_ROWS or column.n_levels * 2 <= column.n_present:
            return ""
        return f"has {column.n_levels} categories in {column.n_present} rows"
    if not column.is_integer or column.n_present < MIN_ROWS:
        return ""
    if not column.is_new.all():
        return ""
    n = column.n_present
    span = float(column.values[column.order[-1]] - column.values[column.order[0]]) + 1
    if column.direction:
        return "counts the rows" if span == n else "has another integer in each row, in their order"
    if n * n / (2 * span) > EXPECTED_PAIRS or column.is_named_as_identifier:
        return "has another integer in each row"
    return ""


def determines_class(column: ColumnView, y: NDArray[np.int64], n_tests: int) -> bool:
    """Return whether a column alone tells the class of every row.

    Every value has one class, or the rows in the order of values have at most 2 K changes of
    class; and neither could be expected from `n_tests` columns by chance. A missing value counts
    as a value.

    Examples
    --------
    >>> rows, x = np.arange(100), np.linspace(0, 1, 100)
    >>> determines_class(ColumnView("x", x, False, rows), (x > 0.8).astype(np.int64), 3)
    True
    >>> determines_class(ColumnView("x", x, False, rows), rows % 2, 3)
    False
    """
    if len(y) < MIN_ROWS:
        return False
    tried = column.shuffled[:N_TRIED]  # most columns are ruled out by few rows
    levels = _Levels(column.values[tried], y[tried])
    is_free = len(levels.sizes) == len(tried) and not (column.is_category or column.is_integer)
    if levels.is_mixed or (is_free and not levels.are_runs):
        return False
    levels = _Levels(column.values, y)
    if levels.is_mixed or not (levels.are_runs or levels.repeat):
        return False
    return levels.log_chance + math.log(n_tests) < CHANCE


class _Levels:
    """The values of a column, and the classes of their rows.

    Attributes
    ----------
    is_mixed : bool
        Whether two classes share a value.
    are_runs : bool
        Whether the class changes at most 2 K times in the order of values.
    repeat : bool
        Whether a value has two rows at least on average.
    sizes : ndarray of int64 of shape (n_levels,)
        Rows of each value.
    """

    def __init__(self, values: NDArray[np.float64], y: NDArray[np.int64]) -> None:
        order = np.argsort(values, kind="stable")  # NaN comes last
        ordered, labels = values[order], y[order]
        new = np.ones(len(y), bool)
        new[1:] = (ordered[1:] != ordered[:-1]) & ~(np.isnan(ordered[1:]) & np.isnan(ordered[:-1]))
        changes = labels[1:] != labels[:-1]
        counts = np.bincount(y)
        self._counts = counts[counts > 0]
        self._n_runs = int(changes.sum()) + 1
        self.is_mixed = bool((changes & ~new[1:]).any())
        self.are_runs = self._n_runs <= 2 * len(self._counts)
        self.sizes = np.diff(np.append(np.flatnonzero(new), len(y)))
        self.repeat = len(self.sizes) * 2 <= len(y)

    @property
    def log_chance(self) -> float:
        """Logarithm of the probability that values tell the classes by chance."""
        found = _log_of_levels(self.sizes, self._counts / self._counts.sum())
        return min(found, log_of_runs(self._n_runs, self._counts)) if self.are_runs else found


def _log_of_levels(sizes: NDArray[np.int64], shares: NDArray[np.float64]) -> float:
    """Return log P(every level has one class) for levels of these sizes and shares of classes."""
    sizes, times = np.unique(sizes, return_counts=True)
    alike = (shares[None, :] ** sizes[:, None]).sum(axis=1)
    return float((times * np.log(np.maximum(alike, 1e-300))).sum())


def log_of_runs(n_runs: int, counts: NDArray[np.int64]) -> float:
    """Return a bound on log P(labels in random order have `n_runs` runs)."""
    n, n_classes = int(counts.sum()), len(counts)
    orders = math.lgamma(n + 1) - sum(math.lgamma(c + 1) for c in counts)
    places = math.lgamma(n) - math.lgamma(n_runs) - math.lgamma(n - n_runs + 1)
    return min(0.0, n_runs * math.log(n_classes) + places - orders)
