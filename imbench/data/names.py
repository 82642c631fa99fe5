"""Names of categories and classes, their order and their codes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def sorted_names(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names numerically if all are integers, else alphabetically.

    Examples
    --------
    >>> sorted_names(["10", "9"]), sorted_names(["b", "a", "10"])
    (('9', '10'), ('10', 'a', 'b'))
    """
    unique = set(names)
    try:
        return tuple(sorted(unique, key=lambda name: (int(name), name)))
    except ValueError:
        return tuple(sorted(unique))


def name_of(value: object) -> str:
    """Return a value as text. 1.0 becomes "1": pandas reads integers with gaps as floats.

    Examples
    --------
    >>> name_of(1.0), name_of(" a ")
    ('1', 'a')
    """
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def codes_of(column: pd.Series) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the code of each row, -1 if it is missing, and the categories in code order.

    Examples
    --------
    >>> codes, names = codes_of(pd.Series(["b", None, "a"]))
    >>> codes.tolist(), names
    ([1, -1, 0], ('a', 'b'))
    """
    raw, uniques = pd.factorize(column)
    names = [name_of(value) for value in uniques]
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        declared = [name_of(value) for value in dtype.categories]
        order = tuple(declared) if dtype.ordered else sorted_names(declared)
    else:
        order = sorted_names(name for name in names if name)
    place = {name: code for code, name in enumerate(order)}
    lookup = np.array([*(place.get(name, -1) for name in names), -1], dtype=np.int64)
    return lookup[raw], order
