"""What the searches for nearest neighbours share: how a sampler gets one, and how it asks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import check_array

from imbench.strategies.neighbors.notice import Notice

Found = NDArray[np.int64] | tuple[NDArray[np.float64], NDArray[np.int64]]


class Neighbors(BaseEstimator):
    """A way to search nearest neighbours, as the configuration group ``neighbors`` names it.

    It is a prototype: samplers get copies of it from :meth:`asked`, which have the methods of
    scikit-learn's ``KNeighborsMixin`` that imbalanced-learn needs.

    Attributes
    ----------
    name : str
        Of the yaml file.
    is_exact : bool
        Whether samplers may as well search in a way of their own.
    announce_s : float
        How long a search may take without being announced.
    """

    name: ClassVar[str] = ""
    is_exact: ClassVar[bool] = False
    announce_s: float = float("inf")

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""

    def noticing(self, key: str) -> Self:
        """Return a copy whose searches are watched together.

        Parameters
        ----------
        key : str
            Where the sampler that searches stands in the configuration.
        """
        return clone(self).set_params(notice=Notice(key, self.announce_s))

    def asked(self, n_neighbors: int) -> Self:
        """Return a copy, not fitted, that looks for so many neighbours."""
        return clone(self).set_params(n_neighbors=n_neighbors)

    def refitted(self) -> Self:
        """Return a copy for rows that grow one at a time, with a fit each time."""
        return clone(self)

    def vote(self, n_neighbors: int) -> KNeighborsClassifier:
        """Return a classifier, not fitted, that asks so many neighbours."""
        return SearchVote(n_neighbors, search=self)


class Search(Neighbors, ABC):
    """Base of a search that is not scikit-learn's own.

    A subclass says in ``_index`` what it makes of the rows and in ``_query`` what it answers.

    Parameters
    ----------
    n_neighbors : int, default=5
    n_jobs : int or None
        For imbalanced-learn, which sets it; without effect.
    notice : Notice or None
        Watches the searches.

    Attributes
    ----------
    n_samples_fit_, n_features_in_ : int
    """

    def __init__(
        self, n_neighbors: int = 5, *, n_jobs: int | None = None, notice: Notice | None = None
    ) -> None:
        self.n_neighbors = n_neighbors
        self.n_jobs = n_jobs
        self.notice = notice

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Take in the rows, shape (n, d), dense or sparse."""
        self.check_params()
        self._rows = _dense(X)
        self.n_samples_fit_, self.n_features_in_ = self._rows.shape
        self._index(self._rows)
        return self

    def kneighbors(
        self,
        X: ArrayLike | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Found:
        """Return distances and row numbers of the nearest rows, both (m, n_neighbors).

        Parameters
        ----------
        X : array of shape (m, d) or None
            None: the rows themselves, of which none is its own neighbour.
        n_neighbors : int or None
            None: the constructor's.
        return_distance : bool, default=True

        Raises
        ------
        ValueError
            If there are fewer rows; with the words of scikit-learn, which
            :mod:`imbench.strategies.resample.refusals` reads.
        """
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        queries = self._rows if X is None else _dense(X)
        if k > self.n_samples_fit_ - (X is None):
            raise ValueError(
                f"Expected n_neighbors {'<' if X is None else '<='} n_samples_fit, but n_neighbors "
                f"= {k}, n_samples_fit = {self.n_samples_fit_}, n_samples = {len(queries)}"
            )

        def search(part: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
            return self._query(part, k + (X is None))

        if self.notice is None:
            distances, index = search(queries)
        else:
            distances, index = self.notice.watch(search, queries, self._rows.shape)
        if X is None:
            distances, index = _without_self(distances, index)
        return (distances, index) if return_distance else index

    def kneighbors_graph(
        self, X: ArrayLike | None = None, n_neighbors: int | None = None, mode: str = "connectivity"
    ) -> sparse.csr_matrix:
        """Return the neighbours as a matrix of shape (m, n): ones, or distances."""
        distances, index = self.kneighbors(X, n_neighbors)
        starts = np.arange(0, index.size + 1, index.shape[1])
        values = distances.ravel() if mode == "distance" else np.ones(index.size)
        return sparse.csr_matrix(
            (values, index.ravel(), starts), shape=(len(index), self.n_samples_fit_)
        )

    @abstractmethod
    def _index(self, rows: NDArray[np.float64]) -> None:
        """Prepare for queries among rows (n, d)."""

    @abstractmethod
    def _query(
        self, queries: NDArray[np.float64], k: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return distances, ascending, and row numbers, both (m, k), for 1 <= k <= n."""


class SearchVote(KNeighborsClassifier):
    """The classifier of k nearest neighbours over any search; of equal votes the first class.

    A subclass of scikit-learn's, because imbalanced-learn asks for one.

    Parameters
    ----------
    n_neighbors : int, default=1
    n_jobs : int or None
        Without effect.
    search : Neighbors
        What is asked.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    """

    def __init__(
        self, n_neighbors: int = 1, *, n_jobs: int | None = None, search: Neighbors | None = None
    ) -> None:
        super().__init__(n_neighbors, n_jobs=n_jobs)
        self.search = search

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Take in rows (n, d) and labels (n,)."""
        assert self.search is not None
        self.classes_, self._codes = np.unique(y, return_inverse=True)
        self._search = self.search.asked(self.n_neighbors).fit(X)
        return self

    def kneighbors(
        self,
        X: ArrayLike | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Ask the search."""
        return self._search.kneighbors(X, n_neighbors, return_distance)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class of most of the neighbours of each row, shape (n,)."""
        labels = self._codes[self.kneighbors(X, return_distance=False)]  # (n, k)
        votes = np.zeros((len(labels), len(self.classes_)), np.int64)
        for column in labels.T:
            votes[np.arange(len(labels)), column] += 1
        return self.classes_[votes.argmax(1)]


def _dense(X: Any) -> NDArray[np.float64]:
    return check_array(X.toarray() if sparse.issparse(X) else X, dtype=np.float64, order="C")


def _without_self(
    distances: NDArray[np.float64], index: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Take each row out of its own neighbours; where it is missing, the nearest, a duplicate."""
    own = index == np.arange(len(index))[:, None]
    own[~own.any(1), 0] = True
    shape = len(index), index.shape[1] - 1
    return distances[~own].reshape(shape), index[~own].reshape(shape)
