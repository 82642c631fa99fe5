"""Metrics of predicted labels, from confusion matrices: what decision rules tune and tables show.

Rules for undefined values are in :mod:`imbench.results.metrics`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PER_CLASS = ("precision", "recall", "f1")
EXPECTED_COST = "expected_cost"
LABEL_METRICS = (
    "precision_macro", "recall_macro", "f1_macro", "f1_weighted", "f1_minority",
    "balanced_accuracy", "g_mean", "mcc", "accuracy", "worst_class_recall", "recall_rare",
    "f1_rare", EXPECTED_COST,
)  # fmt: skip
OF_MINORITY = ("precision", "recall", "f1", "specificity")  # short names in decision rules


def label_metrics(
    table: Floats, minority: int, rare: Sequence[int] = (), costs: Floats | None = None
) -> dict[str, Floats]:
    """Compute the metrics of predicted labels from confusion matrices.

    Parameters
    ----------
    table : ndarray of shape (B, K, K)
        True classes in rows. A class is present if the first matrix has rows of it.
    minority : int
    rare : sequence of int
        Labels of the rare classes; by default the minority alone.
    costs : ndarray of shape (K, K) or None
        With costs there is ``expected_cost``, the mean cost of a row; see
        :func:`imbench.strategies.costs.cost_table`.

    Returns
    -------
    dict of str to ndarray
        Shape (B, K) for ``precision``, ``recall`` and ``f1`` of each class, else (B,).

    Examples
    --------
    >>> table = np.array([[[90.0, 0.0], [5.0, 5.0]]])
    >>> found = label_metrics(table, minority=1, costs=np.array([[0.0, 1.0], [20.0, 0.0]]))
    >>> found["recall_macro"], found["expected_cost"]
    (array([0.75]), array([1.]))
    """
    hits = np.diagonal(table, axis1=1, axis2=2)  # (B, K)
    support, predicted = table.sum(axis=2), table.sum(axis=1)
    total = support.sum(axis=1)
    present = support[0] > 0
    precision = np.where(present, 0.0, np.nan) + np.zeros_like(hits)
    precision[predicted > 0] = hits[predicted > 0] / predicted[predicted > 0]
    recall, f1 = (np.full(hits.shape, np.nan) for _ in range(2))
    recall[:, present] = hits[:, present] / support[:, present]
    f1[:, present] = 2 * hits[:, present] / (support + predicted)[:, present]
    here = recall[:, present]
    with np.errstate(divide="ignore"):  # log(0) of a recall of 0 gives a geometric mean of 0
        g_mean = np.exp(np.log(here).mean(axis=1))
    rare_here = [label for label in rare or [minority] if present[label]]
    accuracy = hits.sum(axis=1) / total
    paid = {} if costs is None else {"expected_cost": (table * costs).sum(axis=(1, 2)) / total}
    return paid | {
        "precision_macro": precision[:, present].mean(axis=1),
        "recall_macro": here.mean(axis=1),
        "f1_macro": f1[:, present].mean(axis=1),
        "f1_weighted": (f1 * support)[:, present].sum(axis=1) / total,
        "f1_minority": f1[:, minority],
        "balanced_accuracy": here.mean(axis=1),
        "g_mean": g_mean,
        "mcc": _mcc(accuracy, support / total[:, None], predicted / total[:, None], present),
        "accuracy": accuracy,
        "worst_class_recall": here.min(axis=1),
        "recall_rare": _mean_of(recall, rare_here),
        "f1_rare": _mean_of(f1, rare_here),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


def label_metric(
    table: Floats,
    name: str,
    class_names: Sequence[str],
    minority: int,
    rare: Sequence[int] = (),
    costs: Floats | None = None,
) -> Floats:
    """Return one metric of each confusion matrix.

    Parameters
    ----------
    table : ndarray of shape (B, K, K)
    name : str
        One of `LABEL_METRICS`; ``precision/<class>``, ``recall/<class>`` or ``f1/<class>``; or
        ``precision``, ``recall``, ``f1`` or ``specificity`` of the minority.
    class_names : sequence of str of length K
    minority : int
    rare : sequence of int
    costs : ndarray of shape (K, K) or None

    Returns
    -------
    ndarray of shape (B,)

    Examples
    --------
    >>> table = np.array([[[90.0, 10.0], [5.0, 5.0]]])
    >>> [float(label_metric(table, n, ("no", "yes"), 1)[0]) for n in ("recall/no", "specificity")]
    [0.9, 0.9]
    """
    if name == "specificity":
        others = np.arange(len(class_names)) != minority
        rows = table[:, others].sum(axis=(1, 2))
        right = rows - table[:, others, minority].sum(axis=1)
        return np.divide(right, rows, out=np.full(len(table), np.nan), where=rows > 0)
    found = label_metrics(table, minority, rare, costs)
    kind, _, class_name = name.partition("/")
    if kind in PER_CLASS:
        return found[kind][:, list(class_names).index(class_name) if class_name else minority]
    return found[name]


def _mean_of(values: Floats, labels: Sequence[int]) -> Floats:
    """Return the mean over some classes, NaN where there is none."""
    if not labels:
        return np.full(len(values), np.nan)
    return values[:, labels].mean(axis=1)


def _mcc(accuracy: Floats, truth: Floats, guess: Floats, present: NDArray[np.bool_]) -> Floats:
    """Matthews correlation coefficient from class shares of shape (B, K).

    It is 0 for constant predictions and NaN if only one class is present.
    """
    if np.count_nonzero(present) < 2:
        return np.full(len(accuracy), np.nan)
    covariance = accuracy - (truth * guess).sum(axis=1)
    spread = (1 - (truth**2).sum(axis=1)) * (1 - (guess**2).sum(axis=1))
    constant = spread <= 1e-15
    return np.where(constant, 0.0, covariance / np.sqrt(np.where(constant, 1.0, spread)))
