"""Find stored cells without importing model or strategy.

Parsing a cell imports what it names: PyTorch, scikit-learn, imbalanced-learn. A cell whose folds
are all stored was checked before it ran, and nothing of it will run again. Called by the command
line before anything else; other cells are parsed and run.
"""

from __future__ import annotations

from contextlib import suppress

from imbench.config.cell import CellOutline
from imbench.data.cache import facts_of
from imbench.errors import CannotWrite, ImbenchError
from imbench.results.fold import CellResult, FoldResult, cell_result
from imbench.results.metric_options import check_classes
from imbench.results.store import Store


def find(cell: CellOutline, store: Store) -> CellResult | None:
    """Return a cell if all of its folds are stored and intact, None otherwise.

    Further repeats, which another command has added, are left out. None also if the metrics do
    not fit the classes: the run reports that.
    """
    facts = facts_of(cell.dataset) if store.runs.is_dir() else None
    if facts is None:  # the data set is not known without loading it
        return None
    key = cell.key(facts.name, facts.fingerprint)
    folds: list[FoldResult] = []
    try:
        for place in cell.splitter.places:
            fold = store.read_fold(key, *place)
            if fold is None or fold.status != "ok":
                return None
            folds.append(fold)
        check_classes(cell.metrics, folds[0].class_names)
    except (ImbenchError, OSError):
        return None
    with suppress(CannotWrite):  # results that are read only
        store.write_cell(key)
    return cell_result(key, folds)


def find_part(cell: CellOutline, store: Store) -> CellResult | None:
    """Return a cell with those of its folds that are stored; None if its data are not known."""
    facts = facts_of(cell.dataset)
    if facts is None:
        return None
    key = cell.key(facts.name, facts.fingerprint)
    folds = [store.read_fold(key, *place) for place in cell.splitter.places]
    return cell_result(key, [fold for fold in folds if fold is not None])
