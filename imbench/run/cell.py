"""Run one cell (data set, model, strategy): load, split, fit what is missing, store."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from imbench.components.hashing import run_id_of
from imbench.config.cell import Cell, CellOutline, RefusedCell
from imbench.config.limits import Limits
from imbench.data.dataset import Dataset
from imbench.data.load import load
from imbench.data.spec import DatasetSpec
from imbench.data.splits import Fold
from imbench.errors import CannotWrite, DataError, ImbenchError
from imbench.pipeline.resample_cache import ResampleCache
from imbench.results.claims import Claims
from imbench.results.fold import CellKey, CellResult, FoldResult, cell_result
from imbench.results.store import Store
from imbench.run.folds import Task, run_stack, stacks_of
from imbench.run.returned import known_of
from imbench.run.sharing import PAUSE_S, Place, SharedFolds, place_of, places_of
from imbench.run.tasks import is_same, task_of
from imbench.strategies.threads import fits_with

MAX_ENDS = 2  # processes that a cell may end before it is given up
KEPT_DATASETS = 4  # a sweep visits few data sets, each many times
Stack = tuple[Sequence[Fold], Sequence[Fold]]  # folds that are fitted together, those to store


@dataclass
class Runner:
    """Runs cells in this process, and keeps the data sets that they share.

    Parameters
    ----------
    results_dir : Path
        Folds are stored under ``results_dir/runs``.
    on_fold : callable
        Called after each fold with its result and whether it was stored already.
    on_wait : callable
        Called with a sentence if folds of other processes are waited for.
    cache : ResampleCache or None
        Resampled rows that the cells of a sweep share.
    only : mapping of str to set of (int, int), or None
        Repeat and fold of what is run of each cell, by run id; None is all of it.
    limits : Limits
        What a fold may take, for executors that can end its process.
    retry : bool, default=False
        Whether cells that ended their process `MAX_ENDS` times are tried again.
    """

    results_dir: Path
    on_fold: Callable[[FoldResult, bool], None] = lambda result, stored: None
    cache: ResampleCache | None = None
    on_wait: Callable[[str], None] = lambda sentence: None
    only: Mapping[str, AbstractSet[tuple[int, int]]] | None = None
    limits: Limits = field(default_factory=Limits)
    retry: bool = False
    _datasets: dict[str, Dataset] = field(default_factory=dict)
    _latest: tuple[Cell, Task] | None = None

    def __post_init__(self) -> None:
        self.store = Store(self.results_dir)
        self.claims = Claims(self.store.runs)

    def run(self, cell: Cell | RefusedCell) -> CellResult:
        """Run the missing folds of a cell in this process and return all of its folds.

        Errors of the data or of the strategy do not raise: they are the status of the cell, and
        the sweep goes on. A failed fold ends its cell.
        """
        plan = PlannedCell(self, cell)
        try:
            while not plan.is_complete:
                if plan.claimed and not plan.stacks:
                    while not plan.is_free:
                        time.sleep(PAUSE_S)
                    plan.resume()
                elif (stack := plan.hand_over()) is not None:
                    with closing(self.run_here(self.prepare(plan.task_cell), stack)) as found:
                        plan.take_back(stack, found)
        finally:
            self.claims.release_all()
        return plan.result()

    def prepare(self, cell: Cell) -> Task:
        """Load and split the data of a cell; the latest is kept, as folds may come one by one.

        Raises
        ------
        ImbenchError
            If the data cannot be read or split, a metric names a class that is not there, or the
            cell is none of those of the plan.
        """
        if self._latest is None or not is_same(self._latest[0], cell):
            data = self.data(cell.dataset)
            self._latest = cell, task_of(cell, data, self.results_dir, self.cache)
        task = self._latest[1]
        if self.only is not None and task.key.run_id not in self.only:
            raise DataError(
                f"{task.key.folder} is no cell of the plan: rows of {task.data.name}, yaml files "
                "or versions differ from those of the plan; make them equal, or make the plan "
                "again with `python -m imbench plan`."
            )
        return task

    def run_here(self, task: Task, stack: Stack) -> Generator[FoldResult]:
        """Run folds in this process and store each."""
        try:
            for result in run_stack(task, *stack):
                self.store.write_fold(task.key, result)
                yield result
        except SystemExit as error:
            reason = f"exited: a component called sys.exit({error.code!r})."
            yield from self.ended(task.cell, stack, reason)

    def ended(
        self, cell: Cell, stack: Stack, reason: str, is_lost: bool = False
    ) -> list[FoldResult]:
        """Return the results of folds that were ended; a failed one, which is stored, is the last.

        Parameters
        ----------
        cell : Cell
        stack : Stack
        reason : str
        is_lost : bool, default=False
            Whether a process was lost with them, which is counted.
        """
        task, found = self.prepare(cell), []
        for fold in stack[1]:
            result = self.store.read_fold(task.key, fold.repeat, fold.fold)
            if result is not None and result.status == "ok":
                found.append(result)
                continue
            known = known_of(task.key, task.data, fold)
            found.append(FoldResult(**known, status="failed", reason=reason))
            self.store.write_fold(task.key, found[-1])
            break
        if is_lost:
            self.store.write_ends(task.key, [*self._ends(task.key), self._end(reason)])
        return found

    def given_up(self, key: CellKey) -> str:
        """Return why a cell is not tried again: it ended its process too often; '' if it is.

        What a limit ended counts as long as the limit is the same. ``retry=true`` forgets.
        """
        ends = self._ends(key)
        if self.retry and ends:
            self.store.write_ends(key, [])
        same = [end for end in ends if end == self._end(str(end["reason"]))]
        if self.retry or len(same) < MAX_ENDS:
            return ""
        return (
            f"{str(same[-1]['reason']).rstrip('.')} (this happened {len(same)} times: it is not "
            "tried again unless retry=true)."
        )

    def _ends(self, key: CellKey) -> list[dict[str, Any]]:
        return self.store.read_ends(key)

    def _end(self, reason: str) -> dict[str, Any]:
        limited = reason.startswith(("timeout", "memory"))
        return {"reason": reason, "limits": vars(self.limits) if limited else None}

    def failed(self, cell: CellOutline, reason: str) -> CellResult:
        """Return the failed cell of which no fold could be run; nothing is stored."""
        try:
            data = self.data(cell.dataset)
            key = cell.key(data.name, data.fingerprint)
        except ImbenchError:
            node, source = cell.dataset.node, cell.dataset.source.path
            name = node.get("name") or node.get("table") or source.rpartition(".")[-1]
            key = cell.key(str(name), None)
        return CellResult(**vars(key), status="failed", reason=" ".join(reason.splitlines()))

    def stored(self, task: Task) -> tuple[list[FoldResult], list[Fold]]:
        """Return the results that are stored already, and the folds that are missing."""
        done, missing = [], []
        for fold in self._asked(task):
            result = self.store.read_fold(task.key, fold.repeat, fold.fold)
            if result is not None and result.status == "ok":
                done.append(result)
                self.on_fold(result, True)
            else:
                missing.append(fold)
        return done, missing

    def _asked(self, task: Task) -> list[Fold]:
        if self.only is None:
            return task.folds
        asked = self.only[task.key.run_id]
        return [fold for fold in task.folds if (fold.repeat, fold.fold) in asked]

    def data(self, spec: DatasetSpec) -> Dataset:
        """Load a data set, or return it if it is one of the latest.

        Raises
        ------
        ImbenchError
            If it cannot be read.
        """
        name = run_id_of(spec.node)
        if name not in self._datasets:
            while len(self._datasets) >= KEPT_DATASETS:
                del self._datasets[next(iter(self._datasets))]
            self._datasets[name] = load(spec)
        return self._datasets[name]


class PlannedCell:
    """A cell, the stacks of folds that are missing of it, and its results so far.

    Folds that another process has claimed are left to it. :meth:`resume` comes back to them.

    Parameters
    ----------
    runner : Runner
    cell : Cell or RefusedCell

    Attributes
    ----------
    stacks : deque of Stack
        That were not run yet, nor handed to another process.
    claimed : list of list of (int, int)
        Repeat and fold of those that another process runs, or has run meanwhile, by their stack.
    table_bytes : int
        Size of the rows of the data set, 0 if it could not be loaded.
    """

    def __init__(self, runner: Runner, cell: Cell | RefusedCell) -> None:
        self.runner = runner
        self.cell = cell
        self.stacks: deque[Stack] = deque()
        self.claimed: list[list[Place]] = []
        self.table_bytes = 0
        self._found: list[FoldResult] = []
        self._n_handed = self._n_back = 0
        self._failed: CellResult | None = None
        if isinstance(cell, RefusedCell):
            self._failed = runner.failed(cell, cell.reason)
        elif (task := self._prepared()) is not None:
            self.table_bytes = getattr(task.data.X, "nbytes", 0)
            self._key = task.key  # and not the task, whose row numbers take space
            places = places_of(task.folds)
            self._shared = SharedFolds(runner.store, runner.claims, self._key, places)
            self._done, missing = runner.stored(task)
            if missing:
                runner.store.prepare()
            with nullcontext() if missing else suppress(CannotWrite):  # results that are read only
                runner.store.write_cell(self._key)
            if missing and (reason := runner.given_up(self._key)):
                self._failed = runner.failed(cell, reason)
                return
            self._divide(task, missing)

    @property
    def is_complete(self) -> bool:
        """Whether every stack was run, and those that were handed over have come back."""
        return not self.stacks and not self.claimed and self._n_handed == self._n_back

    @property
    def is_free(self) -> bool:
        """Whether something that was claimed may be free or stored by now."""
        return any(map(self._shared.are_free, self.claimed))

    @property
    def holder(self) -> str:
        """Who has claimed something of the cell, in words."""
        return self._shared.holder(self.claimed[0][0])

    @property
    def task_cell(self) -> Cell:
        """The cell, of which there are stacks to run."""
        assert isinstance(self.cell, Cell)
        return self.cell

    def hand_over(self) -> Stack | None:
        """Return the next stack, for whoever runs it; None if that is another process."""
        stack = self.stacks.popleft()
        if not self._shared.claim(places := places_of(stack[1])):
            self.claimed.append(places)
            return None
        self._n_handed += 1
        return stack

    def take_back(self, stack: Stack, results: Iterable[FoldResult]) -> None:
        """Take the results of a stack that was handed over; a failed fold ends the cell."""
        self._n_back += 1
        try:
            for result in results:
                self._found.append(result)
                self.runner.on_fold(result, False)
                if result.status != "ok":
                    self._end()
                    return
        finally:
            self._shared.release(places_of(stack[1]))

    def resume(self) -> None:
        """Read what others have stored of the folds that they had claimed; the rest is to be run.

        A failed fold ends the cell here as well.
        """
        places = {place for stack in self.claimed for place in stack}
        self.claimed = []
        if (task := self._prepared()) is None:
            return
        missing = []
        for fold in (fold for fold in task.folds if place_of(fold) in places):
            result = self._shared.news(place_of(fold))
            if result is None:
                missing.append(fold)
                continue
            self._found.append(result)
            self.runner.on_fold(result, True)
            if result.status != "ok":
                self._end()
                return
        self._divide(task, missing)

    def result(self) -> CellResult:
        """Return the cell; a failed fold is its last, in whatever order they came."""
        if self._failed is not None:
            return self._failed
        found = sorted(self._found, key=place_of)
        n_ok = next((i for i, fold in enumerate(found) if fold.status != "ok"), len(found))
        return cell_result(self._key, [*self._done, *found[: n_ok + 1]])

    def _prepared(self) -> Task | None:
        try:
            return self.runner.prepare(self.task_cell)
        except ImbenchError as error:
            self._failed = self.runner.failed(self.cell, str(error))
            return None

    def _divide(self, task: Task, missing: Sequence[Fold]) -> None:
        wanted = {place_of(fold) for fold in missing}
        stored = [*self._done, *self._found]
        for stack in stacks_of(task, missing, [fold for fold in stored if fold.status == "ok"]):
            self.stacks.append((stack, [fold for fold in stack if place_of(fold) in wanted]))

    def _end(self) -> None:
        self.stacks.clear()
        self.claimed = []


def run_apart(
    results_dir: Path, cache: ResampleCache | None, cell: Cell, stack: Stack, n_threads: int = 1
) -> list[FoldResult]:
    """Run folds in a worker process, and store them; a failed one is the last."""
    runner = _runner_of_process(results_dir, cache)
    found = []
    task = runner.prepare(cell)
    with fits_with(n_threads), closing(runner.run_here(task, stack)) as results:
        for result in results:
            found.append(result)
            if result.status != "ok":
                break
    return found


@lru_cache(maxsize=1)
def _runner_of_process(results_dir: Path, cache: ResampleCache | None) -> Runner:
    """Return the runner of a worker process, which keeps data sets for further cells."""
    return Runner(results_dir, cache=cache)
