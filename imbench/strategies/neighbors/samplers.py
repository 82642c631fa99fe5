"""Samplers of imbalanced-learn that choose their search themselves, with a search to be given.

Each does what its base does, row for row, where the search is exact.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from imblearn.under_sampling import (
    AllKNN,
    EditedNearestNeighbours,
    OneSidedSelection,
    TomekLinks,
)
from numpy.typing import NDArray
from scipy.stats import mode
from sklearn.base import clone
from sklearn.utils import check_random_state

from imbench.strategies.neighbors.base import Neighbors

Rows = tuple[NDArray[Any], NDArray[Any]]


class SearchTomek(TomekLinks):
    """Tomek links by any search; other parameters as in the base."""

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        n_jobs: int | None = None,
        search: Neighbors | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, n_jobs=n_jobs)
        self.search = search

    def _fit_resample(self, X: NDArray[Any], y: NDArray[Any]) -> Rows:
        assert self.search is not None
        pairs = self.search.asked(2).fit(X).kneighbors(X, return_distance=False)
        links = self.is_tomek(y, pairs[:, 1], self.sampling_strategy_)
        self.sample_indices_ = np.flatnonzero(~links)
        return X[self.sample_indices_], y[self.sample_indices_]


class SearchENN(EditedNearestNeighbours):
    """Edited nearest neighbours by any search, also where `AllKNN` sets a number; see the base.

    A class that is most of the rows is not copied to ask for its neighbours: all rows are asked.
    """

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        n_neighbors: int = 3,
        kind_sel: str = "all",
        n_jobs: int | None = None,
        search: Neighbors | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            n_neighbors=n_neighbors,
            kind_sel=kind_sel,
            n_jobs=n_jobs,
        )
        self.search = search

    def _validate_estimator(self) -> None:
        assert self.search is not None
        self.nn_ = self.search.asked(self.n_neighbors + 1).set_params(n_jobs=self.n_jobs)

    def _fit_resample(self, X: NDArray[Any], y: NDArray[Any]) -> Rows:
        self._validate_estimator()
        self.nn_.fit(X)
        kept = []
        for label in np.unique(y):
            own = np.flatnonzero(y == label)
            if label in self.sampling_strategy_:
                own = own[self._agree(y[self._neighbours(X, own)], label)]
            kept.append(own)
        self.nn_ = clone(self.nn_)  # what it holds of the rows goes before some are copied
        self.sample_indices_ = np.concatenate(kept)
        return X[self.sample_indices_], y[self.sample_indices_]

    def _neighbours(self, X: NDArray[Any], own: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the neighbours of rows of a class, (m, n_neighbors), without themselves."""
        if 2 * len(own) > len(X):
            return self.nn_.kneighbors(X, return_distance=False)[own, 1:]
        return self.nn_.kneighbors(X[own], return_distance=False)[:, 1:]

    def _agree(self, labels: NDArray[Any], label: Any) -> NDArray[np.bool_]:
        """Return which rows have neighbours, with labels (m, n_neighbors), of their own class."""
        if self.kind_sel == "mode":
            return mode(labels, axis=1, keepdims=False)[0] == label
        return (labels == label).all(axis=1)


class SearchAllKNN(AllKNN):
    """Edited nearest neighbours with one neighbour, two, ... by any search; see the base."""

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        n_neighbors: int = 3,
        kind_sel: str = "all",
        allow_minority: bool = False,
        n_jobs: int | None = None,
        search: Neighbors | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            n_neighbors=n_neighbors,
            kind_sel=kind_sel,
            allow_minority=allow_minority,
            n_jobs=n_jobs,
        )
        self.search = search

    def _validate_estimator(self) -> None:
        super()._validate_estimator()
        self.enn_ = SearchENN(
            sampling_strategy=self.sampling_strategy,
            kind_sel=self.kind_sel,
            n_jobs=self.n_jobs,
            search=self.search,
        )


class SearchOneSided(OneSidedSelection):
    """One-sided selection by any search, in the vote and in the Tomek links; see the base."""

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: int | None = None,
        n_neighbors: int | None = None,
        n_seeds_S: int = 1,
        n_jobs: int | None = None,
        search: Neighbors | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            n_neighbors=n_neighbors,
            n_seeds_S=n_seeds_S,
            n_jobs=n_jobs,
        )
        self.search = search

    def _fit_resample(self, X: NDArray[Any], y: NDArray[Any]) -> Rows:
        rng = check_random_state(self.random_state)
        kept = np.concatenate([self._kept(X, y, label, rng) for label in np.unique(y)])
        tomek = SearchTomek(
            sampling_strategy=list(self.sampling_strategy_), n_jobs=self.n_jobs, search=self.search
        )
        found = tomek.fit_resample(X[kept], y[kept])
        self.sample_indices_ = kept[tomek.sample_indices_]
        return found

    def _kept(
        self, X: NDArray[Any], y: NDArray[Any], label: Any, rng: np.random.RandomState
    ) -> NDArray[np.int64]:
        """Return the rows of a class that are kept: some seeds, and what those misjudge."""
        assert self.search is not None
        own = np.flatnonzero(y == label)
        if label not in self.sampling_strategy_:
            return own
        counts = Counter(y)  # of equally small classes the first that comes, as in the base
        smallest = np.flatnonzero(y == min(counts, key=counts.__getitem__))
        chosen = rng.randint(len(own), size=self.n_seeds_S)
        seeds, rest = own[chosen], np.delete(own, chosen)
        store = np.concatenate([smallest, seeds])
        vote = self.search.vote(self.n_neighbors or 1).fit(X[store], y[store])
        return np.concatenate([seeds, rest[vote.predict(X[rest]) != y[rest]]])
