"""Make a plan of a sweep, and run a chunk of one. It prints nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imbench import __version__
from imbench.api.sweep import Progress, Sweep, distinct, parse_all
from imbench.components.override import quoted
from imbench.config.cell import Cell, RefusedCell
from imbench.config.compose import Composer
from imbench.config.parse import Draft
from imbench.data.splits import AUTO, repeats_of
from imbench.errors import ConfigError, ImbenchError, masked
from imbench.results.fold import CellResult
from imbench.run.plan import Entry, Piece, Plan, balanced
from imbench.run.sharing import Place

# Environment variables that number the tasks of an array job, from 0 where the array does.
INDICES = {
    "SLURM_ARRAY_TASK_ID": "Slurm",
    "PBS_ARRAY_INDEX": "PBS",
    "JOB_COMPLETION_INDEX": "Kubernetes",
}
# What a worker may set: places and processes, which no prediction depends on.
OF_A_WORKER = ("results_dir", "data_dir", "n_jobs", "limits", "retry")
NOT_OF_A_PLAN = ("executor", "tracking", "output")  # keys of the command that runs here


def make_plan(
    words: Sequence[str], config_dir: Path | None, n_chunks: int
) -> tuple[Plan, Sequence[float]]:
    """Divide a sweep into chunks with about equal work.

    Work is the number of training rows times the number of fits: one, and those of the trials
    where parameters are tuned. The data are loaded and split, so that what is wrong with them is
    known before anything runs.

    Parameters
    ----------
    words : sequence of str
        As after ``python -m imbench -m``.
    config_dir : Path or None
    n_chunks : int
        At least 1.

    Returns
    -------
    plan : Plan
    work : sequence of float
        Of each chunk.

    Raises
    ------
    ConfigError
        If a word is wrong, or no cell can run.

    Examples
    --------
    >>> words = ["dataset=synthetic", "dataset.n_rows=80", "model=knn", "splits.n_repeats=1"]
    >>> plan, work = make_plan([*words, "strategy=none,smote"], None, 2)
    >>> [entry.label for entry in plan.cells], work
    (['none', 'smote'], [320.0, 320.0])
    """
    if n_chunks < 1:
        raise ConfigError(f"--chunks {n_chunks}: must be at least 1, such as --chunks 8.")
    kept = tuple(word for word in words if _key(word) not in NOT_OF_A_PLAN)
    _check_secrets(kept)
    sweep = _sweep(kept, config_dir)
    _check_words(sweep)
    entries, pieces = _divided(sweep)
    if all(entry.reason for entry in entries):
        raise ConfigError("\n".join(dict.fromkeys(entry.reason for entry in entries)))
    folder = None if config_dir is None else str(config_dir)
    chunks = balanced(pieces, n_chunks)
    plan = Plan(kept, folder, str(sweep.results_dir), __version__, tuple(entries), chunks)
    number = plan.chunk_of()
    work = [0.0] * n_chunks
    for piece in pieces:
        work[number[piece.folds[0]]] += piece.work
    return plan, work


@dataclass(frozen=True)
class Done:
    """What a worker did.

    Parameters
    ----------
    n_run, n_stored : int
        Folds that were fitted now, and those that were there.
    failed : sequence of CellResult
    """

    n_run: int
    n_stored: int
    failed: Sequence[CellResult]


class Work:
    """A chunk of a plan that is ready to run.

    Parameters
    ----------
    plan : Plan
    index : int
        Of the chunk, from 0.
    words : sequence of str
        Keys of `OF_A_WORKER`.
    say : callable
        Is told, a line each, what was read and noticed.

    Raises
    ------
    ConfigError
        If the words are wrong, there is no such chunk, or the cells are not those of the plan.
    """

    def __init__(
        self, plan: Plan, index: int, words: Sequence[str], say: Callable[[str], None]
    ) -> None:
        if not 0 <= index < len(plan.chunks):
            raise ConfigError(f"INDEX {index}: the plan has chunks 0 to {len(plan.chunks) - 1}.")
        self.plan, self.chunk = plan, plan.chunks[index]
        given = worker_words(plan, words)
        folder = None if plan.config_dir is None else Path(plan.config_dir)
        self.sweep = _sweep([*plan.words, *given], folder, say, self.chunk)
        if len(self.sweep.drafts) != len(plan.cells):
            raise ConfigError(_differs(f"it makes {len(self.sweep.drafts)} cells here"))
        self.sweep.prepare(self.sweep.cells.values())

    def run(self, bar: Progress) -> Done:
        """Run what is missing of the chunk."""
        self.sweep.only = {
            self.plan.cells[i].run_id: frozenset(places) for i, places in self.chunk.items()
        }
        failed: list[CellResult] = []
        if not self.chunk:
            return Done(0, 0, failed)
        counted = _Counted(bar)
        wanted = {i: self.sweep.outlines[i] for i in self.chunk}
        bar.round_starts({i: len(places) for i, places in self.chunk.items()})
        with closing(self.sweep.run(counted, wanted)) as results:
            for i, result in zip(self.chunk, results, strict=True):
                bar.cell_starts(i)
                bar.cell_ends(i)
                if result.status == "failed":
                    failed.append(result)
        return Done(counted.n_run, counted.n_stored, failed)


class _Counted:
    """Counts folds on their way to a progress bar."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self.n_run = self.n_stored = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bar, name)

    def fold_done(self, result: Any, stored: bool) -> None:
        """Count a fold."""
        self.n_stored += stored
        self.n_run += not stored
        self._bar.fold_done(result, stored)


