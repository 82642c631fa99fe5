"""Reduce predictions to the few points that the curves of the page need, over pooled folds.

A point is a threshold on the score of one class against the rest, with the numbers of true and
false positives. ROC, precision-recall and cost curves are drawn from the same points, so the page
stores them once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imbench.results.fold import FoldResult

MAX_POINTS = 40
MAX_CLASSES = 20  # rows of a confusion matrix, beyond which the most frequent classes are merged
N_BINS = 10
# Points are kept at these recalls, at these false positive rates, and at the minimum of expected
# cost for these slopes (vertices of the ROC convex hull): 15 + 12 + 12 points and the origin.
RECALLS = np.linspace(0.0, 1.0, 15)
FALL_OUTS = np.array([0.0, 0.001, 0.003, 0.01, 0.02, 0.04, 0.07, 0.12, 0.2, 0.35, 0.55, 0.75])
SLOPES = np.geomspace(0.02, 50.0, 12)


@dataclass(frozen=True, eq=False)
class Curve:
    """One class against the rest.

    Parameters
    ----------
    label : int
        The class.
    n_positive, n_negative : int
    true_positives, false_positives : ndarray of shape (n_points,)
        Counts at decreasing thresholds, from (0, 0) to all rows.
    average_precision, roc_auc : float
        Computed from all thresholds, not only from these points.
    bins : ndarray of shape (n_bins, 3)
        Rows, positive rows and mean score of each non-empty bin of the score.
    """

    label: int
    n_positive: int
    n_negative: int
    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    average_precision: float
    roc_auc: float
    bins: NDArray[np.float64]


def curve(truth: NDArray[np.bool_], score: NDArray[np.float64], label: int) -> Curve | None:
    """Return the curve of one class, or None if only one of the two outcomes is present.

    Parameters
    ----------
    truth : ndarray of shape (n,)
        Whether a row is of the class.
    score : ndarray of shape (n,)
        Probability of the class. Rows with NaN (from diverged nets) are left out.
    label : int
        The class.

    Examples
    --------
    >>> found = curve(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.4, 0.1]), 1)
    >>> found.true_positives.tolist(), found.false_positives.tolist(), found.roc_auc
    ([0, 1, 1, 2, 2], [0, 0, 1, 1, 2], 0.75)
    """
    finite = np.isfinite(score)
    truth, score = truth[finite], score[finite]
    n_positive = int(truth.sum())
    n_negative = len(truth) - n_positive
    if not n_positive or not n_negative:
        return None
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)  # of a run of ties
    tp = np.concatenate([[0], np.cumsum(truth[order])[last]])
    fp = np.concatenate([[0], last + 1 - tp[1:]])
    recall, fall_out = tp / n_positive, fp / n_negative
    precision = tp[1:] / (tp[1:] + fp[1:])
    kept = _points_kept(tp, fp)
    return Curve(
        label=label,
        n_positive=n_positive,
        n_negative=n_negative,
        true_positives=tp[kept],
        false_positives=fp[kept],
        average_precision=float(np.sum(np.diff(recall) * precision)),
        roc_auc=float(np.trapezoid(recall, fall_out)),
        bins=_bins(truth, score),
    )


def curves(folds: Sequence[FoldResult], minority: int, n_classes: int) -> list[Curve]:
    """Return the curves of a cell over its pooled folds, starting with the minority class.

    Parameters
    ----------
    folds : sequence of FoldResult
        Folds with status ``ok``.
    minority : int
        For two classes the only one with a curve, because the other one is its mirror image.
    n_classes : int
        Maximum number of classes. The rarest are chosen.
    """
    y_true = np.concatenate([f.y_true for f in folds])
    y_score = np.concatenate([f.y_score for f in folds])
    counts = np.bincount(y_true, minlength=y_score.shape[1])
    others = [int(k) for k in np.argsort(counts, kind="stable") if counts[k] and k != minority]
    labels = [minority] if y_score.shape[1] == 2 else [minority, *others][:n_classes]
    found = (curve(y_true == k, y_score[:, k], k) for k in labels)
    return [c for c in found if c is not None]


def classes_shown(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the labels that have their own row in the matrices of the page, ascending.

    Parameters
    ----------
    counts : ndarray of shape (K,)
        Rows per class. With more than `MAX_CLASSES`, the most frequent are left out.
    """
    if len(counts) <= MAX_CLASSES:
        return np.arange(len(counts))
    return np.sort(np.argsort(counts, kind="stable")[: MAX_CLASSES - 1])


def confusion(folds: Sequence[FoldResult], shown: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the confusion matrix over pooled folds. Classes not shown share the last row."""
    n_classes = folds[0].y_score.shape[1]
    place = np.full(n_classes, len(shown), dtype=np.int64)
    place[shown] = np.arange(len(shown))
    side = len(shown) + (len(shown) < n_classes)
    y_true = place[np.concatenate([f.y_true for f in folds])]
    y_pred = place[np.concatenate([f.y_pred for f in folds])]
    return np.bincount(y_true * side + y_pred, minlength=side * side).reshape(side, side)


def _points_kept(tp: NDArray[np.int64], fp: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices of at most `MAX_POINTS` thresholds, including the first and the last."""
    if len(tp) <= MAX_POINTS:
        return np.arange(len(tp))
    recall, fall_out = tp / tp[-1], fp / fp[-1]
    at_recall = np.searchsorted(recall, RECALLS)
    at_fall_out = np.searchsorted(fall_out, FALL_OUTS, side="right") - 1
    on_hull = [int(np.argmax(recall - slope * fall_out)) for slope in SLOPES]
    chosen = np.concatenate([[0, len(tp) - 1], at_recall, at_fall_out, on_hull])
    return np.unique(chosen)


def _bins(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> NDArray[np.float64]:
    place = np.minimum((score * N_BINS).astype(np.int64), N_BINS - 1)
    rows = np.bincount(place, minlength=N_BINS)
    true_rows = np.bincount(place, weights=truth, minlength=N_BINS)
    total = np.bincount(place, weights=score, minlength=N_BINS)
    kept = rows > 0
    return np.column_stack([rows[kept], true_rows[kept], total[kept] / rows[kept]])
