"""Impute and scale a table with little more memory than what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

BLOCK_BYTES = 2**22  # of rows or columns that are worked on at once
NO_CATEGORY = -1.0  # a missing category is a category of its own


class Cleaner(TransformerMixin, BaseEstimator):
    """Numeric columns first, imputed and scaled, then the codes of categorical ones.

    Constructed by :func:`imbench.models.preprocessing.clean_steps`.

    Parameters
    ----------
    numeric, categorical : sequence of int
        Columns, in the order in which they come out.
    impute : bool, default=True
        Replace missing numbers by the column's median; by 0 where a column has no number.
    scale : bool, default=True
        Standardise numeric columns; missing numbers that stay are left out of mean and variance.

    Attributes
    ----------
    medians_, means_, scales_ : ndarray of shape (n_numeric,)
        Those that are used.

    Notes
    -----
    The same bits as scikit-learn's ``ColumnTransformer`` of ``SimpleImputer`` and
    ``StandardScaler``, whose pipeline holds five copies of the rows at its peak, masks not
    counted, and takes most of its time in masked arrays.
    """

    def __init__(
        self,
        numeric: Sequence[int],
        categorical: Sequence[int] = (),
        impute: bool = True,
        scale: bool = True,
    ) -> None:
        self.numeric = numeric
        self.categorical = categorical
        self.impute = impute
        self.scale = scale

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn medians, means and scales from rows of shape (n, d)."""
        self._learn(self._checked(X, is_new=True))
        return self

    def fit_transform(self, X: ArrayLike, y: object = None, **params: object) -> NDArray[Any]:
        """Do as `fit` and `transform` on the same rows, and return them row by row in memory.

        That is how samplers and models want them: they would make another copy.
        """
        rows = self._checked(X, is_new=True)
        self._learn(rows)
        return self._cleaned(rows, "C")

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Return cleaned rows of shape (n, n_numeric + n_categorical), column by column in memory.

        That is the order in which scikit-learn's transformers leave them, and the last bits of
        a linear model's products depend on it.
        """
        check_is_fitted(self)
        return self._cleaned(self._checked(X, is_new=False), "F")

    def _checked(self, X: ArrayLike, is_new: bool) -> NDArray[Any]:
        return validate_data(
            self, X, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan", reset=is_new
        )

    def _learn(self, X: NDArray[Any]) -> None:
        medians, means, scales = [np.empty(len(self.numeric)) for _ in range(3)]
        for place in _blocks(len(self.numeric), X.itemsize * len(X)):
            columns = np.asfortranarray(X[:, self.numeric[place]])
            if self.impute:
                medians[place] = _medians(columns)
                _fill(columns, medians[place])
            if self.scale:
                means[place], scales[place] = _means_and_scales(columns)
        self.medians_, self.means_, self.scales_ = medians, means, scales

    def _cleaned(self, X: NDArray[Any], order: Literal["C", "F"]) -> NDArray[Any]:
        n_numeric = len(self.numeric)
        cleaned = np.empty((len(X), n_numeric + len(self.categorical)), X.dtype, order)
        for place in _blocks(len(X), X.itemsize * X.shape[1]):
            rows = X[place]
            numbers, codes = rows[:, self.numeric], rows[:, self.categorical]
            if self.impute:
                _fill(numbers, self.medians_)
            if self.scale:
                numbers -= self.means_
                numbers /= self.scales_
            _fill(codes, NO_CATEGORY)
            cleaned[place, :n_numeric], cleaned[place, n_numeric:] = numbers, codes
        return cleaned


def _blocks(n: int, n_bytes: int) -> Iterator[slice]:
    """Cut n things of so many bytes into blocks."""
    size = max(1, BLOCK_BYTES // max(n_bytes, 1))
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def _medians(columns: NDArray[Any]) -> NDArray[Any] | list[float]:
    """Return the median of each column (n, d), of the values that are known."""
    missing = np.isnan(columns)
    if missing.any():
        return [_median(column[~gap]) for column, gap in zip(columns.T, missing.T, strict=True)]
    # As `numpy.median`, which asks for two places at once: NumPy has a fast search for one.
    middle, is_odd = divmod(len(columns), 2)
    parts = np.partition(columns, middle, axis=0)
    upper: NDArray[Any] = parts[middle]
    return upper if is_odd else (parts[:middle].max(axis=0) + upper) / 2


def _median(known: NDArray[Any]) -> float:
    return float(np.median(known)) if len(known) else 0.0


def _means_and_scales(columns: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return what ``StandardScaler`` divides columns (n, d) by, and subtracts before.

    Written out where nothing is missing, with the same bits: a small table takes longer to be
    checked than to be scaled. A scale is the square root of the mean squared deviation, whose
    rounding is corrected by the sum of the deviations; of a constant column 1.

    References
    ----------
    Chan, Golub & LeVeque 1983, DOI 10.2307/2683386, equation 1.7.
    """
    if np.isnan(columns).any():
        scaler = StandardScaler().fit(columns)
        return scaler.mean_, scaler.scale_
    n = len(columns)
    means = columns.sum(axis=0, dtype=np.float64) / n
    deviations = columns - means
    rounding = deviations.sum(axis=0)
    deviations *= deviations
    variances = (deviations.sum(axis=0) - rounding**2 / n) / n
    precision = np.finfo(np.float64).eps
    is_constant = variances <= n * precision * variances + (n * means * precision) ** 2
    return means, np.where(is_constant, 1.0, np.sqrt(variances))


def _fill(rows: NDArray[Any], values: NDArray[np.float64] | float) -> None:
    """Replace what is missing, in place."""
    np.copyto(rows, values, where=np.isnan(rows), casting="same_kind")
