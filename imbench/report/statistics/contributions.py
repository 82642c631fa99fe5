"""How much each test row contributes to the error of a metric: the delete-one jackknife."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imbench.results.fold import FoldResult
from imbench.results.metric_formulas import calibration_bins, confusion, normalised_scores
from imbench.results.metric_options import (
    MetricOptions,
    costs_by_label,
    minority_label,
    rare_labels,
)
from imbench.results.metric_points import POINT_NAMES, Ranking, net_benefits, ranking_of
from imbench.results.metrics import compute_user_metrics
from imbench.strategies.label_metrics import PER_CLASS, label_metrics

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

N_PARTS = 60  # of the rows of a fold; each takes one call of a user's metric
POINT_PARTS = 20  # larger, as a point of the ranking moves in steps
Parts = Sequence[tuple[NDArray[np.intp], int]]  # rows, and the number of parts of their class
CHUNK = 2_000_000  # entries of confusion matrices in memory at once: 16 MB
SCORES = ("roc_auc", "average_precision", "brier", "log_loss", "ece", "net_benefit")


def contributions(fold: FoldResult, metric: str, options: MetricOptions) -> Floats:
    """Return the contribution of each test row to a metric of one fold.

    It is the change of the metric by the row, ``m - m_without_i``, relative to the mean of the
    class in this fold. The sum of squares estimates the variance of the metric over test rows,
    stratified by class.

    Parameters
    ----------
    fold : FoldResult
        A fold on which the metric is defined.
    metric : str
    options : MetricOptions

    Returns
    -------
    ndarray of shape (n_test,)
        A row that is the only one of its class contributes 0.

    Notes
    -----
    Metrics of the confusion matrix change by the cell of the row only, and means over rows have a
    closed form: O(n). The area under the ROC curve and the average precision take O(n log n). A
    user-defined metric is computed without each of 60 parts of the rows, and a row takes its share
    of the change by its part. So are the metrics of one point of the ranking, without each of 20
    parts, because the point is a quantile, and the jackknife of single rows does not estimate the
    variance of a quantile. With 20 rare rows their variance is too large by half, with 200 by a
    sixth: a verdict on them is late, not wrong.

    With row weights, a row gives up as much weight as the lightest row of its class has, and the
    change is scaled by its own weight. A user-defined metric ignores weights.

    References
    ----------
    Efron and Stein 1981, "The Jackknife Estimate of Variance", Annals of Statistics 9,
    doi:10.1214/aos/1176345462; for quantiles Shao and Wu 1989, doi:10.1214/aos/1176347263.

    Examples
    --------
    >>> fold = FoldResult(
    ...     run_id="0", dataset="toy", model="knn", label="none", repeat=0, fold=0, status="ok",
    ...     reason="", class_names=("no", "yes"), minority=1, test_index=np.arange(4),
    ...     y_true=np.array([0, 0, 1, 1]), y_pred=np.array([0, 0, 0, 1]),
    ...     y_score=np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7]]),
    ... )
    >>> contributions(fold, "recall/yes", MetricOptions()).round(3)
    array([ 0.   ,  0.   , -0.354,  0.354])
    """
    if metric in options.extra:
        return _of_user_metric(fold, metric, options)
    weights = fold.test_weight if len(fold.test_weight) else np.ones(len(fold.y_true))
    if metric in POINT_NAMES:
        return _of_point(fold, metric, options, weights)
    with np.errstate(divide="ignore", invalid="ignore"):  # a class without rows is left out below
        step = _steps(fold.y_true, weights)
        if metric in SCORES:
            change = _of_scores(fold, metric, options, weights, step)
        else:
            change = _of_labels(fold, metric, options, weights, step)
        return _centred(change, fold.y_true, weights, step)


def _steps(y: Labels, weights: Floats) -> Floats:
    """Return for each class the weight that is taken from a row: that of its lightest row."""
    step = np.full(int(y.max()) + 1, np.inf)
    used = weights > 0
    np.minimum.at(step, y[used], weights[used])
    return step


def _centred(change: Floats, y: Labels, weights: Floats, step: Floats) -> Floats:
    """Return changes relative to the mean of their class, scaled for the variance of the sum."""
    n = np.bincount(y, weights > 0)
    total = np.bincount(y, weights)
    used = np.where((n[y] > 1) & (weights > 0), change, 0.0)  # an only row leaves no metric
    mean = np.bincount(y, weights * used) / total
    # Without weights sqrt((n - 1) / n), the factor of the jackknife.
    scale = np.where(n > 1, np.sqrt(n / np.maximum(n - 1, 1)) * (total / step - 1) / total, 0.0)
    return (used - mean[y]) * weights * np.nan_to_num(scale)[y]


def _of_labels(
    fold: FoldResult, metric: str, options: MetricOptions, weights: Floats, step: Floats
) -> Floats:
    """Return ``m - m_without_i`` of a metric of the confusion matrix."""
    k = len(fold.class_names)
    pair = fold.y_true * k + fold.y_pred
    counts = np.bincount(pair, minlength=k * k)
    cells = np.flatnonzero(counts)
    place = np.cumsum(counts > 0)[pair] - 1  # of the cell of a row in `cells`
    full = confusion(fold.y_true, fold.y_pred, weights[None], k)
    parts = [_label_values(full, cells[:0], step, fold, metric, options)]
    size = max(1, CHUNK // (k * k))
    for start in range(0, len(cells), size):
        found = _label_values(full, cells[start : start + size], step, fold, metric, options)
        parts.append(found[1:])
    values = np.concatenate(parts)
    changes: Floats = values[0] - values[1:]
    return changes[place]


def _label_values(
    full: Floats, cells: Labels, step: Floats, fold: FoldResult, metric: str, options: MetricOptions
) -> Floats:
    """Return a metric of the matrix itself, then without one row of each of the cells."""
    tables = np.repeat(full, 1 + len(cells), axis=0)
    names = fold.class_names
    tables.reshape(len(tables), -1)[np.arange(1, len(tables)), cells] -= step[cells // len(names)]
    rare = rare_labels(options, names, fold.counts_before, fold.rare)
    minority = minority_label(options, names, fold.minority)
    found = label_metrics(tables, minority, rare, costs_by_label(options, names, minority))
    kind, _, name = metric.partition("/")
    if kind in PER_CLASS and name:
        return found[kind][:, names.index(name)]
    return found[metric]


def _of_scores(
    fold: FoldResult, metric: str, options: MetricOptions, weights: Floats, step: Floats
) -> Floats:
    """Return ``m - m_without_i`` of a metric of the probabilities."""
    y, own_step = fold.y_true, step[fold.y_true]
    minority = minority_label(options, fold.class_names, fold.minority)
    if metric in ("roc_auc", "average_precision"):
        k = len(fold.class_names)
        classes = [minority] if k == 2 else np.flatnonzero(np.bincount(y)).tolist()
        # Unscaled scores: the division could break ties.
        found = [
            _of_ranking(y == c, fold.y_score[:, c], weights, own_step, metric) for c in classes
        ]
        return np.mean(found, axis=0)
    score, total = normalised_scores(fold.y_score), weights.sum()
    if metric == "ece":
        bins, gaps = calibration_bins(y, score, options.ece_bins)
        sums = np.bincount(bins, weights * gaps, minlength=options.ece_bins)
        whole = np.abs(sums).sum()
        without = whole - np.abs(sums[bins]) + np.abs(sums[bins] - own_step * gaps)
        return whole / total - without / (total - own_step)
    own = score[np.arange(len(y)), y]
    if metric == "net_benefit":
        losses = net_benefits(y == minority, score[:, minority], options.points.threshold)
    elif metric == "brier":
        two = score.shape[1] == 2
        losses = (1 - own) ** 2 if two else 1 - 2 * own + (score**2).sum(axis=1)
    else:
        losses = -np.log(np.maximum(own, np.finfo(np.float64).eps))
    mean = weights @ losses / total
    return np.asarray((losses - mean) * own_step / (total - own_step))


def _of_ranking(
    positive: NDArray[np.bool_], score: Floats, weights: Floats, step: Floats, metric: str
) -> Floats:
    """Return the changes of a metric of the ranking; rows of equal score share a threshold."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    first = np.append(True, ranked[1:] != ranked[:-1])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.cumsum(first) - 1  # threshold of each row, from the highest score down
    rows = np.bincount(place, weights).astype(np.float64)
    hits = np.bincount(place, np.where(positive, weights, 0.0)).astype(np.float64)
    # Classes other than the positive one may have steps of their own; the change is nearly linear
    # in the step, so the smallest serves for all of them.
    steps = step[positive].min(initial=np.inf), step[~positive].min(initial=np.inf)
    change = _of_auc if metric == "roc_auc" else _of_average_precision
    with_positive, with_negative = change(hits, rows, *steps)
    negative = with_negative[place] * (step / steps[1])
    return np.where(positive, with_positive[place], negative)


