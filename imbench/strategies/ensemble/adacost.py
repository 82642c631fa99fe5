"""Boosting in which a mistake on a dear class weighs more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from imbench.strategies.ensemble.base import Ensemble
from imbench.strategies.ensemble.boosting import draw_by_weight
from imbench.strategies.fitted import scores_for
from imbench.strategies.fitting import Fitting
from imbench.strategies.rows import WEIGHT, TrainingRows

LARGEST_R = 1 - 1e-10  # a member without error would have an infinite vote


def cost_adjustment(costs: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return beta of the paper, (1 - c)/2 for rows that are right and (1 + c)/2 for wrong ones."""
    return np.where(right, 1 - costs, 1 + costs) / 2


class AdaCost(Ensemble):
    """AdaBoost whose weights start at the cost of a row's class and grow faster where it is high.

    Parameters
    ----------
    estimator : estimator
    costs : list of float or None
        Cost of a mistake on each class, above 0, in the order of the classes; scaled to a
        maximum of one. None is n_min / n_c.
    n_estimators : int, default=10
        Rounds at most: boosting ends at a member with a vote of 0 or less.
    random_state : int or None

    Attributes
    ----------
    estimators_, estimator_weights_, classes_
        As in :class:`imbench.strategies.ensemble.base.Ensemble`; the weight of a member is
        alpha of the paper.
    costs_ : ndarray of shape (K,)

    Notes
    -----
    The paper is for two classes; here a row is right or wrong, whatever the number of classes.
    A member takes no weights: rows are drawn with replacement by their weight (boosting by
    resampling, Freund & Schapire 1997). Members vote with probabilities. If the first member
    would have no vote it is kept alone.

    References
    ----------
    Fan et al. 1999, "AdaCost: Misclassification Cost-Sensitive Boosting", ICML 16, figure 1.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> tree = DecisionTreeClassifier(max_depth=2)
    >>> fitted = AdaCost(tree, n_estimators=3, random_state=0).fit(X, y)
    >>> fitted.costs_.round(3)
    array([0.111, 1.   ])
    """

    name: ClassVar[str] = "adacost"

    def __init__(
        self,
        estimator: Any,
        *,
        costs: Sequence[float] | None = None,
        n_estimators: int = 10,
        random_state: int | None = None,
    ) -> None:
        super().__init__(estimator, n_estimators=n_estimators, random_state=random_state)
        self.costs = costs

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        super().check_params()
        if self.costs is None:
            return
        numbers = isinstance(self.costs, list | tuple) and all(
            isinstance(c, int | float) and 0 < c < float("inf") for c in self.costs
        )
        if not numbers:
            raise ValueError(
                f"costs must be null or a list of numbers above 0, got costs={self.costs!r}."
            )

    def _train(self, rows: TrainingRows, rng: Generator) -> Fitting[None]:
        labels = rows.labels
        self.costs_ = self._class_costs(labels)
        costs = self.costs_[labels]
        weights = costs * rows.given.get(WEIGHT, 1.0)
        weights = weights / weights.sum()
        for _ in range(self.n_estimators):
            drawn = draw_by_weight(weights, labels, rng)
            member = yield from self._member(rows.drawn(drawn), rng)
            right = scores_for(member, rows.X, self.classes_).argmax(1) == labels
            agreement = np.where(right, 1, -1) * cost_adjustment(costs, right)
            r = min(float((weights * agreement).sum()), LARGEST_R)
            if r <= 0:
                if not self.estimators_:
                    self._keep(member)
                return
            alpha = np.log((1 + r) / (1 - r)) / 2
            self._keep(member, alpha)
            weights = weights * np.exp(-alpha * agreement)
            weights /= weights.sum()

    def _class_costs(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        counts = np.bincount(labels)
        if self.costs is None:
            return counts.min() / counts
        if len(self.costs) != len(counts):
            raise ValueError(
                f"strategy.ensemble.adacost.costs={list(self.costs)!r} has {len(self.costs)} "
                f"values, but there are {len(counts)} classes: give one a class."
            )
        costs = np.array(self.costs, np.float64)
        return costs / costs.max()
