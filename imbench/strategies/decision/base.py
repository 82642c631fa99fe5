"""What the decision rules share: the classifier inside, and scores of rows it was not fitted on."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.utils.validation import check_is_fitted

SMALLEST_SCORE = 1e-12  # forests give probabilities of exactly 0


def log_scores(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log p, finite also where p is 0; shape as given."""
    return np.log(np.maximum(scores, SMALLEST_SCORE))


def normalised(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores (n, K) that sum to one in each row; rows of zeros become uniform."""
    scores = np.where(scores.any(1, keepdims=True), scores, 1.0)
    return scores / scores.sum(1, keepdims=True)


def check_cv(cv: object) -> None:
    """Raise ValueError unless a value is a number of inner folds."""
    if not isinstance(cv, int) or cv < 2:
        raise ValueError(f"cv must be an integer of at least 2, got {cv!r}.")


def inner_folds(y: ArrayLike, cv: int, name: str, random_state: int | None) -> StratifiedKFold:
    """Return the inner folds of a rule, shuffled.

    Raises
    ------
    ValueError
        If a class has fewer rows than there are folds.
    """
    n_smallest = np.unique(y, return_counts=True)[1].min()
    if n_smallest < cv:
        raise ValueError(
            f"strategy.decision.{name}.cv={cv} needs {cv} rows of each class for its inner folds, "
            f"but the smallest has {n_smallest} in this training part: set it lower (at least 2), "
            f"or leave {name} out."
        )
    return StratifiedKFold(cv, shuffle=True, random_state=random_state)


class DecisionRule(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Fit a classifier, and then what turns its scores into other scores or into labels.

    A subclass learns its rule in ``_learn``. It overrides :meth:`predict_proba` if it changes
    the scores, or ``_weighted`` if it changes the labels alone.

    Parameters
    ----------
    estimator : estimator

    Attributes
    ----------
    estimator_ : estimator
        The classifier, fitted on all rows that :meth:`fit` got.
    classes_ : ndarray of shape (K,)
    n_fits_ : int
        Fits of ``estimator`` that this took.
    """

    name: ClassVar[str] = "decision"
    learns_from_scores: ClassVar[bool] = True  # and from nothing else, see imbench.results.scores

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the classifier on all rows, and learn the rule.

        Parameters
        ----------
        X : array of shape (n, d)
        y : array of shape (n,)
        """
        self.check_params()
        self.classes_, encoded = np.unique(y, return_inverse=True)
        # What the classifier inside is told: words become places, because what reads counts out
        # of it needs whole numbers; those stay, because a class may have no row here.
        is_whole = self.classes_.dtype.kind in "iu"
        self._labels = self.classes_ if is_whole else np.arange(len(self.classes_))
        self.n_fits_ = 1
        self.estimator_ = clone(self.estimator).fit(X, self._labels[encoded])
        self._learn(X, encoded)
        return self

    def _learn(self, X: ArrayLike, y: NDArray[np.int64]) -> None:
        """Learn the rule from rows and labels 0..K-1; ``estimator_`` is fitted already."""
        raise NotImplementedError

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities, shape (n, K)."""
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return labels under the rule, shape (n,)."""
        return self.classes_[self._weighted(self.predict_proba(X)).argmax(1)]

    def _weighted(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the label is the argmax of, shape (n, K)."""
        return scores


class TunedRule(DecisionRule):
    """A rule learnt from scores of inner folds, which the classifier was not fitted on.

    Parameters
    ----------
    estimator : estimator
    cv : int, default=5
        Inner stratified folds.
    random_state : int or None
        Shuffle of the inner folds.
    """

    def __init__(self, estimator: Any, *, cv: int = 5, random_state: int | None = None) -> None:
        super().__init__(estimator)
        self.cv = cv
        self.random_state = random_state

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        check_cv(self.cv)

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the classifier on all rows, and learn the rule on inner folds.

        Raises
        ------
        ValueError
            If a class has fewer rows than there are inner folds.
        """
        self.check_params()
        inner_folds(y, self.cv, self.name, self.random_state)  # refused before anything is fitted
        return super().fit(X, y)

    def _learn(self, X: ArrayLike, y: NDArray[np.int64]) -> None:
        folds = inner_folds(y, self.cv, self.name, self.random_state)
        labels = self._labels[y]
        scores = cross_val_predict(self.estimator, X, labels, cv=folds, method="predict_proba")
        self.n_fits_ = self.cv + 1
        self._learn_from(scores, y)

    def _learn_from(self, scores: NDArray[np.float64], y: NDArray[np.int64]) -> None:
        """Learn the rule from out-of-fold probabilities (n, K) and labels 0..K-1."""
        raise NotImplementedError
