"""Impute and scale a table with little more memory than the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from imbench.models.empty_columns import empty_notes

BLOCK_BYTES = 2**22  # of rows or columns that are processed at once
NO_CATEGORY = -1.0  # a missing category is a category of its own
EPSILON = np.finfo(np.float64).eps


class Cleaner(TransformerMixin, BaseEstimator):
    """Impute and scale numeric columns, and put the codes of categorical columns behind them.

    Constructed by :func:`imbench.models.preprocessing.clean_steps`.

    Parameters
    ----------
    numeric, categorical : sequence of int
        Columns, in the order of the output.
    impute : bool, default=True
        Replace missing numbers by the column's median. A column without any number becomes 0 in
        all rows, also in those that have a number there: nothing could be learnt from it.
    scale : bool, default=True
        Standardise numeric columns. Missing numbers that remain are left out of mean and variance.
    names : sequence of str, default=()
        Name of each column of the input, for the notes.

    Attributes
    ----------
    medians_, means_, scales_ : ndarray of shape (n_numeric,)
        Zero or one where they are not used.
    empty_ : ndarray of int
        Positions in ``numeric`` of columns that became 0 because they have no number.
    notes_ : tuple of str
        One sentence about these columns, or none.

    Notes
    -----
    Equal to scikit-learn's ``ColumnTransformer`` of ``SimpleImputer`` and ``StandardScaler`` up to
    rounding, columns without a number apart. That pipeline holds five copies of the rows at its
    peak, and took 0.62 s of processor time for 200,000 x 30 where this class took 0.22 s.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 1.0], [2.0, np.nan], [np.nan, 0.0]])
    >>> Cleaner(numeric=[0], categorical=[1]).fit_transform(X).round(2).tolist()
    [[-1.22, 1.0], [1.22, -1.0], [0.0, 0.0]]
    """

    def __init__(
        self,
        numeric: Sequence[int],
        categorical: Sequence[int] = (),
        impute: bool = True,
        scale: bool = True,
        names: Sequence[str] = (),
    ) -> None:
        self.numeric = numeric
        self.categorical = categorical
        self.impute = impute
        self.scale = scale
        self.names = names

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn medians, means and scales from rows of shape (n, d)."""
        rows = self._validated(X, reset=True)
        n_numeric = len(self.numeric)
        self.medians_, self.means_ = np.zeros(n_numeric), np.zeros(n_numeric)
        self.scales_ = np.ones(n_numeric)
        is_empty = np.zeros(n_numeric, bool)
        for part in _blocks(n_numeric, 8 * len(rows)):
            columns = np.array(rows[:, self.numeric[part]], np.float64, order="F")
            if self.impute:
                is_empty[part] = np.isnan(np.fmin.reduce(columns, axis=0))
                self.medians_[part] = [_median(column) for column in columns.T]
                _fill(columns, self.medians_[part])
            if self.scale:
                self.means_[part], self.scales_[part] = _means_and_scales(columns)
        self.empty_ = np.flatnonzero(is_empty)
        self.notes_ = empty_notes([self.numeric[int(i)] for i in self.empty_], self.names)
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Return cleaned rows of shape (n, n_numeric + n_categorical)."""
        check_is_fitted(self)
        rows = self._validated(X, reset=False)
        n_numeric = len(self.numeric)
        cleaned = np.empty((len(rows), n_numeric + len(self.categorical)), rows.dtype)
        for part in _blocks(len(rows), rows.itemsize * rows.shape[1]):
            numbers, codes = rows[part][:, self.numeric], rows[part][:, self.categorical]
            if self.impute:
                _fill(numbers, self.medians_)
                numbers[:, self.empty_] = 0
            if self.scale:
                numbers -= self.means_
                numbers /= self.scales_
            _fill(codes, NO_CATEGORY)
            cleaned[part, :n_numeric], cleaned[part, n_numeric:] = numbers, codes
        return cleaned

    def _validated(self, X: ArrayLike, reset: bool) -> NDArray[Any]:
        dtypes = [np.float64, np.float32]
        return validate_data(self, X, dtype=dtypes, ensure_all_finite="allow-nan", reset=reset)


def _blocks(n: int, n_bytes: int) -> Iterator[slice]:
    """Cut n rows or columns of ``n_bytes`` each into blocks."""
    size = max(1, BLOCK_BYTES // max(n_bytes, 1))
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def _median(column: NDArray[np.float64]) -> float:
    """Return the median of the numbers that are not missing, 0 if all are."""
    known = column[~np.isnan(column)]
    return float(np.median(known)) if len(known) else 0.0


def _means_and_scales(columns: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return mean and standard deviation of columns (n, d); 1 for a constant column.

    A column is constant if its variance is within the rounding error of its mean, as in
    scikit-learn's ``StandardScaler``. One without a number has the mean 0.
    """
    n = (~np.isnan(columns)).sum(axis=0).clip(1)
    means = np.nansum(columns, axis=0) / n
    variances = np.nansum((columns - means) ** 2, axis=0) / n
    is_constant = variances <= n * EPSILON * variances + (n * means * EPSILON) ** 2
    return means, np.where(is_constant, 1.0, np.sqrt(variances))


def _fill(rows: NDArray[Any], values: NDArray[np.float64] | float) -> None:
    """Replace what is missing, in place."""
    np.copyto(rows, values, where=np.isnan(rows), casting="same_kind")
