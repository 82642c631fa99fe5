"""Choose the validation rows of a model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def validation_rows(
    y: NDArray[np.int64],
    fraction: float,
    rng: np.random.Generator,
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.bool_]:
    """Choose validation rows, a share of each class rounded down; shape (n,), True if chosen.

    A class too small for the share keeps all its rows in training. Of groups the rows are chosen
    together, and no class gives more than its share.

    Parameters
    ----------
    y : ndarray of shape (n,)
    fraction : float
        In [0, 1).
    rng : numpy.random.Generator
    groups : ndarray of int64 of shape (n,) or None
        Rows with a number below 0 are never chosen.
    """
    if groups is not None:
        return _whole_groups(y, fraction, rng, groups)
    chosen = np.zeros(len(y), bool)
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        chosen[rows[: int(fraction * len(rows))]] = True
    return chosen


def _whole_groups(
    y: NDArray[np.int64],
    fraction: float,
    rng: np.random.Generator,
    groups: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Take groups by chance for as long as they fit into what is left of every class."""
    labels = np.unique(y, return_inverse=True)[1]
    left = (fraction * np.bincount(labels)).astype(np.int64)
    names, numbers = np.unique(groups, return_inverse=True)
    sizes = np.zeros((len(names), len(left)), np.int64)
    np.add.at(sizes, (numbers, labels), 1)
    is_taken = np.zeros(len(names), bool)
    for number in rng.permutation(len(names)):
        if names[number] >= 0 and (sizes[number] <= left).all():
            is_taken[number] = True
            left -= sizes[number]
    return is_taken[numbers]