def index_of(given: int | None, environment: Mapping[str, str] = os.environ) -> tuple[int, str]:
    """Return the number of a chunk, and the variable that it was read from, if it was.

    Raises
    ------
    ConfigError
        If none is given, or variables disagree.

    Examples
    --------
    >>> index_of(None, {"SLURM_ARRAY_TASK_ID": "3"})
    (3, 'SLURM_ARRAY_TASK_ID')
    """
    if given is not None:
        return given, ""
    found = {name: environment[name] for name in INDICES if environment.get(name)}
    told = ", ".join(f"{name}={value}" for name, value in found.items())
    if not found:
        raise ConfigError(
            f"work: which chunk? Give INDEX, such as 0, or set one of {', '.join(INDICES)}."
        )
    if len(set(found.values())) > 1:
        raise ConfigError(
            f"work: {told} disagree: give INDEX, such as {next(iter(found.values()))}."
        )
    name, value = next(iter(found.items()))
    if not value.isdecimal():
        raise ConfigError(f"work: {told} is no number from 0: give INDEX, such as 0.")
    return int(value), name


def worker_words(plan: Plan, words: Sequence[str]) -> list[str]:
    """Return the words that a worker adds to those of a plan.

    Raises
    ------
    ConfigError
        If one of them is about something else.
    """
    for word in words:
        if _key(word) not in OF_A_WORKER:
            raise ConfigError(
                f"work {word}: the plan says what is run; {', '.join(OF_A_WORKER)} can be set here."
            )
    named = {_key(word) for word in words}
    where = [] if "results_dir" in named else [f"results_dir={quoted(plan.results_dir)}"]
    return [*where, *words, "tracking=none"]


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0].partition(".")[0].partition("/")[0]


def _sweep(
    words: Sequence[str],
    config_dir: Path | None,
    say: Callable[[str], None] = lambda line: None,
    chunk: Mapping[int, Any] | None = None,
) -> Sweep:
    """Compose a sweep and parse its cells, or those of a chunk."""
    started = time.monotonic()
    composer = Composer(config_dir)
    configs = composer.cells([*words, "tracking=none"], multirun=True)
    drafts = distinct([Draft(config, composer.folders) for config in configs])
    others = () if chunk is None else set(range(len(drafts))) - set(chunk)
    return Sweep(drafts, parse_all(drafts, others), {}, started, say)


def _check_secrets(words: Sequence[str]) -> None:
    """Raise ConfigError for words with a password, which the file of a plan would hold."""
    for word in words:
        if masked(word) != word:
            key = word.partition("=")[0]
            raise ConfigError(
                f"plan {masked(word)}: a plan is a file, and would hold the password; put the "
                f"address into a variable of every worker: {key}='${{oc.env:ADDRESS}}'."
            )


def _check_words(sweep: Sweep) -> None:
    """Raise ConfigError for what only a process that sees all results can do."""
    if sweep.budget is not None:
        raise ConfigError(
            f"plan budget={sweep.budget.limit.text}: a budget is for one command, and a plan runs "
            "all of its folds; set budget=null."
        )
    if any(repeats_of(outline.splitter) == AUTO for outline in sweep.outlines):
        raise ConfigError(
            f"plan splits.n_repeats={AUTO}: how many repeats follow depends on results that no "
            "worker sees; set a number, such as splits.n_repeats=3."
        )


def _divided(sweep: Sweep) -> tuple[list[Entry], list[Piece]]:
    """Return the cells of a sweep, and what has to be run of them."""
    from imbench.run.cell import Runner

    runner = Runner(sweep.results_dir)
    entries: list[Entry] = []
    folds: dict[object, list[tuple[int, Place]]] = {}
    work: dict[object, float] = {}
    for i, cell in sweep.cells.items():
        entry, found = _entry(runner, cell)
        entries.append(entry)
        for group, place, rows in found:
            folds.setdefault(group, []).append((i, place))
            work[group] = work.get(group, 0.0) + rows
    return entries, [Piece(folds[group], work[group]) for group in folds]


def _entry(
    runner: Any, cell: Cell | RefusedCell
) -> tuple[Entry, Iterator[tuple[object, Place, float]]]:
    """Return a cell of a plan and, for each fold, with which others it goes, and its work."""
    reason = cell.reason if isinstance(cell, RefusedCell) else ""
    try:
        task = None if isinstance(cell, RefusedCell) else runner.prepare(cell)
    except ImbenchError as error:
        task, reason = None, str(error)
    if task is None or isinstance(cell, RefusedCell):
        failed = runner.failed(cell, reason)
        key, shared = failed.key, None
    else:
        key, shared = task.key, task.records and task.records.key.run_id
    names = (key.run_id, key.dataset, key.model, key.label, key.folder, key.n_folds)
    if task is None or isinstance(cell, RefusedCell):
        return Entry(*names, reason=reason), iter(())
    n_fits = 1
    if cell.tuning is not None and cell.tuning.space:
        n_fits += getattr(cell.tuning.tuner, "trials", 1) * cell.tuning.tuner.inner_splits
    group = shared or key.run_id
    together = task.model.trains_in_stacks
    return Entry(*names), (
        (
            group if together else (group, fold.repeat, fold.fold),
            (fold.repeat, fold.fold),
            float(n_fits * len(fold.train_index)),
        )
        for fold in task.folds
    )


def _differs(what: str) -> str:
    return (
        f"the plan was made of other yaml files or by another version ({what}): make it again with "
        "`python -m imbench plan`."
    )
