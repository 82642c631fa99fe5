"""Inverse class frequency as class weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class InverseWeights:
    """w_c = (1 / n_c) / sum_k (1 / n_k), so that the weights sum to one.

    Notes
    -----
    Nets take the weighted mean of a batch and scikit-learn models get weights with a mean of one,
    so the sum has no effect on the fit. A class without rows gets weight 0.

    References
    ----------
    King & Zeng 2001, "Logistic Regression in Rare Events Data", DOI
    10.1093/oxfordjournals.pan.a004868, section 4 (weighting by inverse sampling shares).

    Examples
    --------
    >>> import numpy as np
    >>> InverseWeights()(np.array([90, 10]), progress=0.0).round(2)
    array([0.1, 0.9])
    """

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Return weights of shape (K,) for counts of shape (K,)."""
        inverse = np.divide(1.0, counts, out=np.zeros(len(counts)), where=counts > 0)
        return inverse / inverse.sum()
