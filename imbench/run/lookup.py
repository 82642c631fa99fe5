"""Find cells that are stored in full, without importing model or strategy.

Parsing a cell imports what it names: PyTorch, scikit-learn, imbalanced-learn. A cell whose folds
are all stored was checked before it ran, and nothing of it will run again. Called by the command
line before anything else; other cells are parsed and run.
"""

from __future__ import annotations

from imbench.config.cell import CellOutline
from imbench.data.cache import facts_of
from imbench.errors import ImbenchError
from imbench.results.fold import CellKey, CellResult, FoldResult, cell_result
from imbench.results.metric_options import check_classes
from imbench.results.store import Store


def find(cell: CellOutline, store: Store) -> CellResult | None:
    """Return a cell if all of its folds are stored and intact, None otherwise.

    None also if the metrics do not fit the classes: the run reports that.
    """
    facts = facts_of(cell.dataset) if store.runs.is_dir() else None
    if facts is None:  # the data set is not known without loading it
        return None
    key = cell.key(facts.name, facts.fingerprint)
    try:
        folds = _finished_folds(store, key)
        if not folds or len(folds) != key.n_folds:
            return None
        check_classes(cell.metrics, folds[0].class_names)
        store.write_cell(key)
    except (ImbenchError, OSError):
        return None
    return cell_result(key, folds)


def _finished_folds(store: Store, key: CellKey) -> list[FoldResult]:
    found = []
    for path in sorted((store.runs / key.folder).glob("r*-f*.json")):
        repeat, _, fold = path.stem.removeprefix("r").partition("-f")
        result = store.read_fold(key, int(repeat), int(fold))
        if result is not None and result.status == "ok":
            found.append(result)
    return found
