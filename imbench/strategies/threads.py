"""Threads of a single fit, for estimators whose bits do not depend on how many there are.

A fit alone is what has them: scikit-learn's forests add the votes of their trees in the order in
which threads end, so that the last bits of what they predict would differ from run to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

FORESTS = ("RandomForestClassifier", "ExtraTreesClassifier", "BalancedRandomForestClassifier")
HISTOGRAMS = ("HistBoosting", "HistGradientBoostingClassifier")


@dataclass(frozen=True)
class _Threads:
    n: int
    n_openmp: int | None


_threads: ContextVar[_Threads | None] = ContextVar("threads", default=None)


@contextmanager
def fits_with(n_threads: int, n_openmp: int | None = None) -> Iterator[None]:
    """Let the estimators that are fitted in the block have so many threads.

    Parameters
    ----------
    n_threads : int
        Of forests, which do not name an ``n_jobs``. These threads do not wait for each other.
    n_openmp : int or None
        Of boosted trees that use OpenMP, whose threads wait for each other actively: with two
        threads on two busy cores a fit took 20 times as long as with one. None leaves them theirs.

    Examples
    --------
    >>> from joblib import effective_n_jobs
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> with fits_with(3), threads_of_fit(RandomForestClassifier()):
    ...     effective_n_jobs(None)
    3
    """
    before = _threads.get()
    _threads.set(_Threads(n_threads, n_openmp))
    try:
        yield
    finally:
        _threads.set(before)


def threads_of_fit(estimator: Any) -> AbstractContextManager[Any]:
    """Return a context manager in which one estimator is fitted with the threads that it has.

    It does nothing for other estimators and outside of :func:`fits_with`, nor where a loss or a
    metric is computed in Python, for which other threads would wait.
    """
    threads = _threads.get()
    if threads is None:
        return nullcontext()
    if threads.n > 1 and type(estimator).__name__ in FORESTS:
        from joblib import parallel_config

        return parallel_config(backend="threading", n_jobs=threads.n)
    if threads.n_openmp is not None and _has_openmp(estimator):
        from threadpoolctl import threadpool_limits

        limits: AbstractContextManager[Any] = threadpool_limits(threads.n_openmp, "openmp")
        return limits
    return nullcontext()


def _has_openmp(estimator: Any) -> bool:
    """Return whether these are boosted trees whose threads are those of OpenMP."""
    if getattr(estimator, "holds_out", False):
        return False
    trees: Any = getattr(estimator, "estimator", None)
    if type(trees).__name__ == "XGBClassifier":
        return trees.n_jobs is None and estimator.loss is None
    return type(estimator).__name__ in HISTOGRAMS
