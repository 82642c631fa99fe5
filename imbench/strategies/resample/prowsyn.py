"""More new rows the nearer a row is to the other classes, by levels of proximity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from imbench.strategies.resample.base import OverSampler, apportion


def proximity_levels(
    X: NDArray[Any], others: NDArray[Any], n_neighbors: int, n_levels: int, search: Any = None
) -> NDArray[np.int64]:
    """Put the rows of a class into levels by how near they are to other classes.

    Level 1 holds the rows that are among the ``n_neighbors`` nearest of any other row, level 2
    those that are so once level 1 is taken away, and so on; the last level holds the rest.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows of the class.
    others : ndarray of shape (m, d)
    n_neighbors, n_levels : int
    search : Neighbors or None
        What is asked; None is scikit-learn's.

    Returns
    -------
    ndarray of shape (n,)
        Levels 1..n_levels.
    """
    levels = np.full(len(X), n_levels)
    rest = np.arange(len(X))
    for level in range(1, n_levels):
        if not len(rest):
            break
        nearest = _asked(search, min(n_neighbors, len(rest))).fit(X[rest])
        found = np.unique(nearest.kneighbors(others, return_distance=False))
        levels[rest[found]] = level
        rest = np.delete(rest, found)
    return levels


def partners(X: NDArray[Any], n_neighbors: int, search: Any = None) -> NDArray[np.int64]:
    """Return for each row, shape (n, d), its nearest other rows, at most (n, n_neighbors)."""
    nearest = _asked(search, min(n_neighbors, len(X) - 1)).fit(X)
    return nearest.kneighbors(return_distance=False)


def _asked(search: Any, n_neighbors: int) -> Any:
    if search is None:
        return NearestNeighbors(n_neighbors=n_neighbors)
    return search.asked(n_neighbors)


class ProWSyn(OverSampler):
    """Proximity weighted synthetic over-sampling: weight exp(-theta (level - 1)) a row.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn; ``auto`` brings every class up to the largest.
    n_neighbors : int, default=5
        Rows of the class that each other row puts into a level, and partners of a row. A class
        that grows must have more rows.
    n_levels : int, default=5
        Levels; the last one holds all rows that are left.
    theta : float, default=1.0
        How fast the weight falls from level to level; 0 gives every row the same.
    random_state : int or None
    neighbors : Neighbors or None
        What is asked for neighbours, set by `build`; None is scikit-learn's.

    Notes
    -----
    The paper's levels, and weights that fall exponentially from level to level, are kept. What
    follows is a choice of this implementation, made without the paper's text at hand, and may
    differ from its algorithm: the last level has its regular weight and holds all rows that are
    left; new rows lie on the line to one of the ``n_neighbors`` nearest rows of the same level; a
    row that is alone in its level takes partners from the whole class; the number of new rows a
    row is its share of the weight, rounded so that class sizes are exact. Several classes: each
    against all others.

    References
    ----------
    Barua, Islam & Murase 2013, "ProWSyn: proximity weighted synthetic oversampling technique for
    imbalanced data set learning", DOI 10.1007/978-3-642-37456-2_27, algorithm 1.
    """

    def __init__(
        self,
        sampling_strategy: Any = "auto",
        n_neighbors: int = 5,
        n_levels: int = 5,
        theta: float = 1.0,
        random_state: int | None = None,
        neighbors: Any = None,
    ) -> None:
        super().__init__(sampling_strategy, random_state)
        self.n_neighbors = n_neighbors
        self.n_levels = n_levels
        self.theta = theta
        self.neighbors = neighbors

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        for name in ("n_neighbors", "n_levels"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {value!r}.")
        if not 0 <= self.theta < float("inf"):
            raise ValueError(f"theta must be a number of at least 0, got {self.theta!r}.")

    def rows_needed(self) -> int:
        """Return a row and its neighbours."""
        return self.n_neighbors + 1

    def new_rows(
        self, X: NDArray[Any], others: NDArray[Any], n_new: int, rng: np.random.RandomState
    ) -> NDArray[Any]:
        """Return points between rows and their neighbours, most of them in the first levels."""
        levels = proximity_levels(X, others, self.n_neighbors, self.n_levels, self.neighbors)
        counts = apportion(np.exp(-self.theta * (levels - 1.0)), n_new, rng)
        made = []
        for level in np.unique(levels):
            members = np.flatnonzero(levels == level)
            pool = members if len(members) > 1 else np.arange(len(X))
            found = partners(X[pool], self.n_neighbors, self.neighbors)
            near = pool[found]  # (n_pool, k), rows of X
            bases = np.repeat(members, counts[members])
            chosen = rng.randint(near.shape[1], size=len(bases))
            ends = near[np.searchsorted(pool, bases), chosen]
            made.append(X[bases] + rng.uniform(size=(len(bases), 1)) * (X[ends] - X[bases]))
        return np.concatenate(made)
