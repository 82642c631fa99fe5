"""Resampled rows that several strategies of a sweep share, fitted once.

``smote``, ``[smote,focal]`` and the final fit of ``[smote,threshold]`` resample the same training
rows with the same seed, so they get the same rows, bit by bit. A :class:`ResampleCache` keeps them
on disk for as long as the command runs; its worker processes share them. An entry is found by the
content of the rows and the parameters of the sampler.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.pipeline.resampling import Resampled, resample

MAX_BYTES = 2**30
LIBRARIES = ("imblearn", "imbench")  # their samplers draw from `random_state` and nothing else


@dataclass(frozen=True)
class ResampleCache:
    """Cache of resampled rows in a folder that belongs to one command.

    The entries are pickles, so the folder must never outlive the command or come from elsewhere:
    make it with :func:`temporary_cache`.

    Parameters
    ----------
    folder : str
    names : frozenset of str
        Samplers that are cached, by their name in the configuration.
    max_bytes : int
        The entries that were used longest ago are removed above this size.
    """

    folder: str
    names: frozenset[str]
    max_bytes: int = MAX_BYTES

    def resample(
        self,
        sampler: Any,
        key: str,
        class_names: Sequence[str],
        neighbors: Any,
        X: Any,
        y: NDArray[np.int64],
    ) -> Resampled:
        """Resample rows, or return them from the cache.

        Parameters as in :func:`imbench.pipeline.resampling.resample`. Rows that are not an array
        and samplers whose result may differ from call to call are never cached.
        """
        is_cached = key.rpartition(".")[2] in self.names
        if not is_cached or not isinstance(X, np.ndarray) or not is_repeatable(sampler):
            return resample(sampler, key, class_names, neighbors, X, y)
        memory, cached = _memory(self.folder)
        calls: list[None] = []
        found: Resampled = cached(sampler, key, class_names, neighbors, X, y, calls)
        if not calls:
            return replace(found, reused_s=found.fit_s)
        memory.reduce_size(bytes_limit=self.max_bytes)
        return found


def _memory(folder: str) -> tuple[Any, Any]:
    """Return joblib's memory in a folder, and the function that it caches."""
    import joblib  # takes 60 ms, not needed without a shared sampler

    memory = joblib.Memory(folder, verbose=0)
    return memory, memory.cache(_resample, ignore=["calls"])


def _resample(
    sampler: Any,
    key: str,
    class_names: Sequence[str],
    neighbors: Any,
    X: Any,
    y: NDArray[np.int64],
    calls: list[None],
) -> Resampled:
    """Resample, and record the call: without it the result comes from the cache."""
    calls.append(None)
    return resample(sampler, key, class_names, neighbors, X, y)


@contextmanager
def temporary_cache(configs: Iterable[Mapping[str, Any]]) -> Iterator[ResampleCache | None]:
    """Provide a cache for the cells of a sweep; None if no sampler occurs in several cells.

    The folder is removed at the end, also after an error.
    """
    names = shared_names(configs)
    if not names:
        yield None
        return
    try:
        made = tempfile.TemporaryDirectory(prefix="imbench-", ignore_cleanup_errors=True)
    except OSError:  # no folder can be written: every cell resamples for itself
        yield None
        return
    with made as folder:
        # Write the source of the cached function, with which joblib checks the entries, before
        # several processes do so at the same time.
        _memory(folder)[1].clear(warn=False)
        yield ResampleCache(folder, frozenset(names))


def shared_names(configs: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the samplers that occur with the same parameters in several cells of a sweep."""
    found = Counter(
        (name, json.dumps(node, sort_keys=True, default=str))
        for config in configs
        for name, node in (config["strategy"].get("resample") or {}).items()
    )
    return {name for (name, _), n in found.items() if n > 1}


def is_repeatable(sampler: Any) -> bool:
    """Return whether a sampler gives the same rows each time: its seeds are integers or absent.

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> is_repeatable(SMOTE(random_state=0)), is_repeatable(SMOTE())
    (True, False)
    """
    if not hasattr(sampler, "get_params"):
        return False
    params = sampler.get_params(deep=True)
    seeds = [v for k, v in params.items() if k.rpartition("__")[2] == "random_state"]
    if not all(isinstance(seed, int | np.integer) for seed in seeds):
        return False
    return bool(seeds) or type(sampler).__module__.partition(".")[0] in LIBRARIES
