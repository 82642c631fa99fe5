"""Rows as a generative net takes them, and what the net makes as rows again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri


class RowCodec(Protocol):
    """Between rows of shape (n, d) and the values that a net reads and writes, (n, width).

    An encoded row holds ``n_numbers`` numbers, then for each categorical column one value a
    category. If ``bounded``, the numbers lie in [0, 1] and there are no categories.
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
    """A column of numbers and its scores: half standardised value, half normal score.

    Standardised values alone leave a skewed column to a few large ones; normal scores (normal
    quantiles of the mid-ranks) alone close the gap between two clusters, and rows are then made
    in it. The sum keeps both in view. The inverse never leaves the range of the values seen.

    Parameters
    ----------
    values : ndarray of shape (u,)
        Distinct values, ascending.
    scores : ndarray of shape (u,)
        Their scores, mean 0 and variance 1 over the rows; 0 for a single value.
    repeats : bool
        Whether a value stands for two rows or more on average, as counts and grades do; scores
        then come back as one of the values seen.
    """

    values: NDArray[np.float64]
    scores: NDArray[np.float64]
    repeats: bool

    @classmethod
    def fit(cls, column: NDArray[Any]) -> NumberScale:
        """Learn the scores of a column of shape (n,)."""
        values, counts = np.unique(column.astype(np.float64), return_counts=True)
        ranks = ndtri((counts.cumsum() - counts / 2) / len(column))
        scores = _standardised(_standardised(values, counts) + _standardised(ranks, counts), counts)
        return cls(values, scores, 2 * len(values) <= len(column))

    def encode(self, column: NDArray[Any]) -> NDArray[np.float64]:
        """Return the scores of values, shape (n,); between two values, in proportion."""
        return np.interp(column, self.values, self.scores)

    def decode(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Return the values of scores, shape (n,)."""
        column = np.interp(scores, self.scores, self.values)
        if not self.repeats:
            return column
        middles = (self.values[1:] + self.values[:-1]) / 2
        return self.values[np.searchsorted(middles, column)]


def _standardised(values: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return values, shape (u,), with mean 0 and variance 1 over rows that repeat them."""
    centred = values - np.average(values, weights=counts)
    deviation = np.sqrt(np.average(centred**2, weights=counts))
    return centred / deviation if len(values) > 1 else np.zeros(1)


@dataclass(frozen=True, eq=False)
class TableCodec:
    """Numbers by their scale, categories as one value each, 1 for the one that a row has.

    Parameters
    ----------
    columns : mapping of int to NumberScale
        The numeric columns.
    codes : mapping of int to ndarray
        For each categorical column the codes that the training rows hold, ascending.
    """

    columns: dict[int, NumberScale]
    codes: dict[int, NDArray[Any]]
    bounded = False

    @classmethod
    def fit(cls, X: NDArray[Any], categorical: Sequence[int] = ()) -> TableCodec:
        """Learn from training rows of shape (n, d).

        Raises
        ------
        ValueError
            If there is no column ``categorical`` speaks of.
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
    """Pixels as shares of the range that the training rows span.

    Parameters
    ----------
    low, high : float
        Smallest and largest pixel; where they are equal, every pixel is encoded as 0.
    n_numbers : int
        Pixels of a row, all channels.
    """

    low: float
    high: float
    n_numbers: int
    bounded = True
    sizes: tuple[int, ...] = ()

    @classmethod
    def fit(cls, X: NDArray[Any]) -> ImageCodec:
        """Learn from training rows of shape (n, d)."""
        return cls(float(X.min()), float(X.max()), X.shape[1])

    def encode(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Return pixels in [0, 1], shape (n, d)."""
        span = self.high - self.low or 1.0
        return ((X - self.low) / span).astype(np.float32)

    def decode(self, encoded: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return pixels in the range of the training rows, shape (n, d)."""
        share = np.clip(encoded.astype(np.float64), 0.0, 1.0)
        return self.low + (self.high - self.low) * share
