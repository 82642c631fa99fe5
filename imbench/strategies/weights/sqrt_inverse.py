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
    Mahajan et al. use the inverse square root as a sampling rate of images. A class without rows
    gets weight 0.

    References
    ----------
    Mahajan et al. 2018, "Exploring the Limits of Weakly Supervised Pretraining",
    arXiv 1805.00932.

    Examples
    --------
    >>> import numpy as np
    >>> SqrtInverseWeights()(np.array([90, 10]), progress=0.0).round(2)
    array([0.5, 1.5])
    """

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Return weights of shape (K,) for counts of shape (K,)."""
        root = np.sqrt(counts)
        inverse = np.divide(1.0, root, out=np.zeros(len(counts)), where=counts > 0)
        return inverse * len(counts) / inverse.sum()
