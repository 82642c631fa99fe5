"""Load a data set from its description: from the cache, otherwise from its source.

A source is the `_target_` of a yaml file in ``conf/dataset/``, a function that returns a
:class:`imbench.data.dataset.Dataset`. There is no list to edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from imbench.data import cache
from imbench.data.dataset import Dataset
from imbench.data.spec import DatasetSpec


def load(spec: DatasetSpec) -> Dataset:
    """Load a data set, rename it and remove rows as its description says.

    All seeds are part of the description, so that equal descriptions give equal fingerprints.
    Files that were parsed before come from :mod:`imbench.data.cache`.

    Raises
    ------
    ConfigError
        If a value is refused.
    DataError
        If the data cannot be read or used.

    Examples
    --------
    >>> load(DatasetSpec.from_node({"_target_": "imbench.data.digits.load_digits"})).X.shape
    (1797, 64)
    """
    key = cache.key_of(spec)
    if key is not None and (known := cache.read(key)) is not None:
        return known
    thin = None if spec.imbalance is None else spec.imbalance.construct()
    data: Dataset = spec.source.construct()
    if spec.name is not None:
        data = replace(data, name=spec.name)
    data = data if thin is None else thin(data)
    if key is not None:
        cache.write(key, data, with_arrays=not cache.is_made_in_memory(spec))
    return data


def load_dataset(node: Mapping[str, Any]) -> Dataset:
    """Load the data set of a resolved `dataset` node, see :meth:`DatasetSpec.from_node`.

    Raises
    ------
    ConfigError
        If a key or a value of the node is invalid.
    DataError
        If the data cannot be read or used.

    Examples
    --------
    >>> load_dataset({"_target_": "imbench.data.digits.load_digits", "name": "numbers"}).name
    'numbers'
    """
    return load(DatasetSpec.from_node(node))
