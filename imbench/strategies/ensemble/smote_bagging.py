"""Bags in which copies and SMOTE rows make the rarer classes as large as the largest."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

from imbench.strategies.ensemble.base import BaggedEnsemble, check_at_least
from imbench.strategies.ensemble.synthetic import (
    clip_neighbours,
    new_rows,
    noticing,
    refuse_missing,
    said,
)
from imbench.strategies.fitting import Fitting
from imbench.strategies.rows import TrainingRows


def share_of_copies(member: int) -> float:
    """Return b of the member: 10 %, 20 %, ..., 100 % and round again."""
    return (member % 10 + 1) / 10


class SMOTEBagging(BaggedEnsemble):
    """Every class has the size of the largest in each bag; the share of SMOTE rows differs.

    In the bag of a member with share b, a rarer class holds b * n_max copies drawn with
    replacement and (1 - b) * n_max new rows; b runs through 10 %, 20 %, ..., 100 %. The largest
    class is a bootstrap sample.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=10
    k_neighbors : int, default=5
        Neighbours of a row that a new row may lie towards; clipped to the smallest class.
    random_state : int or None
    neighbors : Neighbors or None
        Nearest-neighbor search, set by `build`; None is scikit-learn's.

    Attributes
    ----------
    estimators_, estimator_weights_, classes_, notes_
        As in :class:`imbench.strategies.ensemble.base.Ensemble`.

    Notes
    -----
    New rows lie between all rows of a class, not between the copies of a bag: neighbours at
    distance 0 would give copies again.

    References
    ----------
    Wang & Yao 2009, "Diversity Analysis on Imbalanced Data Sets by Using Ensemble Models", DOI
    10.1109/CIDM.2009.4938667, algorithm 3 (table III).

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> tree = DecisionTreeClassifier(max_depth=2)
    >>> fitted = SMOTEBagging(tree, n_estimators=3, random_state=0).fit(X, y)
    >>> len(fitted.estimators_)
    3
    """

    name: ClassVar[str] = "smote_bagging"

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
        refuse_missing(rows.X, self.name, "under_bagging")
        self._k, self.notes_ = clip_neighbours(self.k_neighbors, rows.labels, self.name)
        self._search = noticing(self.neighbors, self.name)
        yield from super()._train(rows, rng)
        self.notes_ += said(self._search)

    def _bag(self, i: int, rows: TrainingRows, rng: Generator) -> TrainingRows:
        X, labels = rows.X, rows.labels
        counts = np.bincount(labels)
        largest = counts.max()
        n_copies = np.where(counts == largest, largest, round(share_of_copies(i) * largest))
        copies = np.concatenate(
            [rng.choice(np.flatnonzero(labels == c), n) for c, n in enumerate(n_copies)]
        )
        made = new_rows(X, labels, largest - n_copies, self._k, rng, self._search)
        return rows[copies].extended(*made, like=rows)
