"""Mean gain over data sets by a random-effects model, which weighs each by its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imbench.report.statistics.verdict import ALPHA

MIN_DATASETS = 3
N_DRAWS, N_GRID = 10_000, 500
MAX_ITERATIONS = 1000  # 50 are too few where errors are a millionth of the gains


@dataclass(frozen=True)
class RandomEffects:
    """What a strategy gains on data sets like these, in units of the metric.

    Parameters
    ----------
    mean, low, high : float
        Mean gain over data sets with its 95 % interval.
    next_low, next_high : float
        95 % prediction interval: where the gain on a further data set lies, measured without
        error.
    tau : float
        Standard deviation of the true gains between data sets.
    i2 : float
        Share of the variance of the gains that is not explained by their errors, in [0, 1].
    p_homogeneous : float
        p-value of Cochran's Q, that the true gain is the same on all data sets.
    n_datasets : int
        Data sets with a gain.

    Examples
    --------
    >>> effect = RandomEffects(0.05, 0.02, 0.08, -0.01, 0.11, 0.02, 0.6, 0.03, n_datasets=9)
    >>> effect.low > 0
    True
    """

    mean: float
    low: float
    high: float
    next_low: float
    next_high: float
    tau: float
    i2: float
    p_homogeneous: float
    n_datasets: int


def random_effects(gains: ArrayLike, errors: ArrayLike) -> RandomEffects | None:
    """Combine the gains on several data sets.

    Parameters
    ----------
    gains : array of shape (N,)
        NaN where a data set has none. It is left out.
    errors : array of shape (N,)
        Standard errors. A gain whose error is 0 or NaN (a strategy that changed nothing there)
        gets the smallest of the other errors, because an infinite weight would decide the mean.

    Returns
    -------
    RandomEffects or None
        None for fewer than three gains, or if no error is positive.

    Notes
    -----
    The variance between data sets is that of Paule and Mandel, the interval of the mean that of
    Hartung and Knapp with a factor of at least 1. The prediction interval takes in that the
    variance is estimated from few data sets, which the usual one by Student's t does not.

    References
    ----------
    Paule and Mandel 1982, Journal of Research of the National Bureau of Standards 87,
    doi:10.6028/jres.087.022; Hartung and Knapp 2001, Statistics in Medicine 20,
    doi:10.1002/sim.791; Roever, Knapp and Friede 2015, BMC Medical Research Methodology 15,
    doi:10.1186/s12874-015-0091-1; Nagashima et al. 2019, doi:10.1177/0962280218773520.

    Examples
    --------
    >>> effect = random_effects([0.10, 0.20, 0.15, 0.02], [0.03, 0.04, 0.04, 0.03])
    >>> round(effect.mean, 3), round(effect.low, 3), round(effect.high, 3), round(effect.i2, 2)
    (0.114, -0.008, 0.236, 0.8)
    """
    gain, error = np.asarray(gains, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    gain, error = gain[np.isfinite(gain)], error[np.isfinite(gain)]
    n, known = len(gain), np.isfinite(error) & (error > 0)
    if n < MIN_DATASETS or not known.any():
        return None
    from scipy.stats import t
    from statsmodels.stats.meta_analysis import combine_effects

    error = np.where(known, error, error[known].min())
    with np.errstate(divide="ignore"):  # its own I² of equal gains, which is not used
        found = combine_effects(gain, error**2, method_re="pm", maxiter=MAX_ITERATIONS)
    mean, q = float(found.mean_effect_re), float(found.q)
    reach = float(t.isf(ALPHA / 2, n - 1)) * float(found.sd_eff_w_re)
    next_low, next_high = np.quantile(_further_gains(gain, error**2), [ALPHA / 2, 1 - ALPHA / 2])
    return RandomEffects(
        mean=mean,
        low=mean - reach,
        high=mean + reach,
        next_low=min(float(next_low), mean - reach),
        next_high=max(float(next_high), mean + reach),
        tau=math.sqrt(found.tau2),
        i2=max(0.0, 1 - (n - 1) / q) if q > 0 else 0.0,
        p_homogeneous=float(found.test_homogeneity().pvalue),
        n_datasets=n,
    )


def _further_gains(gain: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw true gains on further data sets, shape (N_DRAWS,).

    The variance between data sets is drawn from its confidence distribution: Cochran's Q, with
    the true variance in its weights, has a chi-square distribution.
    """
    rng, df = np.random.default_rng(0), len(gain) - 1
    top = 1e4 * (gain.var() + variance.max())
    grid = np.append(0.0, np.geomspace(1e-3 * variance.min(), top, N_GRID))
    on_grid = _weighted(gain, variance, grid)[1]  # descends
    tau2 = np.interp(-rng.chisquare(df, N_DRAWS), -on_grid, grid, left=0.0)
    mean, q, weight = _weighted(gain, variance, tau2)
    mean -= rng.standard_t(df, N_DRAWS) * np.sqrt(q / df / weight)
    return np.asarray(mean + np.sqrt(tau2) * rng.standard_normal(N_DRAWS))


def _weighted(
    gain: NDArray[np.float64], variance: NDArray[np.float64], tau2: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the weighted mean, Cochran's Q and the sum of weights, for each of some variances."""
    weights = 1 / (variance + tau2[:, None])  # (T, N)
    total = weights.sum(axis=1)
    mean = weights @ gain / total
    return mean, (weights * (gain - mean[:, None]) ** 2).sum(axis=1), total
