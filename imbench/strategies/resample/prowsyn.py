"""ProWSyn: more new rows near rows that are close to the other classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from imbench.strategies.resample.base import OverSampler, apportion


def proximity_levels(
    X: NDArray[Any], others: NDArray[Any], n_neighbors: int, n_levels: int, search: Any = None
) -> NDArray[np.int64]:
    """Assign the rows of a class to levels of proximity to the other classes.

    Level 1 holds the rows that are among the ``n_neighbors`` nearest of any row of another class.
    Level 2 holds those of the remaining rows, and so on; the last level holds the rest.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows of the class.
    others : ndarray of shape (m, d)
    n_neighbors, n_levels : int
    search : Neighbors or None
        Nearest-neighbor search; None uses scikit-learn's.

    Returns
    -------
    ndarray of shape (n,)
        Levels 1..n_levels.

    Examples
    --------
    >>> proximity_levels(np.array([[0.0], [1.0], [5.0]]), np.array([[2.0]]), 1, 3)
    array([2, 1, 3])
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
    """Return the indices of the nearest other rows of each row, at most (n, n_neighbors)."""
    nearest = _asked(search, min(n_neighbors, len(X) - 1)).fit(X)
    return nearest.kneighbors(return_distance=False)


def _asked(search: Any, n_neighbors: int) -> Any:
    if search is None:
        return NearestNeighbors(n_neighbors=n_neighbors)
    return search.asked(n_neighbors)


class ProWSyn(OverSampler):
    """Proximity weighted synthetic over-sampling: a row has the weight exp(-theta (level - 1)).

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn; ``auto`` brings every class up to the largest.
    n_neighbors : int, default=5
        Number of rows of the class that each row of another class assigns to a level, and number
        of neighbors that a new row may lie towards. A class that grows must have more rows.
    n_levels : int, default=5
        Number of levels; the last one holds all remaining rows.
    theta : float, default=1.0
        Decay of the weight from level to level; 0 gives all rows the same weight.
    random_state : int or None
    neighbors : Neighbors or None
        Nearest-neighbor search, set by :func:`imbench.pipeline.build.build`; None uses
        scikit-learn's.

    Notes
    -----
    The levels and their exponentially decreasing weights are the paper's. The following choices
    were made without the paper's text at hand and may differ from its algorithm. The last level has
    its regular weight and holds all remaining rows. A new row lies on the line to one of the
    ``n_neighbors`` nearest rows of the same level; a row that is alone in its level uses the whole
    class. The number of new rows of a row is its share of the weight, rounded so that class sizes
    are exact. With several classes, each is treated against all others.

    References
    ----------
    Barua, Islam & Murase 2013, "ProWSyn: proximity weighted synthetic oversampling technique for
    imbalanced data set learning", DOI 10.1007/978-3-642-37456-2_27, algorithm 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(30, 2)), np.repeat([0, 1], [20, 10])
    >>> X_after, y_after = ProWSyn(random_state=0).fit_resample(X, y)
    >>> np.bincount(y_after)
    array([20, 20])
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
        """Raise ValueError for a parameter out of range; called before anything runs."""
        for name in ("n_neighbors", "n_levels"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {value!r}.")
        if not 0 <= self.theta < float("inf"):
            raise ValueError(f"theta must be a number of at least 0, got {self.theta!r}.")

    def rows_needed(self) -> int:
        """Return the number of a row and its neighbors."""
        return self.n_neighbors + 1

    def new_rows(
        self, X: NDArray[Any], others: NDArray[Any], n_new: int, rng: np.random.RandomState
    ) -> NDArray[Any]:
        """Return points between rows and their neighbors, most of them in the first levels."""
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
