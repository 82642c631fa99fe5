"""Run one cell (data set, model, strategy): load, split, fit what is missing, store."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from imbench.components.hashing import run_id_of
from imbench.config.cell import Cell, CellOutline, RefusedCell
from imbench.data.dataset import Dataset
from imbench.data.load import load
from imbench.data.spec import DatasetSpec
from imbench.data.splits import Fold
from imbench.errors import DataError, ImbenchError
from imbench.pipeline.resample_cache import ResampleCache
from imbench.results.claims import Claims
from imbench.results.fold import CellResult, FoldResult, cell_result
from imbench.results.metric_options import check_classes
from imbench.results.scores import RecordFiles
from imbench.results.store import Store
from imbench.run.folds import Task, run_stack, stacks_of

KEPT_DATASETS = 4  # a sweep visits few data sets, each many times
PAUSE_S = 0.1  # between two looks at what others have claimed
Place = tuple[int, int]  # repeat and fold
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
    """

    results_dir: Path
    on_fold: Callable[[FoldResult, bool], None] = lambda result, stored: None
    cache: ResampleCache | None = None
    on_wait: Callable[[str], None] = lambda sentence: None
    only: Mapping[str, AbstractSet[tuple[int, int]]] | None = None
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
        if self._latest is None or not _is_same(self._latest[0], cell):
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
        for result in run_stack(task, *stack):
            self.store.write_fold(task.key, result)
            yield result

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
            runner.store.write_cell(self._key)
            places = map(_place, task.folds)  # looked at before they are read
            self._stamps = {place: runner.store.stamp(self._key, *place) for place in places}
            self._done, missing = runner.stored(task)
            self._divide(task, missing)

    @property
    def is_complete(self) -> bool:
        """Whether every stack was run, and those that were handed over have come back."""
        return not self.stacks and not self.claimed and self._n_handed == self._n_back

    @property
    def is_free(self) -> bool:
        """Whether something that was claimed may be free or stored by now."""
        claims, folder = self.runner.claims, self._key.folder
        return any(claims.are_free(folder, map(fold_name, stack)) for stack in self.claimed)

    @property
    def holder(self) -> str:
        """Who has claimed something of the cell, in words."""
        return self.runner.claims.holder(self._key.folder, fold_name(self.claimed[0][0]))

    @property
    def task_cell(self) -> Cell:
        """The cell, of which there are stacks to run."""
        assert isinstance(self.cell, Cell)
        return self.cell

    def hand_over(self) -> Stack | None:
        """Return the next stack, for whoever runs it; None if that is another process."""
        stack = self.stacks.popleft()
        if not self._claim(stack):
            self.claimed.append([_place(fold) for fold in stack[1]])
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
            self._release(stack)

    def resume(self) -> None:
        """Read what others have stored of the folds that they had claimed; the rest is to be run.

        A failed fold ends the cell here as well.
        """
        places = {place for stack in self.claimed for place in stack}
        self.claimed = []
        if (task := self._prepared()) is None:
            return
        missing = []
        for fold in (fold for fold in task.folds if _place(fold) in places):
            result = self._news(_place(fold))
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
        found = sorted(self._found, key=_place)
        n_ok = next((i for i, fold in enumerate(found) if fold.status != "ok"), len(found))
        return cell_result(self._key, [*self._done, *found[: n_ok + 1]])

    def _prepared(self) -> Task | None:
        try:
            return self.runner.prepare(self.task_cell)
        except ImbenchError as error:
            self._failed = self.runner.failed(self.cell, str(error))
            return None

    def _divide(self, task: Task, missing: Sequence[Fold]) -> None:
        wanted = {_place(fold) for fold in missing}
        stored = [*self._done, *self._found]
        for stack in stacks_of(task, missing, [fold for fold in stored if fold.status == "ok"]):
            self.stacks.append((stack, [fold for fold in stack if _place(fold) in wanted]))

    def _claim(self, stack: Stack) -> bool:
        """Claim the folds of a stack; False if that fails, or one of them is stored by now."""
        places = [_place(fold) for fold in stack[1]]
        if not self.runner.claims.take(self._key.folder, list(map(fold_name, places))):
            return False
        if any(self.runner.store.stamp(self._key, *p) != self._stamps[p] for p in places):
            self._release(stack)
            return False
        return True

    def _release(self, stack: Stack) -> None:
        names = [fold_name(_place(fold)) for fold in stack[1]]
        self.runner.claims.release(self._key.folder, names)

    def _news(self, place: Place) -> FoldResult | None:
        """Return a result that was stored since this process looked first."""
        stamp = self.runner.store.stamp(self._key, *place)
        if stamp == self._stamps[place]:
            return None
        self._stamps[place] = stamp
        return self.runner.store.read_fold(self._key, *place)

    def _end(self) -> None:
        self.stacks.clear()
        self.claimed = []


def fold_name(place: Place) -> str:
    """Return the name of a fold in its folder.

    Examples
    --------
    >>> fold_name((0, 3))
    'r0-f3'
    """
    return f"r{place[0]}-f{place[1]}"


def _place(fold: Fold | FoldResult) -> Place:
    return fold.repeat, fold.fold


def task_of(
    cell: Cell, data: Dataset, results_dir: Path, cache: ResampleCache | None = None
) -> Task:
    """Split the data of a cell and name its results.

    Raises
    ------
    ImbenchError
        If the data cannot be split, or a metric names a class that is not there.
    """
    check_classes(cell.metrics, data.class_names)
    if cell.tuning is not None:
        check_classes(cell.tuning.metrics, data.class_names)
    records = None
    if cell.strategy.decision and not (cell.tuning and cell.tuning.space):
        # A classifier that is tuned together with its rule has scores of its own.
        bare = cell.without_decision().key(data.name, data.fingerprint)
        records = RecordFiles(Store(results_dir), bare, data.y)
    return Task(
        cell=cell,
        key=cell.key(data.name, data.fingerprint),
        data=data,
        folds=cell.splitter.split(data, cell.seed),
        results_dir=results_dir,
        records=records,
        cache=cache,
    )


def _is_same(one: Cell, other: Cell) -> bool:
    return one is other or (
        one.identity == other.identity
        and one.dataset.node == other.dataset.node
        and one.splitter.places == other.splitter.places
    )


def run_apart(
    results_dir: Path, cache: ResampleCache | None, cell: Cell, stack: Stack
) -> list[FoldResult]:
    """Run folds in a worker process, and store them; a failed one is the last."""
    runner = _runner_of_process(results_dir, cache)
    found = []
    with closing(runner.run_here(runner.prepare(cell), stack)) as results:
        for result in results:
            found.append(result)
            if result.status != "ok":
                break
    return found


@lru_cache(maxsize=1)
def _runner_of_process(results_dir: Path, cache: ResampleCache | None) -> Runner:
    """Return the runner of a worker process, which keeps data sets for further cells."""
    return Runner(results_dir, cache=cache)
