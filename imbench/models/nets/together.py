"""Train nets together that were meant to be trained one after the other.

Folds, bag members, inner folds and tuning trials each call ``fit`` of an estimator somewhere
deep inside, and know nothing of each other. :func:`run_together` runs such calls in turns
(greenlets: functions that can be left in their middle): a call that comes to the training of a
net hands it in and is left there, and as soon as every call waits, the nets that fit together
are trained as one stack. Nothing but the training of nets is shared, and no estimator has to be
written for it.

Which nets come together, and in which order, follows from the calls alone and never from the
time that something takes: rounding depends on a net's place in a stack, and the same command has
to end in the same bits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import joblib
import sklearn
import torch
from greenlet import getcurrent, greenlet
from joblib.parallel import ParallelBackendBase, SequentialBackend

from imbench.models.nets.job import Job, Training
from imbench.models.nets.schedule import crew, groups, intra_op_threads, run_works
from imbench.models.nets.training import TrainingRun, train

INNER_CALLS = 64  # of one call, that may be on their way at the same time

T = TypeVar("T")


class _Settings(NamedTuple):
    """What libraries keep for a thread and calls in turns must not take over from each other."""

    sklearn: dict[str, Any]
    joblib: dict[str, Any]

    @classmethod
    def present(cls) -> _Settings:
        """Return those that hold now."""
        with joblib.parallel_config() as config:
            return cls(sklearn.get_config(), config)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let these hold for as long as the block runs."""
        with sklearn.config_context(**self.sklearn), joblib.parallel_config(**self.joblib):
            yield


class _Call(greenlet):
    """A function that is left where it waits, and goes on there when it is its turn.

    Parameters
    ----------
    meeting : _Meeting
    place : tuple of int
        Of the call among all, and of the call that it is inside of.
    func : callable
    """

    def __init__(self, meeting: _Meeting, place: tuple[int, ...], func: Callable[[], Any]) -> None:
        super().__init__(parent=meeting.home)
        self.meeting, self.place, self.func = meeting, place, func
        self.settings = _Settings.present()
        self.gr_context = copy_context()
        self.result: Any = None
        self.error: Exception | None = None
        self.has_ended = False
        self.then: Callable[[], None] = lambda: None

    def run(self) -> None:
        """Keep what the function returns or raises."""
        try:
            self.result = self.func()
        except Exception as error:
            self.error = error
        self.has_ended = True
        self.then()

    def answer(self) -> Any:
        """Return the result, or raise."""
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(eq=False)
class _Waiting:
    """A job that was handed in."""

    job: Job
    call: _Call
    training: Training | None = None
    error: Exception | None = None


class _Meeting:
    """Runs calls in turns, and trains when all of them wait."""

    def __init__(self) -> None:
        self.home = getcurrent()
        self.n_cores = torch.get_num_threads()
        self._ready: deque[_Call] = deque()
        self._waiting: list[_Waiting] = []
        self._begun: dict[_Call, None] = {}  # and not ended

    def add(self, call: _Call) -> None:
        """Let a call begin, or go on, when it is its turn."""
        self._ready.append(call)

    def train(self, call: _Call, job: Job) -> Training:
        """Hand in a job and wait for it; called inside of the call."""
        entry = _Waiting(job, call)
        self._waiting.append(entry)
        self.home.switch()
        if entry.error is not None:
            raise entry.error
        assert entry.training is not None
        return entry.training

    def wait(self, inner: _Call) -> None:
        """Wait for the end of a call; called inside another one."""
        call = getcurrent()
        assert isinstance(call, _Call)
        if not inner.has_ended:
            inner.then = lambda: self.add(call)
            self.home.switch()

    def run(self) -> None:
        """Run until every call has ended."""
        try:
            while self._ready or self._waiting:
                self._go_on()
                self._train()
        except BaseException:
            for call in [*self._begun]:
                with call.settings.held():
                    call.throw()
            raise

    def _go_on(self) -> None:
        """Take turns until nobody can go on."""
        # What a call computes with PyTorch must not depend on the cores that there are.
        with intra_op_threads(1):
            while self._ready:
                call = self._ready.popleft()
                self._begun[call] = None
                with call.settings.held():
                    call.switch()
                    call.settings = _Settings.present()
                if call.dead:
                    del self._begun[call]

    def _train(self) -> None:
        """Train what was handed in, and let those go on who wait for it."""
        entries = sorted(self._waiting, key=lambda entry: entry.call.place)
        self._waiting = []
        if not entries:
            return
        stacks = [[entries[i] for i in group] for group in groups([e.job for e in entries])]
        workers = crew([[e.job for e in stack] for stack in stacks], self.n_cores)
        run_works([_Awaited(stack) for stack in stacks], *workers)
        for entry in entries:
            self.add(entry.call)


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

    def __init__(self, entries: Sequence[_Waiting]) -> None:
        super().__init__([entry.job for entry in entries])
        self.entries = entries
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

    def ends(self, trainings: Sequence[Training]) -> None:
        """Leave them to the calls."""
        for entry, training in zip(self.entries, trainings, strict=True):
            entry.training = training

    def _blame(self, error: Exception, is_stopped: Callable[[], bool]) -> None:
        """Train one by one; no net was changed yet."""
        if len(self.entries) == 1:
            self.entries[0].error = error
            return
        for entry in self.entries:
            entry.job.generator.manual_seed(entry.job.generator.initial_seed())
            _Awaited([entry]).go_on(self.n_parts, is_stopped)


class _Backend(ParallelBackendBase):
    """Calls inside a call, for joblib: members of scikit-learn's ensembles, inner folds.

    They take turns with all others.
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

    def submit(self, func: Callable[[], Any], callback: Any = None) -> _Call:
        place = (*self.place, self._n_parallel, self._n_submitted)
        self._n_submitted += 1

        def run() -> Any:
            try:
                return func()
            finally:
                if callback is not None:
                    callback(None)  # joblib submits the next call

        inner = _Call(self.meeting, place, run)
        self.meeting.add(inner)
        return inner

    def retrieve_result(self, out: _Call, timeout: float | None = None) -> Any:
        self.meeting.wait(out)
        return out.answer()

    def get_nested_backend(self) -> tuple[Any, int | None]:
        return SequentialBackend(nesting_level=1), None


def run_together(
    calls: Sequence[Callable[[], T]], n_inner: int = INNER_CALLS
) -> list[T | Exception]:
    """Run calls in turns, and train the nets that they fit in stacks.

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
    found = []
    for i, call in enumerate(calls):
        with joblib.parallel_config(_Backend(meeting, (i,)), n_jobs=n_inner):
            found.append(_Call(meeting, (i,), call))
        meeting.add(found[-1])
    meeting.run()
    return [call.result if call.error is None else call.error for call in found]


def train_job(job: Job) -> Training:
    """Train one net: now, or with the others if the call runs inside :func:`run_together`."""
    call = getcurrent()
    if isinstance(call, _Call):
        return call.meeting.train(call, job)
    with intra_op_threads(crew([[job]], torch.get_num_threads())[1]):
        return train([job])[0]
