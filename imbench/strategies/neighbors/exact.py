"""scikit-learn's search, as the samplers do it themselves, but announced."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import ArrayLike
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from imbench.strategies.neighbors.base import Neighbors
from imbench.strategies.neighbors.notice import Notice


class ExactNeighbors(Neighbors, NearestNeighbors):
    """scikit-learn's exact search: a tree for up to 15 columns, otherwise all distances.

    The same bits as with the sampler's own search. The time grows with the square of the rows,
    nearly so for trees from ten columns on.

    Parameters
    ----------
    n_neighbors : int, default=5
        Set by the sampler.
    announce_s : float, default=10.0
        A search that will take more seconds is announced, with an estimate.
    n_jobs : int or None
        Set by the sampler.
    notice : Notice or None
        Set by the sampler's wrapper.
    """

    name: ClassVar[str] = "exact"
    is_exact: ClassVar[bool] = True

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        announce_s: float = 10.0,
        n_jobs: int | None = None,
        notice: Notice | None = None,
    ) -> None:
        super().__init__(n_neighbors=n_neighbors, n_jobs=n_jobs)
        self.announce_s = announce_s
        self.notice = notice

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        check_announce(self.announce_s)

    def kneighbors(
        self,
        X: ArrayLike | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Do as scikit-learn, under watch."""
        if self.notice is None:
            return super().kneighbors(X, n_neighbors, return_distance)

        def search(part: ArrayLike) -> Any:
            # All rows are asked about themselves as None: none is its own neighbour then.
            rows = None if X is None and part is self._fit_X else part
            return NearestNeighbors.kneighbors(self, rows, n_neighbors, return_distance)

        return self.notice.watch(search, self._fit_X if X is None else X, self._fit_X.shape)

    def vote(self, n_neighbors: int) -> KNeighborsClassifier:
        """Return scikit-learn's classifier, under the same watch."""
        return ExactVote(n_neighbors, notice=self.notice)


class ExactVote(KNeighborsClassifier):
    """scikit-learn's classifier of k nearest neighbours, announced.

    Parameters
    ----------
    n_neighbors : int, default=1
    n_jobs : int or None
    notice : Notice or None
    """

    def __init__(
        self, n_neighbors: int = 1, *, n_jobs: int | None = None, notice: Notice | None = None
    ) -> None:
        super().__init__(n_neighbors, n_jobs=n_jobs)
        self.notice = notice

    def predict(self, X: ArrayLike) -> Any:
        """Do as scikit-learn, under watch."""
        if self.notice is None:
            return super().predict(X)
        return self.notice.watch(super().predict, X, self._fit_X.shape)

    def kneighbors(
        self,
        X: ArrayLike | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Do as scikit-learn, under watch."""
        if self.notice is None or X is None:
            return super().kneighbors(X, n_neighbors, return_distance)

        def search(part: ArrayLike) -> Any:
            return KNeighborsClassifier.kneighbors(self, part, n_neighbors, return_distance)

        return self.notice.watch(search, X, self._fit_X.shape)


def check_announce(seconds: float) -> None:
    """Raise ValueError unless the seconds that pass in silence are a number of at least 0."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        raise ValueError(f"announce_s must be a number of at least 0, got {seconds!r}.")
