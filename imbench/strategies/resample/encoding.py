"""Encode rows as inputs of a generative network, and decode its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri


class RowCodec(Protocol):
    """Encoding of rows, shape (n, d), as inputs and outputs of a network, shape (n, width).

    An encoded row holds ``n_numbers`` numbers, followed by a one-hot block for each categorical
    column. If ``bounded``, the numbers lie in [0, 1] and there are no categories.
    """

    bounded: bool

    @property
    def n_numbers(self) -> int:
        """Numbers in an encoded row."""
        ...

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of categories of each categorical column."""
        ...

    def encode(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Return the encoded rows, shape (n, n_numbers + sum(sizes))."""
        ...

    def decode(self, encoded: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return rows of shape (n, d); of several categories the one with the largest value."""
        ...


@dataclass(frozen=True, eq=False)
class NumberScale:
    """Monotonic scaling of a numeric column by the sum of standardized value and normal score.

    Standardized values alone let a few large values dominate a skewed column. Normal scores (normal
    quantiles of the mid-ranks) alone close the gap between two clusters, in which rows are then
    generated. The sum keeps both properties. Decoded values never leave the range of the training
    values.

    Parameters
    ----------
    values : ndarray of shape (u,)
        Distinct values, ascending.
    scores : ndarray of shape (u,)
        Their scores, with mean 0 and variance 1 over the rows; 0 for a single value.
    repeats : bool
        Whether a value occurs at least twice on average, as with counts and grades. Decoded values
        are then rounded to training values.

    Examples
    --------
    >>> scale = NumberScale.fit(np.array([1.0, 2.0, 100.0]))
    >>> scale.encode(np.array([1.0, 2.0, 100.0])).round(1)
    array([-1. , -0.4,  1.4])
    >>> scale.decode(np.array([-9.0, 9.0]))
    array([  1., 100.])
    """

    values: NDArray[np.float64]
    scores: NDArray[np.float64]
    repeats: bool

    @classmethod
    def fit(cls, column: NDArray[Any]) -> NumberScale:
        """Compute the scores of a column of shape (n,)."""
        values, counts = np.unique(column.astype(np.float64), return_counts=True)
        ranks = ndtri((counts.cumsum() - counts / 2) / len(column))
        scores = _standardised(_standardised(values, counts) + _standardised(ranks, counts), counts)
        return cls(values, scores, 2 * len(values) <= len(column))

    def encode(self, column: NDArray[Any]) -> NDArray[np.float64]:
        """Return the scores of values, shape (n,), by linear interpolation."""
        return np.interp(column, self.values, self.scores)

    def decode(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Return the values that have the scores, shape (n,)."""
        column = np.interp(scores, self.scores, self.values)
        if not self.repeats:
            return column
        middles = (self.values[1:] + self.values[:-1]) / 2
        return self.values[np.searchsorted(middles, column)]


def _standardised(values: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Standardize values, shape (u,), to mean 0 and variance 1, weighted by their counts."""
    centred = values - np.average(values, weights=counts)
    deviation = np.sqrt(np.average(centred**2, weights=counts))
    return centred / deviation if len(values) > 1 else np.zeros(1)


@dataclass(frozen=True, eq=False)
class TableCodec:
    """Encoding of a table: scaled numbers, one-hot categories.

    Parameters
    ----------
    columns : mapping of int to NumberScale
        The numeric columns.
    codes : mapping of int to ndarray
        The codes of each categorical column in the training rows, ascending.

    Examples
    --------
    >>> codec = TableCodec.fit(np.array([[1.0, 0], [2.0, 1], [4.0, 0]]), categorical=[1])
    >>> codec.encode(np.array([[4.0, 1]])).round(1)
    array([[1.3, 0. , 1. ]], dtype=float32)
    """

    columns: dict[int, NumberScale]
    codes: dict[int, NDArray[Any]]
    bounded = False

    @classmethod
    def fit(cls, X: NDArray[Any], categorical: Sequence[int] = ()) -> TableCodec:
        """Fit the encoding to training rows of shape (n, d).

        Raises
        ------
        ValueError
            If ``categorical`` names a column that does not exist.
        """
        if not all(0 <= column < X.shape[1] for column in categorical):
            raise ValueError(
                f"categorical_features must be columns 0..{X.shape[1] - 1}, got "
                f"{list(categorical)!r}."
            )
        codes = {column: np.unique(X[:, column]) for column in sorted(set(categorical))}
        numbers = [column for column in range(X.shape[1]) if column not in codes]
        return cls({column: NumberScale.fit(X[:, column]) for column in numbers}, codes)

    @property
    def n_numbers(self) -> int:
        """Numbers in an encoded row."""
        return len(self.columns)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of categories of each categorical column."""
        return tuple(len(codes) for codes in self.codes.values())

    def encode(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Return the encoded rows, shape (n, n_numbers + sum(sizes))."""
        encoded = np.empty((len(X), self.n_numbers + sum(self.sizes)), np.float32)
        for place, (column, scale) in enumerate(self.columns.items()):
            encoded[:, place] = scale.encode(X[:, column])
        start = self.n_numbers
        for column, codes in self.codes.items():
            encoded[:, start : start + len(codes)] = X[:, [column]] == codes
            start += len(codes)
        return encoded

    def decode(self, encoded: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return rows of shape (n, d); of several categories the one with the largest value."""
        rows = np.empty((len(encoded), len(self.columns) + len(self.codes)))
        for place, (column, scale) in enumerate(self.columns.items()):
            rows[:, column] = scale.decode(encoded[:, place])
        start = self.n_numbers
        for column, codes in self.codes.items():
            rows[:, column] = codes[encoded[:, start : start + len(codes)].argmax(1)]
            start += len(codes)
        return rows


@dataclass(frozen=True, eq=False)
class ImageCodec:
    """Encoding of images: pixels scaled to [0, 1] by the range of the training rows.

    Parameters
    ----------
    low, high : float
        Smallest and largest pixel; if they are equal, every pixel is encoded as 0.
    n_numbers : int
        Number of pixels of a row, over all channels.

    Examples
    --------
    >>> codec = ImageCodec.fit(np.array([[0, 128], [255, 51]]))
    >>> codec.encode(np.array([[51, 255]]))
    array([[0.2, 1. ]], dtype=float32)
    """

    low: float
    high: float
    n_numbers: int
    bounded = True
    sizes: tuple[int, ...] = ()

    @classmethod
    def fit(cls, X: NDArray[Any]) -> ImageCodec:
        """Fit the encoding to training rows of shape (n, d)."""
        return cls(float(X.min()), float(X.max()), X.shape[1])

    def encode(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Return pixels in [0, 1], shape (n, d)."""
        span = self.high - self.low or 1.0
        return ((X - self.low) / span).astype(np.float32)

    def decode(self, encoded: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return pixels in the range of the training rows, shape (n, d)."""
        share = np.clip(encoded.astype(np.float64), 0.0, 1.0)
        return self.low + (self.high - self.low) * share