def _of_auc(hits: Floats, rows: Floats, up: float, down: float) -> tuple[Floats, Floats]:
    """Return the changes by a positive and by a negative row of each threshold.

    Parameters
    ----------
    hits, rows : ndarray of shape (n_thresholds,)
        Weight of the positive rows and of all rows of each threshold.
    up, down : float
        Weight that is taken from a positive row, and from a negative one.
    """
    false = rows - hits
    n_pos, n_neg = hits.sum(), false.sum()
    lower = n_neg - np.cumsum(false) + 0.5 * false  # negatives below; a tie counts one half
    higher = np.cumsum(hits) - 0.5 * hits
    auc = (hits * lower).sum() / (n_pos * n_neg)
    by_positive = (lower / n_neg - auc) * up / (n_pos - up)
    by_negative = (higher / n_pos - auc) * down / (n_neg - down)
    return by_positive, by_negative


def _of_average_precision(
    hits: Floats, rows: Floats, up: float, down: float
) -> tuple[Floats, Floats]:
    """Return the changes by a positive and by a negative row of each threshold, as above."""
    passed_hits, passed = np.cumsum(hits), np.cumsum(rows)
    n_pos = passed_hits[-1]
    terms = np.nan_to_num(hits * passed_hits / passed)  # 0 / 0 where the top rows weigh nothing
    before = np.cumsum(terms) - terms

    def from_here(terms: Floats) -> Floats:
        return np.nan_to_num(terms)[::-1].cumsum()[::-1]

    without_negative = (before + from_here(terms * passed / (passed - down))) / n_pos
    # The top row taken away leaves 0 / 0: nothing is passed there.
    own = np.nan_to_num((hits - up) * (passed_hits - up) / (passed - up))
    later = hits * (passed_hits - up) / (passed - up)
    without_positive = (before + own + from_here(later) - np.nan_to_num(later)) / (n_pos - up)
    value = terms.sum() / n_pos
    return value - without_positive, value - without_negative


