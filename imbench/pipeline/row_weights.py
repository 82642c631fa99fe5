"""Weights of rows behind a resampler."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imbench.data.row_hashes import hash_rows
from imbench.strategies.rows import mean_weights

NOTE = (
    "{key}: rows that are kept or repeated keep their weight, and made rows have the mean weight "
    "of their class."
)


def weights_after(
    X: NDArray[Any],
    y: NDArray[Any],
    weight: NDArray[np.float64],
    X_after: ArrayLike,
    y_after: NDArray[Any],
) -> NDArray[np.float64]:
    """Return the weights of resampled rows.

    Samplers know nothing of weights: imbalanced-learn leaves open what they should do with them. A
    row whose values and class occur among the rows that came in has their weight, the mean of it
    if several rows are alike. Every other row was made, and has the mean weight of its class.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    y, weight : ndarray of shape (n,)
        What came in.
    X_after : array of shape (m, d)
    y_after : ndarray of shape (m,)
        What came out.

    Returns
    -------
    ndarray of shape (m,)

    Examples
    --------
    >>> X, y = np.array([[1.0], [2.0], [3.0]]), np.array([0, 1, 1])
    >>> after = np.array([[3.0], [2.5], [3.0]])
    >>> weights_after(X, y, np.array([1.0, 2.0, 6.0]), after, np.array([1, 1, 1])).tolist()
    [6.0, 4.0, 6.0]
    """
    classes, labels = np.unique(y, return_inverse=True)
    labels_after = np.searchsorted(classes, y_after)
    found = mean_weights(labels, weight, labels_after)
    rows_after = np.asarray(X_after).astype(np.asarray(X).dtype, copy=False)
    hashes, hashes_after = hash_rows(np.asarray(X)), hash_rows(rows_after)
    for label in np.unique(labels_after):
        known, places = np.unique(hashes[labels == label], return_inverse=True)
        means = np.bincount(places, weight[labels == label]) / np.bincount(places)
        asked = np.flatnonzero(labels_after == label)
        at = np.searchsorted(known, hashes_after[asked]).clip(max=len(known) - 1)
        is_known = known[at] == hashes_after[asked]
        found[asked[is_known]] = means[at[is_known]]
    return found
