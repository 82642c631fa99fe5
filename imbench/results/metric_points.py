"""Metrics of one point of a ranking: what is found with a precision, a recall, or k rows.

Rows of equal score cannot be told apart: a threshold takes all of them or none, and of those that
a list of k rows takes in part, each is taken with the same probability. So no value depends on
the order of the rows. Formulas are vectorised over several vectors of row weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
POINT_NAMES = ("recall_at_precision", "precision_at_recall", "recall_at_k")
NEARLY = 1e-12  # weights are summed in floating point


@dataclass(frozen=True)
class Points:
    """Where the metrics of a point are computed: the keys of the group ``metrics``.

    Parameters
    ----------
    precision, recall : float
        Of ``recall_at_precision`` and ``precision_at_recall``.
    k : int or None
        Of ``recall_at_k``.
    threshold : float
        Of ``net_benefit``.
    """

    precision: float = 0.9
    recall: float = 0.8
    k: int | None = None
    threshold: float = 0.1

    def value(self, metric: str, ranking: Ranking) -> Floats:
        """Return one of `POINT_NAMES`, shape (B,)."""
        if metric == "recall_at_precision":
            return recall_at_precision(ranking, self.precision)
        if metric == "precision_at_recall":
            return precision_at_recall(ranking, self.recall)
        return recall_at_k(ranking, self.k)


@dataclass(frozen=True)
class Ranking:
    """The thresholds at the scores of positive rows, for each of B vectors of weights.

    Parameters
    ----------
    hits : ndarray of shape (B, T)
        Weight of the positive rows at each threshold, from the highest score down.
    own : ndarray of shape (B, T)
        Weight of all rows at each threshold.
    passed : ndarray of shape (B, T)
        Weight of all rows from the highest score down to the threshold, included.
    """

    hits: Floats
    own: Floats
    passed: Floats

    @property
    def n_positive(self) -> Floats:
        """Weight of the positive rows, shape (B, 1)."""
        return self.hits.sum(axis=1, keepdims=True)

    def without(self, other: Ranking) -> Ranking:
        """Return what is left of the weights without those of another ranking of the rows."""
        return Ranking(self.hits - other.hits, self.own - other.own, self.passed - other.passed)


def ranking_of(
    positive: NDArray[np.bool_],
    score: Floats,
    weights: Floats,
    parts: NDArray[np.int64] | None = None,
    n_parts: int = 1,
) -> Ranking:
    """Sum weights at and above each score of a positive row; O(n log T).

    Parameters
    ----------
    positive : ndarray of shape (n,)
    score : ndarray of shape (n,)
    weights : ndarray of shape (n,)
    parts : ndarray of shape (n,) or None
        Part 0..B-1 of each row, whose weights are summed apart. None is one part.
    n_parts : int, default=1
        B.

    Returns
    -------
    Ranking
        With one row for each part.

    Examples
    --------
    >>> positive, score = np.array([True, False, True]), np.array([0.9, 0.8, 0.4])
    >>> ranking_of(positive, score, np.ones(3)).passed
    array([[1., 3.]])
    """
    levels = np.unique(score[positive])
    n_levels = len(levels)
    place = np.searchsorted(levels, score, side="right") - 1  # the highest level below a row
    known = place >= 0
    at_level = known & (levels[np.maximum(place, 0)] == score) if n_levels else known
    start = np.zeros(len(score), np.int64) if parts is None else parts * n_levels

    def sums(rows: NDArray[np.bool_]) -> Floats:
        cells = (start + place)[rows]
        table = np.bincount(cells, weights[rows], minlength=n_parts * n_levels)
        return table.reshape(n_parts, n_levels)[:, ::-1].astype(np.float64)

    return Ranking(sums(positive), sums(at_level), sums(known).cumsum(axis=1))


def recall_at_precision(ranking: Ranking, precision: float) -> Floats:
    """Return the largest recall of a threshold whose precision is at least a value, shape (B,).

    It is 0 if no threshold has that precision, and NaN without positive rows.

    References
    ----------
    Davis and Goadrich 2006, "The Relationship Between Precision-Recall and ROC Curves", ICML 23,
    doi:10.1145/1143844.1143874 (the curve, of which no point is interpolated here).

    Examples
    --------
    >>> positive, score = np.array([True, False, True]), np.array([0.9, 0.8, 0.4])
    >>> ranking = ranking_of(positive, score, np.ones(3))
    >>> recall_at_precision(ranking, 0.9), recall_at_precision(ranking, 0.6)
    (array([0.5]), array([1.]))
    """
    found, passed = ranking.hits.cumsum(axis=1), ranking.passed
    enough = found >= precision * passed * (1 - NEARLY)
    best = np.max(found, axis=1, initial=0.0, where=enough & (passed > 0))
    return _share(best, ranking.n_positive[:, 0])


def precision_at_recall(ranking: Ranking, recall: float) -> Floats:
    """Return the largest precision of a threshold whose recall is at least a value, shape (B,).

    NaN without positive rows.

    Examples
    --------
    >>> positive, score = np.array([True, False, True]), np.array([0.9, 0.8, 0.4])
    >>> ranking = ranking_of(positive, score, np.ones(3))
    >>> precision_at_recall(ranking, 0.5), precision_at_recall(ranking, 0.8).round(3)
    (array([1.]), array([0.667]))
    """
    found, passed = ranking.hits.cumsum(axis=1), ranking.passed
    share = np.divide(found, passed, out=np.zeros_like(found), where=passed > 0)
    enough = found >= recall * ranking.n_positive * (1 - NEARLY)
    best = np.max(share, axis=1, initial=0.0, where=enough)
    return np.where(ranking.n_positive[:, 0] > 0, best, np.nan)


def recall_at_k(ranking: Ranking, k: float | None) -> Floats:
    """Return the share of the positive rows among the k rows of highest score, shape (B,).

    Parameters
    ----------
    ranking : Ranking
    k : float or None
        Rows, or their weight. None is the number of positive rows: precision and recall are equal
        there, and a perfect ranking has 1 (R-precision).

    References
    ----------
    Manning, Raghavan and Schuetze 2008, "Introduction to Information Retrieval", section 8.4.

    Examples
    --------
    >>> positive, score = np.array([True, False, True]), np.array([0.9, 0.4, 0.4])
    >>> recall_at_k(ranking_of(positive, score, np.ones(3)), k=2)
    array([0.75])
    """
    size = ranking.n_positive if k is None else k
    before = ranking.passed - ranking.own
    taken = np.clip(size - before, 0.0, ranking.own)  # of each group of equal scores
    share = np.divide(taken, ranking.own, out=np.zeros_like(taken), where=ranking.own > 0)
    return _share((ranking.hits * share).sum(axis=1), ranking.n_positive[:, 0])


def net_benefits(positive: NDArray[np.bool_], probability: Floats, threshold: float) -> Floats:
    """Return what each row adds to the net benefit, whose mean over the rows it is, shape (n,).

    A row whose probability is at least the threshold t is treated. Treating a positive row adds
    1, and treating another one takes away t / (1 - t), the odds at which a user is indifferent.

    References
    ----------
    Vickers and Elkin 2006, "Decision Curve Analysis: A Novel Method for Evaluating Prediction
    Models", Medical Decision Making 26, doi:10.1177/0272989X06295361.

    Examples
    --------
    >>> positive, probability = np.array([True, False, True]), np.array([0.9, 0.3, 0.1])
    >>> net_benefits(positive, probability, threshold=0.2)
    array([ 1.  , -0.25,  0.  ])
    """
    value = np.where(positive, 1.0, -threshold / (1 - threshold))
    return np.where(probability >= threshold, value, 0.0)


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
