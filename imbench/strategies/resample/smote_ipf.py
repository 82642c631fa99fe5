"""SMOTE-IPF: SMOTE, followed by an iterative partitioning filter that removes noisy rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from imblearn.over_sampling import SMOTE
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state


def partition(y: NDArray[Any], n_partitions: int, rng: np.random.RandomState) -> NDArray[np.int64]:
    """Split rows at random into stratified parts of equal size.

    Parameters
    ----------
    y : ndarray of shape (n,)
    n_partitions : int
    rng : RandomState

    Returns
    -------
    ndarray of shape (n,)
        Parts 0..n_partitions-1.

    Examples
    --------
    >>> parts = partition(np.repeat([0, 1], [6, 3]), 3, np.random.RandomState(0))
    >>> np.bincount(parts)
    array([3, 3, 3])
    """
    parts = np.empty(len(y), np.int64)
    parts[np.lexsort((rng.permutation(len(y)), y))] = np.arange(len(y)) % n_partitions
    return parts


class SMOTEIPF(BaseEstimator):
    """SMOTE followed by the iterative partitioning filter.

    An iteration of the filter fits one decision tree on each of ``n_partitions`` parts of the rows
    and removes the rows that most of the trees (or all) misclassify. It stops after ``patience``
    successive iterations that remove fewer than ``min_share`` of the rows.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        SMOTE's parameter, as in imbalanced-learn; ``auto`` brings every class up to the largest.
    k_neighbors : int, default=5
        SMOTE's parameter.
    n_partitions : int, default=9
    consensus : bool, default=False
        Whether a row is removed only if all trees misclassify it, instead of more than half.
    min_share : float, default=0.01
        Share of the rows after SMOTE, in [0, 1]. With 0, iterations count that remove no row.
    patience : int, default=3
    random_state : int or None
    neighbors : Neighbors or None
        Nearest-neighbor search, set by :func:`imbench.pipeline.build.build`; None uses
        scikit-learn's.

    Attributes
    ----------
    n_removed_ : list of int
        Number of rows that each iteration removed.

    Notes
    -----
    The paper uses C4.5; this is scikit-learn's CART with at least two rows in a leaf, as in C4.5,
    but without pruning. The filter leaves class sizes that are only approximately equal.

    References
    ----------
    Saez, Luengo, Stefanowski & Herrera 2015, "SMOTE-IPF: addressing the noisy and borderline
    examples problem in imbalanced classification by a re-sampling method with filtering",
    DOI 10.1016/j.ins.2014.08.051, section 4.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(60, 2)), np.repeat([0, 1], [45, 15])
    >>> X[:2] += 5; X[45:] += 5  # two noisy rows of class 0
    >>> sampler = SMOTEIPF(n_partitions=3, random_state=0)
    >>> X_after, y_after = sampler.fit_resample(X, y)
    >>> np.bincount(y_after)
    array([43, 44])
    """

    def __init__(
        self,
        sampling_strategy: Any = "auto",
        k_neighbors: int = 5,
        n_partitions: int = 9,
        consensus: bool = False,
        min_share: float = 0.01,
        patience: int = 3,
        random_state: int | None = None,
        neighbors: Any = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.k_neighbors = k_neighbors
        self.n_partitions = n_partitions
        self.consensus = consensus
        self.min_share = min_share
        self.patience = patience
        self.random_state = random_state
        self.neighbors = neighbors

    def check_params(self) -> None:
        """Raise ValueError for a parameter out of range; called before anything runs."""
        for name, low in (("k_neighbors", 1), ("n_partitions", 2), ("patience", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < low:
                raise ValueError(f"{name} must be an integer of at least {low}, got {value!r}.")
        if not 0 <= self.min_share <= 1:
            raise ValueError(f"min_share must be in [0, 1], got {self.min_share!r}.")

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Over-sample, then filter.

        Raises
        ------
        ValueError
            If a class has too few rows for SMOTE, or there are fewer rows than partitions.
        """
        self.check_params()
        rng = check_random_state(self.random_state)
        k, search = self.k_neighbors, self.neighbors
        smote = SMOTE(
            sampling_strategy=self.sampling_strategy,
            # One more than k: each row is its own nearest neighbor.
            k_neighbors=k if search is None else search.asked(k + 1),
            random_state=rng,
        )
        rows, labels = smote.fit_resample(X, y)
        few = self.min_share * len(labels)
        self.n_removed_: list[int] = []
        quiet = 0
        while quiet < self.patience:
            if len(labels) < self.n_partitions:
                raise ValueError(
                    f"n_partitions={self.n_partitions} needs as many rows, but there are "
                    f"{len(labels)}: set it lower."
                )
            noisy = self._noisy(rows, labels, rng)
            self.n_removed_.append(int(noisy.sum()))
            rows, labels = rows[~noisy], labels[~noisy]
            quiet = quiet + 1 if noisy.sum() < few or not noisy.any() else 0
        return rows, labels

    def _noisy(
        self, X: NDArray[Any], y: NDArray[Any], rng: np.random.RandomState
    ) -> NDArray[np.bool_]:
        """Return which rows the trees of the partitions misclassify, shape (n,)."""
        parts = partition(y, self.n_partitions, rng)
        misses = np.zeros(len(y), np.int64)
        for part in range(self.n_partitions):
            rows = parts == part
            # Two rows in a leaf, as in C4.5: a full tree never misclassifies the rows that it was
            # fitted on, so that there would never be a consensus.
            tree = DecisionTreeClassifier(min_samples_leaf=2, random_state=rng.randint(2**31 - 1))
            misses += tree.fit(X[rows], y[rows]).predict(X) != y
        return misses == self.n_partitions if self.consensus else 2 * misses > self.n_partitions
