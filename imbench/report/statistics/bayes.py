"""Bayesian tests with a region of practical equivalence (ROPE), on one or several data sets."""

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
    """Probabilities that a strategy is worse, practically equal, or better.

    Parameters
    ----------
    worse, equal, better : float
        They sum to one.

    Examples
    --------
    >>> Posterior(worse=0.02, equal=0.17, better=0.81).better
    0.81
    """

    worse: float
    equal: float
    better: float


def correlated_posterior(
    differences: ArrayLike, test_train_ratio: float, rope: float
) -> Posterior | None:
    """Perform the Bayesian correlated t-test on the folds of one data set.

    The posterior of the mean gain is Student's t with n - 1 degrees of freedom, located at the
    mean of the differences, with the scale of the corrected resampled t-test.

    Parameters
    ----------
    differences : array of shape (n,)
        Gains by fold, positive where the strategy is better.
    test_train_ratio : float
        Rows of a test part divided by rows of a training part. It equals ``rho / (1 - rho)`` of
        the paper, where rho is the correlation of the folds.
    rope : float
        Gains in ``[-rope, rope]`` are practically zero.

    Returns
    -------
    Posterior or None
        None for fewer than two differences, or if all are equal but not zero, so that the scale
        is zero.

    References
    ----------
    Corani and Benavoli 2015, "A Bayesian approach for comparing cross-validated algorithms on
    multiple data sets", Machine Learning 100, doi:10.1007/s10994-015-5486-z, eq. 8.

    Examples
    --------
    >>> posterior = correlated_posterior([0.03, 0.05, 0.02, 0.04, 0.06], 0.25, rope=0.01)
    >>> round(posterior.worse, 2), round(posterior.equal, 2), round(posterior.better, 2)
    (0.0, 0.02, 0.98)
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
    """Perform the Bayesian signed-rank test over data sets, for several strategies.

    Parameters
    ----------
    differences : mapping of str to sequence of float
        Gains of each strategy on N data sets.
    rope : float
        Gains in ``[-rope, rope]`` are practically zero.
    seed : int, default=0
        Seed of the 20,000 draws from the Dirichlet posterior, which all strategies share.

    Notes
    -----
    The prior is one pseudo-observation of weight 0.5 at gain 0. The probability of an outcome
    (worse, equal, better) is the share of draws in which it has the largest total weight over
    all pairs of data sets.

    References
    ----------
    Benavoli et al. 2014, "A Bayesian Wilcoxon signed-rank test based on the Dirichlet process",
    ICML; Benavoli et al. 2017, "Time for a Change", JMLR 18(77), section 4.2.

    Examples
    --------
    >>> gains = {"smote": [0.03, 0.02, 0.05, 0.04], "noise": [0.0, -0.002, 0.001, 0.0]}
    >>> posteriors = signed_rank_posteriors(gains, rope=0.01)
    >>> posteriors["smote"].better > 0.9, posteriors["noise"].equal > 0.9
    (True, True)
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
        if rope == 0:  # ties count half for each side, so "equal" has no weight
            outcomes[:, 1] = -1.0
        shares = np.bincount(outcomes.argmax(axis=1), minlength=3) / SAMPLES
        result[name] = Posterior(*map(float, shares))
    return result


def _step(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.heaviside(x, 0.5)
