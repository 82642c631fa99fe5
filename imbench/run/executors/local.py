"""Folds in this process, and in worker processes of this machine where that is safer or faster."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Literal

from imbench.results.fold import FoldResult
from imbench.run.cell import Runner, run_apart
from imbench.run.environment import n_cores
from imbench.run.executors.base import StackTask, Tasks
from imbench.run.executors.isolation import limited, needs_process, sentence_of
from imbench.run.executors.pool import Call, Ended, Pool
from imbench.run.processes import (
    Workers,
    can_run_apart,
    idle_cores,
    limited_threads,
    more_threads,
)
from imbench.strategies.threads import fits_with

Outcomes = Generator[tuple[StackTask, Iterable[FoldResult]]]


@dataclass(frozen=True, eq=False)
class LocalExecutor:
    """Runs tasks on this machine.

    Folds that are limited, and those with components of the user's own, always run in a process
    that can be ended.

    Parameters
    ----------
    runner : Runner
    n_jobs : int or "auto"
        Number of processes; -1 is one per core. They divide the cores: threads times processes
        are the number of cores. The folds of all cells run side by side, those of nets that train
        in stacks stack by stack. "auto" uses all cores for models that do not train in stacks, as
        soon as that saves more time than it takes, and idle ones for a fold that runs alone if
        its model gives the same bits with any number of threads. Predictions depend on it by what
        BLAS rounds alone: scores of linear models differ in their last bits.
    """

    runner: Runner
    n_jobs: int | Literal["auto"] = "auto"
    _pool: Pool = field(default_factory=Pool)

    def run(self, tasks: Tasks) -> Outcomes:
        """Run tasks and yield each with its results."""
        if self.n_jobs != "auto":
            workers = Workers(n_cores() if self.n_jobs == -1 else self.n_jobs)
            yield from self._run(tasks, tasks, workers)
            return
        for is_apart, group in groupby(tasks, lambda task: can_run_apart(task.cell)):
            some = iter(group)
            first = next(some)
            n_tasks = 1 + tasks.n_left(of_its_kind=True)
            workers = self._measuring(n_tasks) if is_apart else Workers(1)
            yield from self._run(tasks, chain([first], some), workers, is_auto=True)

    def close(self) -> None:
        """End the worker processes."""
        self._pool.close()

    def _measuring(self, n_tasks: int) -> Workers:
        """Return workers that are started as soon as the first folds tell that it pays."""
        n_max = min(n_cores(), n_tasks)
        threads = n_cores() // n_max if n_max > 1 else None
        return Workers(n_max, threads, is_measured=True, is_started=self._pool.n_workers > 1)

    def _run(
        self, tasks: Tasks, some: Iterator[StackTask], workers: Workers, is_auto: bool = False
    ) -> Outcomes:
        """Run some of the tasks one by one, and the rest side by side as soon as that pays."""
        for task in some:
            workers.fit_into_memory(tasks.table_bytes)
            n_left = 1 + tasks.n_left(of_its_kind=is_auto)
            if workers.pays(n_left):
                n_workers = min(workers.n_max, n_left)
                n_threads = workers.threads or max(n_cores() // n_workers, 1)
                yield from self.apart(chain([task], some), n_workers, n_threads)
                return
            n_threads = idle_cores() if is_auto else 1  # no process of ours is at work now
            if needs_process(task.cell, self.runner.limits):
                for _, found in self.apart([task], 1, workers.threads, n_threads):
                    workers.note(found)
                    yield task, found
            else:
                is_alone = is_auto and n_left == 1
                yield task, self._here(task, workers, n_threads, is_alone)

    def _here(
        self, task: StackTask, workers: Workers, n_threads: int, is_alone: bool
    ) -> Generator[FoldResult]:
        """Run a task in this process, with so many threads in its fits."""
        ready = self.runner.prepare(task.cell)
        results = self.runner.run_here(ready, task.stack)
        with (
            limited_threads(workers.threads),
            more_threads(ready.cell, n_threads) if is_alone else fits_with(n_threads),
            workers.timed(),
            closing(results),
        ):
            yield from results

    def apart(
        self,
        tasks: Iterable[StackTask],
        n_workers: int,
        n_threads: int | None,
        fit_threads: int | None = None,
    ) -> Generator[tuple[StackTask, list[FoldResult]]]:
        """Run tasks in worker processes, side by side.

        Folds and not cells are what is handed over: strategies differ in how long they take, and
        a last long cell would leave all workers but one idle.

        Parameters
        ----------
        tasks : iterable of StackTask
        n_workers : int
        n_threads : int or None
            Of OpenMP and BLAS in each process; None is all that libraries want.
        fit_threads : int or None
            Of forests, see :func:`imbench.strategies.threads.fits_with`; None is `n_threads`.
        """
        calls = (self._call(task, fit_threads or n_threads or 1) for task in tasks)
        with closing(self._pool.run(calls, n_workers, n_threads)) as outcomes:
            for call, outcome in outcomes:
                yield call.tag, self._results(call.tag, outcome)

    def _call(self, task: StackTask, n_threads: int) -> Call:
        runner = self.runner
        arguments = (runner.results_dir, runner.cache, task.cell, task.stack, n_threads)
        call = Call(task, run_apart, arguments)
        return limited(call, task.cell, len(task.stack[0]), runner.limits)

    def _results(self, task: StackTask, outcome: list[FoldResult] | Ended) -> list[FoldResult]:
        """Return the results of a task; where it was ended a failed fold is the last."""
        if not isinstance(outcome, Ended):
            return outcome
        reason = sentence_of(outcome, task.cell, task.stack, self.runner.limits)
        return self.runner.ended(task.cell, task.stack, reason, outcome.is_lost)
