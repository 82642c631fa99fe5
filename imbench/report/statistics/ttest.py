"""The corrected resampled t-test of paired fold differences, and Holm's adjustment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

ALPHA = 0.05
ROUNDING = 1e-12  # differences closer than this, relative to the largest, are equal


@dataclass(frozen=True)
class TTest:
    """Corrected resampled t-test of paired differences.

    Parameters
    ----------
    n : int
        Pairs.
    mean : float
        NaN without a pair.
    low, high : float
        Limits of the 95 % interval, NaN where there is none.
    p_value : float
        Two-sided; NaN where it cannot be computed.
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

    Training parts of a cross-validation share rows, so fold differences are correlated and the
    plain t-test finds far too much. The variance of the mean is inflated to
    ``(1/n + n_test/n_train) * var(differences)``.

    Parameters
    ----------
    differences : array of shape (n,)
    test_train_ratio : float
        Rows of a test part over rows of a training part.
    confidence : float, default=0.95

    Notes
    -----
    All differences zero: difference 0, p = 1. All equal but not zero: there is no spread that
    t could be measured by, and coarse metrics on small folds coincide by chance. The p-value is
    then that of the sign test, ``2 ** (1 - n)``, and there is no interval.

    References
    ----------
    Nadeau and Bengio 2003, "Inference for the Generalization Error", Machine Learning 52,
    doi:10.1023/A:1024068626366, section 3 (corrected resampled t-test).
    """
    from scipy.special import stdtrit

    d: NDArray[np.float64] = np.asarray(differences, dtype=np.float64)
    nan = float("nan")
    n = len(d)
    mean = float(d.mean()) if n else nan
    if n < 2:
        return TTest(n, mean, nan, nan, nan)
    if not d.any():
        return TTest(n, 0.0, 0.0, 0.0, 1.0)
    sd = float(d.std(ddof=1))
    if is_constant(d):
        return TTest(n, mean, nan, nan, 2.0 ** (1 - n))
    error = sd * float(np.sqrt(1 / n + test_train_ratio))
    reach = float(stdtrit(n - 1, (1 + confidence) / 2)) * error
    return TTest(n, mean, mean - reach, mean + reach, _p_value(mean / error, n - 1))


def pairwise_p_values(values: ArrayLike, test_train_ratio: float) -> NDArray[np.float64]:
    """Test every pair of strategies on the folds that both have.

    Parameters
    ----------
    values : array of shape (k, n)
        A metric of k strategies on n folds, NaN where it is missing.
    test_train_ratio : float

    Returns
    -------
    ndarray of shape (k, k)
        The p-values of :func:`corrected_t_test`, symmetric; NaN where there is no test, and on
        the diagonal.
    """
    v = np.asarray(values, dtype=np.float64)
    p = np.full((len(v), len(v)), np.nan)
    for i in range(len(v) - 1):
        # (k - i - 1, n): one strategy against all later ones at once, in blocks of equal folds.
        d = v[i] - v[i + 1 :]
        shared = ~np.isnan(d)
        for pattern in np.unique(shared, axis=0):
            rows = (shared == pattern).all(axis=1)
            p[i, i + 1 :][rows] = _p_values(d[rows][:, pattern], test_train_ratio)
    return np.where(np.isnan(p), p.T, p)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values so that any false alarm among them is as rare as one is meant to be.

    Parameters
    ----------
    p_values : array of shape (m,)
        NaN values are no tests: they stay NaN and are not counted.

    References
    ----------
    Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal
    of Statistics 6, 65-70.
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def is_constant(differences: NDArray[np.float64]) -> bool:
    """Whether all differences are equal up to rounding."""
    d = differences
    return len(d) > 0 and bool(np.ptp(d) <= ROUNDING * np.abs(d).max())


def _p_values(d: NDArray[np.float64], test_train_ratio: float) -> NDArray[np.float64]:
    """P-values of :func:`corrected_t_test` for the rows of (m, n), n the same for all."""
    n = d.shape[1]
    if n < 2:
        return np.full(len(d), np.nan)
    mean, sd = d.mean(axis=1), d.std(axis=1, ddof=1)
    constant = np.ptp(d, axis=1) <= ROUNDING * np.abs(d).max(axis=1)
    error = np.where(constant, 1.0, sd) * np.sqrt(1 / n + test_train_ratio)
    p: NDArray[np.float64] = np.where(constant, 2.0 ** (1 - n), _p_value(mean / error, n - 1))
    return np.where(d.any(axis=1), p, 1.0)


def _p_value(t: float | NDArray[np.float64], df: int) -> float:
    """Two-sided; an array for an array."""
    from scipy.special import stdtr

    p = 2 * stdtr(df, -np.abs(t))
    return p if isinstance(p, np.ndarray) else float(p)  # type: ignore[return-value]
