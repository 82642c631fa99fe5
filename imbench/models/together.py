"""Train nets together that were meant to be trained one after the other.

Folds, bag members, inner folds and tuning trials each call ``fit`` of an estimator somewhere
deep inside, and know nothing of each other. :func:`run_together` runs such calls in threads: a
call that comes to the training of a net hands it in and waits, and as soon as every call waits,
the nets that fit together are trained as one stack. Nothing but the training of nets is shared,
and no estimator has to be written for it.

Which nets come together, and in which order, follows from the calls alone and never from the
time that a thread takes: rounding depends on a net's place in a stack, and the same command has
to end in the same bits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import joblib
import torch
from joblib.parallel import ParallelBackendBase, SequentialBackend

from imbench.models.trainer import Job, Training, TrainingRun, train
from imbench.models.workers import crew, groups, intra_op_threads, run_works

INNER_CALLS = 64  # of one call, that may be on their way at the same time

T = TypeVar("T")
_local = threading.local()


@dataclass(eq=False)
class _Waiting:
    """A job that was handed in."""

    job: Job
    place: tuple[int, ...]  # of the call that handed it in, among all
    done: threading.Event = field(default_factory=threading.Event)
    training: Training | None = None
    error: BaseException | None = None


@dataclass(eq=False)
class _Inner:
    """A call inside a call."""

    func: Callable[[], Any]
    result: Any = None
    error: BaseException | None = None
    ended: bool = False
    is_awaited: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Keep what the call returns or raises."""
        try:
            self.result = self.func()
        except BaseException as error:
            self.error = error


class _Stopped(BaseException):
    """Unwinds the threads when the main thread was interrupted."""


class _Meeting:
    """Counts who is still on the way to a job, and trains when nobody is."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._active = 0
        self._waiting: list[_Waiting] = []
        self._stopped = False
        # More threads than cores would only take Python's lock from each other.
        self._turns = threading.Lock()

    def train(self, job: Job) -> Training:
        """Hand in a job and wait for it; called by a thread that was counted."""
        entry = _Waiting(job, _local.place)
        with self._changed:
            if self._stopped:
                raise _Stopped
            self._waiting.append(entry)
            self._add(-1)
        with self._pausing():
            entry.done.wait()
        if entry.error is not None:
            raise entry.error
        assert entry.training is not None
        return entry.training

    def add(self, change: int) -> None:
        """Count calls that are on their way: not waiting, and not at an end."""
        with self._changed:
            self._add(change)

    def _add(self, change: int) -> None:
        self._active += change
        if self._active == 0:  # else there is nothing to do for whoever leads
            self._changed.notify_all()

    def wait(self, inner: _Inner) -> None:
        """Wait for a call inside; called by a thread that is counted, and is not while it waits."""
        with self._changed:
            if not inner.ended:
                inner.is_awaited = True
                self._add(-1)
        with self._pausing():
            inner.done.wait()

    def turn(self) -> AbstractContextManager[bool]:
        """Let a call run when it is its turn; one that waits gives its turn to another."""
        return self._turns

    @contextmanager
    def _pausing(self) -> Iterator[None]:
        self._turns.release()
        try:
            yield
        finally:
            self._turns.acquire()

    def ends(self, inner: _Inner) -> None:
        """Take a call out, or count in its place, without a gap, the one that waits for it."""
        with self._changed:
            inner.ended = True
            self._add(0 if inner.is_awaited else -1)
        inner.done.set()

    def lead(self, n_calls: int, finished: Callable[[], int]) -> None:
        """Train what is handed in until every call has ended; called by the main thread."""
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: finished() == n_calls or (self._active == 0 and self._waiting)
                )
                if finished() == n_calls:
                    return
                entries = sorted(self._waiting, key=lambda entry: entry.place)
                self._waiting = []
            self._train([[entries[i] for i in g] for g in groups([e.job for e in entries])])

    def _train(self, stacks: Sequence[Sequence[_Waiting]]) -> None:
        workers = crew([[e.job for e in stack] for stack in stacks], torch.get_num_threads())
        run_works([_Awaited(stack, self._release) for stack in stacks], *workers)

    def _release(self, entries: Sequence[_Waiting]) -> None:
        self.add(len(entries))
        for entry in entries:
            entry.done.set()

    def stop(self) -> None:
        """Let every waiting call end with an exception."""
        with self._changed:
            entries, self._waiting = self._waiting, []
            self._stopped = True
        for entry in entries:
            entry.error = _Stopped()
        self._release(entries)


class StackWork:
    """The training of a stack as a work, an epoch a part.

    Parameters
    ----------
    jobs : sequence of Job
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self.n_parts = jobs[0].settings.epochs
        self._run: TrainingRun | None = None

    def go_on(self, until: int, is_stopped: Callable[[], bool]) -> None:
        """Train up to an epoch."""
        if self._run is None:
            self._run = TrainingRun(self.jobs)
        self._run.go_on(until, is_stopped)
        if until == self.n_parts:
            self.ends(self._run.trainings())
            self._run = None

    def ends(self, trainings: Sequence[Training]) -> None:
        """Take what the last epoch leaves."""


