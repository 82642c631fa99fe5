"""Bayesian signed-rank test over data sets, with a region of practical equivalence (ROPE)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
