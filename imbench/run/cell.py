"""Run one cell (data set, model, strategy): load, split, fit what is missing, store."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from imbench.components.hashing import run_id_of
from imbench.config.cell import Cell, CellOutline, RefusedCell
from imbench.data.dataset import Dataset
from imbench.data.load import load
from imbench.data.spec import DatasetSpec
from imbench.data.splits import Fold
from imbench.errors import CannotWrite, ImbenchError
from imbench.pipeline.resample_cache import ResampleCache
from imbench.results.fold import CellResult, FoldResult, cell_result
from imbench.results.metric_options import check_classes
from imbench.results.scores import RecordFiles
from imbench.results.store import Store
from imbench.run.folds import Task, run_stack, stacks_of

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
    cache : ResampleCache or None
        Resampled rows that the cells of a sweep share.
    """

    results_dir: Path
    on_fold: Callable[[FoldResult, bool], None] = lambda result, stored: None
    cache: ResampleCache | None = None
    _datasets: dict[str, Dataset] = field(default_factory=dict)
    _latest: tuple[Cell, Task] | None = None

    def __post_init__(self) -> None:
        self.store = Store(self.results_dir)

    def run(self, cell: Cell | RefusedCell) -> CellResult:
        """Run the missing folds of a cell in this process and return all of its folds.

        Errors of the data or of the strategy do not raise: they are the status of the cell, and
        the sweep goes on. A failed fold ends its cell.
        """
        plan = PlannedCell(self, cell)
        while plan.stacks:
            plan.run_next()
        return plan.result()

    def prepare(self, cell: Cell) -> Task:
        """Load and split the data of a cell; the latest is kept, as folds may come one by one.

        Raises
        ------
        ImbenchError
            If the data cannot be read or split, or a metric names a class that is not there.
        """
        if self._latest is None or not _is_same(self._latest[0], cell):
            data = self.data(cell.dataset)
            self._latest = cell, task_of(cell, data, self.results_dir, self.cache)
        return self._latest[1]

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
        for fold in task.folds:
            result = self.store.read_fold(task.key, fold.repeat, fold.fold)
            if result is not None and result.status == "ok":
                done.append(result)
                self.on_fold(result, True)
            else:
                missing.append(fold)
        return done, missing

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

    Parameters
    ----------
    runner : Runner
    cell : Cell or RefusedCell

    Attributes
    ----------
    stacks : deque of Stack
        That were not run yet, nor handed to another process.
    table_bytes : int
        Size of the rows of the data set, 0 if it could not be loaded.
    """

    def __init__(self, runner: Runner, cell: Cell | RefusedCell) -> None:
        self.runner = runner
        self.cell = cell
        self.stacks: deque[Stack] = deque()
        self.table_bytes = 0
        self._found: list[FoldResult] = []
        self._n_handed = self._n_back = 0  # the first is counted by the thread that hands over
        self._failed: CellResult | None = None
        if isinstance(cell, RefusedCell):
            self._failed = runner.failed(cell, cell.reason)
            return
        try:
            self._task = runner.prepare(cell)
        except ImbenchError as error:
            self._failed = runner.failed(cell, str(error))
            return
        self.table_bytes = getattr(self._task.data.X, "nbytes", 0)
        self._done, missing = runner.stored(self._task)
        if missing:
            runner.store.prepare()
        with nullcontext() if missing else suppress(CannotWrite):  # results that are read only
            runner.store.write_cell(self._task.key)
        wanted = {(fold.repeat, fold.fold) for fold in missing}
        for stack in stacks_of(self._task, missing, self._done):
            self.stacks.append((stack, [f for f in stack if (f.repeat, f.fold) in wanted]))

    @property
    def is_complete(self) -> bool:
        """Whether every stack was run, and those that were handed over have come back."""
        return not self.stacks and self._n_handed == self._n_back

    def run_next(self) -> None:
        """Run the next stack in this process; a failed fold ends the cell."""
        with closing(self.runner.run_here(self._task, self.stacks.popleft())) as results:
            for result in results:
                self._add(result)
                if result.status != "ok":
                    self.stacks.clear()
                    return

    def hand_over(self) -> Stack:
        """Return the next stack, which another process is to run."""
        self._n_handed += 1
        return self.stacks.popleft()

    def take_back(self, results: Iterable[FoldResult]) -> None:
        """Take the results of the stack that was handed over first."""
        self._n_back += 1
        for result in results:
            self._add(result)

    def result(self) -> CellResult:
        """Return the cell; a failed fold is its last, in whatever order they came."""
        if self._failed is not None:
            return self._failed
        found = self._found
        n_ok = next((i for i, fold in enumerate(found) if fold.status != "ok"), len(found))
        return cell_result(self._task.key, [*self._done, *found[: n_ok + 1]])

    def _add(self, result: FoldResult) -> None:
        self._found.append(result)
        self.runner.on_fold(result, False)


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
