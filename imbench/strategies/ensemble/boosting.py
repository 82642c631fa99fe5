"""AdaBoost.M2 over any classifier, by drawing rows with their weights."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from imbench.strategies.ensemble.base import Ensemble
from imbench.strategies.fitted import scores_for
from imbench.strategies.fitting import Fitting
from imbench.strategies.rows import WEIGHT, TrainingRows

SMALLEST_ERROR = 1e-10  # a member without error would have an infinite vote


def pseudo_losses(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (1 - h(x_i, y_i) + h(x_i, k)) / 2 for every row i and class k, shape (n, K)."""
    of_true = scores[np.arange(len(labels)), labels]
    return (1 - of_true[:, None] + scores) / 2


def draw_by_weight(
    weights: NDArray[np.float64], labels: NDArray[np.int64], rng: Generator
) -> NDArray[np.int64]:
    """Draw as many rows as there are, with replacement; a class that is missed keeps one.

    Parameters
    ----------
    weights : ndarray of shape (n,)
    labels : ndarray of shape (n,)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n_drawn,)
        Indices; of a class that chance left out, its heaviest row is added.
    """
    drawn = rng.choice(len(labels), len(labels), p=weights / weights.sum())
    missed = np.setdiff1d(labels, labels[drawn])
    heaviest = [np.where(labels == k, weights, -1.0).argmax() for k in missed]
    return np.sort(np.concatenate([drawn, np.array(heaviest, np.int64)]))


class BoostedM2(Ensemble):
    """Boost a classifier with the pseudo-loss of AdaBoost.M2.

    Each round fits a member to rows that the members before it get wrong, or nearly wrong, more
    often than others. Subclasses say in ``_rows_of_round`` how a round balances its rows.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=10
        Rounds at most: boosting ends at a member that is no better than a guess.
    random_state : int or None

    Attributes
    ----------
    estimators_, estimator_weights_, classes_
        As in :class:`imbench.strategies.ensemble.base.Ensemble`; the weight of a member is
        log(1 / beta).

    Notes
    -----
    The weights of rows become draws with replacement ("boosting by resampling", Freund &
    Schapire 1997, section 4.1), because a pipeline takes no ``sample_weight``. If the first
    member is no better than a guess it is kept alone.

    References
    ----------
    Freund & Schapire 1997, "A Decision-Theoretic Generalization of On-Line Learning and an
    Application to Boosting", DOI 10.1006/jcss.1997.1504, section 5.2 (AdaBoost.M2).

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> tree = DecisionTreeClassifier(max_depth=2)
    >>> fitted = BoostedM2(tree, n_estimators=3, random_state=0).fit(X, y)
    >>> bool((fitted.estimator_weights_ > 0).all())
    True
    """

    name: ClassVar[str] = "boosting"

    def _train(self, rows: TrainingRows, rng: Generator) -> Fitting[None]:
        labels, n_rows, n_classes = rows.labels, len(rows), len(self.classes_)
        wrong = np.ones((n_rows, n_classes), bool)
        wrong[np.arange(n_rows), labels] = False
        # (n, K): how much it counts to tell k from y_i
        mislabels = wrong * rows.given.get(WEIGHT, np.ones(n_rows))[:, None]
        mislabels = mislabels / mislabels.sum()
        for _ in range(self.n_estimators):
            drawn = self._rows_of_round(rows, mislabels.sum(1), rng)
            member = yield from self._member(drawn, rng)
            losses = pseudo_losses(scores_for(member, rows.X, self.classes_), labels)
            error = max(float((mislabels * losses).sum()), SMALLEST_ERROR)
            if error >= 0.5:
                if not self.estimators_:
                    self._keep(member)
                return
            beta = error / (1 - error)
            self._keep(member, -np.log(beta))
            mislabels = mislabels * beta ** (1 - losses)
            mislabels /= mislabels.sum()

    def _rows_of_round(
        self, rows: TrainingRows, weights: NDArray[np.float64], rng: Generator
    ) -> TrainingRows:
        """Return the rows that a round's member is fitted on."""
        return rows.drawn(draw_by_weight(weights, rows.labels, rng))
