"""Bags as row numbers: members fetch their rows when they are fitted."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags

from imbench.strategies.ensemble.base import check_members


class RowsOf(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """A classifier that is fitted on the rows of a table that it is given the numbers of.

    Parameters
    ----------
    estimator : estimator
    X : ndarray of shape (n, d)
        Shared by all clones.

    Attributes
    ----------
    estimator_ : estimator
    classes_ : ndarray of shape (K,)
    """

    def __init__(self, estimator: Any, X: Any) -> None:
        self.estimator = estimator
        self.X = X

    def __sklearn_clone__(self) -> RowsOf:
        """Return one with the same table."""
        return RowsOf(clone(self.estimator), self.X)

    def __sklearn_tags__(self) -> Any:
        """Return the tags of the classifier inside."""
        return get_tags(self.estimator)

    def fit(self, rows: NDArray[np.int64], y: ArrayLike) -> Self:
        """Fit the classifier to rows (m, 1) of the table; a bag's is its own already."""
        self.estimator_ = self.estimator.fit(self.X[rows[:, 0]], y)
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return the labels of rows (m, 1) of the table, shape (m,); scikit-learn looks for it."""
        return self.estimator_.predict(self.X[rows[:, 0]])


class NumberedBags:
    """Mixed into a bagging classifier of scikit-learn: its bags hold row numbers while it fits.

    A bag of row numbers is under-sampled before a row is copied, and no bag is copied that
    waits for its turn. The members that are left take rows as ever, and are the same.

    Attributes
    ----------
    predicts_likeliest : bool
        ``predict`` is the argmax of ``predict_proba``; False for a subclass with another one.
    """

    name: ClassVar[str]
    predicts_likeliest: ClassVar[bool] = True
    estimator: Any
    n_estimators: int
    estimator_: Any
    estimators_: list[Any]

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the members.

        Raises
        ------
        ValueError
            If there are more members than rows.
        """
        table, given = np.asarray(X), self.estimator
        check_members(self.name, self.n_estimators, len(table))
        self.estimator = RowsOf(given, table)
        try:
            super().fit(np.arange(len(table))[:, None], y)  # type: ignore[misc]
        finally:
            self.estimator = given
        self.estimator_ = _without_numbers(self.estimator_)
        self.estimators_ = [_without_numbers(member) for member in self.estimators_]
        self.n_features_in_ = table.shape[1]
        self.estimators_features_ = [np.arange(table.shape[1])] * len(self.estimators_)
        return self


def _without_numbers(member: Any) -> Any:
    """Return a member, or the pipeline that it ends, without what is around the classifier."""
    if isinstance(member, RowsOf):
        return member.estimator
    name, last = member.steps[-1]
    member.steps[-1] = (name, _without_numbers(last))
    return member
