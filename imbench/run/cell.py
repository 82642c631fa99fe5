"""Run one cell (data set, model, strategy): load, split, fit what is missing, store."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
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
from imbench.errors import ImbenchError
from imbench.pipeline.resample_cache import ResampleCache
from imbench.results.fold import CellResult, FoldResult, cell_result
from imbench.results.metric_options import check_classes
from imbench.results.scores import RecordFiles
from imbench.results.store import Store
from imbench.run.folds import Task, run_folds
from imbench.run.processes import Workers, can_run_apart, limited_threads, side_by_side

KEPT_DATASETS = 4  # a sweep visits few data sets, each many times


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
    workers : Workers
        Decides whether folds are fitted in worker processes.
    """

    results_dir: Path
    on_fold: Callable[[FoldResult, bool], None] = lambda result, stored: None
    cache: ResampleCache | None = None
    workers: Workers = field(default_factory=lambda: Workers(1))
    _datasets: dict[str, Dataset] = field(default_factory=dict)
    _latest: tuple[Cell, Task] | None = None

    def __post_init__(self) -> None:
        self.store = Store(self.results_dir)

    def run(self, cell: Cell | RefusedCell) -> CellResult:
        """Run the missing folds of a cell and return all of its folds.

        Errors of the data or of the strategy do not raise: they are the status of the cell, and
        the sweep goes on. A failed fold ends its cell.
        """
        if isinstance(cell, RefusedCell):
            return self._failed(cell, cell.reason)
        try:
            task = self.prepare(cell)
        except ImbenchError as error:
            return self._failed(cell, str(error))
        self.store.write_cell(task.key)
        done, missing = self.stored(task)
        with closing(self._results(task, missing)) as results:  # a failed fold stops the others
            for result in results:
                self.on_fold(result, False)
                done.append(result)
                if result.status != "ok":
                    break
        return cell_result(task.key, done)

    def prepare(self, cell: Cell) -> Task:
        """Load and split the data of a cell; the latest is kept, as folds may come one by one.

        Raises
        ------
        ImbenchError
            If the data cannot be read or split, or a metric names a class that is not there.
        """
        if self._latest is None or not _is_same(self._latest[0], cell):
            data = self._dataset(cell.dataset)
            self._latest = cell, task_of(cell, data, self.results_dir, self.cache)
        return self._latest[1]

    def run_here(self, task: Task, missing: Sequence[Fold]) -> Generator[FoldResult]:
        """Run folds in this process and store each."""
        for result in run_folds(task, missing):
            self.store.write_fold(task.key, result)
            yield result

    def _results(self, task: Task, missing: Sequence[Fold]) -> Generator[FoldResult]:
        """Run folds here; hand the rest to worker processes as soon as that pays."""
        if not can_run_apart(task.cell):
            yield from self.run_here(task, missing)
            return
        workers = self.workers
        workers.fit_into_memory(getattr(task.data.X, "nbytes", 0))
        with limited_threads(workers.threads):
            for i, fold in enumerate(missing):
                n_left = len(missing) - i
                if n_left > 1 and workers.pays(n_left + workers.n_later):
                    yield from self._run_apart(task, missing[i:], min(workers.n_max, n_left))
                    return
                with workers.timed():
                    [result] = self.run_here(task, [fold])
                yield result

    def _run_apart(
        self, task: Task, missing: Sequence[Fold], n_workers: int
    ) -> Generator[FoldResult]:
        """Run folds side by side; each is stored by the process that ran it."""
        import joblib

        shared = self.results_dir, self.cache, task.cell
        calls = (joblib.delayed(run_fold)(*shared, fold) for fold in missing)
        return side_by_side(calls, n_workers)

    def _failed(self, cell: CellOutline, reason: str) -> CellResult:
        """Return the failed cell of which no fold could be run; nothing is stored."""
        try:
            data = self._dataset(cell.dataset)
            key = cell.key(data.name, data.fingerprint)
        except ImbenchError:
            key = cell.key(str(cell.dataset.node.get("name")), None)
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

    def _dataset(self, spec: DatasetSpec) -> Dataset:
        name = run_id_of(spec.node)
        if name not in self._datasets:
            while len(self._datasets) >= KEPT_DATASETS:
                del self._datasets[next(iter(self._datasets))]
            self._datasets[name] = load(spec)
        return self._datasets[name]


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
        one.identity == other.identity and one.dataset.node == other.dataset.node
    )


def run_fold(results_dir: Path, cache: ResampleCache | None, cell: Cell, fold: Fold) -> FoldResult:
    """Run a fold in a worker process, and store it."""
    runner = runner_of_process(results_dir, cache)
    [result] = runner.run_here(runner.prepare(cell), [fold])
    return result


@lru_cache(maxsize=1)
def runner_of_process(results_dir: Path, cache: ResampleCache | None) -> Runner:
    """Return the runner of a worker process, which keeps data sets for further cells."""
    return Runner(results_dir, cache=cache)
