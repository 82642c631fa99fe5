"""Base classes of the ensembles: one member after another, or independent bags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.validation import check_is_fitted

from imbench.components.seeding import seed_estimator
from imbench.strategies.facts import FactsMixin
from imbench.strategies.fitted import scores_for
from imbench.strategies.fitting import Fitting, FittingMixin, fitting_of, gather
from imbench.strategies.rows import TrainingRows

MAX_DRAWS = 100  # of a bag of two classes; a bag misses a class of one row with a chance of 37 %


def check_at_least(parameter: str, value: object, least: int) -> None:
    """Raise ValueError unless a value is an integer of at least ``least``."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(f"{parameter} must be an integer of at least {least}, got {value!r}.")


def check_members(name: str, n_estimators: int, n_rows: int) -> None:
    """Raise ValueError if an ensemble is to have more members than there are rows."""
    if n_estimators > n_rows:
        raise ValueError(
            f"strategy.ensemble.{name}.n_estimators={n_estimators} is more than the {n_rows} rows "
            "of this training part: set it lower."
        )


def balanced_rows(labels: NDArray[np.int64], rng: Generator) -> NDArray[np.int64]:
    """Return indices of all rows of the smallest class and of as many of each other class.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        0..K-1, each of them present.
    rng : numpy.random.Generator
        Chooses the rows of the larger classes, without replacement.
    """
    n_smallest = np.bincount(labels).min()
    chosen = [
        rng.permutation(np.flatnonzero(labels == k))[:n_smallest] for k in range(labels.max() + 1)
    ]
    return np.sort(np.concatenate(chosen))


class Ensemble(FactsMixin, FittingMixin, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Fit several copies of a classifier and average their probabilities.

    A subclass fits the members in ``_train``. What an ensemble itself knows of rows (how hard they
    are, how often they are drawn) never becomes a ``sample_weight``; weights that the data have
    stay with their rows.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=10
    random_state : int or None
        Rows of the members; their own seeds are drawn from it, one a member.

    Attributes
    ----------
    estimators_ : list of estimators
    estimator_weights_ : ndarray of shape (n_members,)
        Weight of each member's probabilities.
    classes_ : ndarray of shape (K,)
    notes_ : tuple of str
        What had to be changed to fit this training part.
    predicts_likeliest : bool
        ``predict`` is the argmax of ``predict_proba``; False for a subclass with another one.
    """

    name: ClassVar[str] = "ensemble"
    predicts_likeliest: ClassVar[bool] = True

    def __init__(
        self, estimator: Any, *, n_estimators: int = 10, random_state: int | None = None
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.random_state = random_state

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        check_at_least("n_estimators", self.n_estimators, 1)

    def fitting(self, X: ArrayLike, y: ArrayLike, **given: NDArray[Any]) -> Fitting[Self]:
        """Return a generator that fits the members.

        Parameters
        ----------
        X : array of shape (n, d)
            Raw rows; members bring their own preprocessing.
        y : array of shape (n,)
        **given : ndarray of shape (n,)
            ``sample_weight`` and ``groups`` of the rows, which members get with their rows.

        Raises
        ------
        ValueError
            If a value is out of range, there are more members than rows, or one class only.
        """
        self.check_params()
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class ({self.classes_[0]!r}); a classifier needs two.")
        rows = TrainingRows(np.asarray(X), labels, given)
        check_members(self.name, self.n_estimators, len(rows))
        self.estimators_: list[Any] = []
        self.notes_ = ()
        self._weights: list[float] = []
        yield from self._train(rows, np.random.default_rng(self.random_state))
        self.estimator_weights_ = np.array(self._weights)
        return self

    def _train(self, rows: TrainingRows, rng: Generator) -> Fitting[None]:
        """Fit the members by :meth:`_member` and store them by :meth:`_keep`."""
        raise NotImplementedError

    def _member(self, rows: TrainingRows, rng: Generator) -> Fitting[Any]:
        """Return the fitting of a member."""
        member = seed_estimator(clone(self.estimator), int(rng.integers(2**31)))
        return fitting_of(member, rows.X, self.classes_[rows.labels], **rows.given)

    def _keep(self, member: Any, weight: float = 1.0) -> None:
        self.estimators_.append(member)
        self._weights.append(weight)

    def fitted_members(self) -> Sequence[Any]:
        """Return the members."""
        return self.estimators_

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the weighted mean of the members' probabilities, shape (n, K)."""
        check_is_fitted(self)
        total = sum(
            weight * scores_for(member, X, self.classes_)
            for member, weight in zip(self.estimators_, self.estimator_weights_, strict=True)
        )
        return total / self.estimator_weights_.sum()

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each row, shape (n,)."""
        return self.classes_[self.predict_proba(X).argmax(1)]


class BaggedEnsemble(Ensemble):
    """An ensemble whose members do not depend on each other; a subclass draws ``_bag``.

    Members that are nets are trained as one stack. A bag is drawn when its member is started:
    :func:`imbench.strategies.fitting.gather` limits how many are in memory at once.
    """

    def _train(self, rows: TrainingRows, rng: Generator) -> Fitting[None]:
        members = (self._fit_bag(i, rows, rng) for i in range(self.n_estimators))
        for member in (yield from gather(members)):
            self._keep(member)

    def _fit_bag(self, i: int, rows: TrainingRows, rng: Generator) -> Fitting[Any]:
        # Not in a variable: the rows of the bag would be held here while the member is trained.
        return (yield from self._member(self._bag(i, rows, rng), rng))

    def _bag(self, i: int, rows: TrainingRows, rng: Generator) -> TrainingRows:
        """Return the rows of the bag number ``i``."""
        raise NotImplementedError
