"""Before a run: how small a gain its tables can show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from imbench.config.cell import Cell, RefusedCell, by_dataset
from imbench.errors import ImbenchError
from imbench.report.board import AUTO, BASELINE
from imbench.report.forecast import forecast
from imbench.results.fold import CellResult
from imbench.run.cell import KEPT_DATASETS, Runner
from imbench.run.folds import Task


def forecasts(
    runner: Runner,
    cells: Sequence[Cell | RefusedCell],
    stored: Iterable[CellResult],
    config: Mapping[str, Any],
) -> Iterator[str]:
    """Yield one line for each data set of a sweep with a baseline, of the first four.

    Parameters
    ----------
    runner : Runner
        Loads the data, and keeps them for the run.
    cells : sequence of Cell or RefusedCell
        What is about to run.
    stored : iterable of CellResult
        What the table shows beside it.
    config : mapping
        Configuration of the first cell.
    """
    base = BASELINE if config["baseline"] == AUTO else config["baseline"]
    is_sequential = config["splits"].get("n_repeats") == "auto"
    shown = [cell.label for cell in stored]
    parsed = [cell for cell in cells if isinstance(cell, Cell)]
    for group in by_dataset(parsed)[:KEPT_DATASETS]:
        labels = {*shown, *(cell.label for cell in group)}
        if base in labels and len(labels) > 1:
            with suppress(ImbenchError):  # the run says what is wrong with the data
                task = runner.prepare(group[0])
                if line := _forecast(task, len(labels) - 1, is_sequential):
                    yield line


def _forecast(task: Task, n_strategies: int, is_sequential: bool) -> str:
    data, folds = task.data, task.folds
    first = [fold for fold in folds if fold.repeat == folds[0].repeat]
    tested = np.concatenate([fold.test_index for fold in first])
    y, n_classes = data.y[tested], len(data.class_names)
    n_groups = None
    if data.groups is not None:
        groups = data.groups[tested]
        n_groups = [len(np.unique(groups[y == label])) for label in range(n_classes)]
    return forecast(
        data.name,
        data.class_names,
        np.bincount(y, minlength=n_classes).tolist(),
        n_splits=len(first),
        n_repeats=None if is_sequential else len({fold.repeat for fold in folds}),
        n_strategies=n_strategies,
        options=task.cell.metrics,
        n_groups=n_groups,
    )
