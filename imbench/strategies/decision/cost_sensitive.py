"""The label with the smallest expected cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.decision.base import DecisionRule
from imbench.strategies.rows import TrainingRows


def check_costs(costs: object) -> None:
    """Raise ValueError unless a value is a square matrix of finite costs of at least 0."""
    try:
        matrix = np.asarray(costs, np.float64)
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise ValueError(
            "costs must be a square matrix, one row and one column a class such as "
            f"[[0, 1], [10, 0]], got costs={costs!r}."
        )
    if not ((matrix >= 0) & (matrix < np.inf)).all():
        raise ValueError(f"costs must hold finite numbers of at least 0, got costs={costs!r}.")


def cost_matrix(costs: Sequence[Sequence[float]], n_classes: int, key: str) -> NDArray[np.float64]:
    """Return the costs as a matrix (K, K).

    Raises
    ------
    ValueError
        If there is not one row and column for each class.
    """
    matrix = np.asarray(costs, np.float64)
    if len(matrix) != n_classes:
        raise ValueError(
            f"{key} is {len(matrix)} x {len(matrix)}, but there are {n_classes} classes: give "
            "one row and one column a class."
        )
    return matrix


def inverse_frequency_costs(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return n_max / n_i for every mistake on a row of class i, 0 on the diagonal; (K, K)."""
    return (counts.max() / counts)[:, None] * (1 - np.eye(len(counts)))


class CostSensitive(DecisionRule):
    """Label a row argmin_j sum_i p(i | x) costs[i][j]. Probabilities stay as they are.

    Parameters
    ----------
    estimator : estimator
    costs : list of K lists of K numbers or None
        ``costs[i][j]`` is the cost of predicting class j for a row of class i, at least 0: rows
        are the true classes, as in a confusion matrix. For two classes ``[[0, 1], [10, 0]]``
        says that to miss a positive costs ten false alarms. None: every mistake on class i
        costs n_max / n_i.

    Attributes
    ----------
    estimator_, classes_, n_fits_
        As in :class:`imbench.strategies.decision.base.DecisionRule`.
    costs_ : ndarray of shape (K, K)

    Notes
    -----
    Elkan writes C(i, j) with the prediction first. The default is the rule of
    ``logit_adjustment`` with tau = 1. It takes the counts of the training part, before any
    resampler: behind one the costs are counted twice.

    References
    ----------
    Elkan 2001, "The Foundations of Cost-Sensitive Learning", IJCAI 17, eq. 1.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> fitted = CostSensitive(LogisticRegression(), costs=[[0, 1], [10, 0]]).fit(X, y)
    >>> int(fitted.predict(X).sum()) > int((fitted.predict_proba(X)[:, 1] > 0.5).sum())
    True
    """

    name: ClassVar[str] = "cost_sensitive"

    def __init__(self, estimator: Any, *, costs: Sequence[Sequence[float]] | None = None) -> None:
        super().__init__(estimator)
        self.costs = costs

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        if self.costs is not None:
            check_costs(self.costs)

    def _learn(self, rows: TrainingRows) -> None:
        n_classes = len(self.classes_)
        if self.costs is None:
            self.costs_ = inverse_frequency_costs(np.bincount(rows.labels, minlength=n_classes))
        else:
            key = "strategy.decision.cost_sensitive.costs"
            self.costs_ = cost_matrix(self.costs, n_classes, key)

    def _weighted(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return -(scores @ self.costs_)
