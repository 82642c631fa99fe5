"""Convert a data frame to a `Dataset`: encode categories as codes and the target as labels.

Used by all loaders of tables. Nothing is estimated from the rows here. Imputing, scaling and
one-hot encoding are fitted inside the folds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from imbench.components.construct import closest
from imbench.data.dataset import Dataset
from imbench.errors import DataError

# A target with more than 20 classes and fewer than 10 rows per class is taken for a measurement.
_MANY_CLASSES, _ROWS_A_CLASS = 20, 10


def sorted_names(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names numerically if all are integers, else alphabetically.

    Examples
    --------
    >>> sorted_names(["10", "9"]), sorted_names(["b", "a", "10"])
    (('9', '10'), ('10', 'a', 'b'))
    """
    unique = set(names)
    try:
        return tuple(sorted(unique, key=int))
    except ValueError:
        return tuple(sorted(unique))


def _name(value: object) -> str:
    """Return a value as text. 1.0 becomes "1": pandas reads integers with gaps as floats."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _codes(column: pd.Series) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the code of each row, -1 if it is missing, and the categories in code order."""
    raw, uniques = pd.factorize(column)
    names = [_name(value) for value in uniques]
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        declared = [_name(value) for value in dtype.categories]
        order = tuple(declared) if dtype.ordered else sorted_names(declared)
    else:
        order = sorted_names(name for name in names if name)
    place = {name: code for code, name in enumerate(order)}
    lookup = np.array([*(place.get(name, -1) for name in names), -1], dtype=np.int64)
    return lookup[raw], order


