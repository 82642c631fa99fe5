"""Numeric columns without any value in the rows that are fitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

NAMED = 3  # columns that a note names


class EmptyColumns(TransformerMixin, BaseEstimator):
    """Set numeric columns without any value in the fitted rows to 0, for models that take NaN.

    Constructed by :func:`imbench.models.preprocessing.encode_steps`. It stands behind the
    resamplers: a column with a few values may lose them there. scikit-learn's histogram gradient
    boosting has no bins for such a column and fails.

    Parameters
    ----------
    n_numeric : int
        The numeric columns are the first ones.
    names : sequence of str, default=()
        Names of these columns; a column without one is named by its number.

    Attributes
    ----------
    empty_ : ndarray of int of shape (n_empty,)
    notes_ : tuple of str
        One sentence that names the columns, or none.

    Examples
    --------
    >>> step = EmptyColumns(2, ["age", "income"])
    >>> step.fit_transform(np.array([[1.0, np.nan], [np.nan, np.nan]])).tolist()
    [[1.0, 0.0], [nan, 0.0]]
    >>> step.transform(np.array([[np.nan, 3.0]])).tolist()
    [[nan, 0.0]]
    >>> step.notes_
    ("column 'income' has no value in the rows that were fitted: it is 0 in all rows.",)
    """

    def __init__(self, n_numeric: int, names: Sequence[str] = ()) -> None:
        self.n_numeric = n_numeric
        self.names = names

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Find the columns without a value in rows of shape (n, d)."""
        numeric = np.asarray(X)[:, : self.n_numeric]
        # The extreme leaves NaN out, and takes no table of booleans.
        self.empty_ = np.flatnonzero(np.isnan(np.fmin.reduce(numeric, axis=0)))
        self.notes_ = empty_notes(self.empty_, self.names)
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Return rows (n, d) with 0 in the columns found; the rows themselves if there are none."""
        check_is_fitted(self)
        rows = np.asarray(X)
        if len(self.empty_):
            rows = rows.copy()
            rows[:, self.empty_] = 0
        return rows


def empty_notes(columns: Iterable[int], names: Sequence[str]) -> tuple[str, ...]:
    """Return the sentence about columns that have no value, nothing if there are none.

    Examples
    --------
    >>> empty_notes([4], ())
    ('column 4 has no value in the rows that were fitted: it is 0 in all rows.',)
    >>> empty_notes([0, 1, 2, 3], "abcd")[0][:40]
    "columns 'a', 'b', 'c' and 1 more have no"
    """
    found = [repr(names[i]) if len(names) else str(i) for i in columns]
    if not found:
        return ()
    if len(found) == 1:
        return (
            f"column {found[0]} has no value in the rows that were fitted: it is 0 in all rows.",
        )
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    words = f"{', '.join(found[:NAMED])}{more}"
    return (f"columns {words} have no value in the rows that were fitted: they are 0 in all rows.",)
