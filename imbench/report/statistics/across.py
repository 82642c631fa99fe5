"""Compare strategies over several data sets: ranks, Friedman, Nemenyi, Wilcoxon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imbench.report.statistics.verdict import ALPHA


@dataclass(frozen=True)
class Friedman:
    """Result of Friedman's test that k strategies rank alike over N data sets.

    Parameters
    ----------
    statistic, p_value : float
        Friedman's chi-square with k - 1 degrees of freedom.
    f_statistic, f_p_value : float
        Iman and Davenport's F, which is less conservative.

    Examples
    --------
    >>> Friedman(statistic=6.0, p_value=0.05, f_statistic=9.0, f_p_value=0.02).p_value
    0.05
    """

    statistic: float
    p_value: float
    f_statistic: float
    f_p_value: float


def average_ranks(scores: ArrayLike) -> NDArray[np.float64]:
    """Return the average rank of each strategy. 1 is best, and ties share their mean rank.

    Parameters
    ----------
    scores : array of shape (N, k)
        Scores of k strategies on N data sets. Higher is better.

    Returns
    -------
    ndarray of shape (k,)

    Examples
    --------
    >>> average_ranks([[0.9, 0.7, 0.5], [0.8, 0.8, 0.6]])
    array([1.25, 1.75, 3.  ])
    """
    from scipy.stats import rankdata

    return np.asarray(rankdata(-np.asarray(scores, dtype=np.float64), axis=1).mean(axis=0))


def friedman(scores: ArrayLike) -> Friedman:
    """Test whether all strategies rank alike.

    Parameters
    ----------
    scores : array of shape (N, k)
        Scores of k strategies on N data sets. Higher is better.

    Notes
    -----
    The statistic is corrected for ties, as in scipy. If all scores of each data set are equal,
    p = 1.

    References
    ----------
    Friedman 1937, Journal of the American Statistical Association 32; Iman and Davenport 1980,
    Communications in Statistics 9, doi:10.1080/03610928008827904; Demsar 2006, JMLR 7,
    section 3.2.2.

    Examples
    --------
    >>> result = friedman([[0.9, 0.7, 0.5], [0.8, 0.6, 0.4], [0.9, 0.8, 0.7], [0.7, 0.8, 0.6]])
    >>> round(result.statistic, 2), round(result.p_value, 3)
    (6.5, 0.039)
    """
    from scipy import stats

    v = np.asarray(scores, dtype=np.float64)
    n, k = v.shape
    # Ranks instead of scores, because failed strategies score minus infinity.
    ranks = stats.rankdata(v, axis=1)
    if (ranks == ranks[:, :1]).all():
        return Friedman(0.0, 1.0, 0.0, 1.0)
    statistic, p_value = map(float, stats.friedmanchisquare(*ranks.T))
    rest = n * (k - 1) - statistic
    f = (n - 1) * statistic / rest if rest > 1e-12 else float("inf")
    return Friedman(statistic, p_value, f, float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))))


def critical_difference(k: int, n: int, alpha: float = ALPHA) -> float:
    """Return Nemenyi's critical difference of average ranks.

    Strategies whose average ranks differ by less are not significantly different.

    Parameters
    ----------
    k : int
        Number of strategies.
    n : int
        Number of data sets.
    alpha : float, default=0.05
        Significance level.

    References
    ----------
    Demsar 2006, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 1-30,
    section 3.2.2 and table 5.

    Examples
    --------
    >>> round(critical_difference(k=4, n=14), 2)
    1.25
    """
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - alpha, k, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(k * (k + 1) / (6 * n)))


def wilcoxon(differences: ArrayLike) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test.

    Parameters
    ----------
    differences : array of shape (N,)
        Gains on N data sets.

    Notes
    -----
    Zeros are split evenly between the signs, as in Demsar 2006, section 3.1.3. If all gains are
    zero, p = 1.

    Examples
    --------
    >>> wilcoxon([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    0.03125
    """
    from scipy import stats

    d = np.asarray(differences, dtype=np.float64)
    if not d.any():
        return 1.0
    return float(stats.wilcoxon(d, zero_method="zsplit").pvalue)


def cliques(ranks: ArrayLike, critical: float) -> list[tuple[int, int]]:
    """Find the maximal groups of ranks that span less than the critical difference.

    Parameters
    ----------
    ranks : array of shape (k,)
        Average ranks, ascending.
    critical : float
        Critical difference.

    Returns
    -------
    list of (int, int)
        First and last index of each group of at least two ranks. No group contains another.

    Examples
    --------
    >>> cliques([1.0, 1.5, 2.2, 4.0], critical=1.0)
    [(0, 1), (1, 2)]
    """
    r = np.asarray(ranks, dtype=np.float64)
    runs: list[tuple[int, int]] = []
    for first in range(len(r)):
        last = int(np.searchsorted(r, r[first] + critical, side="left")) - 1
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs
