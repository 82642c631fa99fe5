"""Base classes of the decision rules: the classifier inside, and its out-of-fold scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.validation import check_is_fitted

from imbench.strategies.facts import FactsMixin
from imbench.strategies.fitted import scores_for
from imbench.strategies.fitting import Fitting, FittingMixin, fitting_of, gather
from imbench.strategies.inner_splits import Split, inner_splits
from imbench.strategies.rows import GROUPS, WEIGHT, TrainingRows

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


def splits_of(
    rows: TrainingRows, cv: int, name: str, random_state: int | None
) -> tuple[list[Split], tuple[str, ...]]:
    """Return the inner folds of a rule, see :func:`imbench.strategies.inner_splits.inner_splits`.

    Raises
    ------
    ValueError
        If a class has a single row, or a single group.
    """
    wanted, instead = (f"strategy.decision.{name}.cv", cv), f"leave {name} out"
    return inner_splits(rows.labels, rows.given.get(GROUPS), wanted, instead, random_state)


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

    def fitting(self, X: ArrayLike, y: ArrayLike, **given: NDArray[Any]) -> Fitting[Self]:
        """Return a generator that fits the classifier on all rows, and learns the rule.

        Parameters
        ----------
        X : array of shape (n, d)
        y : array of shape (n,)
        **given : ndarray of shape (n,)
            ``sample_weight`` and ``groups`` of the rows.
        """
        self.check_params()
        self.classes_, encoded = np.unique(y, return_inverse=True)
        # Labels for the classifier inside. Words become positions, because class counts are read
        # by whole numbers; whole numbers stay, because a class may have no row here.
        is_whole = self.classes_.dtype.kind in "iu"
        self._labels = self.classes_ if is_whole else np.arange(len(self.classes_))
        self.n_fits_, self.notes_ = 1, ()
        rows = TrainingRows(np.asarray(X), encoded, given)
        yield from self._fit_inside(rows)
        self._learn(rows)
        return self

    def _fit_inside(self, rows: TrainingRows) -> Fitting[None]:
        """Fit ``estimator_``."""
        self.estimator_ = yield from self._fit_clone(rows)

    def _fit_clone(self, rows: TrainingRows) -> Fitting[Any]:
        """Return the fitting of a copy of the classifier."""
        return fitting_of(clone(self.estimator), rows.X, self._labels[rows.labels], **rows.given)

    def _learn(self, rows: TrainingRows) -> None:
        """Learn the rule from rows; ``estimator_`` is fitted already."""

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
        Inner stratified folds; fewer, with a note, where a class has fewer rows.
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

    def _fit_inside(self, rows: TrainingRows) -> Fitting[None]:
        scores, _ = yield from self._out_of_fold(rows)
        self._learn_from(scores, rows.labels, rows.given.get(WEIGHT))

    def _out_of_fold(
        self, rows: TrainingRows
    ) -> Fitting[tuple[NDArray[np.float64], Sequence[Split]]]:
        """Fit ``estimator_``, and then copies on the inner folds side by side.

        In this order the nets on all rows are stacked as they are without the rule, and end in
        the same bits.

        Returns
        -------
        scores : ndarray of shape (n, K)
            Probabilities for each row by a copy that was not fitted on it.
        splits : list of (train, held out)

        Raises
        ------
        ValueError
            If a class has a single row; before anything is fitted.
        """
        splits, notes = splits_of(rows, self.cv, self.name, self.random_state)
        self.notes_ += notes
        self.estimator_ = yield from self._fit_clone(rows)
        found = yield from gather(self._held_out_scores(rows, *split) for split in splits)
        self.n_fits_ = len(splits) + 1
        scores = np.empty((len(rows), len(self.classes_)))
        for (_, held_out), own in zip(splits, found, strict=True):
            scores[held_out] = own
        return scores, splits

    def _held_out_scores(
        self, rows: TrainingRows, train: NDArray[np.int64], held_out: NDArray[np.int64]
    ) -> Fitting[NDArray[np.float64]]:
        fitted = yield from self._fit_clone(rows[train])
        return scores_for(fitted, rows.X[held_out], self._labels)

    def _learn_from(
        self,
        scores: NDArray[np.float64],
        y: NDArray[np.int64],
        weight: NDArray[np.float64] | None = None,
    ) -> None:
        """Learn the rule from out-of-fold probabilities.

        Parameters
        ----------
        scores : ndarray of shape (n, K)
        y : ndarray of shape (n,)
            Labels 0..K-1.
        weight : ndarray of shape (n,) or None
            Of the rows; None if all count the same.
        """
        raise NotImplementedError
