"""Resampled rows that several strategies of a sweep share, made once.

``smote``, ``[smote,focal]`` and the final fit of ``[smote,threshold]`` get the same training rows
and the same seed: the rows that SMOTE makes of them are equal to the bit. A :class:`ResampleCache`
remembers them within a process; what is remembered is known by content, so that a hit can be
nothing else than what the sampler would have returned.
"""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from imbench.strategies.base import Strategy

MAX_BYTES = 2**28
LIBRARIES = ("imblearn", "imbench")  # their samplers draw from `random_state` and nothing else
_given_s: ContextVar[float] = ContextVar("given_s", default=0.0)


@dataclass(frozen=True, eq=False)
class Resampled:
    """What a sampler made of certain rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    y : ndarray of shape (n,)
    clipped : tuple of str
        What :class:`imbench.pipeline.steps.CheckedSampler` had to change.
    facts : mapping of str to object
        What is read of the fitted sampler later: ``notes_`` and ``picture_``.
    seconds : float
    """

    X: NDArray[Any]
    y: NDArray[Any]
    clipped: tuple[str, ...]
    facts: Mapping[str, Any]
    seconds: float

    @property
    def n_bytes(self) -> int:
        """Bytes that it holds."""
        return self.X.nbytes + self.y.nbytes


class ResampleCache:
    """Remembers what samplers made, the latest first, within a number of bytes.

    Parameters
    ----------
    names : collection of str
        Samplers that are worth it, by their name in the configuration.
    max_bytes : int
    """

    def __init__(self, names: Collection[str], max_bytes: int = MAX_BYTES) -> None:
        self.names = frozenset(names)
        self.max_bytes = max_bytes
        self._entries: OrderedDict[str, Resampled] = OrderedDict()

    def find(self, key: str) -> Resampled | None:
        """Return what is known by a key, or None."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def keep(self, key: str, entry: Resampled) -> None:
        """Remember, and forget what was not asked for longest."""
        if entry.n_bytes > self.max_bytes:
            return
        self._entries[key] = entry
        while sum(e.n_bytes for e in self._entries.values()) > self.max_bytes:
            self._entries.popitem(last=False)


def shared_names(configs: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the samplers that stand with the same values in several cells of a sweep."""
    found = Counter(
        (name, json.dumps(node, sort_keys=True, default=str))
        for config in configs
        for name, node in (config["strategy"].get("resample") or {}).items()
    )
    return {name for (name, _), n in found.items() if n > 1}


@dataclass(eq=False)
class Reuse:
    """The cache as one fold of a cell meets it; a parameter of every sampler inside.

    Parameters
    ----------
    cache : ResampleCache
    share : float
        Of the time that passes while rows are resampled, what is this fold's own: folds that
        are fitted in turns wait for each other.

    Attributes
    ----------
    replayed_s : float
        Seconds that resampling had taken whose rows were given from memory.
    """

    cache: ResampleCache
    share: float = 1.0
    replayed_s: float = 0.0

    def __deepcopy__(self, memo: dict[int, Any]) -> Reuse:
        """Return the same: scikit-learn's `clone` copies parameters."""
        return self

    def key_of(
        self, name: str, sampler: Any, neighbors: Any, X: Any, y: NDArray[Any]
    ) -> str | None:
        """Return what stands for a sampler with its values and search, rows and labels.

        None if the rows are not worth remembering, or could differ from call to call.
        """
        if name not in self.cache.names or not isinstance(X, np.ndarray):
            return None
        if not _is_repeatable(sampler):
            return None
        import joblib

        return str(joblib.hash((sampler, neighbors, X, y)))

    def find(self, key: str) -> Resampled | None:
        """Return what is known, and count the time that it had taken."""
        entry = self.cache.find(key)
        if entry is not None:
            self.replayed_s += entry.seconds
            _given_s.set(_given_s.get() + entry.seconds)
        return entry

    def keep(
        self, key: str, X: Any, y: Any, clipped: tuple[str, ...], sampler: Any, seconds: float
    ) -> None:
        """Remember what a fitted sampler made in so many seconds of the clock."""
        if isinstance(X, np.ndarray) and isinstance(y, np.ndarray):
            names = ("notes_", "picture_")
            facts = {name: getattr(sampler, name) for name in names if hasattr(sampler, name)}
            # Copies: whoever gets rows may change them in place.
            entry = Resampled(X.copy("K"), y.copy(), clipped, facts, seconds * self.share)
            self.cache.keep(key, entry)


def given_s() -> float:
    """Return the seconds of which this call was spared so far, and none of those in turn with it.

    What resampling had taken whose rows were given from memory; differences have a meaning.
    """
    return _given_s.get()


def reuse_of(cache: ResampleCache | None, strategy: Strategy, n_together: int) -> Reuse | None:
    """Return the cache for a fold; None where no two fits would meet the same rows.

    Every member of an ensemble resamples rows of its own.
    """
    if cache is None or strategy.ensemble or not cache.names & set(strategy.resample):
        return None
    return Reuse(cache, 1 / n_together)


def _is_repeatable(sampler: Any) -> bool:
    """Whether a sampler makes the same rows again: its seeds are numbers, or it has none."""
    if not hasattr(sampler, "get_params"):
        return False
    params = sampler.get_params(deep=True)
    seeds = [v for k, v in params.items() if k.rpartition("__")[2] == "random_state"]
    if not all(isinstance(seed, int | np.integer) for seed in seeds):
        return False
    return bool(seeds) or type(sampler).__module__.partition(".")[0] in LIBRARIES
