"""Run the cells of a sweep, one after another or in parallel processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from imbench.errors import ImbenchError
from imbench.pipeline.resample_cache import ResampleCache, temporary_cache
from imbench.results.fold import CellResult
from imbench.run.cell import Runner, runner_of_process
from imbench.run.environment import n_cores
from imbench.run.folds import can_run_apart
from imbench.run.processes import side_by_side


def run_cells(
    runner: Runner, configs: Sequence[Mapping[str, Any]], n_jobs: int
) -> Iterator[CellResult]:
    """Run cells, several at a time if asked, and yield them in their order.

    Parameters
    ----------
    runner : Runner
        Runs the cells itself if they run one after another.
    configs : sequence of mapping
        Composed and checked.
    n_jobs : int
        Processes; -1 is one a core. They divide the cores: threads times processes are the
        number of cores. Cells run side by side; where they are fewer than the processes, they
        run one after another and their folds run side by side.
    """
    n_jobs = n_cores() if n_jobs == -1 else n_jobs
    with temporary_cache(configs) as cache:
        runner.cache = cache
        if n_jobs == 1 or (len(configs) < n_jobs and _all_run_apart(runner, configs)):
            runner.n_workers = n_jobs
            yield from map(runner.run, configs)
            return
        import joblib

        calls = (joblib.delayed(_run_cell)(runner.results_dir, cache, c) for c in configs)
        yield from side_by_side(calls, min(n_jobs, len(configs)))


def _all_run_apart(runner: Runner, configs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether no cell is of a net that trains in stacks; those would keep one process each."""
    try:
        return all(can_run_apart(runner.task_of(config)) for config in configs)
    except ImbenchError:  # the cell says so itself
        return False


def _run_cell(
    results_dir: Path, cache: ResampleCache | None, config: Mapping[str, Any]
) -> CellResult:
    return runner_of_process(results_dir, cache).run(config)
