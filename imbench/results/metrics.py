"""Compute metrics from stored predictions. No metric is stored, so a new one needs no training.

Rules for folds on which a metric is undefined:

- Undefined values are NaN, without a warning. Means leave NaN folds out.
- A class without true rows in the fold has recall and F1 NaN, and macro means run over the
  classes that are present. Its precision is 0 if it was predicted, otherwise NaN.
- A class that is present but never predicted has precision 0 and F1 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from imbench.components.construct import construct
from imbench.errors import ConfigError
from imbench.results.fold import CellResult, FoldResult
from imbench.results.metric_formulas import (
    DEFAULT,
    PER_CLASS,
    calibration_error,
    weighted_metrics,
)
from imbench.results.metric_options import (
    ARGUMENTS,
    HIGHER_IS_BETTER,
    MetricOptions,
    costs_by_label,
    metric_call,
    minority_label,
    rare_labels,
)
from imbench.results.metric_points import Points
from imbench.strategies.label_metrics import EXPECTED_COST


def compute(fold: FoldResult, options: MetricOptions) -> dict[str, float]:
    """Compute all metrics of a stored fold.

    Returns
    -------
    dict of str to float
        The built-in metrics, ``precision/<class>``, ``recall/<class>`` and ``f1/<class>`` of all
        classes, and those of ``options.extra``. ``expected_cost`` only where costs are set.

    Raises
    ------
    ConfigError
        If ``metrics.minority`` is unknown or a user-defined metric fails.

    Examples
    --------
    >>> fold = FoldResult(
    ...     run_id="0", dataset="toy", model="knn", label="none", repeat=0, fold=0, status="ok",
    ...     reason="", class_names=("no", "yes"), minority=1,
    ...     y_true=np.array([0, 0, 0, 1]),
    ...     y_pred=np.array([0, 0, 1, 1]),
    ...     y_score=np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]]),
    ... )
    >>> metrics = compute(fold, MetricOptions())
    >>> metrics["accuracy"], metrics["roc_auc"], metrics["precision/yes"]
    (0.75, 1.0, 0.5)
    """
    minority = minority_label(options, fold.class_names, fold.minority)
    arrays = (fold.y_true, fold.y_pred, fold.y_score)
    rare = rare_labels(options, fold.class_names, fold.counts_before, fold.rare)
    metrics = compute_metrics(
        *arrays, fold.class_names, minority, options.ece_bins, rare, fold.test_weight,
        costs_by_label(options, fold.class_names, minority), options.points,
    )  # fmt: skip
    return metrics | compute_user_metrics(fold, options)


def compute_user_metrics(fold: FoldResult, options: MetricOptions) -> dict[str, float]:
    """Compute the metrics of ``metrics.extra`` only. They count all rows the same.

    Raises
    ------
    ConfigError
        If ``metrics.minority`` is unknown or a metric fails or returns no number.
    """
    metrics = {}
    for name, node in options.extra.items():
        minority = minority_label(options, fold.class_names, fold.minority)
        arrays = (fold.y_true, fold.y_pred, fold.y_score)
        given = dict(zip(ARGUMENTS, (*arrays, minority), strict=True))
        value = construct(metric_call(node), f"metrics.extra.{name}", **given)
        try:
            metrics[name] = float(value)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"metrics.extra.{name}: {node['_target_']} must return a number, got {value!r}."
            ) from error
    return metrics


def compute_folds(cell: CellResult, options: MetricOptions) -> list[dict[str, float]]:
    """Return the metrics of each finished fold of a cell, in the order of the folds."""
    return [compute(fold, options) for fold in cell.finished]


def summarise(folds: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Return mean and standard deviation (n - 1) over the folds on which a metric is defined.

    Returns
    -------
    mean, std : dict of str to float
        ``std`` is NaN if fewer than two folds define the metric.

    Examples
    --------
    >>> summarise([{"f1": 0.5}, {"f1": 1.0}, {"f1": float("nan")}])
    ({'f1': 0.75}, {'f1': 0.3535533905932738})
    """
    mean, std = {}, {}
    for name in dict.fromkeys(name for fold in folds for name in fold):
        values = np.array([fold[name] for fold in folds if name in fold], dtype=np.float64)
        values = values[~np.isnan(values)]
        mean[name] = float(values.mean()) if len(values) else float("nan")
        std[name] = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return mean, std


