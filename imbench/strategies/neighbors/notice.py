"""Announce a long exact search for neighbors before it starts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

T = TypeVar("T")

N_PILOT = 256  # queries of the pilot search, a quarter of all at most
SLOWEST = 1e8  # queries * samples * columns a second: every search is faster on any core


class Notice:
    """Estimate the time of the searches of one fit and announce the first that takes long.

    Made by :meth:`imbench.strategies.neighbors.base.Neighbors.noticing`, once a fit, and shared by
    all searches of the sampler. The announcement is printed on standard error and kept in
    ``notes``.

    Parameters
    ----------
    key : str
        Configuration key of the sampler.
    limit_s : float
        Seconds that all searches together may take without an announcement.

    Attributes
    ----------
    notes : list of str
        Sentences that were announced.
    spent_s : float
        Seconds of all searches so far.

    Examples
    --------
    >>> import numpy as np
    >>> notice = Notice("strategy.resample.smote", limit_s=10.0)
    >>> notice.watch(len, np.zeros((100, 3)), shape=(100, 3))
    100
    >>> notice.notes
    []
    """

    def __init__(self, key: str, limit_s: float) -> None:
        self.key = key
        self.limit_s = limit_s
        self.notes: list[str] = []
        self.spent_s = 0.0
        self._is_announced = False

    def __sklearn_clone__(self) -> Notice:
        """Return the notice itself: copies of a search share it."""
        return self

    def add(self, sentence: str) -> None:
        """Keep another sentence in ``notes``, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def watch(self, search: Callable[[Any], T], queries: Any, shape: tuple[int, int]) -> T:
        """Return ``search(queries)``, and announce it first if it will take long.

        Parameters
        ----------
        search : callable
            Takes all queries or some of them.
        queries : array or sparse matrix of shape (m, d)
        shape : tuple of int
            Samples that are searched among, and their columns.
        """
        if not self._is_announced:
            n_queries = queries.shape[0]
            expected_s = 0.0 if self._is_short(n_queries, shape) else _pilot_s(search, queries)
            if self.spent_s + expected_s > self.limit_s:
                self._announce(self._sentence(expected_s, n_queries, shape[0]), shape[0])
        started = time.perf_counter()
        found = search(queries)
        self.spent_s += time.perf_counter() - started
        return found

    def expect_pass(self, X: ArrayLike, name: str) -> None:
        """Announce that a sampler will search all samples among themselves, if it takes long.

        Called for samplers whose own search cannot be timed; scikit-learn's stands for it.

        Parameters
        ----------
        X : array or sparse matrix of shape (n, d)
        name : str
            Name of the sampler's class.
        """
        n_rows, n_columns = np.shape(X)
        if self._is_announced or self._is_short(n_rows, (n_rows, n_columns)):
            return
        from sklearn.neighbors import NearestNeighbors
        from sklearn.utils import check_array

        rows = check_array(X, accept_sparse="csr")
        expected_s = _pilot_s(NearestNeighbors(n_neighbors=2).fit(rows).kneighbors, rows)
        if expected_s > self.limit_s:
            sentence = (
                f"{self.key} searches nearest neighbours exactly, and a pass over "
                f"{_rounded(n_rows, 2):,.0f} rows takes about {duration(expected_s)}: {name} "
                "accepts no other search; strategy=enn does, and is nearly linear with "
                "neighbors=faiss."
            )
            self._announce(sentence, n_rows)

    def _is_short(self, n_queries: int, shape: tuple[int, int]) -> bool:
        """Return whether a search needs no pilot: short at any speed, or a few queries."""
        slowest_s = n_queries * shape[0] * shape[1] / SLOWEST
        return self.spent_s + slowest_s <= self.limit_s or n_queries < 4

    def _sentence(self, expected_s: float, n_queries: int, n_rows: int) -> str:
        way_out = "neighbors=faiss is approximate and nearly linear"
        rows = f"{_rounded(n_rows, 2):,.0f} rows"
        if self.spent_s > expected_s:
            return (
                f"{self.key} has searched nearest neighbours for {duration(self.spent_s)}, now "
                f"among {rows}, and goes on: {way_out}."
            )
        return (
            f"{self.key} searches the nearest neighbours of {_rounded(n_queries, 2):,.0f} "
            f"among {rows} exactly, which takes about {duration(expected_s)}: {way_out}."
        )

    def _announce(self, sentence: str, n_rows: int) -> None:
        self._is_announced = True
        self.notes.append(sentence)
        if (self.key, f"{n_rows:.0e}") not in _printed():  # folds differ by a row
            _printed().add((self.key, f"{n_rows:.0e}"))
            print(f"imbench: {sentence}", file=sys.stderr)


@lru_cache(maxsize=1)
def _printed() -> set[tuple[str, str]]:
    """Return what this process has printed: one line a sampler, not one a fold and trial."""
    return set()


def _pilot_s(search: Callable[[Any], Any], queries: Any) -> float:
    """Estimate the seconds of a search from some of its queries, evenly spread."""
    n_queries = queries.shape[0]
    n_pilot = min(N_PILOT, n_queries // 4)
    search(queries[:1])  # threads, libraries and devices start up once
    spread = np.linspace(0, n_queries - 1, n_pilot).astype(np.int64)  # samples may be sorted
    started = time.perf_counter()
    search(queries[spread])
    return (time.perf_counter() - started) * n_queries / n_pilot


def duration(seconds: float) -> str:
    """Return a duration in words with one significant digit: it is an estimate.

    Examples
    --------
    >>> duration(12.3), duration(9000)
    ('10 s', '2 h')
    """
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{_rounded(seconds / size, 1):.0f} {unit}"
    return f"{_rounded(seconds, 1):g} s"


def _rounded(value: float, n_digits: int) -> float:
    return float(f"{value:.{n_digits}g}")
