"""The `weights` stage for scikit-learn models, as ``sample_weight``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from imbench.models.mixin import ModelMixin
from imbench.strategies.facts import TrainingFacts
from imbench.strategies.fitting import Fitting, FittingMixin, fitting_of
from imbench.strategies.rows import WEIGHT

if TYPE_CHECKING:
    from imbench.strategies.protocols import Weights


class WeightedClassifier(
    FittingMixin, ModelMixin, MetaEstimatorMixin, ClassifierMixin, BaseEstimator
):
    """Fit a classifier with a weight for each row, from its class and what the entry says of it.

    Constructed by :func:`imbench.pipeline.build.build` for models that take ``sample_weight``. It
    takes none itself, so that an ensemble around it draws rows instead of weighting them.

    Parameters
    ----------
    estimator : estimator
        Its ``fit`` takes ``sample_weight``.
    weights : callable
        See :class:`imbench.strategies.protocols.Weights`; called with ``progress=0``.

    Attributes
    ----------
    estimator_ : estimator
    classes_ : ndarray of shape (K,)
    class_weights_ : ndarray of shape (K,)
        Weight of a row of each class; a mean where the entry has ``row_weights``.
    notes_ : tuple of str
        Those of the classifier.

    Notes
    -----
    Weights are scaled to a mean of one over the training rows: for a regularised model the sum
    of the weights is its data's side of the trade, and a strategy should not change that.
    ``N / (K n_c)`` has this mean already, so it equals scikit-learn's ``class_weight="balanced"``.
    """

    def __init__(self, estimator: Any, weights: Weights) -> None:
        self.estimator = estimator
        self.weights = weights

    def __sklearn_tags__(self) -> Any:
        """Return the tags of the classifier inside: it decides what data is taken."""
        return get_tags(self.estimator)

    def fitting(self, X: ArrayLike, y: ArrayLike, **given: Any) -> Fitting[Self]:
        """Return a generator that computes the weights from the labels and fits the classifier.

        ``sample_weight`` of the data, of shape (n,), is multiplied by the weight of the class.
        What else is given beside the rows, such as ``validation``, is passed on.
        """
        self.classes_, encoded, counts = np.unique(y, return_inverse=True, return_counts=True)
        by_class = self.weights(counts, progress=0.0)
        self.class_weights_ = by_class * len(encoded) / by_class[encoded].sum()
        weight = self.class_weights_[encoded]
        if WEIGHT in given:
            weight = weight * given[WEIGHT]
        if hasattr(self.weights, "row_weights"):
            weight = weight * self.weights.row_weights(X, encoded)
        inner = clone(self.estimator)
        given[WEIGHT] = weight
        self.estimator_ = yield from fitting_of(inner, X, y, **given)
        self.notes_ = tuple(getattr(self.estimator_, "notes_", ()))
        return self

    def training_facts(self) -> TrainingFacts:
        """Return what is known of the training; called after ``fit``."""
        inner = self.estimator_
        is_ours = isinstance(inner, ModelMixin)
        facts = inner.training_facts() if is_ours else TrainingFacts(self.classes_)
        return replace(facts, class_weights=self.class_weights_)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the classifier's labels, shape (n,)."""
        check_is_fitted(self)
        return self.estimator_.predict(X)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the classifier's probabilities, shape (n, K)."""
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)


class WeightedHoldout(WeightedClassifier):
    """The same around a classifier that needs validation rows, which have no class weights.

    Constructed by :func:`imbench.pipeline.build.build`. A metric on the validation rows is then
    the one that the tables have.
    """

    holds_out = True

    @property
    def validation_fraction(self) -> float:
        """Share of the rows that the classifier wants held out."""
        return float(self.estimator.validation_fraction)

    @property
    def random_state(self) -> Any:
        """Seed of their choice."""
        return self.estimator.random_state
