"""Strategies over several data sets: ranks, Friedman, Nemenyi, Wilcoxon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imbench.report.statistics.ttest import ALPHA


@dataclass(frozen=True)
class Friedman:
    """Whether any of k strategies ranks otherwise than the rest over N data sets.

    Parameters
    ----------
    statistic, p_value : float
        Friedman's chi-square with k - 1 degrees of freedom.
    f_statistic, f_p_value : float
        Iman and Davenport's F, which is less conservative.
    """

    statistic: float
    p_value: float
    f_statistic: float
    f_p_value: float


def average_ranks(scores: ArrayLike) -> NDArray[np.float64]:
    """Average rank of each strategy, 1 being best; equal scores share their ranks.

    Parameters
    ----------
    scores : array of shape (N, k)
        Higher is better; N data sets, k strategies.
    """
    from scipy.stats import rankdata

    return np.asarray(rankdata(-np.asarray(scores, dtype=np.float64), axis=1).mean(axis=0))


def friedman(scores: ArrayLike) -> Friedman:
    """Test whether all strategies rank alike.

    Parameters
    ----------
    scores : array of shape (N, k)

    Notes
    -----
    Corrected for ties, as scipy does. Where all scores of every data set are equal, p = 1.

    References
    ----------
    Friedman 1937, Journal of the American Statistical Association 32; Iman and Davenport 1980,
    Communications in Statistics 9, doi:10.1080/03610928008827904; Demsar 2006, JMLR 7,
    section 3.2.2.
    """
    from scipy import stats

    v = np.asarray(scores, dtype=np.float64)
    n, k = v.shape
    # Ranks, since a strategy that failed scores minus infinity, whose differences are NaN.
    ranks = stats.rankdata(v, axis=1)
    if (ranks == ranks[:, :1]).all():
        return Friedman(0.0, 1.0, 0.0, 1.0)
    statistic, p_value = map(float, stats.friedmanchisquare(*ranks.T))
    rest = n * (k - 1) - statistic
    f = (n - 1) * statistic / rest if rest > 1e-12 else float("inf")
    return Friedman(statistic, p_value, f, float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))))


def critical_difference(k: int, n: int, alpha: float = ALPHA) -> float:
    """Nemenyi's critical difference: average ranks closer than this cannot be told apart.

    Parameters
    ----------
    k : int
        Strategies.
    n : int
        Data sets.

    References
    ----------
    Demsar 2006, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 1-30,
    section 3.2.2 and table 5.
    """
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - alpha, k, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(k * (k + 1) / (6 * n)))


def wilcoxon(differences: ArrayLike) -> float:
    """Two-sided p-value of the signed-rank test on the gains over N data sets.

    Notes
    -----
    Gains of zero are split evenly between the signs, as Demsar 2006, section 3.1.3, does. All
    zero: p = 1.
    """
    from scipy import stats

    d = np.asarray(differences, dtype=np.float64)
    if not d.any():
        return 1.0
    return float(stats.wilcoxon(d, zero_method="zsplit").pvalue)


def cliques(ranks: ArrayLike, critical: float) -> list[tuple[int, int]]:
    """Find the runs of sorted average ranks that span less than the critical difference.

    Parameters
    ----------
    ranks : array of shape (k,)
        Ascending.
    critical : float

    Returns
    -------
    list of (first, last)
        The longest runs of two or more, none inside another.
    """
    r = np.asarray(ranks, dtype=np.float64)
    runs: list[tuple[int, int]] = []
    for first in range(len(r)):
        last = int(np.searchsorted(r, r[first] + critical, side="left")) - 1
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs
