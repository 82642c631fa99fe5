"""Convert a data frame to a `Dataset`: encode categories as codes and the target as labels.

Used by all loaders of tables. Nothing is estimated from the rows here. Imputing, scaling and
one-hot encoding are fitted inside the folds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from imbench.components.construct import closest
from imbench.components.override import override
from imbench.data.dataset import Dataset
from imbench.data.features import FeatureOptions, Features, class_column
from imbench.data.names import codes_of, sorted_names
from imbench.data.problems import sentences
from imbench.data.roles import RoleColumns, Roles, read_roles, untrained
from imbench.errors import DataError

# A target with more than 20 classes and fewer than 10 rows per class is taken for a measurement.
_MANY_CLASSES, _ROWS_A_CLASS = 20, 10
NO_ROLES = RoleColumns()


def _labels(
    column: pd.Series, target: str, missing: Sequence[str], insists: bool
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the labels and the class names of the target column.

    Raises
    ------
    DataError
        If a row has no class, or the values look like measurements and the user does not insist.
    """
    key = f"dataset.target={target}"
    as_classes = f"set {override('dataset.categorical', [target])} if every value is a class"
    if types.is_float_dtype(column.dtype) and not insists:
        values = column.to_numpy(np.float64, na_value=np.nan)
        odd = values[~np.isnan(values) & (np.isinf(values) | (values != np.floor(values)))]
        if len(odd):
            raise DataError(
                f"{key}: holds numbers that name no class, such as {odd[0]}; choose a column of "
                f"classes, cut it into classes first, or {as_classes}."
            )
    codes, names = codes_of(column)
    if n_missing := int((codes < 0).sum()):
        spelled = ", ".join(map(repr, missing))
        keep = f", or take the name of a class out of dataset.missing ({spelled})"
        raise DataError(
            f"{key}: {n_missing} of {len(codes)} rows have no class; remove those rows from the "
            f"file{keep if missing else ''}."
        )
    present, labels = np.unique(codes, return_inverse=True)
    if len(present) > _MANY_CLASSES and len(present) * _ROWS_A_CLASS > len(codes) and not insists:
        raise DataError(
            f"{key}: has {len(present)} different values in {len(codes)} rows, fewer than "
            f"{_ROWS_A_CLASS} rows a class; choose a column of classes, cut it into classes "
            f"first, or {as_classes}."
        )
    if len(present) == 1:
        raise DataError(
            f"{key}: every row has the class {names[present[0]]!r}; choose a column with at "
            "least two classes."
        )
    found = [names[code] for code in present]
    order = sorted_names(found)  # a declared order of categories applies to features only
    return np.array([order.index(name) for name in found])[labels], order


def _name_problems(
    frame: pd.DataFrame,
    target: str,
    drop: Sequence[str],
    options: FeatureOptions,
    roles: RoleColumns,
    where: str,
) -> Iterator[str]:
    """Yield what is wrong with the names of columns: two alike, or one that does not exist."""
    if frame.columns.has_duplicates:
        name = frame.columns[frame.columns.duplicated()][0]
        yield f"{where}: two columns are named {name!r}; rename one of them."
    keys = [
        ("target", target),
        *(("drop", c) for c in drop),
        *(("categorical", c) for c in options.categorical),
        *roles.names.items(),
    ]
    several = [part.strip(" []") for part in target.split(",")]
    if target not in frame.columns and len(several) > 1 and set(several) <= set(frame.columns):
        yield (
            f"dataset.target={target}: names {len(several)} columns, and several targets "
            "(multi-label) are not supported; choose one, or join them in the file."
        )
        keys = keys[1:]
    for key, name in keys:
        if name not in frame.columns:
            yield (
                f"dataset.{key}={name}: {where} has no such column"
                f"{closest(name, frame.columns)}; it has {some_of(frame.columns)}."
            )
    if target in drop:
        yield f"dataset.drop={target}: is the target; choose another dataset.target."
    for key, name in roles.names.items():
        if name == target:
            yield f"dataset.{key}={name}: is the target; choose another dataset.{key}, or null."


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


def _read_columns(
    frame: pd.DataFrame,
    target: str,
    drop: Sequence[str],
    options: FeatureOptions,
    columns: RoleColumns,
    where: str,
) -> tuple[NDArray[np.int64], tuple[str, ...], Features, Roles]:
    """Return labels, class names, features and roles.

    Raises
    ------
    DataError
        With a line for each thing that is wrong.
    """
    problems: list[str] = []
    labels: tuple[NDArray[np.int64], tuple[str, ...]] | None = None
    found = Features(options)
    try:
        classes, notices = class_column(frame[target], options.how, target)
        found.notices += notices
        labels = _labels(classes, target, options.how.missing, target in options.categorical)
    except DataError as error:
        problems.append(str(error))
    roles = read_roles(frame, columns, options)
    problems += roles.problems
    for column in frame.columns:
        if column not in (target, *drop, *columns.names.values()):
            found.add(frame[column])
    given = {"drop": drop, "categorical": options.categorical, "missing": options.how.missing}
    problems += [f"{where}: {line}" for line in sentences(found.problems, given)]
    if not (found.columns or problems):
        reasons = " ".join(notice.words for notice in found.notices)
        problems.append(
            f"{where}: no column is left beside the target; drop fewer columns. {reasons}".strip()
        )
    tested = roles.arrays.get("test_index")
    if tested is not None and labels is not None:
        test = columns.test or columns.test_file or ""
        problems += filter(None, [untrained(test, labels[0], tested, labels[1])])
    if problems or labels is None:
        raise DataError("\n".join(problems))
    return *labels, found, roles


def frame_to_dataset(
    frame: pd.DataFrame,
    target: str,
    *,
    name: str,
    where: str,
    drop: Sequence[str] = (),
    options: FeatureOptions | None = None,
    roles: RoleColumns = NO_ROLES,
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
    options : FeatureOptions or None
        How the columns of features are read.
    roles : RoleColumns, default=NO_ROLES
        Columns that are no features.

    Raises
    ------
    DataError
        If a column is unknown, or with one line for each column that is unusable.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [31, 44, 52], "city": ["Ulm", "Kiel", "Ulm"], "y": [0, 1, 0]})
    >>> data = frame_to_dataset(frame, "y", name="people", where="example")
    >>> data.X.tolist(), data.categories
    ([[31.0, 1.0], [44.0, 0.0], [52.0, 1.0]], {1: ('Kiel', 'Ulm')})
    """
    options = options or FeatureOptions()
    frame = frame.set_axis([str(column) for column in frame.columns], axis=1)
    problems = list(_name_problems(frame, target, drop, options, roles, where))
    if problems:  # without the right columns there is nothing to look at
        raise DataError("\n".join(problems))
    if len(frame) == 0:
        raise DataError(f"{where}: has a header but no rows; give a file with data.")
    y, class_names, found, seen = _read_columns(frame, target, drop, options, roles, where)
    arrays: dict[str, Any] = seen.arrays
    return Dataset(
        name=name,
        X=np.column_stack(found.columns),
        y=y.astype(np.int64),
        class_names=class_names,
        feature_names=tuple(found.names),
        categories=found.categories,
        notices=(*seen.notices, *found.notices),
        **arrays,
    )
