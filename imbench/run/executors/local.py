"""Folds in this process, and in worker processes of this machine as soon as that pays."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any, Literal

from imbench.results.fold import FoldResult
from imbench.run.cell import Runner, run_apart
from imbench.run.environment import n_cores
from imbench.run.executors.base import StackTask, Tasks
from imbench.run.processes import Workers, can_run_apart, limited_threads, side_by_side


@dataclass(frozen=True, eq=False)
class LocalExecutor:
    """Runs tasks on this machine.

    Parameters
    ----------
    runner : Runner
    n_jobs : int or "auto"
        Number of processes; -1 is one per core. They divide the cores: threads times processes
        are the number of cores. The folds of all cells run side by side, those of nets that train
        in stacks stack by stack. "auto" uses all cores for models that do not train in stacks, as
        soon as that saves more time than it takes. Predictions do not depend on it.
    """

    runner: Runner
    n_jobs: int | Literal["auto"] = "auto"

    def run(self, tasks: Tasks) -> Generator[tuple[StackTask, Iterator[FoldResult]]]:
        """Run tasks and yield each with its results."""
        if self.n_jobs != "auto":
            workers = Workers(n_cores() if self.n_jobs == -1 else self.n_jobs)
            yield from self._run(tasks, tasks, workers)
            return
        for is_apart, group in groupby(tasks, lambda task: can_run_apart(task.cell)):
            some = iter(group)
            first = next(some)
            workers = _measuring(1 + tasks.n_left(first.cell)) if is_apart else Workers(1)
            yield from self._run(tasks, chain([first], some), workers, is_auto=True)

    def _run(
        self, tasks: Tasks, some: Iterator[StackTask], workers: Workers, is_auto: bool = False
    ) -> Generator[tuple[StackTask, Iterator[FoldResult]]]:
        """Run some of the tasks here, and hand the rest to others as soon as that pays."""
        for task in some:
            workers.fit_into_memory(tasks.table_bytes)
            n_left = 1 + tasks.n_left(task.cell if is_auto else None)
            if workers.pays(n_left):
                yield from self._apart(chain([task], some), min(workers.n_max, n_left))
                return
            yield task, self._here(task, workers)

    def _here(self, task: StackTask, workers: Workers) -> Generator[FoldResult]:
        """Run a task in this process."""
        ready = self.runner.prepare(task.cell)
        results = self.runner.run_here(ready, task.stack)
        with limited_threads(workers.threads), workers.timed(), closing(results):
            yield from results

    def _apart(
        self, tasks: Iterator[StackTask], n_workers: int
    ) -> Generator[tuple[StackTask, Iterator[FoldResult]]]:
        """Run tasks side by side.

        Folds and not cells are what is handed over: strategies differ in how long they take, and
        a last long cell would leave all workers but one idle.
        """
        import joblib

        handed: list[StackTask] = []

        def calls() -> Iterator[Any]:
            for task in tasks:
                handed.append(task)
                yield joblib.delayed(run_apart)(
                    self.runner.results_dir, self.runner.cache, task.cell, task.stack
                )

        with closing(side_by_side(calls(), n_workers)) as results:
            for i, found in enumerate(results):
                yield handed[i], iter(found)


def _measuring(n_tasks: int) -> Workers:
    """Return workers that are started as soon as the first folds tell that it pays."""
    n_max = min(n_cores(), n_tasks)
    return Workers(n_max, n_cores() // n_max if n_max > 1 else None, is_measured=True)
