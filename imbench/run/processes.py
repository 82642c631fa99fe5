"""How many worker processes there are to be, and when it pays to start them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from imbench.config.cell import Cell, RefusedCell
from imbench.results.fold import FoldResult
from imbench.run.environment import n_cores
from imbench.strategies.threads import fits_with

# Two workers have imported scikit-learn and imbalanced-learn after 1.4 s on two idle cores, and
# after 3.1 s where another process is busy.
START_S = 2.0
# Tables that a worker holds at its peak: the data, a training part, and what resampling,
# preprocessing and the model make of it.
COPIES = 6


@dataclass(eq=False)
class Workers:
    """How many worker processes there may be, and whether it pays to start them.

    Parameters
    ----------
    n_max : int
        Processes at most.
    threads : int or None
        Of the folds that are fitted in this process; None is all that libraries want.
    is_measured : bool
        Whether folds are fitted and timed in this process before processes are started.
    is_started : bool
        Whether there are processes of an earlier round, which wait for folds.
    seconds : float
        Spent on the folds that were timed.
    core_seconds : float
        The same if they had one thread. A fold with several threads takes less.
    n_timed : int

    Examples
    --------
    >>> workers = Workers(4, is_measured=True, seconds=1.0, core_seconds=1.0, n_timed=2)
    >>> workers.saved_s(16)  # of 0.5 s each
    6.0
    >>> workers.pays(16), workers.pays(4), Workers(4).pays(4)
    (True, False, True)

    Four threads that halve the time of a fold are not as good as four processes:

    >>> Workers(4, is_measured=True, seconds=1.0, core_seconds=2.0, n_timed=2).saved_s(16)
    4.0
    """

    n_max: int
    threads: int | None = None
    is_measured: bool = False
    is_started: bool = False
    seconds: float = 0.0
    core_seconds: float = 0.0
    n_timed: int = 0

    def saved_s(self, n_folds: int) -> float:
        """Estimate the seconds that processes save, from the mean of the folds so far."""
        here = self.seconds * n_folds / max(self.n_timed, 1)
        apart = self.core_seconds * n_folds / max(self.n_timed, 1)
        return here - apart / min(self.n_max, n_folds)

    def pays(self, n_folds: int) -> bool:
        """Return whether to hand so many folds to processes."""
        if min(self.n_max, n_folds) < 2:
            return False
        if not self.is_measured or self.is_started:
            return True
        return self.saved_s(n_folds) > START_S

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Time a fold that is fitted in this process.

        On busy cores it takes more seconds than it computes, and so would a process.
        """
        started, computed = time.perf_counter(), time.process_time()
        yield
        seconds = time.perf_counter() - started
        self.seconds += seconds
        self.core_seconds += max(seconds, time.process_time() - computed)
        self.n_timed += 1

    def note(self, results: Sequence[FoldResult]) -> None:
        """Take the time of folds that were fitted in another process, without its start."""
        seconds = sum(r.tune_s + r.fit_s - r.reused_s + r.predict_s for r in results)
        self.seconds += seconds
        self.core_seconds += seconds
        self.n_timed += 1

    def fit_into_memory(self, table_bytes: int) -> None:
        """Lower the number of processes to what half of the machine's memory can hold."""
        if self.is_measured and table_bytes:
            n = _memory_bytes() // (2 * COPIES * table_bytes)
            self.n_max = max(1, min(self.n_max, n))


def can_run_apart(cell: Cell | RefusedCell) -> bool:
    """Return whether the folds of a cell may be fitted in processes side by side.

    Nets that train in stacks keep to their stack, whatever the number of workers: in another one
    their bits would differ. Measured on one core, five folds of an MLP of 256 units on 1,000 rows
    (20 epochs) took 0.26 s as a stack and 0.65 s one by one, more than two workers would make up
    for; of 512-512 units on 4,000 rows (3 epochs) 1.5 s and 1.7 s. Layers without a stacked form
    gain nothing from a stack and run apart. A GPU is not shared by processes.
    """
    if isinstance(cell, RefusedCell):
        return True
    estimator = cell.model.estimator
    if getattr(estimator, "trains_in_stacks", False):
        return False
    device = str(getattr(estimator, "device", None) or "cpu")
    if device == "auto":
        from imbench.strategies.nets.device import select_device

        device = select_device(device).type
    return device.startswith("cpu")


@contextmanager
def limited_threads(n_threads: int | None) -> Iterator[None]:
    """Limit the threads of OpenMP and BLAS; None changes nothing.

    Threads of OpenMP wait for each other actively. On two cores that other processes kept busy
    (load 8), a fit of HistGradientBoostingClassifier on 50,000 x 30 values took 0.9 s with one
    thread and 35 s with two, and 0.6 s with two on an idle machine.
    """
    if n_threads is None:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(n_threads):
        yield


@contextmanager
def more_threads(cell: Cell, n_threads: int) -> Iterator[None]:
    """Fit a cell that has the machine for itself with so many threads, if its bits are the same.

    Those of LightGBM do not if it is ``deterministic`` and rows or columns are forced (parameter
    ``deterministic`` of LightGBM's documentation); for others see
    :mod:`imbench.strategies.threads`. The sums of linear models and nets do, so that they keep
    their number. A loss or a metric in Python keeps one thread: others would wait for it actively.
    """
    with fits_with(n_threads, n_threads), _lightgbm_threads(cell, n_threads):
        yield


@contextmanager
def _lightgbm_threads(cell: Cell, n_threads: int) -> Iterator[None]:
    """Give the LightGBM of a cell so many threads in the place of one."""
    trees: Any = getattr(cell.model.estimator, "estimator", None)
    given = trees.get_params() if type(trees).__name__ == "LGBMClassifier" else {}
    is_same = given.get("deterministic") and (
        given.get("force_row_wise") or given.get("force_col_wise")
    )
    in_python = cell.strategy.loss or getattr(cell.model.estimator, "holds_out", False)
    if not is_same or in_python or given.get("n_jobs") != 1 or n_threads < 2:
        yield
        return
    trees.set_params(n_jobs=n_threads)
    try:
        yield
    finally:
        trees.set_params(n_jobs=1)


def idle_cores() -> int:
    """Return how many cores other processes have left idle in the last minute, at least one."""
    try:
        others = max(os.getloadavg()[0] - 1, 0.0)  # one is this process
    except (AttributeError, OSError):  # Windows has none
        others = 0.0
    return max(1, round(n_cores() - others))


def _memory_bytes() -> int:
    """Return the memory of the machine; far more than any table where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 2**50
