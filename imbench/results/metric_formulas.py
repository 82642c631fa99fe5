"""Formulas of all metrics for weighted rows, vectorised over several vectors of weights.

:func:`imbench.results.metrics.compute_metrics` calls :func:`weighted_metrics` with the weights of
the rows. :mod:`imbench.report.statistics.contributions` uses the same formulas. Rules for
undefined values are in :mod:`imbench.results.metrics`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from imbench.results.metric_points import POINT_NAMES, Points, net_benefits, ranking_of
from imbench.strategies.label_metrics import PER_CLASS, label_metrics

Floats = NDArray[np.float64]
SCORE_NAMES = (
    "roc_auc", "average_precision", "brier", "log_loss", "ece", *POINT_NAMES, "net_benefit",
)  # fmt: skip
DEFAULT = Points()


def weighted_metrics(
    y_true: NDArray[np.int64],
    y_pred: NDArray[np.int64],
    y_score: Floats,
    weights: Floats,
    class_names: Sequence[str],
    minority: int,
    ece_bins: int = 15,
    only: Collection[str] | None = None,
    rare: Sequence[int] = (),
    costs: Floats | None = None,
    points: Points = DEFAULT,
) -> dict[str, Floats]:
    """Compute all metrics for each of B vectors of row weights.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n,), n >= 1
    y_score : ndarray of shape (n, K)
    weights : ndarray of shape (B, n)
        Positive. A weight of 2 counts a row twice.
    class_names : sequence of str of length K
    minority : int
        Label of the positive class of the binary metrics.
    ece_bins : int, default=15
    only : collection of str or None
        Score metrics to compute, which take most of the time. None computes all.
    rare : sequence of int
        Labels of the rare classes; by default the minority alone.
    costs : ndarray of shape (K, K) or None
        Costs of errors; without them there is no ``expected_cost``.
    points : Points
        Of ``recall_at_precision`` and the like.

    Returns
    -------
    dict of str to ndarray of shape (B,)

    Examples
    --------
    >>> y_score = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> y_true, y_pred = np.array([0, 1, 1]), np.array([0, 1, 0])
    >>> weights = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 2.0]])
    >>> weighted_metrics(y_true, y_pred, y_score, weights, ("a", "b"), 1)["accuracy"].round(3)
    array([0.667, 0.5  ])
    """
    tables = confusion(y_true, y_pred, weights, len(class_names))
    metrics = label_metrics(tables, minority, rare, costs)
    for kind in PER_CLASS:
        values = metrics.pop(kind)  # (B, K)
        metrics |= {f"{kind}/{name}": values[:, c] for c, name in enumerate(class_names)}
    wanted = [name for name in SCORE_NAMES if only is None or name in only]
    return metrics | score_metrics(y_true, y_score, weights, minority, ece_bins, wanted, points)


def confusion(
    y_true: NDArray[np.int64], y_pred: NDArray[np.int64], weights: Floats, n_classes: int
) -> Floats:
    """Return weighted confusion matrices with true classes in rows, shape (B, K, K).

    Examples
    --------
    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([[1.0, 1.0, 2.0]]), 2)
    array([[[1., 0.],
            [1., 2.]]])
    """
    cells = n_classes * n_classes
    pair = y_true * n_classes + y_pred
    table: Floats = np.zeros((len(weights), cells))
    if len(weights) == 1:
        table[0] = np.bincount(pair, weights=weights[0], minlength=cells)
    else:
        found, column = np.unique(pair, return_inverse=True)
        table[:, found] = weights @ np.eye(len(found))[column]
    return table.reshape(-1, n_classes, n_classes)


def score_metrics(
    y_true: NDArray[np.int64],
    y_score: Floats,
    weights: Floats,
    minority: int,
    ece_bins: int,
    wanted: Collection[str] = SCORE_NAMES,
    points: Points = DEFAULT,
) -> dict[str, Floats]:
    """Compute the metrics of probabilities. All are NaN if a score is NaN (a diverged net)."""
    score = normalised_scores(y_score)
    if np.isnan(score).any():
        return {name: np.full(len(weights), np.nan) for name in wanted}
    n, n_classes = score.shape
    total = weights.sum(axis=1)
    values = {}
    if "roc_auc" in wanted or "average_precision" in wanted:
        classes = [minority] if n_classes == 2 else np.flatnonzero(np.bincount(y_true)).tolist()
        # Unscaled scores, because the division could break ties between rows of equal score.
        ranked = [rank_metrics(y_true == c, y_score[:, c], weights) for c in classes]
        values["roc_auc"] = np.mean([auc for auc, _ in ranked], axis=0)
        values["average_precision"] = np.mean([ap for _, ap in ranked], axis=0)
    own = score[np.arange(n), y_true]
    if "brier" in wanted:
        # For two classes the squared error of one of them, which is half the sum over both.
        squares = (1 - own) ** 2 if n_classes == 2 else 1 - 2 * own + (score**2).sum(axis=1)
        values["brier"] = weights @ squares / total
    if "log_loss" in wanted:
        values["log_loss"] = weights @ -np.log(np.maximum(own, np.finfo(np.float64).eps)) / total
    if "ece" in wanted:
        values["ece"] = calibration_error(y_true, score, weights, ece_bins)
    positive = y_true == minority
    if names := [name for name in POINT_NAMES if name in wanted]:
        rankings = [ranking_of(positive, y_score[:, minority], w) for w in weights]
        for name in names:
            values[name] = np.concatenate([points.value(name, ranking) for ranking in rankings])
    if "net_benefit" in wanted:
        benefits = net_benefits(positive, score[:, minority], points.threshold)
        values["net_benefit"] = weights @ benefits / total
    return {name: values[name] for name in wanted}


def normalised_scores(y_score: Floats) -> Floats:
    """Return scores whose rows sum to one; all NaN if a row is not finite or sums to nothing.

    Examples
    --------
    >>> normalised_scores(np.array([[1.0, 3.0]]))
    array([[0.25, 0.75]])
    """
    size = y_score.sum(axis=1, keepdims=True)
    if not (np.isfinite(size).all() and (size > 0).all()):
        return np.full(y_score.shape, np.nan)
    return np.asarray(y_score / size)  # a softmax in float32 sums to one within 1e-7 only


def rank_metrics(
    positive: NDArray[np.bool_], ranked: Floats, weights: Floats
) -> tuple[Floats, Floats]:
    """Compute the area under the ROC curve and the average precision.

    Parameters
    ----------
    positive : ndarray of shape (n,)
        Whether a row is of the positive class.
    ranked : ndarray of shape (n,)
        Score of the positive class. Rows of equal score share a threshold.
    weights : ndarray of shape (B, n)

    Returns
    -------
    roc_auc, average_precision : ndarray of shape (B,)
        NaN if all rows are positive or none is.

    Examples
    --------
    >>> positive, score = np.array([True, False, True, False]), np.array([0.9, 0.8, 0.4, 0.1])
    >>> roc_auc, average_precision = rank_metrics(positive, score, np.ones((1, 4)))
    >>> roc_auc, average_precision.round(3)
    (array([0.75]), array([0.833]))
    """
    if positive.all() or not positive.any():
        return np.full(len(weights), np.nan), np.full(len(weights), np.nan)
    order = np.argsort(-ranked, kind="stable")
    n, hit, sorted_score = len(order), positive[order], ranked[order]
    # Thresholds lie between groups of equal score. Only groups with a positive row contribute.
    first = np.append(True, sorted_score[1:] != sorted_score[:-1])
    group = np.cumsum(first) - 1
    edges = np.append(np.flatnonzero(first), n)
    places = np.flatnonzero(hit)
    last = np.append(group[places[1:]] != group[places[:-1]], True)  # last positive of its group
    groups = group[places[last]]
    sums = np.zeros((len(weights), n + 1))  # cumulative weight from the highest score down
    np.cumsum(weights[:, order], axis=1, out=sums[:, 1:])
    passed, before = sums[:, edges[groups + 1]], sums[:, edges[groups]]
    hits = np.cumsum(weights[:, order[places]], axis=1)[:, last]
    earlier = np.zeros_like(hits)
    earlier[:, 1:] = hits[:, :-1]
    steps, n_hits = hits - earlier, hits[:, -1]
    n_false = sums[:, -1] - n_hits
    # Where rows at the top have weight 0, nothing is passed.
    terms = np.divide(steps * hits, passed, out=np.zeros_like(hits), where=passed > 0)
    average_precision = terms.sum(axis=1) / n_hits
    # Trapezoidal rule: a pair of equal scores counts one half.
    above = 0.5 * ((passed - hits) + (before - earlier))
    return 1 - (steps * above).sum(axis=1) / (n_hits * n_false), average_precision


def calibration_error(
    y_true: NDArray[np.int64], score: Floats, weights: Floats, n_bins: int
) -> Floats:
    """Compute the expected calibration error for each vector of weights, shape (B,).

    References
    ----------
    Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, eq. 3.

    Examples
    --------
    >>> score = np.array([[0.75, 0.25], [0.75, 0.25]])
    >>> weights = np.array([[1.0, 1.0], [3.0, 1.0]])
    >>> calibration_error(np.array([0, 1]), score, weights, n_bins=15)
    array([0.25, 0.  ])
    """
    bins, gaps = calibration_bins(y_true, score, n_bins)
    spread = np.zeros((len(bins), n_bins))
    spread[np.arange(len(bins)), bins] = gaps
    return np.abs(weights @ spread).sum(axis=1) / weights.sum(axis=1)


def calibration_bins(
    y_true: NDArray[np.int64], score: Floats, n_bins: int
) -> tuple[NDArray[np.int64], Floats]:
    """Return for each row the bin of its confidence, and how much it exceeds the confidence.

    Examples
    --------
    >>> bins, gaps = calibration_bins(np.array([0, 1]), np.array([[0.75, 0.25], [0.75, 0.25]]), 4)
    >>> bins, gaps
    (array([2, 2]), array([ 0.25, -0.75]))
    """
    confidence = score.max(axis=1)
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    bins = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, n_bins - 1)
    return bins, (score.argmax(axis=1) == y_true) - confidence