def _of_user_metric(fold: FoldResult, metric: str, options: MetricOptions) -> Floats:
    """Return contributions of a metric that is only known as a function."""
    only = replace(options, extra={metric: options.extra[metric]})
    whole = compute_user_metrics(fold, only)[metric]

    def changes(parts: Parts) -> Iterator[float]:
        for rows, _ in parts:
            kept = np.ones(len(fold.y_true), dtype=bool)
            kept[rows] = False
            rest = replace(
                fold, y_true=fold.y_true[kept], y_pred=fold.y_pred[kept], y_score=fold.y_score[kept]
            )
            yield whole - compute_user_metrics(rest, only)[metric]

    return _by_parts(fold, fold.y_true, np.ones(len(fold.y_true)), changes, N_PARTS)


def _of_point(fold: FoldResult, metric: str, options: MetricOptions, weights: Floats) -> Floats:
    """Return contributions of a metric of one point of the ranking."""
    minority = minority_label(options, fold.class_names, fold.minority)
    rows = fold.y_true == minority, fold.y_score[:, minority]
    points = options.points

    def changes(parts: Parts) -> Iterator[float]:
        place = np.full(len(weights), len(parts))  # that of the rows of no part
        for i, (members, _) in enumerate(parts):
            place[members] = i
        found = ranking_of(*rows, weights, place, len(parts) + 1)
        kept = Ranking(found.hits[:-1], found.own[:-1], found.passed[:-1])
        whole = ranking_of(*rows, weights)
        yield from points.value(metric, whole) - points.value(metric, whole.without(kept))

    return _by_parts(fold, rows[0].astype(np.int64), weights, changes, POINT_PARTS)


def _by_parts(
    fold: FoldResult,
    y: Labels,
    weights: Floats,
    changes: Callable[[Parts], Iterator[float]],
    n_parts: int,
) -> Floats:
    """Return contributions from the changes of a metric by parts of the rows, each of one class.

    Rows of weight 0 are in no part.
    """
    used = weights > 0
    h = np.zeros(len(weights))
    groups = fold.test_group if len(fold.test_group) else np.arange(len(h))
    parts = list(_parts(y, groups, used, n_parts))
    for (rows, n), change in zip(parts, changes(parts), strict=True):
        # The rows of a part vary together, so that a part counts as one row.
        _, sizes = np.unique(groups[rows], return_counts=True)
        h[rows] = np.nan_to_num(change) * np.sqrt((n - 1) / n / (sizes**2).sum())
    for label in np.unique(y[used]):
        rows = used & (y == label)
        h[rows] -= h[rows].mean()
    return h


def _parts(
    y: Labels, groups: Labels, used: NDArray[np.bool_], n_wanted: int
) -> Iterator[tuple[NDArray[np.intp], int]]:
    """Yield parts of the rows, each of one class, and the number of parts of that class."""
    labels = np.unique(y[used])
    for label in labels:
        rows = np.flatnonzero(used & (y == label))
        _, group = np.unique(groups[rows], return_inverse=True)
        n_groups = int(group.max()) + 1
        n_parts = min(n_groups, max(2, n_wanted // len(labels)))
        if n_parts > 1:
            for part in range(n_parts):
                yield rows[group * n_parts // n_groups == part], n_parts