class _Awaited(StackWork):
    """A stack whose nets were handed in by calls, which wait for them."""

    def __init__(
        self, entries: Sequence[_Waiting], release: Callable[[Sequence[_Waiting]], None]
    ) -> None:
        super().__init__([entry.job for entry in entries])
        self.entries, self.release = entries, release
        self._has_failed = False

    def go_on(self, until: int, is_stopped: Callable[[], bool]) -> None:
        """Train up to an epoch, or find out whose fault it is that this is not possible."""
        if self._has_failed:
            return
        try:
            super().go_on(until, is_stopped)
        except Exception as error:
            self._has_failed = True
            self._blame(error, is_stopped)
            self.release(self.entries)

    def ends(self, trainings: Sequence[Training]) -> None:
        """Let the calls go on."""
        for entry, training in zip(self.entries, trainings, strict=True):
            entry.training = training
        self.release(self.entries)

    def _blame(self, error: Exception, is_stopped: Callable[[], bool]) -> None:
        """Train one by one; no net was changed yet."""
        if len(self.entries) == 1:
            self.entries[0].error = error
            return
        for entry in self.entries:
            entry.job.generator.manual_seed(entry.job.generator.initial_seed())
            _Awaited([entry], lambda entries: None).go_on(self.n_parts, is_stopped)


class _Backend(ParallelBackendBase):
    """Threads for joblib that a meeting counts: members of scikit-learn's ensembles, inner folds.

    A call is counted from the moment at which it is submitted, and whoever waits for it is not.
    """

    supports_retrieve_callback = False
    uses_threads = True
    supports_sharedmem = True

    def __init__(self, meeting: _Meeting, place: tuple[int, ...]) -> None:
        super().__init__(nesting_level=0)
        self.meeting, self.place = meeting, place
        self._n_parallel = self._n_submitted = 0

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        return 1 if n_jobs is None else max(n_jobs, 1)

    def configure(self, n_jobs: int = 1, parallel: Any = None, **options: Any) -> int:
        self.parallel = parallel
        return self.effective_n_jobs(n_jobs)

    def start_call(self) -> None:
        self._n_parallel += 1
        self._n_submitted = 0

    def submit(self, func: Callable[[], Any], callback: Any = None) -> _Inner:
        inner = _Inner(func)
        place = (*self.place, self._n_parallel, self._n_submitted)
        self._n_submitted += 1
        self.meeting.add(1)

        def run() -> None:
            torch.set_num_threads(1)
            with self.meeting.turn(), _inside(self.meeting, place):
                inner.run()
            if callback is not None:
                callback(inner)  # joblib submits the next call
            self.meeting.ends(inner)

        threading.Thread(target=run, daemon=True).start()
        return inner

    def retrieve_result(self, out: _Inner, timeout: float | None = None) -> Any:
        self.meeting.wait(out)
        if out.error is not None:
            raise out.error
        return out.result

    def get_nested_backend(self) -> tuple[Any, int | None]:
        return SequentialBackend(nesting_level=1), None


@contextmanager
def _inside(meeting: _Meeting, place: tuple[int, ...]) -> Iterator[None]:
    _local.meeting, _local.place = meeting, place
    try:
        yield
    finally:
        _local.meeting = None


def run_together(
    calls: Sequence[Callable[[], T]], n_inner: int = INNER_CALLS
) -> list[T | Exception]:
    """Run calls side by side, and train the nets that they fit in stacks.

    Parameters
    ----------
    calls : sequence of callable
        Without arguments.
    n_inner : int
        Calls inside a call (members of an ensemble, inner folds) that may be on their way at
        the same time; each of them may hold rows of its own.

    Returns
    -------
    list
        What each returned or raised.
    """
    meeting = _Meeting()
    results: list[Any] = [None] * len(calls)
    ended: list[int] = []

    def run(i: int) -> None:
        torch.set_num_threads(1)  # there are many of them; what a new one has depends on the time
        try:
            backend = _Backend(meeting, (i,))
            with (
                meeting.turn(),
                _inside(meeting, (i,)),
                joblib.parallel_config(backend, n_jobs=n_inner),
            ):
                results[i] = calls[i]()
        except Exception as error:
            results[i] = error
        except _Stopped:
            pass
        finally:
            ended.append(i)
            meeting.add(-1)

    n_threads = torch.get_num_threads()
    meeting.add(len(calls))
    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(len(calls))]
    with meeting.turn():  # or each start would wait for the calls that have begun
        for thread in threads:
            thread.start()
    try:
        meeting.lead(len(calls), lambda: len(ended))
    except BaseException:
        meeting.stop()
        raise
    finally:
        torch.set_num_threads(n_threads)  # threads to come have what the last call set
    for thread in threads:
        thread.join()
    return results


def train_job(job: Job) -> Training:
    """Train one net: now, or with the others if the call runs inside :func:`run_together`."""
    meeting: _Meeting | None = getattr(_local, "meeting", None)
    if meeting is not None:
        return meeting.train(job)
    with intra_op_threads(crew([[job]], torch.get_num_threads())[1]):
        return train([job])[0]
