"""Run the cells of a sweep, in this process or in worker processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby
from typing import Any, Literal

from imbench.config.cell import Cell, RefusedCell
from imbench.pipeline.resample_cache import temporary_cache
from imbench.results.fold import CellResult
from imbench.run.cell import PlannedCell, Runner, run_apart
from imbench.run.environment import n_cores
from imbench.run.processes import Workers, can_run_apart, limited_threads, side_by_side

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
        are the number of cores. The folds of all cells run side by side, those of nets that train
        in stacks stack by stack. "auto" uses all cores for models that do not train in stacks, as
        soon as that saves more time than it takes. Predictions do not depend on it.
    """
    with temporary_cache([cell.identity for cell in cells]) as runner.cache:
        if n_jobs != "auto":
            yield from _run(runner, cells, Workers(n_cores() if n_jobs == -1 else n_jobs))
            return
        for is_apart, group in groupby(cells, can_run_apart):
            some = list(group)
            yield from _run(runner, some, _measuring(some) if is_apart else Workers(1))


def _measuring(cells: Sequence[AnyCell]) -> Workers:
    """Return workers that are started as soon as the first folds tell that it pays."""
    n_max = min(n_cores(), sum(cell.splitter.n_folds for cell in cells))
    return Workers(n_max, n_cores() // n_max if n_max > 1 else None, is_measured=True)


def _run(runner: Runner, cells: Sequence[AnyCell], workers: Workers) -> Iterator[CellResult]:
    """Run cells in this process, and hand the rest to others as soon as that pays."""
    n_later = sum(map(_n_tasks, cells))
    for i, cell in enumerate(cells):
        if workers.pays(n_later):
            yield from _run_apart(runner, [], cells[i:], workers.n_max)
            return
        n_later -= _n_tasks(cell)
        plan = PlannedCell(runner, cell)
        workers.fit_into_memory(plan.table_bytes)
        with limited_threads(workers.threads):
            while plan.stacks and not workers.pays(len(plan.stacks) + n_later):
                with workers.timed():
                    plan.run_next()
        if plan.stacks:
            yield from _run_apart(runner, [plan], cells[i + 1 :], workers.n_max)
            return
        yield plan.result()


def _n_tasks(cell: AnyCell) -> int:
    """Return how many processes the folds of a cell can occupy."""
    return cell.splitter.n_folds if can_run_apart(cell) else 1


def _run_apart(
    runner: Runner, begun: Sequence[PlannedCell], cells: Sequence[AnyCell], n_workers: int
) -> Iterator[CellResult]:
    """Run what is left of begun cells, and others, side by side; yield the cells in order.

    Folds and not cells are what is handed over: strategies differ in how long they take, and a
    last long cell would leave all workers but one idle. Each is stored by the process that ran it.
    """
    import joblib

    planned: deque[PlannedCell] = deque()  # in the order of their calls

    def calls() -> Iterator[Any]:
        for cell in (*begun, *cells):
            plan = cell if isinstance(cell, PlannedCell) else PlannedCell(runner, cell)
            planned.append(plan)
            while plan.stacks:
                stack = plan.hand_over()
                yield joblib.delayed(run_apart)(runner.results_dir, runner.cache, plan.cell, stack)

    n_tasks = sum(len(p.stacks) for p in begun) + sum(map(_n_tasks, cells))
    with closing(side_by_side(calls(), min(n_workers, n_tasks))) as results:
        for result in results:
            while planned[0].is_complete:  # cells that had nothing to run
                yield planned.popleft().result()
            planned[0].take_back(result)
            if planned[0].is_complete:
                yield planned.popleft().result()
    while planned:
        yield planned.popleft().result()
