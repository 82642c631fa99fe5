"""Posteriors that say not only "different" but "different by an amount that matters"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imbench.report.statistics.ttest import is_constant

SAMPLES = 20_000
PRIOR_WEIGHT = 0.5


@dataclass(frozen=True)
class Posterior:
    """Probability that a strategy is worse, practically equal, or better.

    Parameters
    ----------
    worse, equal, better : float
        They sum to one; NaN where there is no posterior.
    """

    worse: float
    equal: float
    better: float


def correlated_posterior(
    differences: ArrayLike, test_train_ratio: float, rope: float
) -> Posterior | None:
    """Bayesian correlated t-test on the folds of one data set.

    The posterior of the mean gain is a Student t with n - 1 degrees of freedom, the mean of the
    differences and the scale of the corrected resampled t-test.

    Parameters
    ----------
    differences : array of shape (n,)
        Above 0 where the strategy is better.
    test_train_ratio : float
        ``rho / (1 - rho)`` of the paper, rho being the correlation of the folds.
    rope : float
        Gains within ``[-rope, rope]`` are practically none.

    Returns
    -------
    Posterior or None
        None for fewer than two differences, and where all are equal but not zero: there is no
        spread.

    References
    ----------
    Corani and Benavoli 2015, "A Bayesian approach for comparing cross-validated algorithms on
    multiple data sets", Machine Learning 100, doi:10.1007/s10994-015-5486-z, eq. 8.
    """
    from scipy.special import stdtr

    d: NDArray[np.float64] = np.asarray(differences, dtype=np.float64)
    n = len(d)
    if n < 2:
        return None
    if not d.any():
        return Posterior(0.0, 1.0, 0.0)
    if is_constant(d):
        return None
    scale = float(d.std(ddof=1) * np.sqrt(1 / n + test_train_ratio))
    worse = float(stdtr(n - 1, (-rope - d.mean()) / scale))
    better = float(stdtr(n - 1, (d.mean() - rope) / scale))
    return Posterior(worse, 1.0 - worse - better, better)


def signed_rank_posteriors(
    differences: Mapping[str, Sequence[float]], rope: float, seed: int = 0
) -> dict[str, Posterior]:
    """Bayesian signed-rank test over data sets, for several strategies at once.

    Parameters
    ----------
    differences : mapping of str to sequence of float
        For each strategy its gain on each of N data sets, N being the same for all.
    rope : float
    seed : int
        Of the 20,000 draws from the Dirichlet posterior, which all strategies share.

    Notes
    -----
    One pseudo-observation of weight 0.5 lies at gain 0. A draw speaks for the outcome (worse,
    equal, better) that most pairs of data sets, by their weights, speak for.

    References
    ----------
    Benavoli et al. 2014, "A Bayesian Wilcoxon signed-rank test based on the Dirichlet process",
    ICML; Benavoli et al. 2017, "Time for a Change", JMLR 18(77), section 4.2.
    """
    rng = np.random.default_rng(seed)
    result, weights = {}, np.empty((0, 0))
    for name, gains in differences.items():
        z = np.concatenate([[0.0], np.asarray(gains, dtype=np.float64)])
        if weights.shape[1] != len(z):
            weights = rng.dirichlet([PRIOR_WEIGHT, *[1.0] * len(gains)], SAMPLES)  # (S, N + 1)
        sums = z[:, None] + z
        better = ((weights @ _step(sums - 2 * rope)) * weights).sum(axis=1)
        worse = ((weights @ _step(-sums - 2 * rope)) * weights).sum(axis=1)
        outcomes = np.stack([worse, 1.0 - worse - better, better], axis=1)
        if rope == 0:  # half of each tie went to either side, nothing is left in between
            outcomes[:, 1] = -1.0
        shares = np.bincount(outcomes.argmax(axis=1), minlength=3) / SAMPLES
        result[name] = Posterior(*map(float, shares))
    return result


def _step(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.heaviside(x, 0.5)
