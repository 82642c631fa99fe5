"""The boosting libraries as scikit-learn classifiers that fit into ensembles."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.validation import check_is_fitted


class BoostedTrees(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """A classifier of LightGBM, XGBoost or CatBoost with labels as scikit-learn has them.

    XGBoost takes only labels 0..K-1 without gaps, while a member of an ensemble may miss a class;
    CatBoost returns labels as a column. All three take missing values.

    Parameters
    ----------
    estimator : estimator
        Its ``fit`` takes ``sample_weight``.

    Attributes
    ----------
    estimator_ : estimator
    classes_ : ndarray of shape (K,)

    Examples
    --------
    >>> from xgboost import XGBClassifier
    >>> trees = XGBClassifier(n_estimators=5, n_jobs=1)
    >>> X, y = np.linspace(0, 1, 20)[:, None], np.repeat(["a", "b"], 10)
    >>> BoostedTrees(trees).fit(X, y).predict([[0.1], [0.9]]).tolist()
    ['a', 'b']
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def __sklearn_tags__(self) -> Any:
        """Return tags that allow NaN."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the trees.

        Parameters
        ----------
        X : array of shape (n, d)
        y : array of shape (n,)
        sample_weight : array of shape (n,) or None
        """
        self.classes_, encoded = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class ({self.classes_[0]!r}); a classifier needs two.")
        self.estimator_ = clone(self.estimator)
        self.estimator_.fit(X, encoded, sample_weight=sample_weight)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities of shape (n, K)."""
        check_is_fitted(self)
        scores = np.asarray(self.estimator_.predict_proba(X), np.float64)
        return scores / scores.sum(1, keepdims=True)  # XGBoost's are float32

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each row, shape (n,)."""
        return self.classes_[self.predict_proba(X).argmax(1)]
