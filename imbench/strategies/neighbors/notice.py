"""Says once, before a search for neighbours that will take long, how long it will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

N_PILOT = 256  # queries of the pilot, a quarter of all at most
SLOWEST = 1e8
"""Products of queries, rows and columns a second: every search does more on any core.

What is short at this rate needs no pilot.
"""


class Notice:
    """Watches the searches of one resampling, and speaks before the first that will take long.

    Made by :class:`imbench.pipeline.steps.CheckedSampler` and the ensembles, one a fit, and shared
    by all searches that a sampler makes.

    Parameters
    ----------
    key : str
        Where the sampler stands in the configuration.
    limit_s : float
        What may pass in silence: searches that are over and the one to come, together.

    Attributes
    ----------
    notes : list of str
        What was said.
    spent_s : float
        Seconds of all searches so far.
    """

    def __init__(self, key: str, limit_s: float) -> None:
        self.key = key
        self.limit_s = limit_s
        self.notes: list[str] = []
        self.spent_s = 0.0
        self._busy = False
        self._spoke = False

    def __deepcopy__(self, memo: dict[int, Any]) -> Notice:
        """Return the notice itself: scikit-learn's `clone` copies parameters."""
        return self

    def add(self, sentence: str) -> None:
        """Note something else, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def watch(self, search: Callable[[Any], T], queries: Any, shape: tuple[int, int]) -> T:
        """Return ``search(queries)``, announced if it will take long.

        Parameters
        ----------
        search : callable
            Answers some of the queries, or all.
        queries : array or sparse matrix of shape (m, d)
        shape : tuple of int
            Rows that are searched among, and their columns.
        """
        if self._busy:  # a vote that searches: the vote is watched
            return search(queries)
        self._busy = True
        try:
            if not self._spoke:
                expected = self._expected_s(search, queries, shape)
                if self.spent_s + expected > self.limit_s:
                    self._speak(expected, queries.shape[0], shape[0])
            started = time.perf_counter()
            found = search(queries)
            self.spent_s += time.perf_counter() - started
            return found
        finally:
            self._busy = False

    def _expected_s(
        self, search: Callable[[Any], Any], queries: Any, shape: tuple[int, int]
    ) -> float:
        """Estimate the seconds from a pilot; 0 where no pilot is needed to know that it is short.

        Queries of the pilot are spread evenly: rows may be sorted.
        """
        n_queries = queries.shape[0]
        n_pilot = min(N_PILOT, n_queries // 4)
        if self.spent_s + n_queries * shape[0] * shape[1] / SLOWEST <= self.limit_s or not n_pilot:
            return 0.0
        search(queries[:1])  # threads, libraries and devices start up once
        spread = np.linspace(0, n_queries - 1, n_pilot).astype(np.int64)
        started = time.perf_counter()
        search(queries[spread])
        return (time.perf_counter() - started) * n_queries / n_pilot

    def _speak(self, expected_s: float, n_queries: int, n_rows: int) -> None:
        self._spoke = True
        way_out = "neighbors=faiss is approximate and nearly linear"
        rows = f"{_rounded(n_rows, 2):,.0f} rows"
        if self.spent_s > expected_s:
            sentence = (
                f"{self.key} has searched nearest neighbours for {duration(self.spent_s)}, now "
                f"among {rows}, and goes on: {way_out}."
            )
        else:
            sentence = (
                f"{self.key} searches the nearest neighbours of {_rounded(n_queries, 2):,.0f} "
                f"among {rows} exactly, which takes about {duration(expected_s)}: {way_out}."
            )
        self.notes.append(sentence)
        if (self.key, f"{n_rows:.0e}") not in _spoken():  # folds differ by a row
            _spoken().add((self.key, f"{n_rows:.0e}"))
            print(f"imbench: {sentence}", file=sys.stderr)


@lru_cache(maxsize=1)
def _spoken() -> set[tuple[str, str]]:
    """Return what this process has printed: a line a sampler, not one a fold and trial."""
    return set()


def duration(seconds: float) -> str:
    """Return a time in words, with one digit: folds then say the same, and it is an estimate."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{_rounded(seconds / size, 1):.0f} {unit}"
    return f"{_rounded(seconds, 1):g} s"


def _rounded(value: float, n_digits: int) -> float:
    return float(f"{value:.{n_digits}g}")
