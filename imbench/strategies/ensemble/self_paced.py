"""Under-sampling that moves from easy rows to hard ones, member by member."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from imbench.strategies.ensemble.base import Ensemble, balanced_rows, check_at_least
from imbench.strategies.fitted import scores_for
from imbench.strategies.fitting import Fitting
from imbench.strategies.rows import TrainingRows


def self_paced_factor(member: int, n_estimators: int) -> float:
    """Return alpha = tan(pi/2 * i / (n - 1)): 0 for the first member, huge for the last."""
    return float(np.tan(np.pi / 2 * member / max(n_estimators - 1, 1)))


def row_chances(hardness: NDArray[np.float64], alpha: float, n_bins: int) -> NDArray[np.float64]:
    """Return the chance of each row to be drawn, shape (n,), sum one.

    A bin of rows that are about equally hard gets 1 / (mean hardness + alpha), shared by its
    rows: with a small alpha every bin adds the same hardness, with a large one the same number
    of rows.

    Parameters
    ----------
    hardness : ndarray of shape (n,)
        At least 0.
    alpha : float
    n_bins : int
        Bins of equal width between the smallest and the largest hardness.
    """
    low, high = hardness.min(), hardness.max()
    if low == high:
        return np.full(len(hardness), 1 / len(hardness))
    bins = np.minimum(((hardness - low) / (high - low) * n_bins).astype(int), n_bins - 1)
    rows = np.bincount(bins, minlength=n_bins)
    mean = np.bincount(bins, hardness, n_bins) / rows.clip(1)
    # A mean of 0 and no alpha would be an infinite chance.
    by_bin = np.where(rows > 0, 1 / np.maximum(mean + alpha, 1e-12), 0)
    chances = (by_bin / rows.clip(1))[bins]
    return chances / chances.sum()


class SelfPacedEnsemble(Ensemble):
    """Members on balanced rows, chosen by how hard they are for the members before.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=10
    n_bins : int, default=20
        k of the paper.
    random_state : int or None

    Attributes
    ----------
    estimators_, estimator_weights_, classes_
        As in :class:`imbench.strategies.ensemble.base.Ensemble`.

    Notes
    -----
    The hardness of a row is 1 - p of its class under the members so far, which for two classes
    is the paper's absolute error. Bins span the hardness that occurs. With more than two classes
    each is under-sampled to the smallest in the same way. The paper draws a number of rows from
    each bin; here rows are drawn one by one with the bin's share as their chance, so that a bin
    with too few rows is no special case.

    References
    ----------
    Liu et al. 2020, "Self-paced Ensemble for Highly Imbalanced Massive Data Classification",
    arXiv 1909.03500, algorithm 1.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> tree = DecisionTreeClassifier(max_depth=2)
    >>> fitted = SelfPacedEnsemble(tree, n_estimators=3, random_state=0).fit(X, y)
    >>> len(fitted.estimators_)
    3
    """

    name: ClassVar[str] = "self_paced"

    def __init__(
        self,
        estimator: Any,
        *,
        n_estimators: int = 10,
        n_bins: int = 20,
        random_state: int | None = None,
    ) -> None:
        super().__init__(estimator, n_estimators=n_estimators, random_state=random_state)
        self.n_bins = n_bins

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        super().check_params()
        check_at_least("n_bins", self.n_bins, 1)

    def _train(self, rows: TrainingRows, rng: Generator) -> Fitting[None]:
        labels = rows.labels
        total = np.zeros((len(labels), len(self.classes_)))  # (n, K): sum over members
        chosen = balanced_rows(labels, rng)
        for i in range(self.n_estimators):
            if i:
                hardness = 1 - (total / i)[np.arange(len(labels)), labels]
                alpha = self_paced_factor(i, self.n_estimators)
                chosen = self._chosen(hardness, labels, alpha, rng)
            member = yield from self._member(rows[chosen], rng)
            self._keep(member)
            total += scores_for(member, rows.X, self.classes_)

    def _chosen(
        self,
        hardness: NDArray[np.float64],
        labels: NDArray[np.int64],
        alpha: float,
        rng: Generator,
    ) -> NDArray[np.int64]:
        n_smallest = np.bincount(labels).min()
        chosen = []
        for k in range(len(self.classes_)):
            rows = np.flatnonzero(labels == k)
            if len(rows) > n_smallest:
                chances = row_chances(hardness[rows].clip(0), alpha, self.n_bins)
                rows = rng.choice(rows, n_smallest, replace=False, p=chances)
            chosen.append(rows)
        return np.sort(np.concatenate(chosen))
