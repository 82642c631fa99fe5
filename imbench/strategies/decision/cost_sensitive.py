"""The label with the smallest expected cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.costs import Costs, check_costs
from imbench.strategies.decision.aims import KnowsClasses
from imbench.strategies.decision.base import DecisionRule
from imbench.strategies.rows import TrainingRows


def inverse_frequency_costs(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return n_max / n_i for every mistake on a row of class i, 0 on the diagonal; (K, K)."""
    return (counts.max() / counts)[:, None] * (1 - np.eye(len(counts)))


class CostSensitive(KnowsClasses, DecisionRule):
    """Label a row argmin_j sum_i p(i | x) costs[i][j]. Probabilities stay as they are.

    Parameters
    ----------
    estimator : estimator
    costs : mapping, sequence or None
        See :func:`imbench.strategies.costs.cost_table`. In a matrix rows are the true classes, as
        in a confusion matrix. For two classes ``[[0, 1], [10, 0]]`` says that to miss a row of
        the second costs ten false alarms, as ``{missed: 10, false_alarm: 1}`` does if that is
        the minority. None: every mistake on class i costs n_max / n_i.
    minority : str or None, default=None
        Class that ``missed`` is about. None is the rarest.
    class_names : sequence of str or None, default=None
        Name of each label, given by imbench.

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

    def __init__(
        self,
        estimator: Any,
        *,
        costs: Costs | None = None,
        minority: str | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(estimator)
        self.costs = costs
        self.minority = minority
        self.class_names = class_names

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        if self.costs is not None:
            check_costs(self.costs)

    def _learn(self, rows: TrainingRows) -> None:
        counts = np.bincount(rows.labels, minlength=len(self.classes_))
        if self.costs is None:
            self.costs_ = inverse_frequency_costs(counts)
        else:
            self.costs_ = self._costs(self.costs, counts)

    def _weighted(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return -(scores @ self.costs_)
