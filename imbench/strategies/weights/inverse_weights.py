"""Inverse class frequency as class weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class InverseWeights:
    """w_c = n_c^-power / sum_k n_k^-power, so that the weights sum to one; by default 1 / n_c.

    Parameters
    ----------
    power : float, default=1.0
        In [0, 1]. At 1 all classes have the same weight in total, at 0 all rows have. 0.5 gives
        the ratios of :class:`imbench.strategies.weights.sqrt_inverse.SqrtInverseWeights`.

    Raises
    ------
    ValueError
        If ``power`` lies outside of [0, 1].

    Notes
    -----
    Nets take the weighted mean of a batch and scikit-learn models get weights with a mean of one,
    so the sum has no effect on the fit. A class without rows gets weight 0.

    References
    ----------
    King & Zeng 2001, "Logistic Regression in Rare Events Data", DOI
    10.1093/oxfordjournals.pan.a004868, section 4 (weighting by inverse sampling shares, which is
    a power of 1).

    Examples
    --------
    >>> import numpy as np
    >>> InverseWeights()(np.array([90, 10]), progress=0.0).round(2)
    array([0.1, 0.9])
    >>> InverseWeights(power=0.5)(np.array([90, 10]), progress=0.0).round(2)
    array([0.25, 0.75])
    """

    power: float = 1.0

    def __post_init__(self) -> None:
        check_number("power", self.power, low=0.0, high=1.0)

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Return weights of shape (K,) for counts of shape (K,)."""
        scaled = np.asarray(counts, np.float64) ** self.power
        inverse = np.divide(1.0, scaled, out=np.zeros(len(counts)), where=counts > 0)
        return inverse / inverse.sum()
