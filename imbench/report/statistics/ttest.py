"""Corrected resampled t-test of paired differences by fold, and Holm's adjustment.

Rankings over data sets use the adjustment. The t-test is what ``scripts/verdict_check.py`` compares
the verdict with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

ALPHA = 0.05
ROUNDING = 1e-12  # relative tolerance for equal differences


@dataclass(frozen=True)
class TTest:
    """Result of the corrected resampled t-test.

    Parameters
    ----------
    n : int
        Number of pairs.
    mean : float
        Mean difference, NaN without pairs.
    low, high : float
        Limits of the 95 % confidence interval, NaN if it is undefined.
    p_value : float
        Two-sided p-value, NaN if it is undefined.

    Examples
    --------
    >>> TTest(n=5, mean=0.04, low=0.01, high=0.07, p_value=0.02).n
    5
    """

    n: int
    mean: float
    low: float
    high: float
    p_value: float


def corrected_t_test(
    differences: ArrayLike, test_train_ratio: float, confidence: float = 1 - ALPHA
) -> TTest:
    """Test whether the mean of paired fold differences is zero.

    The training parts of a cross-validation share rows, so differences by fold are correlated and
    the plain t-test rejects far too often. Here the variance of the mean is inflated to
    ``(1/n + n_test/n_train) * var(differences)``.

    Parameters
    ----------
    differences : array of shape (n,)
    test_train_ratio : float
        Rows of a test part divided by rows of a training part.
    confidence : float, default=0.95

    Notes
    -----
    If all differences are zero, p = 1. If all are equal but not zero, the variance is zero and t
    is undefined, which happens by chance with coarse metrics on small folds. The p-value is then
    that of the sign test, ``2 ** (1 - n)``, and there is no interval.

    References
    ----------
    Nadeau and Bengio 2003, "Inference for the Generalization Error", Machine Learning 52,
    doi:10.1023/A:1024068626366, section 3 (corrected resampled t-test).

    Examples
    --------
    >>> test = corrected_t_test([0.03, 0.05, 0.02, 0.04, 0.06], test_train_ratio=0.25)
    >>> round(test.mean, 3), round(test.low, 3), round(test.p_value, 3)
    (0.04, 0.011, 0.02)
    """
    from scipy.special import stdtr, stdtrit

    d: NDArray[np.float64] = np.asarray(differences, dtype=np.float64)
    nan = float("nan")
    n = len(d)
    mean = float(d.mean()) if n else nan
    if n < 2:
        return TTest(n, mean, nan, nan, nan)
    if not d.any():
        return TTest(n, 0.0, 0.0, 0.0, 1.0)
    sd = float(d.std(ddof=1))
    if np.ptp(d) <= ROUNDING * np.abs(d).max():
        return TTest(n, mean, nan, nan, 2.0 ** (1 - n))
    error = sd * float(np.sqrt(1 / n + test_train_ratio))
    reach = float(stdtrit(n - 1, (1 + confidence) / 2)) * error
    p_value = 2 * float(stdtr(n - 1, -abs(mean) / error))
    return TTest(n, mean, mean - reach, mean + reach, p_value)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for multiple testing by Holm's step-down method.

    The family-wise error rate is controlled: the probability of any false rejection is at most
    the significance level.

    Parameters
    ----------
    p_values : array of shape (m,)
        NaN means "not tested". It stays NaN and is not counted.

    Returns
    -------
    ndarray of shape (m,)

    References
    ----------
    Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal
    of Statistics 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, float("nan"), 0.03])
    array([0.03, 0.06,  nan, 0.06])
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
