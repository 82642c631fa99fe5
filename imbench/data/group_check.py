"""Columns whose values repeat by group: rows of one patient, customer or machine are alike.

A group is told from a feature by the other columns. They are compared between rows with the same
value, rows with neighbouring values, and rows drawn at random. A feature such as an age changes
other columns little from one value to the next; the next patient is another person.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imbench.data.column_view import N_TRIED, ColumnView

MIN_LEVELS = 20
MIN_ROWS_A_LEVEL = 1.05
ALIKE = 0.7  # difference of rows with one value, as a share of that of other rows
STRANGE = 0.7  # difference of rows with neighbouring values, as a share of that of random rows
NAMED_SHARE = 0.05  # levels a row, above which the name alone is enough
N_PAIRS = 1000
N_COMPARED = 40  # columns that are compared
FEW = 10  # different numbers, up to which numbers are compared as categories

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


class Companions:
    """The columns by which rows are compared, evenly chosen from those of a table.

    Parameters
    ----------
    columns : sequence of ColumnView
    """

    def __init__(self, columns: Sequence[ColumnView]) -> None:
        self.columns = columns[:: max(1, -(-len(columns) // N_COMPARED))]

    @cached_property
    def _places(self) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
        """Ranks or codes of all rows, shape (n, n_columns), and which columns have codes."""
        coded = [_places(column) for column in self.columns]
        return np.column_stack([c for c, _ in coded]), np.array([is_code for _, is_code in coded])

    def differences(self, pairs: Pairs, left_out: ColumnView) -> NDArray[np.float64]:
        """Return the mean difference of pairs of rows in each column but one."""
        places, is_code = self._places
        a, b = (places[rows].astype(np.int32) for rows in pairs)
        found = np.where(is_code, (a != b).mean(axis=0), np.abs(a - b).mean(axis=0))
        return found[[column is not left_out for column in self.columns]]


def _places(column: ColumnView) -> tuple[NDArray[np.uint16], bool]:
    """Return the ranks of all rows among some, or codes; and whether they are codes.

    Ranks are doubled, to be integers; missing values come first.
    """
    known = column.values[column.shuffled[:N_TRIED]]
    distinct, counts = np.unique(known[~np.isnan(known)], return_counts=True)
    values = np.where(np.isnan(column.values), -np.inf, column.values)
    if column.is_category:
        return (np.maximum(values, -1) + 1).astype(np.int64).astype(np.uint16), True
    if len(distinct) <= FEW:
        return np.unique(values, return_inverse=True)[1].astype(np.uint16), True
    ranks = np.append(2 * counts.cumsum() - counts, 2 * counts.sum()).astype(np.uint16)
    return ranks[distinct.searchsorted(values)], False


def repeats_by_group(column: ColumnView, companions: Companions, seed: int = 0) -> bool:
    """Return whether values of a column repeat, and rows that share one are alike.

    Parameters
    ----------
    column : ColumnView
        Integers or categories; other numbers are no groups.
    companions : Companions
        Columns of the table; `column` itself is not compared.

    Notes
    -----
    For each other column d is the mean difference of two rows: of ranks for numbers, or whether
    they differ for categories. The median over the other columns of ``d(same) / d(next)`` and of
    ``d(same) / d(random)`` must be at most `ALIKE`, and that of ``d(next) / d(random)`` near 1,
    between `STRANGE` and its inverse, where rows share a value, have neighbouring values, or are
    drawn at random.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> patient, rows = np.repeat(np.arange(30.0), 4), np.arange(120)
    >>> blood = rng.normal(size=30)[patient.astype(int)] + rng.normal(0, 0.1, 120)
    >>> views = [ColumnView(n, x, False, rows) for n, x in (("a", patient), ("b", blood))]
    >>> [repeats_by_group(view, Companions(views)) for view in views]
    [True, False]
    """
    if not (column.is_category or column.is_integer):
        return False
    if column.n_levels < MIN_LEVELS or column.n_present < MIN_ROWS_A_LEVEL * column.n_levels:
        return False
    if column.is_named_as_identifier and column.n_levels >= NAMED_SHARE * column.n_present:
        return True
    rng = np.random.default_rng(seed)
    first, second = column.order[:-1], column.order[1:]
    new = column.is_new[1:]
    same = _drawn(first[~new], second[~new], rng)
    following = _drawn(first[new], second[new], rng)
    if not len(same[0]) or not len(following[0]):
        return False
    drawn = rng.integers(0, column.n_present, (2, N_PAIRS))
    anyhow = (column.order[drawn[0]], column.order[drawn[1]])
    alike, after, random = (
        companions.differences(pairs, column) for pairs in (same, following, anyhow)
    )
    varies = (after > 0) & (random > 0)
    if not varies.any():
        return False
    alike, after, random = alike[varies], after[varies], random[varies]
    shares = (alike / after, alike / random, after / random)
    of_next, of_random, next_of_random = np.median(shares, axis=1)
    return bool(max(of_next, of_random) <= ALIKE and STRANGE <= next_of_random <= 1 / STRANGE)


def _drawn(first: NDArray[np.int64], second: NDArray[np.int64], rng: np.random.Generator) -> Pairs:
    """Draw up to `N_PAIRS` pairs of rows."""
    if len(first) > N_PAIRS:
        drawn = rng.integers(0, len(first), N_PAIRS)
        return first[drawn], second[drawn]
    return first, second
