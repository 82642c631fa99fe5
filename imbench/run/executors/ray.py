"""Folds on the nodes of a Ray cluster: the only file that imports Ray, and that late.

A fold of a cell is a plain Ray task; folds of nets that train as one stack are one task. A task
whose node died is handed out again, as often as that happens. A task that ended its own process
twice is a failed fold. (Ray's ``max_retries`` knows no difference between the two: without a limit
a model that crashes would be fitted for ever.)
"""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import threading
import time
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Literal
from uuid import uuid4

from imbench.errors import ConfigError, DataError, ImbenchError
from imbench.results.fold import CellKey, FoldResult
from imbench.run.cell import Runner
from imbench.run.environment import n_cores
from imbench.run.executors.base import StackTask, Tasks
from imbench.run.executors.isolation import GB, sentence_of
from imbench.run.executors.pool import Ended
from imbench.run.executors.ray_worker import Driver, Job, Receipt, problem_here, run_job, versions

TRIES = 2  # of a task that ends its process, and of one whose files cannot be written
A_SLOT = 2  # tasks in flight for each that can run
PATIENCE_S = 30.0  # between looks at whether there are nodes left
SEEN_S = 20.0  # until a file that another machine wrote is seen on a network file system
WHY = (
    f"crashed: its process on a node of Ray was ended {TRIES} times.",
    f"memory: Ray ended its process {TRIES} times, as its node had no memory left: set "
    "executor.memory_gb=8, what a task needs, so that fewer run on a node.",
)


@dataclass(eq=False)
class Sent:
    """A task that is in flight.

    Parameters
    ----------
    task : StackTask
    key : CellKey
    job : Job
    n_ended : int
        How often it ended its process, or could not write its files.
    """

    task: StackTask
    key: CellKey
    job: Job
    n_ended: int = 0


