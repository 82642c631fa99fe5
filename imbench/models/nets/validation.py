"""Choose the validation rows of a net."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def validation_rows(
    y: NDArray[np.int64], fraction: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Choose validation rows, a share of each class rounded down; shape (n,), True if chosen.

    A class too small for the share keeps all its rows in training.
    """
    chosen = np.zeros(len(y), bool)
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        chosen[rows[: int(fraction * len(rows))]] = True
    return chosen
