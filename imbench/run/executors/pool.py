"""Worker processes that can be ended one by one: for their time, their memory, or by themselves.

joblib's processes cannot: where one of them dies all calls are lost, and none has a limit.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Literal

from imbench.components.startup import search_path
from imbench.run.executors.worker import read_frame, write_frame

START_MAX_S = 120.0  # for the imports of a call that has a limit; 3 s on a busy machine
LOOK_S = 0.2  # between two looks at the memory of a call, and at processes that died silently
SILENT_S = 1.0  # a process that has died may have spoken: its last words come first
THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip
Events = queue.SimpleQueue[tuple["Worker", bytes | None]]


@dataclass(frozen=True, eq=False)
class Call:
    """A call for a worker process.

    Parameters
    ----------
    tag : object
        Comes back with the outcome.
    function : callable
    arguments : tuple
    timeout_s : float or None
        From the moment at which the worker has imported what it needs.
    memory_bytes : float or None
    """

    tag: Any
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    timeout_s: float | None = None
    memory_bytes: float | None = None


@dataclass(frozen=True)
class Ended:
    """A call without a result.

    Parameters
    ----------
    kind : {"timeout", "memory", "crashed", "exited", "unreadable"}
    fact : object
        Bytes, number of the signal, exit code, or a sentence.
    is_lost : bool
        Whether the process is lost.
    """

    kind: Literal["timeout", "memory", "crashed", "exited", "unreadable"]
    fact: Any = None
    is_lost: bool = True


@dataclass(eq=False)
class Worker:
    """A worker process and the call that it is at work on."""

    process: subprocess.Popen[bytes]
    call: Call | None = None
    deadline: float = float("inf")
    died_at: float | None = None

    def begin(self, call: Call, content: bytes) -> None:
        """Hand a call over."""
        self.call = call
        self.deadline = time.monotonic() + (call.timeout_s or float("inf")) + START_MAX_S
        assert self.process.stdin is not None
        with suppress(OSError):  # it has died: the loop will see that
            write_frame(self.process.stdin, content)  # type: ignore[arg-type]

    def end(self) -> None:
        """End the process, and those that it has started."""
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        with suppress(OSError):  # what it did not read
            self.process.stdin.close()  # type: ignore[union-attr]

    def held_bytes(self) -> int:
        """Return the memory that the process and its children hold."""
        import psutil

        total = 0
        with suppress(psutil.Error):
            own = psutil.Process(self.process.pid)
            for process in (own, *own.children(recursive=True)):
                with suppress(psutil.Error):
                    total += process.memory_info().rss
        return total


@dataclass(eq=False)
class Pool:
    """Worker processes, started when they are needed and kept for further calls.

    Examples
    --------
    >>> pool = Pool()
    >>> list(pool.run([], n_workers=2))  # nothing to do: no process is started
    []
    >>> pool.close()
    """

    _workers: list[Worker] = field(default_factory=list)
    _events: Events = field(default_factory=queue.SimpleQueue)
    _n_threads: int | None = None

    def __post_init__(self) -> None:
        weakref.finalize(self, _end_all, self._workers)

    def run(
        self, calls: Iterable[Call], n_workers: int, n_threads: int | None = None
    ) -> Generator[tuple[Call, Any]]:
        """Run calls, so many at a time, and yield each with its result or an `Ended`.

        Parameters
        ----------
        calls : iterable of Call
            One is taken before a process is free for it.
        n_workers : int
        n_threads : int or None
            Of OpenMP and BLAS in each process; None is all that libraries want.

        Raises
        ------
        Exception
            What a call has raised.
        """
        if n_threads != self._n_threads:
            self.close()
            self._n_threads = n_threads
        waiting = iter(calls)
        following = next(waiting, None)
        try:
            while following is not None or self._busy:
                if following is None or len(self._busy) >= n_workers:
                    yield from self._look()
                    continue
                if (refused := self._begin(following)) is not None:
                    yield following, refused
                following = next(waiting, None)
        finally:
            for worker in self._busy:  # the calls are given up
                self._drop(worker)

    def close(self) -> None:
        """End all processes."""
        _end_all(self._workers)

    @property
    def n_workers(self) -> int:
        """Number of processes that there are."""
        return len(self._workers)

    @property
    def _busy(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.call is not None]

    def _begin(self, call: Call) -> Ended | None:
        """Hand a call to a free process; return what is wrong with it."""
        import cloudpickle

        try:
            content = cloudpickle.dumps((call.function, call.arguments))
        except Exception as error:
            return Ended("unreadable", f"{type(error).__name__}: {error}", is_lost=False)
        free = [worker for worker in self._workers if worker.call is None]
        for worker in free:
            if worker.process.poll() is not None:
                self._drop(worker)
        free = [worker for worker in free if worker in self._workers]
        worker = free[0] if free else self._start()
        worker.begin(call, content)
        return None

    def _start(self) -> Worker:
        """Start a process. It imports nothing but the worker until it gets a call."""
        code = f"import sys; sys.path[:] = {search_path()!r}\n"
        code += "from imbench.run.executors.worker import main; main()"
        threads = {} if self._n_threads is None else dict.fromkeys(THREADS, str(self._n_threads))
        options: dict[str, Any] = {"process_group": 0} if hasattr(os, "killpg") else {}
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **threads},
            **options,
        )
        worker = Worker(process)
        self._workers.append(worker)
        assert process.stdout is not None
        arguments = (process.stdout, worker, self._events)
        threading.Thread(target=_hear, args=arguments, daemon=True).start()
        return worker

    def _look(self) -> Generator[tuple[Call, Any]]:
        """Wait for the next event, and look at limits."""
        with suppress(queue.Empty):
            worker, frame = self._events.get(timeout=LOOK_S)
            if worker in self._workers and worker.call is not None:
                call = worker.call
                outcome = self._outcome(worker, frame)
                if worker.call is None:
                    yield call, outcome
        for worker in self._busy:
            assert worker.call is not None
            call, ended = worker.call, _beyond(worker, worker.call)
            if ended is not None:
                self._drop(worker)
                yield call, ended
            elif _is_silent(worker):  # a process that it has forked holds its output open
                yield call, self._loss(worker)

    def _outcome(self, worker: Worker, frame: bytes | None) -> Any:
        """Take a message, or the end of a process; the worker has no call after the last one."""
        assert worker.call is not None
        if frame is None:
            return self._loss(worker)
        kind, content = pickle.loads(frame)
        if kind == "begun":
            worker.deadline = time.monotonic() + (worker.call.timeout_s or float("inf"))
            return None
        limit, worker.call = worker.call.memory_bytes, None
        if limit is not None and worker.held_bytes() > limit / 2:
            self._drop(worker)  # so that the next call has the memory for itself
        if kind == "raised":
            raise content
        return content if kind == "done" else Ended(kind, content, is_lost=False)

    def _loss(self, worker: Worker) -> Ended:
        """Return how a process that has closed its output came to its end."""
        with suppress(subprocess.TimeoutExpired):
            worker.process.wait(timeout=5)
        code = worker.process.poll()
        self._drop(worker)
        if code is None:  # it closed its output and went on
            return Ended("exited", "closed its standard output")
        return Ended("crashed", -code) if code < 0 else Ended("exited", code)

    def _drop(self, worker: Worker) -> None:
        worker.call = None
        worker.end()
        self._workers.remove(worker)


def _beyond(worker: Worker, call: Call) -> Ended | None:
    """Return why a call is to be ended, or has ended without a word."""
    if time.monotonic() > worker.deadline:
        return Ended("timeout")
    if call.memory_bytes is not None and (held := worker.held_bytes()) > call.memory_bytes:
        return Ended("memory", held)
    return None


def _is_silent(worker: Worker) -> bool:
    """Return whether a process has died some time ago and its output is still open."""
    if worker.process.poll() is None:
        return False
    worker.died_at = worker.died_at or time.monotonic()
    return time.monotonic() - worker.died_at > SILENT_S


def _hear(stream: IO[bytes], worker: Worker, events: Events) -> None:
    """Pass on what a process says; None is its end."""
    with stream:
        while (frame := read_frame(stream)) is not None:  # type: ignore[arg-type]
            events.put((worker, frame))
    events.put((worker, None))


def _end_all(workers: list[Worker]) -> None:
    while workers:
        workers.pop().end()
