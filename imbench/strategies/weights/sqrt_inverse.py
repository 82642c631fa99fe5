"""Inverse square root of the class frequency as class weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SqrtInverseWeights:
    """w_c proportional to n_c^(-1/2), summing to K: half way to equal totals on a log scale.

    Notes
    -----
    Smoothed frequencies began with the sampling of rare words; Mahajan et al. took the square
    root for images, there as a sampling rate. A class without rows gets weight 0.

    References
    ----------
    Mahajan et al. 2018, "Exploring the Limits of Weakly Supervised Pretraining",
    arXiv 1805.00932.
    """

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Return weights of shape (K,) for counts of shape (K,)."""
        root = np.sqrt(counts)
        inverse = np.divide(1.0, root, out=np.zeros(len(counts)), where=counts > 0)
        return inverse * len(counts) / inverse.sum()
