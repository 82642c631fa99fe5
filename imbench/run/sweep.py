"""Run the cells of a sweep, in this process or in worker processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from imbench.config.cell import Cell, RefusedCell
from imbench.errors import ImbenchError
from imbench.pipeline.resample_cache import ResampleCache, temporary_cache
from imbench.results.fold import CellResult, FoldResult, cell_result
from imbench.run.cell import Runner, run_fold, runner_of_process
from imbench.run.environment import n_cores
from imbench.run.processes import Workers, can_run_apart, side_by_side

AnyCell = Cell | RefusedCell


def run_cells(
    runner: Runner, cells: Sequence[AnyCell], n_jobs: int | Literal["auto"]
) -> Iterator[CellResult]:
    """Run cells and yield their results in order.

    Parameters
    ----------
    runner : Runner
        Runs the cells that are run in this process.
    cells : sequence of Cell or RefusedCell
    n_jobs : int or "auto"
        Number of processes; -1 is one per core. They divide the cores: threads times processes
        are the number of cores. The folds of all cells run side by side, a cell of a net that
        trains in stacks as a whole. "auto" uses all cores for models that do not train in stacks,
        as soon as that saves more time than it takes. Predictions do not depend on it.
    """
    with temporary_cache([cell.identity for cell in cells]) as runner.cache:
        if n_jobs == "auto":
            yield from _run_auto(runner, cells)
            return
        n_jobs = n_cores() if n_jobs == -1 else n_jobs
        if n_jobs == 1:
            yield from map(runner.run, cells)
        else:
            yield from _run_apart(runner, cells, n_jobs)


def _run_auto(runner: Runner, cells: Sequence[AnyCell]) -> Iterator[CellResult]:
    """Run nets that train in stacks here, and neighbouring other cells side by side."""
    for is_apart, group in groupby(cells, can_run_apart):
        if is_apart:
            yield from _run_measured(runner, list(group))
        else:
            yield from map(runner.run, group)


def _run_measured(runner: Runner, cells: Sequence[AnyCell]) -> Iterator[CellResult]:
    """Run cells here until the rest is worth processes: the first folds tell their time."""
    n_folds = [cell.splitter.n_folds for cell in cells]
    n_max = min(n_cores(), sum(n_folds))
    threads = n_cores() // n_max if n_max > 1 else None
    runner.workers = workers = Workers(n_max, threads, is_measured=True)
    for i, cell in enumerate(cells):
        if workers.pays(sum(n_folds[i:])):
            yield from _run_apart(runner, cells[i:], workers.n_max)
            return
        workers.n_later = sum(n_folds[i + 1 :])
        yield runner.run(cell)


def _run_apart(runner: Runner, cells: Sequence[AnyCell], n_workers: int) -> Iterator[CellResult]:
    """Run the missing folds of all cells in worker processes, and yield the cells in order.

    Folds and not cells are what is handed over: strategies differ in how long they take, and a
    last long cell would leave all workers but one idle.
    """
    planned: deque[_PlannedCell] = deque()  # in the order of their calls

    def calls() -> Iterator[Any]:
        for cell in cells:
            planned.append(_PlannedCell(runner, cell))
            yield from planned[-1].calls

    n_tasks = sum(cell.splitter.n_folds if can_run_apart(cell) else 1 for cell in cells)
    with closing(side_by_side(calls(), min(n_workers, n_tasks))) as results:
        for result in results:
            while planned[0].is_complete:  # cells that had nothing to run
                yield planned.popleft().result()
            planned[0].add(result)
            if planned[0].is_complete:
                yield planned.popleft().result()
    while planned:
        yield planned.popleft().result()


class _PlannedCell:
    """A cell, the calls that run what is missing of it, and their results so far.

    Parameters
    ----------
    runner : Runner
    cell : Cell or RefusedCell
    """

    def __init__(self, runner: Runner, cell: AnyCell) -> None:
        import joblib

        self.runner = runner
        self.calls: list[Any] = []  # of joblib, one a fold
        self._found: list[FoldResult | CellResult] = []
        shared = runner.results_dir, runner.cache, cell
        if isinstance(cell, RefusedCell) or not can_run_apart(cell):  # a stack is one call
            self.calls = [joblib.delayed(_run_cell)(*shared)]
            return
        try:
            task = runner.prepare(cell)
        except ImbenchError:
            self.calls = [joblib.delayed(_run_cell)(*shared)]  # which fails with a sentence
            return
        runner.store.write_cell(task.key)
        self._key = task.key
        self._done, missing = runner.stored(task)
        self.calls = [joblib.delayed(run_fold)(*shared, fold) for fold in missing]

    @property
    def is_complete(self) -> bool:
        """Whether every call has returned."""
        return len(self._found) == len(self.calls)

    def add(self, result: FoldResult | CellResult) -> None:
        """Take the result of the next call."""
        self._found.append(result)
        if isinstance(result, FoldResult):
            self.runner.on_fold(result, False)

    def result(self) -> CellResult:
        """Return the cell; as when it is run in one process, a failed fold is its last."""
        if self._found and isinstance(self._found[0], CellResult):
            return self._found[0]
        folds = [fold for fold in self._found if isinstance(fold, FoldResult)]
        n_ok = next((i for i, fold in enumerate(folds) if fold.status != "ok"), len(folds))
        return cell_result(self._key, [*self._done, *folds[: n_ok + 1]])


def _run_cell(results_dir: Path, cache: ResampleCache | None, cell: AnyCell) -> CellResult:
    return runner_of_process(results_dir, cache).run(cell)
