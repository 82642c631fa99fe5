"""Base classes of the decision rules: the classifier inside, and its out-of-fold scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from imbench.strategies.facts import FactsMixin
from imbench.strategies.fitted import scores_for
from imbench.strategies.fitting import Fitting, FittingMixin, fitting_of, gather

Split = tuple[NDArray[np.int64], NDArray[np.int64]]

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


class RowsAsScores(ClassifierMixin, BaseEstimator):
    """A classifier whose rows are its scores, for scikit-learn's meta-estimators.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.1], [0.4, 0.6]])
    >>> RowsAsScores().fit(scores, [0, 1]).predict_proba(scores)[:, 1].tolist()
    [0.1, 0.6]
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Store the classes."""
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rows; of two classes the column of the second, shape (n,)."""
        return X[:, 1] if len(self.classes_) == 2 else X

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rows."""
        return X

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the class of the largest score, shape (n,)."""
        return self.classes_[X.argmax(1)]


class DecisionRule(FactsMixin, FittingMixin, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
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
    learns_from_scores : bool
        The rule needs the scores of the classifier and nothing else of it, so that it can learn
        from stored scores (:mod:`imbench.results.scores`).
    """

    name: ClassVar[str] = "decision"
    learns_from_scores: ClassVar[bool] = True

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""

    def fitting(self, X: ArrayLike, y: ArrayLike) -> Fitting[Self]:
        """Return a generator that fits the classifier on all rows, and learns the rule.

        Parameters
        ----------
        X : array of shape (n, d)
        y : array of shape (n,)
        """
        self.check_params()
        self.classes_, encoded = np.unique(y, return_inverse=True)
        # Labels for the classifier inside. Words become positions, because class counts are read
        # by whole numbers; whole numbers stay, because a class may have no row here.
        is_whole = self.classes_.dtype.kind in "iu"
        self._labels = self.classes_ if is_whole else np.arange(len(self.classes_))
        self.n_fits_ = 1
        yield from self._fit_inside(np.asarray(X), encoded)
        self._learn(X, encoded)
        return self

    def _fit_inside(self, X: NDArray[Any], y: NDArray[np.int64]) -> Fitting[None]:
        """Fit ``estimator_`` to rows and labels 0..K-1."""
        self.estimator_ = yield from self._fit_clone(X, y)

    def _fit_clone(self, X: NDArray[Any], y: NDArray[np.int64]) -> Fitting[Any]:
        """Return the fitting of a copy of the classifier to rows and labels 0..K-1."""
        return fitting_of(clone(self.estimator), X, self._labels[y])

    def _learn(self, X: ArrayLike, y: NDArray[np.int64]) -> None:
        """Learn the rule from rows and labels 0..K-1; ``estimator_`` is fitted already."""

    def fitted_members(self) -> Sequence[Any]:
        """Return the classifier that was fitted on all rows."""
        return (self.estimator_,)

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

    def fitting(self, X: ArrayLike, y: ArrayLike) -> Fitting[Self]:
        """Return a generator that fits on all rows and on inner folds, and learns the rule.

        Raises
        ------
        ValueError
            If a class has fewer rows than there are inner folds.
        """
        self.check_params()
        inner_folds(y, self.cv, self.name, self.random_state)  # raises before anything is fitted
        return super().fitting(X, y)

    def _fit_inside(self, X: NDArray[Any], y: NDArray[np.int64]) -> Fitting[None]:
        scores, _ = yield from self._out_of_fold(X, y)
        self._learn_from(scores, y)

    def _out_of_fold(
        self, X: NDArray[Any], y: NDArray[np.int64]
    ) -> Fitting[tuple[NDArray[np.float64], Sequence[Split]]]:
        """Fit ``estimator_``, and then copies on the inner folds side by side.

        In this order the nets on all rows are stacked as they are without the rule, and end in
        the same bits.

        Returns
        -------
        scores : ndarray of shape (n, K)
            Probabilities for each row by a copy that was not fitted on it.
        splits : list of (train, held out)
        """
        folds = inner_folds(y, self.cv, self.name, self.random_state)
        splits = list(folds.split(X, y))
        self.estimator_ = yield from self._fit_clone(X, y)
        found = yield from gather(self._held_out_scores(X, y, *split) for split in splits)
        self.n_fits_ = self.cv + 1
        scores = np.empty((len(y), len(self.classes_)))
        for (_, held_out), own in zip(splits, found, strict=True):
            scores[held_out] = own
        return scores, splits

    def _held_out_scores(
        self,
        X: NDArray[Any],
        y: NDArray[np.int64],
        train: NDArray[np.int64],
        held_out: NDArray[np.int64],
    ) -> Fitting[NDArray[np.float64]]:
        fitted = yield from self._fit_clone(X[train], y[train])
        return scores_for(fitted, X[held_out], self._labels)

    def _learn_from(self, scores: NDArray[np.float64], y: NDArray[np.int64]) -> None:
        """Learn the rule from out-of-fold probabilities (n, K) and labels 0..K-1."""
        raise NotImplementedError
