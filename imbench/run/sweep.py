"""Run the cells of a sweep by an executor, and put them back in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Literal

from imbench.config.cell import Cell, RefusedCell
from imbench.pipeline.resample_cache import temporary_cache
from imbench.results.fold import CellResult
from imbench.run.cell import Runner
from imbench.run.executors.base import Executor, Tasks, executor_of


def run_cells(
    runner: Runner,
    cells: Sequence[Cell | RefusedCell],
    n_jobs: int | Literal["auto"],
    executor: Executor | None = None,
) -> Iterator[CellResult]:
    """Run cells and yield their results in order.

    Parameters
    ----------
    runner : Runner
        Runs the cells that are run in this process.
    cells : sequence of Cell or RefusedCell
    n_jobs : int or "auto"
        See :class:`imbench.run.executors.local.LocalExecutor`.
    executor : Executor or None
        Kept from round to round with its processes; None is a local one.
    """
    with temporary_cache([cell.identity for cell in cells]) as runner.cache:
        tasks = Tasks(runner, cells)
        used = executor or executor_of(None, runner, n_jobs)
        try:
            while True:
                with closing(used.run(tasks)) as outcomes:
                    for task, results in outcomes:
                        tasks.take_back(task, results)
                        yield from tasks.complete()
                yield from tasks.complete()
                if not tasks.resume():
                    break
        finally:
            runner.claims.release_all()
            if executor is None:
                used.close()
