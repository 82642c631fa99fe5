"""Hash rows by content, to find equal rows and to identify sets of rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)  # of SplitMix64

# Rows hashed at once, so that their words fit into the CPU cache. It is no power of two, because
# then the words of a row would map to the same cache lines.
BLOCK = 4000


@dataclass(frozen=True, eq=False)
class Contents:
    """Hashes of the rows of a data set; ids are numbered when a fitted fold is recorded.

    Parameters
    ----------
    hashes : ndarray of uint64 of shape (n,)
    """

    hashes: NDArray[np.uint64]

    @cached_property
    def ids(self) -> NDArray[np.int32]:
        """Values 0..n_distinct-1, shape (n,). Rows with equal content have equal ids."""
        return np.unique(self.hashes, return_inverse=True)[1].astype(np.int32)

    @cached_property
    def n_distinct(self) -> int:
        """Number of different rows."""
        return int(self.ids.max()) + 1


def contents_of(X: NDArray[Any]) -> Contents:
    """Hash the rows of a table or of images. Called once per data set.

    Examples
    --------
    >>> contents_of(np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]])).n_distinct
    2
    """
    return Contents(hash_rows(X))


def hash_rows(X: NDArray[Any]) -> NDArray[np.uint64]:
    """Hash each row by its values. 0.0 equals -0.0, and all NaN are equal.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Numbers or bytes.

    Returns
    -------
    ndarray of uint64 of shape (n,)

    Notes
    -----
    The hash is a chain of multiplications and shifts with the first multiplier of SplitMix64. It
    is not cryptographic. The probability that any two of n different rows collide is
    n^2 / 2^65, that is 3e-8 for a million rows.

    Examples
    --------
    >>> hashes = hash_rows(np.array([[0.0, np.nan], [-0.0, np.nan], [1.0, 2.0]]))
    >>> bool(hashes[0] == hashes[1]), bool(hashes[0] == hashes[2])
    (True, False)

    References
    ----------
    Steele, Lea & Flood 2014, "Fast Splittable Pseudorandom Number Generators",
    DOI 10.1145/2660193.2660195, section 4.
    """
    hashes = np.full(len(X), X.shape[1], np.uint64)
    for start in range(0, len(X), BLOCK):
        part = hashes[start : start + BLOCK]
        for word in np.ascontiguousarray(_words(X[start : start + BLOCK]).T):
            part ^= word
            part *= MULTIPLIER
            part ^= part >> np.uint64(32)
    return hashes


def _words(X: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the rows as unsigned words of 64 bits, shape (n, n_words)."""
    if X.dtype.kind == "f":
        values = X.astype(np.float64) + 0.0  # -0.0 becomes 0.0
        values[np.isnan(values)] = np.nan
        return values.view(np.uint64)
    if X.dtype.itemsize == 1:
        if X.shape[1] % 8 == 0 and X.flags.c_contiguous:
            return X.view(np.uint64)
        packed = np.zeros((len(X), -(-X.shape[1] // 8) * 8), np.uint8)
        packed[:, : X.shape[1]] = X.view(np.uint8)
        return packed.view(np.uint64)
    return X.astype(np.int64).view(np.uint64)


def content_hash(hashes: NDArray[np.uint64]) -> str:
    """Return 16 hexadecimal digits that identify a set of rows regardless of their order.

    It is the sum of the row hashes. Hashing the sorted row hashes would take most of the time of
    the audit.
    """
    return f"{int(hashes.sum(dtype=np.uint64)):016x}"


def rows_hash(index: NDArray[np.int64]) -> str:
    """Return the SHA-256 in hex of the sorted row numbers, as little-endian int64."""
    return hashlib.sha256(np.sort(index).astype("<i8").data).hexdigest()


def is_among(hashes: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return whether each hash is in the sorted array `known`, shape (n,)."""
    places = np.searchsorted(known, hashes).clip(max=len(known) - 1)
    return known[places] == hashes
