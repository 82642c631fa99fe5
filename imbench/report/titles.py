"""Group cells into blocks, and title blocks and rows so that equal names can be told apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from imbench.results.fold import CellResult

# Configuration that the cells of a block share, so that they were tested on the same folds.
SHARED = ("dataset", "fingerprint", "model", "splits", "tuning", "seed")
SHARED_BY_DATASETS = ("model", "splits", "tuning", "seed")


def group_key(cell: CellResult, keys: Sequence[str]) -> str:
    """Return a key that is equal for cells with equal configuration under `keys`."""
    dataset = cell.dataset if "dataset" in keys else ""
    return json.dumps([dataset, cell.model, part_of(cell, keys)], sort_keys=True, default=str)


def part_of(cell: CellResult, keys: Sequence[str]) -> dict[str, Any]:
    """Return the given top-level keys of a cell's configuration, None for missing ones."""
    return {key: cell.config.get(key) for key in keys}


def distinguish(names: Sequence[str], configs: Sequence[Any]) -> list[str]:
    """Append the parameters in which configurations differ to names that are equal.

    Parameters
    ----------
    names : sequence of str
    configs : sequence of object
        Configuration of each name. Those that are no mappings are taken for empty.

    Examples
    --------
    >>> distinguish(["smote", "none", "smote"], [{"k": 5}, {}, {"k": 3}])
    ['smote (k=5)', 'none', 'smote (k=3)']
    """
    flat = [flatten(config) if isinstance(config, Mapping) else {} for config in configs]
    result = list(names)
    for i, name in enumerate(names):
        twins = [flat[j] for j, other in enumerate(names) if other == name]
        keys = sorted(
            {k for twin in twins for k in twin if any(t.get(k) != twin[k] for t in twins)}
        )
        if len(twins) > 1 and keys:
            parts = [f"{k.rpartition('.')[2]}={flat[i].get(k)}" for k in keys[:3]]
            result[i] = f"{name} ({', '.join(parts)})"
    return result


def row_titles(cells: Sequence[CellResult]) -> list[str]:
    """Return the labels of cells. Equal labels get the parameters in which the cells differ.

    Parameters of the strategy and the kind of neighbor search are compared first, then the
    parameters of the search.
    """
    searches = [dict(cell.config.get("neighbors") or {}) for cell in cells]
    kinds = [str(node.pop("_target_", "exact")).rpartition(".")[2] for node in searches]
    kinds = [kind.removesuffix("Neighbors").lower() for kind in kinds]
    chosen = [
        {**(cell.config.get("strategy") or {}), "neighbors": kind}
        for cell, kind in zip(cells, kinds, strict=True)
    ]
    return distinguish(distinguish([cell.label for cell in cells], chosen), searches)


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten a nested configuration to dotted keys. Lists stay values.

    Examples
    --------
    >>> flatten({"model": {"lr": 0.1, "layers": [64, 64]}})
    {'model.lr': 0.1, 'model.layers': [64, 64]}
    """
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
