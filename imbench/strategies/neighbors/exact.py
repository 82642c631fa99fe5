"""scikit-learn's exact search, announced when it takes long."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from numpy.typing import ArrayLike
from sklearn.neighbors import NearestNeighbors

from imbench.strategies.neighbors.base import Neighbors
from imbench.strategies.neighbors.notice import Notice


class ExactNeighbors(Neighbors, NearestNeighbors):
    """Exact search by scikit-learn: a tree for up to 15 columns, otherwise all distances.

    The result is bit by bit that of the samplers' own search. The time grows with the square of the
    number of samples, also for trees from about ten columns on.

    Parameters
    ----------
    n_neighbors : int, default=5
        Set by the sampler.
    announce_s : float, default=10.0
        Seconds; a search that is estimated to take longer is announced.
    n_jobs : int or None
        Set by the sampler.
    notice : Notice or None
        Set by :meth:`noticing`.

    Examples
    --------
    >>> search = ExactNeighbors().asked(2).fit([[0.0], [1.0], [3.0]])
    >>> search.kneighbors([[0.9]], return_distance=False)
    array([[1, 0]])
    """

    name: ClassVar[str] = "exact"

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
        """Raise ValueError for a parameter out of range; called before anything runs."""
        check_announce(self.announce_s)

    def kneighbors(
        self,
        X: ArrayLike | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Search like scikit-learn's ``kneighbors``; queries ``X`` are timed and announced."""
        search = partial(
            super().kneighbors, n_neighbors=n_neighbors, return_distance=return_distance
        )
        if self.notice is None or X is None:
            return search(X)
        return self.notice.watch(search, X, (self.n_samples_fit_, self.n_features_in_))


def check_announce(seconds: float) -> None:
    """Raise ValueError unless ``announce_s`` is a number of at least 0."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        raise ValueError(f"announce_s must be a number of at least 0, got {seconds!r}.")