def _labels(column: pd.Series, target: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the labels and the class names of the target column."""
    key = f"dataset.target={target}"
    if types.is_float_dtype(column.dtype):
        values = column.to_numpy(np.float64, na_value=np.nan)
        odd = values[~np.isnan(values) & (np.isinf(values) | (values != np.floor(values)))]
        if len(odd):
            raise DataError(
                f"{key}: holds numbers that name no class, such as {odd[0]}; choose a column of "
                "classes, or cut it into classes first."
            )
    codes, names = _codes(column)
    if n_missing := int((codes < 0).sum()):
        raise DataError(
            f"{key}: {n_missing} of {len(codes)} rows have no class; remove those rows from the "
            "file."
        )
    present, labels = np.unique(codes, return_inverse=True)
    if len(present) > _MANY_CLASSES and len(present) * _ROWS_A_CLASS > len(codes):
        raise DataError(
            f"{key}: has {len(present)} different values in {len(codes)} rows, fewer than "
            f"{_ROWS_A_CLASS} rows a class; choose a column of classes, or cut it into classes "
            "first."
        )
    if len(present) == 1:
        raise DataError(
            f"{key}: every row has the class {names[present[0]]!r}; choose a column with at "
            "least two classes."
        )
    found = [names[code] for code in present]
    order = sorted_names(found)  # a declared order of categories applies to features only
    return np.array([order.index(name) for name in found])[labels], order


def _feature(
    column: pd.Series, where: str, forced: bool
) -> tuple[NDArray[np.float64], tuple[str, ...] | None]:
    """Return a column as numbers, and its categories if the numbers are codes (else None)."""
    dtype, name = column.dtype, column.name
    where = f"{where}: column {name!r}"
    if types.is_datetime64_any_dtype(dtype) or types.is_timedelta64_dtype(dtype):
        raise DataError(f"{where} holds dates; turn it into numbers, or set dataset.drop=[{name}].")
    if column.isna().all():
        raise DataError(f"{where} holds no value; set dataset.drop=[{name}].")
    if types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype) and not forced:
        return column.to_numpy(np.float64, na_value=np.nan), None
    try:
        codes, categories = _codes(column)
    except TypeError as error:
        raise DataError(f"{where} holds lists or objects; set dataset.drop=[{name}].") from error
    declared = isinstance(dtype, pd.CategoricalDtype) and dtype.ordered
    if not (forced or declared) and len(np.unique(codes[codes >= 0])) == len(codes):
        raise DataError(
            f"{where} has another text in each of the {len(codes)} rows, as "
            f"identifiers have; set dataset.drop=[{name}]."
        )
    return np.where(codes < 0, np.nan, codes.astype(np.float64)), categories


def _features(
    frame: pd.DataFrame, names: Sequence[str], where: str, categorical: Sequence[str]
) -> tuple[NDArray[np.float64], dict[int, tuple[str, ...]]]:
    """Return columns as numbers (n, d), and by their places the categories of those with codes."""
    columns, categories = [], {}
    for place, name in enumerate(names):
        values, found = _feature(frame[name], where, name in categorical)
        columns.append(values)
        if found is not None:
            categories[place] = found
    return np.column_stack(columns), categories


def _check_columns(
    frame: pd.DataFrame, target: str, drop: Sequence[str], categorical: Sequence[str], where: str
) -> None:
    """Raise DataError if a column name is duplicated or a named column does not exist."""
    if frame.columns.has_duplicates:
        name = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"{where}: two columns are named {name!r}; rename one of them.")
    keys = [
        ("target", target),
        *(("drop", c) for c in drop),
        *(("categorical", c) for c in categorical),
    ]
    for key, name in keys:
        if name not in frame.columns:
            raise DataError(
                f"dataset.{key}={name}: {where} has no such column"
                f"{closest(name, frame.columns)}; it has {some_of(frame.columns)}."
            )
    if target in drop:
        raise DataError(f"dataset.drop={target}: is the target; choose another dataset.target.")


def some_of(columns: Iterable[object], n_shown: int = 12) -> str:
    """Return the first names as text, with the number of those left out.

    Examples
    --------
    >>> some_of("abcde", n_shown=3)
    'a, b, c and 2 more'
    """
    names = list(map(str, columns))
    more = f" and {len(names) - n_shown} more" if len(names) > n_shown else ""
    return ", ".join(names[:n_shown]) + more


def as_names(value: object, key: str) -> tuple[str, ...]:
    """Return column names as a tuple. `value` may be a list, one name, or None.

    Examples
    --------
    >>> as_names("id", "drop"), as_names(None, "drop")
    (('id',), ())
    """
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return tuple(map(str, value))
    if isinstance(value, str):
        return (value,)
    raise ValueError(f"{key} must be a list of column names, got {value!r}.")


def frame_to_dataset(
    frame: pd.DataFrame,
    target: str,
    *,
    name: str,
    where: str,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
) -> Dataset:
    """Convert a table to a data set.

    Parameters
    ----------
    frame : DataFrame of shape (n, columns)
    target : str
        Column with the class of each row. Class names are the values as text, sorted numerically
        if all are integers, else alphabetically.
    name : str
        Name of the data set.
    where : str
        Origin of the table, for error messages.
    drop : sequence of str
        Columns to leave out.
    categorical : sequence of str
        Numeric columns to treat as categories.

    Raises
    ------
    DataError
        If a column is unknown or unusable.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [31, 44, 52], "city": ["Ulm", "Kiel", "Ulm"], "y": [0, 1, 0]})
    >>> data = frame_to_dataset(frame, "y", name="people", where="example")
    >>> data.X
    array([[31.,  1.],
           [44.,  0.],
           [52.,  1.]])
    >>> data.categories
    {1: ('Kiel', 'Ulm')}
    """
    frame = frame.set_axis([str(column) for column in frame.columns], axis=1)
    _check_columns(frame, target, drop, categorical, where)
    if len(frame) == 0:
        raise DataError(f"{where}: has a header but no rows; give a file with data.")
    y, class_names = _labels(frame[target], target)
    features = [c for c in frame.columns if c != target and c not in drop]
    if not features:
        raise DataError(f"{where}: no column is left beside the target; drop fewer columns.")
    X, categories = _features(frame, features, where, categorical)
    return Dataset(
        name=name,
        X=X,
        y=y.astype(np.int64),
        class_names=class_names,
        feature_names=tuple(features),
        categories=categories,
    )
