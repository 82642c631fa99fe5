"""Boosting on rows that are under-sampled in every round."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from imbench.strategies.ensemble.base import balanced_rows
from imbench.strategies.ensemble.boosting import BoostedM2, draw_by_weight
from imbench.strategies.rows import TrainingRows


class RUSBoost(BoostedM2):
    """AdaBoost.M2 whose rounds see all classes equally large, by random under-sampling.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=10
        Rounds at most.
    random_state : int or None

    Attributes
    ----------
    estimators_, estimator_weights_, classes_
        As in :class:`imbench.strategies.ensemble.boosting.BoostedM2`.

    Notes
    -----
    The member of a round takes no weights: from the under-sampled rows as many are drawn with
    replacement, by their weight (boosting by resampling, Freund & Schapire 1997). For more than
    two classes every class is brought to the size of the smallest. imbalanced-learn's
    ``RUSBoostClassifier`` hands weights to the member and cannot hold a pipeline.

    References
    ----------
    Seiffert et al. 2010, "RUSBoost: A Hybrid Approach to Alleviating Class Imbalance", DOI
    10.1109/TSMCA.2009.2029559, figure 1.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> tree = DecisionTreeClassifier(max_depth=2)
    >>> fitted = RUSBoost(tree, n_estimators=3, random_state=0).fit(X, y)
    >>> len(fitted.estimators_)
    3
    """

    name: ClassVar[str] = "rusboost"

    def _rows_of_round(
        self, rows: TrainingRows, weights: NDArray[np.float64], rng: Generator
    ) -> TrainingRows:
        chosen = balanced_rows(rows.labels, rng)
        return rows.drawn(chosen[draw_by_weight(weights[chosen], rows.labels[chosen], rng)])
