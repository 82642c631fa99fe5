"""Run the cells of a sweep, in this process or in worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Literal

from imbench.config.cell import Cell, RefusedCell
from imbench.pipeline.resample_cache import ResampleCache, temporary_cache
from imbench.results.fold import CellResult
from imbench.run.cell import Runner, runner_of_process
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
        are the number of cores. Cells run side by side; where they are fewer than the processes,
        they run one after another and their folds run side by side. "auto" uses all cores for
        models that do not train in stacks, as soon as that saves more time than it takes.
        Predictions do not depend on it.
    """
    with temporary_cache([cell.identity for cell in cells]) as runner.cache:
        if n_jobs == "auto":
            yield from _run_auto(runner, cells)
            return
        n_jobs = n_cores() if n_jobs == -1 else n_jobs
        if n_jobs == 1 or (len(cells) < n_jobs and all(map(can_run_apart, cells))):
            runner.workers = Workers(n_jobs)
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
        if len(cells) - i >= workers.n_max and workers.pays(sum(n_folds[i:])):
            yield from _run_apart(runner, cells[i:], workers.n_max)
            return
        workers.n_later = sum(n_folds[i + 1 :])
        yield runner.run(cell)


def _run_apart(runner: Runner, cells: Sequence[AnyCell], n_workers: int) -> Iterator[CellResult]:
    import joblib

    shared = runner.results_dir, runner.cache
    calls = (joblib.delayed(_run_cell)(*shared, cell) for cell in cells)
    yield from side_by_side(calls, min(n_workers, len(cells)))


def _run_cell(results_dir: Path, cache: ResampleCache | None, cell: AnyCell) -> CellResult:
    return runner_of_process(results_dir, cache).run(cell)
