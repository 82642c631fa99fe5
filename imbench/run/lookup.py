"""Cells that are stored in full, found and read without constructing anything.

To check a configuration is to import what it names: PyTorch, scikit-learn, imbalanced-learn.
A cell whose folds are all stored was checked before it ran, and nothing of it will run again.
Called by the command line before anything else; what is not found here takes the long way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbench.components.hashing import run_id_of
from imbench.config import check as config_check
from imbench.config import identity as config_identity
from imbench.config import parse as config_parse
from imbench.data.cache import facts_of
from imbench.errors import ImbenchError
from imbench.results.fold import CellKey, CellResult, FoldResult, cell_result
from imbench.results.metric_options import check_classes, metric_options
from imbench.results.store import Store
from imbench.strategies import STAGES
from imbench.strategies.base import Strategy


def find(config: Mapping[str, Any], store: Store) -> CellResult | None:
    """Return a cell if every fold of it is stored and whole, None otherwise.

    None also where the configuration is wrong or the metrics do not fit the classes: whoever
    runs the cell says so.

    Parameters
    ----------
    config : mapping
        Composed and resolved, not checked.
    store : Store
    """
    if not store.runs.is_dir() or config_check.check_form(config):
        return None
    try:
        key = _key(config)
        folds = [] if key is None else _folds(store, key)
        if key is None or not folds or len(folds) != key.n_folds:
            return None
        check_classes(metric_options(config["metrics"]), folds[0].class_names)
        store.write_cell(key)
    except (ImbenchError, OSError, AttributeError, KeyError, TypeError):
        return None  # not checked yet: a mapping may be a word, a key may be missing
    return cell_result(key, folds)


def _key(config: Mapping[str, Any]) -> CellKey | None:
    """Name a cell as the run does, None where the data set is not known without loading it."""
    facts = facts_of(config["dataset"])
    if facts is None:
        return None
    identity = config_identity.identity_of(config) | {"fingerprint": facts.fingerprint}
    named = Strategy(**{stage: config["strategy"].get(stage) or {} for stage in STAGES})
    return CellKey(
        run_id=run_id_of(identity),
        dataset=facts.name,
        model=str(config["model"].get("name")),
        label=named.label,
        stages=named.stages,
        n_folds=config_parse.splitter_of(config).n_folds,
        config=identity,
    )


def _folds(store: Store, key: CellKey) -> list[FoldResult]:
    """Return the folds of a cell that are whole and finished."""
    found = []
    for path in sorted((store.runs / key.folder).glob("r*-f*.json")):
        repeat, _, fold = path.stem.removeprefix("r").partition("-f")
        result = store.read_fold(key, int(repeat), int(fold))
        if result is not None and result.status == "ok":
            found.append(result)
    return found
