"""Boosting with new rows of the rarer classes in every round."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from imbench.strategies.ensemble.base import check_at_least
from imbench.strategies.ensemble.boosting import BoostedM2, draw_by_weight
from imbench.strategies.ensemble.synthetic import (
    clip_neighbours,
    new_rows,
    noticing,
    refuse_missing,
    said,
)
from imbench.strategies.fitting import Fitting
from imbench.strategies.rows import TrainingRows


class SMOTEBoost(BoostedM2):
    """AdaBoost.M2 whose rounds add SMOTE rows, so many that all classes would be equally large.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=10
        Rounds at most.
    k_neighbors : int, default=5
        Neighbours of a row that a new row may lie towards; clipped to the smallest class.
    random_state : int or None
    neighbors : Neighbors or None
        Nearest-neighbor search, set by `build`; None is scikit-learn's.

    Attributes
    ----------
    estimators_, estimator_weights_, classes_, notes_
        As in :class:`imbench.strategies.ensemble.boosting.BoostedM2`.

    Notes
    -----
    The member of a round takes no weights: the training rows are drawn with replacement by their
    weight (boosting by resampling, Freund & Schapire 1997) and the new rows, which have none in
    the paper either, are added. New rows are made anew each round from all rows of a class, and
    only training rows count in the pseudo-loss.

    References
    ----------
    Chawla et al. 2003, "SMOTEBoost: Improving Prediction of the Minority Class in Boosting", DOI
    10.1007/978-3-540-39804-2_12, figure 2.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> tree = DecisionTreeClassifier(max_depth=2)
    >>> fitted = SMOTEBoost(tree, n_estimators=3, random_state=0).fit(X, y)
    >>> len(fitted.estimators_)
    3
    """

    name: ClassVar[str] = "smoteboost"

    def __init__(
        self,
        estimator: Any,
        *,
        n_estimators: int = 10,
        k_neighbors: int = 5,
        random_state: int | None = None,
        neighbors: Any = None,
    ) -> None:
        super().__init__(estimator, n_estimators=n_estimators, random_state=random_state)
        self.k_neighbors = k_neighbors
        self.neighbors = neighbors

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        super().check_params()
        check_at_least("k_neighbors", self.k_neighbors, 1)

    def _train(self, rows: TrainingRows, rng: Generator) -> Fitting[None]:
        refuse_missing(rows.X, self.name, "rusboost")
        self._k, self.notes_ = clip_neighbours(self.k_neighbors, rows.labels, self.name)
        self._search = noticing(self.neighbors, self.name)
        yield from super()._train(rows, rng)
        self.notes_ += said(self._search)

    def _rows_of_round(
        self, rows: TrainingRows, weights: NDArray[np.float64], rng: Generator
    ) -> TrainingRows:
        X, labels = rows.X, rows.labels
        drawn = rows.drawn(draw_by_weight(weights, labels, rng))
        counts = np.bincount(labels)
        made = new_rows(X, labels, counts.max() - counts, self._k, rng, self._search)
        return drawn.extended(*made, like=rows)
