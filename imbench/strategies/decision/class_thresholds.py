"""One weight a class on its probability, tuned on inner folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.costs import Costs
from imbench.strategies.decision.aims import AimedRule, Metric, few_rows
from imbench.strategies.decision.base import TunedRule
from imbench.strategies.decision.threshold import aim_notes, tune_class_weights


class ClassThresholds(AimedRule, TunedRule):
    """Label a row argmax_k w_k p_k, with the weights that score best on inner folds.

    For any number of classes, two included. Probabilities stay as the classifier gives them.

    Parameters
    ----------
    estimator : estimator
    metric, subject_to, costs, minority, rare, class_names
        What is maximised, and under which bounds: see
        :class:`imbench.strategies.decision.threshold.TunedThreshold`.
    cv : int, default=5
        Inner stratified folds.
    random_state : int or None
        Shuffle of the inner folds.

    Attributes
    ----------
    estimator_, classes_, n_fits_
        As in :class:`imbench.strategies.decision.base.DecisionRule`.
    weights_ : ndarray of shape (K,)
        With geometric mean one.
    notes_ : tuple of str

    Notes
    -----
    Differs from ``threshold`` for two classes, which takes scikit-learn's search over the
    scores that occur; here it is the coordinate search over log weights for any K.

    References
    ----------
    Collell et al. 2018, "A simple plug-in bagging ensemble based on threshold-moving for
    classifying binary and multiclass imbalanced data", DOI 10.1016/j.neucom.2017.08.035, eq. 6.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> fitted = ClassThresholds(LogisticRegression(), cv=3, random_state=0).fit(X, y)
    >>> round(float(fitted.weights_.prod()), 6)
    1.0
    """

    name: ClassVar[str] = "class_thresholds"

    def __init__(
        self,
        estimator: Any,
        *,
        metric: Metric | None = None,
        subject_to: Mapping[str, float] | None = None,
        costs: Costs | None = None,
        minority: str | None = None,
        rare: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        cv: int = 5,
        random_state: int | None = None,
    ) -> None:
        super().__init__(estimator, cv=cv, random_state=random_state)
        self.metric = metric
        self.subject_to = subject_to
        self.costs = costs
        self.minority = minority
        self.rare = rare
        self.class_names = class_names

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        super().check_params()
        self._check_aim()

    def _learn_from(
        self,
        scores: NDArray[np.float64],
        y: NDArray[np.int64],
        weight: NDArray[np.float64] | None = None,
    ) -> None:
        counts = np.bincount(y, minlength=len(self.classes_))
        aim = self._aim(counts)
        self.weights_ = tune_class_weights(scores, y, aim, weight=weight)
        found = few_rows(self.name, counts)
        found += aim_notes(self.name, aim, scores * self.weights_, y, weight)
        self.notes_ = tuple(dict.fromkeys([*getattr(self, "notes_", ()), *found]))

    def _weighted(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return scores * self.weights_
