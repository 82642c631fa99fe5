"""Load the data set that a `dataset` node of the configuration describes.

The loader is imported by the `_target_` of a yaml file in ``conf/dataset/``. No registry has to
be edited to add one.
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
"""Keys of the `dataset` node that are no parameters of the loader."""


def source_node(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Return the loader and its parameters: a `dataset` node without the reserved keys.

    Examples
    --------
    >>> source_node({"_target_": "imbench.data.digits.load_digits", "name": "d", "imbalance": {}})
    {'_target_': 'imbench.data.digits.load_digits'}
    """
    return {key: value for key, value in cfg.items() if key not in RESERVED}


def load_dataset(cfg: Mapping[str, Any]) -> Dataset:
    """Load the data set of a resolved `dataset` node.

    The node contains all seeds, so equal nodes give equal fingerprints. Data sets that were read
    from files before come from :mod:`imbench.data.cache`.

    Parameters
    ----------
    cfg : mapping
        ``{_target_: path, parameter: value, ...}`` and the reserved keys: ``about`` (ignored
        here), ``name`` (null: the name that the loader returns) and ``imbalance``, a node of a
        callable from data set to data set (null or empty: unchanged).

    Raises
    ------
    ConfigError
        If a key or a value of the node is invalid.
    DataError
        If the data cannot be read or used.

    Examples
    --------
    >>> data = load_dataset(
    ...     {
    ...         "_target_": "imbench.data.synthetic.load_synthetic",
    ...         "n_rows": 100,
    ...         "name": "toy",
    ...         "imbalance": {"_target_": "imbench.data.imbalance.LongTail", "ratio": 10},
    ...     }
    ... )
    >>> data.name, data.counts.tolist()
    ('toy', [80, 8])
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
    """Raise ConfigError unless the node names a callable and matches its signature."""
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
