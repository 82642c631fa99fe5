"""What the page's curves are drawn from: few points a strategy, counted over pooled folds.

A point is a threshold on the score of one class against the rest, and stands for two counts:
true and false positives. ROC, precision-recall and cost curves are three views of the same
points, so that the page stores them once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imbench.results.fold import FoldResult

MAX_POINTS = 40
MAX_CLASSES = 20  # rows of a confusion matrix; the more frequent classes are joined
N_BINS = 10
# Where points are kept: at these recalls, at these false positive rates, and where expected cost
# is smallest for these slopes (a vertex of the ROC convex hull each). 15 + 12 + 12 + origin.
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
        Counts at thresholds from strict to lax; the first point is (0, 0), the last everything.
    average_precision, roc_auc : float
        Of all thresholds, not only of the points kept.
    bins : ndarray of shape (n_bins, 3)
        Rows, true rows and mean score of each bin of the score that is not empty.
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
    """Return the curve of one class, or None where it is undefined.

    Parameters
    ----------
    truth : ndarray of shape (n,)
        Whether a row is of the class.
    score : ndarray of shape (n,)
        Its probability; rows with a NaN (of a net that diverged) are left out.
    label : int
    """
    finite = np.isfinite(score)
    truth, score = truth[finite], score[finite]
    n_positive = int(truth.sum())
    n_negative = len(truth) - n_positive
    if not n_positive or not n_negative:
        return None
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)  # of equal scores
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
    """Return the curves of a cell over its pooled folds, the minority's first.

    Parameters
    ----------
    folds : sequence of FoldResult
        Those that are ``ok``.
    minority : int
        Of two classes the only one with a curve: the other's says the same.
    n_classes : int
        How many classes to return at most, the rarest.
    """
    y_true = np.concatenate([f.y_true for f in folds])
    y_score = np.concatenate([f.y_score for f in folds])
    counts = np.bincount(y_true, minlength=y_score.shape[1])
    others = [int(k) for k in np.argsort(counts, kind="stable") if counts[k] and k != minority]
    labels = [minority] if y_score.shape[1] == 2 else [minority, *others][:n_classes]
    found = (curve(y_true == k, y_score[:, k], k) for k in labels)
    return [c for c in found if c is not None]


def classes_shown(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the labels with a row of their own in the page's matrices, in their own order.

    Parameters
    ----------
    counts : ndarray of shape (K,)
        Rows a class; the most frequent are left out where there are more than `MAX_CLASSES`.
    """
    if len(counts) <= MAX_CLASSES:
        return np.arange(len(counts))
    return np.sort(np.argsort(counts, kind="stable")[: MAX_CLASSES - 1])


def confusion(folds: Sequence[FoldResult], shown: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count true by predicted classes over pooled folds; classes not shown are the last one."""
    n_classes = folds[0].y_score.shape[1]
    place = np.full(n_classes, len(shown), dtype=np.int64)
    place[shown] = np.arange(len(shown))
    side = len(shown) + (len(shown) < n_classes)
    y_true = place[np.concatenate([f.y_true for f in folds])]
    y_pred = place[np.concatenate([f.y_pred for f in folds])]
    return np.bincount(y_true * side + y_pred, minlength=side * side).reshape(side, side)


def _points_kept(tp: NDArray[np.int64], fp: NDArray[np.int64]) -> NDArray[np.int64]:
    """Choose at most `MAX_POINTS` thresholds, always the first and the last."""
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
