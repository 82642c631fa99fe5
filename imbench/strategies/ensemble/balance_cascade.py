"""Under-sampling from which rows that are classified well drop out, member by member."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.random import Generator

from imbench.strategies.ensemble.base import Ensemble, balanced_rows
from imbench.strategies.fitted import scores_for
from imbench.strategies.fitting import Fitting
from imbench.strategies.rows import TrainingRows


def n_kept(n_rows: int, n_smallest: int, member: int, n_estimators: int) -> int:
    """Return how many rows of a class are left after a member, counted from 1.

    n_rows * (n_smallest / n_rows)^(i / (T - 1)), and never less than ``n_smallest``: the last
    member but one leaves as many as the smallest class has.
    """
    power = min(member / max(n_estimators - 1, 1), 1.0)
    return max(round(n_rows * (n_smallest / n_rows) ** power), n_smallest)


class BalanceCascade(Ensemble):
    """Members on balanced rows; after each the easiest rows of the larger classes are dropped.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=10
        T of the paper.
    random_state : int or None

    Attributes
    ----------
    estimators_, estimator_weights_, classes_
        As in :class:`imbench.strategies.ensemble.base.Ensemble`.

    Notes
    -----
    The variant of the journal paper: exponent i / (T - 1), so that the last member sees the rows
    that remain, as many as the smallest class has. (Other code has the exponent i / T.) The
    member just fitted ranks the rows, as in the paper, by the probability of their own class,
    which is the paper's threshold at the wanted false positive rate. A member is the model
    itself and not an AdaBoost of it, and members vote with equal weight. With more than two
    classes each one that is larger than the smallest is a cascade of its own.

    References
    ----------
    Liu et al. 2009, "Exploratory Undersampling for Class-Imbalance Learning", DOI
    10.1109/TSMCB.2008.2007853, algorithm 2.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> tree = DecisionTreeClassifier(max_depth=2)
    >>> fitted = BalanceCascade(tree, n_estimators=3, random_state=0).fit(X, y)
    >>> len(fitted.estimators_)
    3
    """

    name: ClassVar[str] = "balance_cascade"

    def _train(self, rows: TrainingRows, rng: Generator) -> Fitting[None]:
        labels = rows.labels
        counts = np.bincount(labels)
        left = np.arange(len(labels))
        for i in range(1, self.n_estimators + 1):
            chosen = left[balanced_rows(labels[left], rng)]
            member = yield from self._member(rows[chosen], rng)
            self._keep(member)
            scores = scores_for(member, rows.X[left], self.classes_)
            of_true = scores[np.arange(len(left)), labels[left]]
            hardest_first = left[np.argsort(of_true, kind="stable")]
            keep = [
                hardest_first[labels[hardest_first] == k][
                    : n_kept(int(n), int(counts.min()), i, self.n_estimators)
                ]
                for k, n in enumerate(counts)
            ]
            left = np.sort(np.concatenate(keep))
