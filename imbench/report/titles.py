"""Group cells into blocks, and title blocks and rows so that equal names can be told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from imbench.results.fold import CellResult

# Configuration that the cells of a block share, so that they were tested on the same folds.
SHARED = ("dataset", "fingerprint", "model", "splits", "tuning", "seed")
SHARED_BY_DATASETS = ("model", "splits", "tuning", "seed")
N_KEYS = 3  # settings in a title; more only if those leave titles equal
LONGEST = 24  # characters of a value: hashes and lists are cut
_MISSING = object()


def group_key(cell: CellResult, keys: Sequence[str]) -> str:
    """Return a key that is equal for cells with equal configuration under `keys`."""
    dataset = cell.dataset if "dataset" in keys else ""
    return json.dumps([dataset, cell.model, part_of(cell, keys)], sort_keys=True, default=str)


def part_of(cell: CellResult, keys: Sequence[str]) -> dict[str, Any]:
    """Return the given top-level keys of a cell's configuration, None for missing ones.

    The number of repeats is left out: it says how much is known, not what about.
    """
    part = {key: cell.config.get(key) for key in keys}
    if isinstance(splits := part.get("splits"), Mapping):
        part["splits"] = {key: value for key, value in splits.items() if key != "n_repeats"}
    return part


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
    for name in dict.fromkeys(names):
        twins = [i for i, other in enumerate(names) if other == name]
        keys = _telling([flat[i] for i in twins])
        for i in twins if keys else ():
            result[i] = f"{name} ({_settings(flat[i], keys)})"
    return result


def row_titles(cells: Sequence[CellResult]) -> list[str]:
    """Return the labels of cells. Equal labels get the settings in which the cells differ.

    Parameters of the strategy and the kind of neighbor search are compared first, then the
    parameters of the search, then everything else that cells are identified by.
    """
    searches = [dict(cell.config.get("neighbors") or {}) for cell in cells]
    kinds = [str(node.pop("_target_", "exact")).rpartition(".")[2] for node in searches]
    kinds = [kind.removesuffix("Neighbors").lower() for kind in kinds]
    chosen = [
        {**(cell.config.get("strategy") or {}), "neighbors": kind}
        for cell, kind in zip(cells, kinds, strict=True)
    ]
    titles = distinguish(distinguish([cell.label for cell in cells], chosen), searches)
    rest = [
        {key: value for key, value in cell.config.items() if key not in ("strategy", "neighbors")}
        for cell in cells
    ]
    return distinguish(titles, rest)


def _telling(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return keys that tell configurations apart: three, or more if those leave some equal."""
    if len(configs) < 2:
        return []
    every = sorted({key for config in configs for key in config})
    differ = [k for k in every if len({repr(c.get(k, _MISSING)) for c in configs}) > 1]
    kept = differ[:N_KEYS]
    for key in differ[N_KEYS:]:
        if _n_kinds(configs, [*kept, key]) > _n_kinds(configs, kept):
            kept.append(key)
    return kept


def _n_kinds(configs: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> int:
    return len({repr([config.get(key, _MISSING) for key in keys]) for config in configs})


def _settings(config: Mapping[str, Any], keys: Sequence[str]) -> str:
    """Return the values of some keys, without those that a configuration lacks."""
    shown = [f"{_name(key, keys)}={_value(config[key])}" for key in keys if key in config]
    return ", ".join(shown) or f"no {_name(keys[0], keys)}"


def _name(key: str, keys: Sequence[str]) -> str:
    """Return the last part of a nested key, or more parts where others end alike."""
    paths = [_path(other) for other in keys if other != key]
    path = _path(key)
    n = next(
        (n for n in range(1, len(path)) if all(other[-n:] != path[-n:] for other in paths)),
        len(path),
    )
    return ".".join(path[-n:])


def _path(key: str) -> list[str]:
    """Return the parts of a nested key; a component is called by what it is for."""
    return key.removesuffix("._target_").split(".")


def _value(value: Any) -> str:
    text = str(value)
    if re.fullmatch(r"[a-z_]\w*(\.\w+)+", text):  # a component
        text = text.rpartition(".")[2]
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


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
