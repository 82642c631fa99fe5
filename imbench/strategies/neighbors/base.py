"""Base classes of the nearest-neighbor searches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_array

from imbench.strategies.neighbors.notice import Notice

Found = NDArray[np.int64] | tuple[NDArray[np.float64], NDArray[np.int64]]


class Neighbors(BaseEstimator):
    """A nearest-neighbor search, as the configuration group ``neighbors`` names it.

    The instance in a strategy is a prototype. Samplers get copies from :meth:`asked`, with the
    methods of scikit-learn's ``KNeighborsMixin`` that imbalanced-learn calls.

    Attributes
    ----------
    name : str
        Name of the yaml file.
    is_exact : bool
        Whether the nearest samples are always found. An exact search is announced if it takes long.
    announce_s : float
        Seconds; an exact search that is estimated to take longer is announced.
    """

    name: ClassVar[str] = ""
    is_exact: ClassVar[bool] = True
    announce_s: float = 10.0
    notice: Notice | None = None

    def check_params(self) -> None:
        """Raise ValueError for a parameter out of range; called before anything runs."""

    def noticing(self, key: str) -> Self:
        """Return a copy whose searches are timed together.

        Parameters
        ----------
        key : str
            Configuration key of the sampler, for the messages.
        """
        return clone(self).set_params(notice=Notice(key, self.announce_s))

    def asked(self, n_neighbors: int) -> Self:
        """Return a copy, not fitted, that finds ``n_neighbors`` neighbors."""
        return clone(self).set_params(n_neighbors=n_neighbors)


class Search(Neighbors, ABC):
    """Base of a search that is not scikit-learn's.

    A subclass implements ``_index``, which prepares the samples, and ``_query``.

    Parameters
    ----------
    n_neighbors : int, default=5
    n_jobs : int or None
        Ignored; imbalanced-learn sets it.
    notice : Notice or None
        Set by :meth:`noticing`.

    Attributes
    ----------
    n_samples_fit_, n_features_in_ : int

    Examples
    --------
    A search by Manhattan distance:

    >>> import numpy as np
    >>> class Manhattan(Search):
    ...     name = "manhattan"
    ...     def _index(self, rows):
    ...         self.rows_ = rows
    ...     def _query(self, queries, k):
    ...         distances = np.abs(queries[:, None] - self.rows_).sum(2)
    ...         index = distances.argsort(1, kind="stable")[:, :k]
    ...         return np.take_along_axis(distances, index, 1), index
    >>> Manhattan().asked(2).fit([[0.0], [1.0], [3.0]]).kneighbors([[0.9]], return_distance=False)
    array([[1, 0]])
    """

    def __init__(
        self, n_neighbors: int = 5, *, n_jobs: int | None = None, notice: Notice | None = None
    ) -> None:
        self.n_neighbors = n_neighbors
        self.n_jobs = n_jobs
        self.notice = notice

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Index the samples, shape (n, d), dense or sparse."""
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
        """Return distances and indices of the nearest samples, both of shape (m, n_neighbors).

        Parameters
        ----------
        X : array of shape (m, d) or None
            Queries. None queries the fitted samples, and no sample is its own neighbor.
        n_neighbors : int or None
            None uses the constructor's.
        return_distance : bool, default=True
            If False, only the indices are returned.

        Raises
        ------
        ValueError
            If there are fewer samples than neighbors; the message is scikit-learn's, which
            :mod:`imbench.strategies.resample.refusals` parses.
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

        if self.notice is None or not self.is_exact:
            distances, index = search(queries)
        else:
            distances, index = self.notice.watch(search, queries, self._rows.shape)
        if X is None:
            distances, index = _without_self(distances, index)
        return (distances, index) if return_distance else index

    def kneighbors_graph(
        self, X: ArrayLike | None = None, n_neighbors: int | None = None, mode: str = "connectivity"
    ) -> sparse.csr_matrix:
        """Return the neighbors as a sparse matrix of shape (m, n) of ones or distances."""
        distances, index = self.kneighbors(X, n_neighbors)
        starts = np.arange(0, index.size + 1, index.shape[1])
        values = distances.ravel() if mode == "distance" else np.ones(index.size)
        return sparse.csr_matrix(
            (values, index.ravel(), starts), shape=(len(index), self.n_samples_fit_)
        )

    @abstractmethod
    def _index(self, rows: NDArray[np.float64]) -> None:
        """Prepare for queries among samples of shape (n, d)."""

    @abstractmethod
    def _query(
        self, queries: NDArray[np.float64], k: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return distances, ascending, and indices, both of shape (m, k), for 1 <= k <= n."""


def _dense(X: Any) -> NDArray[np.float64]:
    return check_array(X.toarray() if sparse.issparse(X) else X, dtype=np.float64, order="C")


def _without_self(
    distances: NDArray[np.float64], index: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Drop each sample from its own neighbors; if a duplicate took its place, drop the nearest."""
    own = index == np.arange(len(index))[:, None]
    own[~own.any(1), 0] = True
    shape = len(index), index.shape[1] - 1
    return distances[~own].reshape(shape), index[~own].reshape(shape)
