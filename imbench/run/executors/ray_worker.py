"""What a Ray worker does: read the data, fit the folds of a task, and store or return them.

Nothing here imports Ray, and nothing of the data travels: a node reads them by their path, through
its own cache, and compares their content with what the driver has read.
"""

from __future__ import annotations

import os
import platform
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from imbench.config.cell import Cell
from imbench.config.limits import Limits
from imbench.errors import ImbenchError
from imbench.results.fold import FoldResult
from imbench.run.cell import Runner
from imbench.run.executors.isolation import limited, needs_process
from imbench.run.executors.pool import Call, Ended, Pool
from imbench.run.folds import Task, run_stack
from imbench.run.processes import limited_threads
from imbench.run.sharing import Place
from imbench.strategies.threads import fits_with

PACKAGES = (
    "imbench", "numpy", "scipy", "scikit-learn", "imbalanced-learn", "torch", "optuna",
    "lightgbm", "xgboost", "xgboost-cpu", "catboost",
)  # fmt: skip


@dataclass(frozen=True)
class Driver:
    """What every node has to have in common with the process that started the sweep.

    Parameters
    ----------
    folder : str
        Working directory; relative paths are meant from there.
    results_dir : str or None
        Absolute path of the shared folder of results; None if results are returned.
    token : str
        Name of a file in `results_dir` that proves that a node sees the same folder.
    versions : mapping of str to str
        See :func:`versions`.
    """

    folder: str
    results_dir: str | None
    token: str
    versions: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Job:
    """A task as it travels: places of folds and not their row numbers.

    Parameters
    ----------
    driver : Driver
    cell : Cell
    run_id : str
        Of the cell, which the content of its data determines.
    together, wanted : tuple of (int, int)
        Repeat and fold of those that are fitted together, and of those whose results are missing.
    threads : int
    journal : bytes
        Compressed journal of the trials so far.
    limits : Limits
        Of a fold.
    """

    driver: Driver
    cell: Cell
    run_id: str
    together: tuple[Place, ...]
    wanted: tuple[Place, ...]
    threads: int = 1
    journal: bytes = b""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, eq=False)
class Receipt:
    """What comes back of a job.

    Parameters
    ----------
    places : tuple of (int, int)
        Repeat and fold of the results, the last of which may have failed.
    results : tuple of FoldResult
        Empty if they lie in the shared folder.
    journal : bytes
        Compressed journal of the trials, for the driver to add to its own.
    problem : str
        Why this node cannot run the job.
    ended : Ended or None
        What ended the process of the folds; those that are stored already are kept.
    """

    places: tuple[Place, ...] = ()
    results: tuple[FoldResult, ...] = ()
    journal: bytes = b""
    problem: str = ""
    ended: Ended | None = None


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that results depend on.

    Examples
    --------
    >>> "numpy" in versions()
    True
    """
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def problem_here(driver: Driver) -> str:
    """Return why this machine cannot run jobs of a driver, in one sentence; empty if it can.

    Examples
    --------
    >>> here = Driver(".", None, "", versions())
    >>> problem_here(here)
    ''
    >>> problem_here(replace(here, versions={"numpy": "1.0"})).split(": ")[1][:38]
    'install the same versions as where the'
    """
    with suppress(OSError):  # what is read by a relative path will say so
        os.chdir(driver.folder)
    own, wanted = versions(), driver.versions
    names = [name for name in wanted if own.get(name) != wanted[name]]
    if names:
        told = ", ".join(f"{n} {own.get(n, 'missing')} and not {wanted[n]}" for n in names)
        return (
            f"node {platform.node()} has {told}: install the same versions as where the sweep was "
            "started, as results depend on them."
        )
    if driver.results_dir is not None and not Path(driver.results_dir, driver.token).is_file():
        return (
            f"results_dir={driver.results_dir} is another folder on node {platform.node()}: give "
            "one that all nodes share, or set executor.store=return."
        )
    return ""


def run_job(job: Job) -> Receipt:
    """Run the folds of a job, in a process that can be ended if they are limited or foreign.

    Raises
    ------
    OSError
        If results cannot be written.
    """
    problem = problem_here(job.driver)
    if problem:
        return Receipt(problem=problem)
    if not needs_process(job.cell, job.limits):
        return run_now(job)
    call = limited(Call(None, run_now, (job,)), job.cell, len(job.together), job.limits)
    ((_, outcome),) = _pool().run([call], 1, job.threads)
    return Receipt(ended=outcome) if isinstance(outcome, Ended) else outcome


def run_now(job: Job) -> Receipt:
    """Run the folds of a job in this process.

    Raises
    ------
    OSError
        If results cannot be written.
    """
    try:
        task = _runner(Path(job.driver.results_dir or ".")).prepare(job.cell)
    except ImbenchError as error:
        return Receipt(problem=f"node {platform.node()}: {' '.join(str(error).splitlines())}")
    if task.key.run_id != job.run_id:
        return Receipt(
            problem=f"dataset={task.key.dataset} has other content on node {platform.node()} than "
            "where the sweep was started: copy the same files to all nodes."
        )
    folder = TemporaryDirectory(prefix="imbench-")
    with folder as name, limited_threads(job.threads), fits_with(job.threads):
        return _run(job, task, Path(name))


def _run(job: Job, task: Task, folder: Path) -> Receipt:
    """Run folds; the journal of trials lies in a folder of this job."""
    is_shared = job.driver.results_dir is not None
    journal = folder / "tuning" / f"{task.key.run_id}.log"
    if job.journal:
        journal.parent.mkdir()
        journal.write_bytes(zlib.decompress(job.journal))
    if task.cell.tuning is not None:
        tuning = replace(task.cell.tuning, tuner=task.cell.tuning.tuner.away())
        task = replace(task, cell=replace(task.cell, tuning=tuning))
    # Without a shared folder there are no scores to look up, as other decision rules left them.
    task = replace(task, results_dir=folder, records=task.records if is_shared else None)
    folds = {(fold.repeat, fold.fold): fold for fold in task.folds}
    stack = [folds[place] for place in job.together], [folds[place] for place in job.wanted]
    found: list[FoldResult] = []
    store = _runner(Path(job.driver.results_dir or ".")).store
    for result in run_stack(task, *stack):
        found.append(result)
        if is_shared:
            store.write_fold(task.key, result)
        if result.status != "ok":
            break
    return Receipt(
        places=tuple((result.repeat, result.fold) for result in found),
        results=() if is_shared else tuple(found),
        journal=zlib.compress(journal.read_bytes()) if journal.is_file() else b"",
    )


@lru_cache(maxsize=1)
def _runner(results_dir: Path) -> Runner:
    """Return the runner of this worker process, which keeps data sets for further jobs."""
    return Runner(results_dir)


@lru_cache(maxsize=1)
def _pool() -> Pool:
    """Return the processes that can be ended, which are kept for further jobs."""
    return Pool()
