"""SMOTE, then an iterative partitioning filter that removes noise, old and new."""

from __future__ import annotations

from typing import Any

import numpy as np
from imblearn.over_sampling import SMOTE
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state


def partition(y: NDArray[Any], n_partitions: int, rng: np.random.RandomState) -> NDArray[np.int64]:
    """Deal rows into parts of equal size that hold the classes in the same ratio.

    Parameters
    ----------
    y : ndarray of shape (n,)
    n_partitions : int
    rng : RandomState

    Returns
    -------
    ndarray of shape (n,)
        Parts 0..n_partitions-1.
    """
    parts = np.empty(len(y), np.int64)
    parts[np.lexsort((rng.permutation(len(y)), y))] = np.arange(len(y)) % n_partitions
    return parts


class SMOTEIPF(BaseEstimator):
    """SMOTE followed by the iterative partitioning filter.

    A round of the filter grows one tree on each of ``n_partitions`` parts of the rows, lets all
    trees judge all rows, and removes those that most of the trees (or all) misjudge. It ends
    once ``patience`` rounds in a row removed fewer than ``min_share`` of the rows.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        Of SMOTE, as in imbalanced-learn; ``auto`` brings every class up to the largest.
    k_neighbors : int, default=5
        Of SMOTE.
    n_partitions : int, default=9
    consensus : bool, default=False
        Remove a row only if all trees misjudge it, not if more than half of them do.
    min_share : float, default=0.01
        Share of the rows after SMOTE, in [0, 1]. With 0 a round that removes nothing ends it.
    patience : int, default=3
    random_state : int or None
    neighbors : Neighbors or None
        What SMOTE asks for neighbours, set by `build`; None is scikit-learn's.

    Attributes
    ----------
    n_removed_ : list of int
        Rows that each round removed.

    Notes
    -----
    The paper's trees are C4.5; these are scikit-learn's CART with C4.5's two rows a leaf, but not
    pruned. Classes end up nearly, not exactly, as large as SMOTE made them.

    References
    ----------
    Saez, Luengo, Stefanowski & Herrera 2015, "SMOTE-IPF: addressing the noisy and borderline
    examples problem in imbalanced classification by a re-sampling method with filtering",
    DOI 10.1016/j.ins.2014.08.051, section 4.
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
        """Raise ValueError for a value outside of its range; called before anything runs."""
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
            k_neighbors=k if search is None else search.asked(k + 1),  # the row itself is found
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
        """Say for each row whether the trees, one a partition, vote it out; shape (n,)."""
        parts = partition(y, self.n_partitions, rng)
        misses = np.zeros(len(y), np.int64)
        for part in range(self.n_partitions):
            rows = parts == part
            # Two rows a leaf, as in C4.5: a full tree never misjudges the rows that grew it, and
            # a consensus would never be reached.
            tree = DecisionTreeClassifier(min_samples_leaf=2, random_state=rng.randint(2**31 - 1))
            misses += tree.fit(X[rows], y[rows]).predict(X) != y
        return misses == self.n_partitions if self.consensus else 2 * misses > self.n_partitions
