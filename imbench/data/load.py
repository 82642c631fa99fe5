"""Data sets: one source a file, each a function that returns a `Dataset`.

A source is found by the `_target_` of a yaml in ``conf/dataset/``; there is no list to edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from imbench.components.construct import bind, construct, is_component
from imbench.data import cache
from imbench.data.dataset import Dataset, DatasetInfo
from imbench.errors import ConfigError

__all__ = ["RESERVED", "Dataset", "DatasetInfo", "load_dataset", "source_node"]

RESERVED = ("about", "name", "imbalance")
"""Keys of the `dataset` node that are no parameters of its source."""


def source_node(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a `dataset` node that constructs the data: all but the reserved keys."""
    return {key: value for key, value in cfg.items() if key not in RESERVED}


def load_dataset(cfg: Mapping[str, Any]) -> Dataset:
    """Load the data set of a resolved `dataset` node, renamed and thinned as it says.

    Called once a data set by the runner, and by anyone who has such a mapping: all seeds are in
    it, so that equal nodes give equal fingerprints. What was read from files before comes from
    :mod:`imbench.data.cache`.

    Parameters
    ----------
    cfg : mapping
        ``{_target_: path, parameter: value, ...}`` and the reserved keys: ``about`` (ignored
        here), ``name`` (null keeps the name that the source gives) and ``imbalance``, a node
        that constructs a function of a data set (null or empty changes nothing).

    Raises
    ------
    ConfigError
        If a key or a value of the node is wrong.
    DataError
        If the data cannot be read or used.
    """
    source, imbalance = source_node(cfg), cfg.get("imbalance") or {}
    _check(source, "dataset")
    if imbalance:
        _check(imbalance, "dataset.imbalance")
    key = cache.key_of(cfg)
    if key is not None and (known := cache.read(key)) is not None:
        return known
    thin = construct(imbalance, "dataset.imbalance") if imbalance else None
    data: Dataset = construct(source, "dataset")
    if cfg.get("name") is not None:
        data = replace(data, name=_folder_name(cfg["name"]))
    data = data if thin is None else thin(data)
    if key is not None:
        cache.write(key, data, with_arrays=not cache.is_made_in_memory(cfg))
    return data


def _check(node: Mapping[str, Any], key: str) -> None:
    """Raise ConfigError unless the node names an object and fits its signature."""
    if not is_component(node):
        raise ConfigError(
            f"{key} has no _target_, only {sorted(node)}: give the import path of what loads it, "
            f"or choose a yaml of conf/{key.replace('.', '/')}/."
        )
    if problems := bind(node, key):
        raise ConfigError(" ".join(problems))


def _folder_name(name: object) -> str:
    text = str(name)
    if not text.strip() or text in {".", ".."} or set(text) & set("/\\\n"):
        raise ConfigError(
            f"dataset.name={text!r}: becomes the name of a folder; use letters, digits, - and _."
        )
    return text