def compute_metrics(
    y_true: NDArray[np.int64],
    y_pred: NDArray[np.int64],
    y_score: NDArray[np.float64],
    class_names: Sequence[str],
    minority: int,
    ece_bins: int = 15,
    rare: Sequence[int] = (),
    weights: NDArray[np.float64] | None = None,
    costs: NDArray[np.float64] | None = None,
    points: Points = DEFAULT,
) -> dict[str, float]:
    """Compute all built-in metrics from the predictions on one test part.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n,)
        Labels 0..K-1.
    y_score : ndarray of shape (n, K)
        Class probabilities.
    class_names : sequence of str of length K
    minority : int
        Label of the class of ``f1_minority``, the positive class of binary ranking metrics.
    ece_bins : int, default=15
    rare : sequence of int
        Labels of the classes of ``recall_rare`` and ``f1_rare``; by default the minority alone.
    weights : ndarray of shape (n,) or None
        Weights of the rows. None or an empty array counts all rows the same.
    costs : ndarray of shape (K, K) or None
        Costs of errors. Without them there is no ``expected_cost``.
    points : Points
        Where ``recall_at_precision`` and the like are computed.

    Notes
    -----
    For K > 2, ``roc_auc`` and ``average_precision`` are one-vs-rest means over the classes that
    are present. ``brier`` is scikit-learn's: for two classes the mean squared error of the
    minority's probability, for more the sum of squared errors over the classes. Metrics of a point
    (``net_benefit`` and the like) are about the minority against all others. ``mcc`` is 0 for
    constant predictions (its limit) and NaN on a fold with one class. ``ece`` depends on the
    scores only, so moving a threshold does not change it.

    Examples
    --------
    >>> y_score = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
    >>> y_true, y_pred = np.array([0, 0, 0, 1]), y_score.argmax(axis=1)
    >>> metrics = compute_metrics(y_true, y_pred, y_score, ("no", "yes"), minority=1)
    >>> metrics["balanced_accuracy"], metrics["f1_minority"]
    (0.8333333333333333, 0.6666666666666666)
    """
    if len(y_true) == 0:
        return _all_undefined(class_names, costs)
    w = np.ones(len(y_true)) if weights is None or not len(weights) else weights
    metrics = weighted_metrics(
        y_true, y_pred, y_score, w[None], class_names, minority, ece_bins, None, rare, costs, points
    )
    names = _all_undefined(class_names, costs)  # in this order
    return {name: float(metrics[name][0]) for name in names}


def expected_calibration_error(
    y_true: NDArray[np.int64], y_score: NDArray[np.float64], n_bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy over equal-width bins of the confidence.

    Parameters
    ----------
    y_true : ndarray of shape (n,)
    y_score : ndarray of shape (n, K)
        Class probabilities. The confidence of a row is the largest one, its prediction the class
        that has it.
    n_bins : int, default=15
        Number M of bins ``((m - 1) / M, m / M]``.

    References
    ----------
    Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, eq. 3.

    Examples
    --------
    >>> y_score = np.array([[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.75, 0.25]])
    >>> expected_calibration_error(np.array([0, 0, 0, 1]), y_score)
    0.0
    >>> expected_calibration_error(np.array([0, 0, 0, 0]), y_score)
    0.25
    """
    return float(calibration_error(y_true, y_score, np.ones((1, len(y_true))), n_bins)[0])


def fbeta_minority(
    y_true: NDArray[np.int64],
    y_pred: NDArray[np.int64],
    y_score: NDArray[np.float64],
    minority: int,
    beta: float = 2.0,
) -> float:
    """F-beta score of the minority class. With beta 2, recall weighs four times as much.

    It is an example of a user-defined metric. ``metrics=[default,f2]`` adds it.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n,)
    y_score : ndarray of shape (n, K)
        Not used.
    minority : int
        Label of the positive class.
    beta : float, default=2.0

    Raises
    ------
    ValueError
        If `beta` is not positive.

    Examples
    --------
    >>> y_true, y_pred = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 0, 0, 1])
    >>> y_score = np.eye(2)[y_pred]
    >>> round(fbeta_minority(y_true, y_pred, y_score, minority=1), 3)
    0.556
    >>> round(fbeta_minority(y_true, y_pred, y_score, minority=1, beta=1), 3)
    0.667
    """
    from sklearn.metrics import fbeta_score

    if beta <= 0:
        raise ValueError(f"beta must be > 0, got {beta=}.")
    if not (y_true == minority).any():
        return float("nan")
    is_minority = (y_true == minority, y_pred == minority)
    return float(fbeta_score(*is_minority, beta=beta, zero_division=0.0))


def _all_undefined(
    class_names: Sequence[str], costs: NDArray[np.float64] | None
) -> dict[str, float]:
    known = [name for name in HIGHER_IS_BETTER if costs is not None or name != EXPECTED_COST]
    per_class = (f"{kind}/{name}" for kind in PER_CLASS for name in class_names)
    return dict.fromkeys([*known, *per_class], float("nan"))
