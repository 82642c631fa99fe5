"""Class weights of scikit-learn's ``class_weight="balanced"``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BalancedWeights:
    """w_c = N / (K n_c): every class has the same weight in total, and rows one on average.

    Notes
    -----
    Proportional to :class:`imbench.strategies.weights.inverse_weights.InverseWeights`. Nets and
    scikit-learn models are invariant to the scale of the weights, so both give the same fit. A
    class without rows gets weight 0.

    References
    ----------
    King & Zeng 2001, "Logistic Regression in Rare Events Data", DOI
    10.1093/oxfordjournals.pan.a004868, section 4; the form is scikit-learn's.

    Examples
    --------
    >>> import numpy as np
    >>> BalancedWeights()(np.array([90, 10]), progress=0.0).round(2)
    array([0.56, 5.  ])
    """

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Return weights of shape (K,) for counts of shape (K,)."""
        share = np.sum(counts) / len(counts)
        return np.divide(share, counts, out=np.zeros(len(counts)), where=counts > 0)
