"""What the `weights` stage says of the rows of a net, outside of the training loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def checked_weight(sample_weight: ArrayLike, n_rows: int) -> NDArray[np.float32]:
    """Return weights of rows, shape (n,); raises ValueError if they are no weights."""
    weight = np.asarray(sample_weight, np.float32)
    if weight.shape != (n_rows,):
        raise ValueError(f"sample_weight must have shape {(n_rows,)}, got {weight.shape}.")
    if not ((weight >= 0) & (weight < np.inf)).all():
        raise ValueError("sample_weight must be at least 0 for every row, and finite.")
    if not weight.any():
        raise ValueError("every sample_weight is zero: no row is left to train on.")
    return weight


def with_row_weights(
    stage: Any, X: NDArray[Any], y: NDArray[np.int64], weight: NDArray[np.float32] | None
) -> NDArray[np.float32] | None:
    """Multiply ``sample_weight`` by the weights that a `weights` stage has for single rows.

    Parameters
    ----------
    stage : callable or None
        See :class:`imbench.strategies.protocols.Weights`.
    X : ndarray of shape (n, d)
    y : ndarray of shape (n,)
        Labels 0..K-1.
    weight : ndarray of shape (n,) or None

    Returns
    -------
    ndarray of shape (n,) or None
        The given weight where the stage has none for rows.
    """
    if not hasattr(stage, "row_weights"):
        return weight
    own = checked_weight(stage.row_weights(X, y), len(y))
    return own if weight is None else own * weight


def weights_in_training(
    stage: Any, counts: NDArray[np.int64], epochs: int
) -> tuple[NDArray[np.float64] | None, bool]:
    """Return the class weights (K,) of the last epoch, and whether another epoch has others.

    None without a stage.

    Examples
    --------
    >>> weights_in_training(lambda counts, progress: counts[::-1] / 10, np.array([9, 1]), 4)
    (array([0.1, 0.9]), False)
    """
    if stage is None:
        return None, False
    first, *others = (np.array(stage(counts, e / epochs), np.float64) for e in range(epochs))
    last = others[-1] if others else first
    return last, any(not np.array_equal(first, other) for other in others)
