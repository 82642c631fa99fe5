"""From a cell and its data to what can be run: folds, and where their results go."""

from __future__ import annotations

from pathlib import Path

from imbench.config.cell import Cell
from imbench.data.dataset import Dataset
from imbench.data.split_checks import check_k
from imbench.pipeline.resample_cache import ResampleCache
from imbench.results.metric_options import check_classes
from imbench.results.scores import RecordFiles
from imbench.results.store import Store
from imbench.run.folds import Task


def task_of(
    cell: Cell, data: Dataset, results_dir: Path, cache: ResampleCache | None = None
) -> Task:
    """Split the data of a cell and name its results.

    Raises
    ------
    ImbenchError
        If the data cannot be split, or a metric names a class that is not there, or looks at more
        rows than are tested.
    """
    check_classes(cell.metrics, data.class_names)
    if cell.tuning is not None:
        check_classes(cell.tuning.metrics, data.class_names)
    folds = cell.splitter.split(data, cell.seed)
    check_k(cell.metrics.k, data, folds)
    records = None
    if cell.strategy.decision and not (cell.tuning and cell.tuning.space):
        # A classifier that is tuned together with its rule has scores of its own.
        bare = cell.without_decision().key(data.name, data.fingerprint)
        records = RecordFiles(Store(results_dir), bare, data.y)
    return Task(
        cell=cell,
        key=cell.key(data.name, data.fingerprint),
        data=data,
        folds=folds,
        results_dir=results_dir,
        records=records,
        cache=cache,
    )


def is_same(one: Cell, other: Cell) -> bool:
    """Return whether two cells have the same tasks."""
    return one is other or (
        one.identity == other.identity
        and one.dataset.node == other.dataset.node
        and one.splitter.places == other.splitter.places
    )
