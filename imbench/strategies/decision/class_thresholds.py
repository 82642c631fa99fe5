"""One weight a class on its probability, tuned on inner folds."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.decision.base import TunedRule
from imbench.strategies.decision.threshold import Metric, check_metric, tune_class_weights


class ClassThresholds(TunedRule):
    """Label a row argmax_k w_k p_k, with the weights that score best on inner folds.

    For any number of classes, two included. Probabilities stay as the classifier gives them.

    Parameters
    ----------
    estimator : estimator
    metric : {"f1_macro", "balanced_accuracy", "g_mean"} or callable, default="f1_macro"
        What is maximised, see :class:`imbench.strategies.decision.threshold.TunedThreshold`.
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
        metric: Metric = "f1_macro",
        cv: int = 5,
        random_state: int | None = None,
    ) -> None:
        super().__init__(estimator, cv=cv, random_state=random_state)
        self.metric = metric

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        super().check_params()
        check_metric(self.metric)

    def _learn_from(
        self,
        scores: NDArray[np.float64],
        y: NDArray[np.int64],
        weight: NDArray[np.float64] | None = None,
    ) -> None:
        self.weights_ = tune_class_weights(scores, y, self.metric)

    def _weighted(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return scores * self.weights_