@dataclass(eq=False)
class RayExecutor:
    """Runs tasks on the nodes of a Ray cluster.

    Parameters
    ----------
    runner : Runner
    n_jobs : "auto"
        Of the local executor; other values are refused.
    address : str or None
        ``host:port`` of a cluster, ``auto``, or None for a cluster of its own on this machine, on
        loopback and without a dashboard. If this Python program is connected to a cluster already,
        that one is used.
    num_cpus, num_gpus : float
        Of a task. A task uses as many threads as it has CPUs.
    memory_gb : float or None
        Of a task, in 10^9 bytes; None sets nothing aside.
    store : {"shared", "return"}
        Whether nodes write results to ``results_dir``, or send them back.

    Raises
    ------
    ValueError
        If a value is outside of its range.

    References
    ----------
    Moritz et al. 2018, "Ray: A Distributed Framework for Emerging AI Applications",
    arXiv 1712.05889.

    Examples
    --------
    >>> RayExecutor(runner=None, num_cpus=0)
    Traceback (most recent call last):
    ValueError: num_cpus must be a number above 0, got 0.
    """

    runner: Runner
    n_jobs: int | Literal["auto"] = "auto"
    address: str | None = None
    num_cpus: float = 1
    num_gpus: float = 0
    memory_gb: float | None = None
    store: Literal["shared", "return"] = "shared"
    _is_connected: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if self.n_jobs != "auto":
            raise ValueError(
                f"n_jobs={self.n_jobs} is for executor=local: leave it out and set "
                "executor.num_cpus=1, the CPUs of a task."
            )
        if not self.num_cpus > 0:
            raise ValueError(f"num_cpus must be a number above 0, got {self.num_cpus!r}.")
        if self.num_gpus < 0:
            raise ValueError(f"num_gpus must be a number of at least 0, got {self.num_gpus!r}.")
        if self.memory_gb is not None and not self.memory_gb > 0:
            raise ValueError(f"memory_gb must be a number above 0, got {self.memory_gb!r}.")
        if self.store not in ("shared", "return"):
            raise ValueError(f"store must be shared or return, got {self.store!r}.")
        if self.address is not None and (not self.address.strip() or "://" in self.address):
            raise ValueError(f"address must be host:port, auto or null, got {self.address!r}.")

    @property
    def resources(self) -> dict[str, float]:
        """What Ray calls the resources of a task, those that are not 0."""
        found = {"CPU": self.num_cpus, "GPU": self.num_gpus, "memory": GB * (self.memory_gb or 0)}
        return {name: value for name, value in found.items() if value}

    def run(self, tasks: Tasks) -> Generator[tuple[StackTask, list[FoldResult]]]:
        """Run tasks and yield each with its results, as they come.

        Raises
        ------
        ConfigError
            If the cluster cannot be reached, cannot hold a task, or a node differs.
        ImbenchError
            If a node cannot read the same data, or no node is left.
        """
        first = next(tasks, None)
        if first is None:  # everything is stored
            return
        ray = self._connected()
        with self._driver() as driver:
            self._check(ray, driver)
            yield from self._run(ray, driver, first, tasks)

    def close(self) -> None:
        """Leave the cluster, and end it if it is one of this executor's own."""
        if self._is_connected:
            import ray

            ray.shutdown()
            self._is_connected = False

    def _run(
        self, ray: Any, driver: Driver, first: StackTask, tasks: Tasks
    ) -> Generator[tuple[StackTask, list[FoldResult]]]:
        work = ray.remote(max_calls=1)(run_job) if self.num_gpus else ray.remote(run_job)
        work = work.options(**self._options(), max_retries=0, scheduling_strategy="SPREAD")
        flying: dict[Any, Sent] = {}  # by Ray's reference
        todo = chain([first], tasks)
        try:
            while True:
                room = A_SLOT * max(self._slots(ray), 1) - len(flying)
                for task in islice(todo, max(room, 0)):
                    sent = self._sent(task, driver)
                    flying[work.remote(sent.job)] = sent
                if not flying:
                    return
                done = self._next(ray, list(flying))
                sent = flying.pop(done)
                receipt = self._receipt(ray, done, sent)
                if receipt is None:
                    flying[work.remote(sent.job)] = sent
                else:
                    yield sent.task, self._results(sent, receipt)
        finally:
            for reference in flying:
                ray.cancel(reference, force=True)

    def _options(self) -> dict[str, float]:
        memory = {} if self.memory_gb is None else {"memory": self.memory_gb * GB}
        return {"num_cpus": self.num_cpus, "num_gpus": self.num_gpus} | memory

    def _connected(self) -> Any:
        """Return Ray, connected to the cluster.

        Raises
        ------
        ConfigError
            If it is not installed, or nothing answers at the address.
        """
        if importlib.util.find_spec("ray") is None:
            raise ConfigError(
                "executor=ray: Ray is not installed, pip install 'imbench[ray]' does that."
            )
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to others
        if self.address is None:  # on loopback alone, whatever else the machine is called
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        import ray
        import ray.util.scheduling_strategies

        if ray.is_initialized():
            return ray
        own: dict[str, Any] = {}
        if self.address is None:
            own = {"num_cpus": n_cores(), "include_dashboard": False}
        try:
            with _own_signals():
                ray.init(
                    self.address or "local", log_to_driver=False, logging_level=logging.ERROR, **own
                )
        except Exception as error:  # of Ray, of its connection, or another version of Python or Ray
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise ConfigError(
                f"executor.address={self.address or 'null'}: no Ray cluster ({reason}): start one "
                "with `ray start --head` and give its host:port, or set executor=local."
            ) from error
        self._is_connected = True
        return ray

    @contextmanager
    def _driver(self) -> Iterator[Driver]:
        """Describe this process to nodes, and leave a file that proves they see its folder."""
        if self.store == "return":
            yield Driver(os.getcwd(), None, "", versions())
            return
        folder = self.runner.results_dir.absolute()
        token = folder / f".ray-{uuid4().hex}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            token.touch()
        except OSError as error:
            raise ConfigError(
                f"results_dir={folder} cannot be written ({error.strerror}): set results_dir= to a "
                "folder that you may write to."
            ) from error
        try:
            yield Driver(os.getcwd(), str(folder), token.name, versions())
        finally:
            token.unlink(missing_ok=True)

    def _check(self, ray: Any, driver: Driver) -> None:
        """Raise ConfigError if no node can hold a task, or one that can differs from this one."""
        at = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        able = [node for node in _alive(ray) if _n_held(node, self.resources)]
        if not able:
            raise ConfigError(self._too_large(ray))
        probe = ray.remote(num_cpus=0, max_retries=0)(problem_here)
        asked = [
            probe.options(scheduling_strategy=at(node["NodeID"], soft=False)).remote(driver)
            for node in able
        ]
        for reference in asked:
            try:
                problem = ray.get(reference)
            except ray.exceptions.RayTaskError as error:  # imbench is missing there, or another
                problem = f"a node cannot run imbench ({_first_line(error.cause)}): install it."
            except ray.exceptions.RayError:  # a node that has left since
                continue
            if problem:
                raise ConfigError(f"executor=ray: {problem}")

    def _too_large(self, ray: Any) -> str:
        """Return the sentence on a task that no node can hold."""
        nodes = [node["Resources"] for node in _alive(ray)]
        most = {name: max((n.get(name, 0) for n in nodes), default=0) for name in ("CPU", "GPU")}
        memory = max((n.get("memory", 0) for n in nodes), default=0) / GB
        wanted = f"num_cpus={self.num_cpus:g}, num_gpus={self.num_gpus:g}"
        wanted += "" if self.memory_gb is None else f", memory_gb={self.memory_gb:g}"
        fix = f"executor.num_cpus={min(self.num_cpus, most['CPU'] or 1):g}"
        fix += f" executor.num_gpus={min(self.num_gpus, most['GPU']):g}"
        fix += "" if self.memory_gb is None else " executor.memory_gb=null"
        return (
            f"executor: no node of the Ray cluster can hold a task of {wanted}: the largest have "
            f"{most['CPU']:g} CPUs, {most['GPU']:g} GPUs and {memory:.1f} GB; set {fix}, or add a "
            "node."
        )

    def _slots(self, ray: Any) -> int:
        """Return how many tasks the nodes can run at once."""
        return sum(_n_held(node, self.resources) for node in _alive(ray))

    def _sent(self, task: StackTask, driver: Driver) -> Sent:
        """Describe a task without the rows of its folds."""
        ready = self.runner.prepare(task.cell)
        together, wanted = (tuple((f.repeat, f.fold) for f in part) for part in task.stack)
        journal = b""
        if task.cell.tuning is not None:
            found = task.cell.tuning.tuner.journal(ready.key, self.runner.results_dir)
            journal = zlib.compress(found) if found else b""
        threads = max(int(self.num_cpus), 1)
        run_id, limits = ready.key.run_id, self.runner.limits
        job = Job(driver, task.cell, run_id, together, wanted, threads, journal, limits)
        return Sent(task, ready.key, job)

    def _next(self, ray: Any, flying: list[Any]) -> Any:
        """Wait for the next task that has ended, and return its reference."""
        while True:
            done, _ = ray.wait(flying, num_returns=1, timeout=PATIENCE_S)
            if done:
                return done[0]
            if not self._slots(ray):
                raise ImbenchError(
                    "executor=ray: no node is left that can hold a task: every finished fold is "
                    "stored; start nodes, and run the same command again."
                )

    def _receipt(self, ray: Any, done: Any, sent: Sent) -> Receipt | None:
        """Return what came back of a task, None if it is to be handed out again."""
        errors = ray.exceptions
        try:
            receipt: Receipt = ray.get(done)
        except (errors.NodeDiedError, errors.ObjectLostError):
            return None
        except (errors.OutOfMemoryError, errors.WorkerCrashedError) as error:
            sent.n_ended += 1
            if sent.n_ended < TRIES:
                return None
            is_memory = isinstance(error, errors.OutOfMemoryError)
            return Receipt(ended=Ended("exited", WHY[is_memory]))
        except errors.RayTaskError as error:
            sent.n_ended += 1
            if isinstance(error.cause, OSError) and sent.n_ended < TRIES:
                return None
            raise ImbenchError(
                f"executor=ray: a task of {sent.key.folder} ended with {_first_line(error.cause)}: "
                "every finished fold is stored; run the same command again."
            ) from error
        if receipt.problem:
            raise DataError(f"executor=ray: {receipt.problem}")
        return receipt

    def _results(self, sent: Sent, receipt: Receipt) -> list[FoldResult]:
        """Return the results of a task, which are stored when this returns."""
        store, (task, limits) = self.runner.store, (sent.task, self.runner.limits)
        if receipt.ended is not None:
            reason = sentence_of(receipt.ended, task.cell, task.stack, limits)
            if receipt.ended.fact in WHY:
                reason = str(receipt.ended.fact)
            return self.runner.ended(task.cell, task.stack, reason, receipt.ended.is_lost)
        if receipt.journal and sent.task.cell.tuning is not None:
            journal = zlib.decompress(receipt.journal)
            sent.task.cell.tuning.tuner.take_back(sent.key, journal, self.runner.results_dir)
        if receipt.results:
            for result in receipt.results:
                store.write_fold(sent.key, result)
            return list(receipt.results)
        found = []
        limit = time.monotonic() + SEEN_S
        for repeat, fold in receipt.places:
            while (seen := store.read_fold(sent.key, repeat, fold)) is None:
                if time.monotonic() > limit:
                    raise DataError(
                        f"executor=ray: a node stored a fold of {sent.key.folder} that is not seen "
                        "here: set executor.store=return."
                    )
                time.sleep(0.2)
            found.append(seen)
        return found


def _alive(ray: Any) -> list[Mapping[str, Any]]:
    """Return the nodes that can be given tasks."""
    return [node for node in ray.nodes() if node["Alive"]]


def _n_held(node: Mapping[str, Any], wanted: Mapping[str, float]) -> int:
    """Return how many tasks a node can run at once.

    Examples
    --------
    >>> _n_held({"Resources": {"CPU": 4.0}}, {"CPU": 2}), _n_held({"Resources": {}}, {"CPU": 1})
    (2, 0)
    """
    return min(int(node["Resources"].get(name, 0) // value) for name, value in wanted.items())


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the handler of SIGTERM, which Ray replaces by one that ends the process."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
