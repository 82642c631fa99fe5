"""Hash rows by content, to find equal rows and to name sets of rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    pass


MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)  # of SplitMix64


# Rows whose words stay in the cache. Were it a power of two, the words of a row would compete for
# the same places there.
BLOCK = 4000


@dataclass(frozen=True, eq=False)
class Contents:
    """The rows of a data set by content.

    Parameters
    ----------
    hashes : ndarray of uint64 of shape (n,)
    ids : ndarray of int32 of shape (n,)
        0..n_distinct-1; rows of equal content share one.
    n_distinct : int
    """

    hashes: NDArray[np.uint64]
    ids: NDArray[np.int32]
    n_distinct: int


def contents_of(X: NDArray[Any]) -> Contents:
    """Hash the rows of a table or of images; called once a data set."""
    hashes = hash_rows(X)
    distinct, ids = np.unique(hashes, return_inverse=True)
    return Contents(hashes, ids.astype(np.int32), len(distinct))


def hash_rows(X: NDArray[Any]) -> NDArray[np.uint64]:
    """Hash every row by its values: 0.0 and -0.0 are equal, and so are all NaN.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Numbers or bytes.

    Returns
    -------
    ndarray of uint64 of shape (n,)

    Notes
    -----
    A chain of multiplications and shifts with the first multiplier of SplitMix64. It is no
    cryptographic hash. Of n different rows two are taken for equal with probability n^2 / 2^65,
    3e-8 for a million rows.

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
    """Return 16 hexadecimal digits for some rows, whatever their order: the sum of their hashes.

    A sum and not a hash of the sorted hashes: sorting would be most of the cost of the audit.
    """
    return f"{int(hashes.sum(dtype=np.uint64)):016x}"


def rows_hash(index: NDArray[np.int64]) -> str:
    """Return the SHA-256 of row numbers in hex, ascending, as little-endian int64."""
    return hashlib.sha256(np.sort(index).astype("<i8").data).hexdigest()


def is_among(hashes: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether each hash is among some that are sorted, shape (n,)."""
    places = np.searchsorted(known, hashes).clip(max=len(known) - 1)
    return known[places] == hashes
