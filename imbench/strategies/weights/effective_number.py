"""Class weights from the effective number of samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class EffectiveNumberWeights:
    """w_c proportional to (1 - beta) / (1 - beta^n_c), summing to K.

    Each new row of a class overlaps more with those already there: n rows cover an effective
    number of (1 - beta^n) / (1 - beta) out of 1 / (1 - beta) distinct ones.

    Parameters
    ----------
    beta : float, default=0.999
        In [0, 1). At 0 all weights are one, towards 1 they become inverse frequencies.

    Raises
    ------
    ValueError
        If ``beta`` lies outside of [0, 1).

    Notes
    -----
    Classes with many more than 1 / (1 - beta) rows get equal weights: with beta=0.999 the weights
    of classes above about 5,000 rows differ by less than 1 %. Choose a larger beta for such data.
    A class without rows gets weight 0.

    References
    ----------
    Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples",
    arXiv 1901.05555, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> EffectiveNumberWeights(beta=0.99)(np.array([90, 10]), progress=0.0).round(2)
    array([0.28, 1.72])
    """

    beta: float = 0.999

    def __post_init__(self) -> None:
        check_number("beta", self.beta, low=0.0, high=1.0, below=True)

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Return weights of shape (K,) for counts of shape (K,)."""
        # 1 - beta^n without cancellation as beta nears 1.
        rate = math.log(self.beta) if self.beta > 0 else -math.inf
        exponents = np.multiply(counts, rate, out=np.zeros(len(counts)), where=counts > 0)
        inverse = np.divide(-1.0, np.expm1(exponents), out=np.zeros(len(counts)), where=counts > 0)
        return inverse * len(counts) / inverse.sum()
