"""Roles of columns: which rows belong together, their time, their weight, and which are tested.

A column with a role is no feature. Nothing is guessed: what cannot be used is told in a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imbench.components.construct import closest
from imbench.components.override import override
from imbench.data.cells import is_text, plain
from imbench.data.columns import MISSING_NUMBERS, Column
from imbench.data.dates import TIME_OF_DAY, time_stamps
from imbench.data.features import FeatureOptions, read_typed
from imbench.data.names import codes_of, name_of
from imbench.data.notices import Notice, listed
from imbench.data.problems import Problem
from imbench.errors import DataError

TRAIN, TEST = "train", "test"  # what a column of dataset.test may say in any case
SAYS = {
    "groups": "says which rows belong together",
    "time": "says when a row was seen",
    "weight": "says how much a row counts",
    "test": "says which rows are tested",
}


@dataclass(frozen=True)
class RoleColumns:
    """The columns that have a role, as the user names them.

    Parameters
    ----------
    groups, time, weight : str or None
    test : str or None
        Column that says which rows are tested.
    test_values : tuple of str
        Its values that mean "tested"; without them it says train or test.
    test_file : str or None
        What ``dataset.test`` is, if it is a file.
    n_appended : int, default=0
        Rows of that file, the last of the table.

    Examples
    --------
    >>> RoleColumns(groups="patient", test="fold").names
    {'groups': 'patient', 'test': 'fold'}
    """

    groups: str | None = None
    time: str | None = None
    weight: str | None = None
    test: str | None = None
    test_values: tuple[str, ...] = ()
    test_file: str | None = None
    n_appended: int = 0

    @property
    def names(self) -> dict[str, str]:
        """The columns by the key that names them."""
        given = {k: getattr(self, k) for k in ("groups", "time", "weight", "test")}
        return {key: name for key, name in given.items() if name is not None}


@dataclass(eq=False)
class Roles:
    """What the columns with a role hold.

    Attributes
    ----------
    arrays : dict of str to ndarray
        ``groups`` (int64), ``time`` and ``weight`` (float64) of shape (n,), and ``test_index``,
        the rows that are tested: parameters of :class:`imbench.data.dataset.Dataset`.
    notices : list of Notice
        One a role, whose code is its key, or ``date`` for a time that is a date.
    problems : list of str
        Sentences.
    """

    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_roles(frame: pd.DataFrame, columns: RoleColumns, options: FeatureOptions) -> Roles:
    """Read the columns that have a role.

    Parameters
    ----------
    frame : DataFrame of shape (n, columns)
    columns : RoleColumns
        Of which all exist.
    options : FeatureOptions
        How numbers and dates are written.

    Examples
    --------
    >>> frame = pd.DataFrame({"who": ["b", "a", "b"], "when": ["1970-01-02", "1971", "1970-01-01"]})
    >>> found = read_roles(frame, RoleColumns(groups="who"), FeatureOptions())
    >>> found.arrays["groups"].tolist()
    [1, 0, 1]
    """
    found = Roles()
    for key, name in columns.names.items():
        raw = frame[name]
        try:
            code = key
            if key == "groups":
                found.arrays["groups"] = _groups(raw, options)
            elif key == "time":
                found.arrays["time"], is_date = _time(raw, options)
                code = "date" if is_date else key
            elif key == "weight":
                found.arrays["weight"] = _weight(raw, options)
            else:
                found.arrays["test_index"] = _tested(raw, columns.test_values, options)
            found.notices.append(Notice(code, f"column {name!r} {SAYS[key]}.", name))
        except DataError as error:
            text = str(error)
            is_whole = text.startswith(("column ", "dataset."))
            found.problems.append(text if is_whole else f"dataset.{key}={name}: {text}")
    if columns.test_file is not None:
        found.arrays["test_index"] = np.arange(len(frame) - columns.n_appended, len(frame))
        found.notices.append(Notice("test", f"the rows of {columns.test_file} are tested."))
    return found


def _plain(raw: pd.Series) -> pd.Series:
    """Return a column as numbers, dates or text.

    Raises
    ------
    DataError
        If it holds objects.
    """
    column = plain(raw)
    if isinstance(column, Problem):
        raise DataError(f"{column.words}; choose another column.")
    return column


def _complete(is_missing: Any) -> None:
    """Raise DataError if a row has no value."""
    n = int(np.sum(is_missing))
    if n:
        rows = f"{n} of {len(is_missing)} rows"
        has = "has" if n == 1 else "have"
        raise DataError(
            f"{rows} {has} no value; write one in each row of the file, or leave such rows out."
        )


def _groups(raw: pd.Series, options: FeatureOptions) -> NDArray[np.int64]:
    """Return the number of the group of each row, in the order of their names."""
    column = _plain(raw)
    read = read_typed(column, options.how, True)
    values = read.values
    if is_text(column):  # where all others are numbers, #N/A is no name
        is_spelled = values.isin(MISSING_NUMBERS)
        if is_spelled.any() and read_typed(column, options.how, False).kind == "numeric":
            values = values.mask(is_spelled)
    codes, names = codes_of(values)
    _complete(codes < 0)
    present, groups = np.unique(codes, return_inverse=True)
    if len(present) == 1:
        raise DataError(f"every row is of the group {names[present[0]]!r}; choose another column.")
    return groups.astype(np.int64)


def _time(raw: pd.Series, options: FeatureOptions) -> tuple[NDArray[np.float64], bool]:
    """Return numbers, or days since 1970 and that they are dates."""
    read = read_typed(_plain(raw), options.how, False)
    if read.kind == "numeric":
        return _numbers(read, "dates or numbers"), False
    if read.kind != "date" or read.problem is not None:
        raise _unusable(read, "a date or a number")
    values = read.values
    if is_text(values):
        clocks = [cell for cell in values.dropna().unique() if TIME_OF_DAY.fullmatch(cell)]
        if clocks:
            raise DataError(
                f"holds times of day without a date ({clocks[0]!r}), which say no order of "
                "days; write both in one column of the file."
            )
    stamps = time_stamps(values, options.day_first)
    odd = values[stamps.isna() & values.notna()]
    if len(odd):
        raise DataError(f"holds {str(odd.iloc[0])!r}, which is no date; mend it in the file.")
    _complete(stamps.isna())
    # In NumPy, because pandas overflows where one of two dates is beyond 2262.
    days = (stamps.to_numpy() - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
    return days.astype(np.float64), True


def _weight(raw: pd.Series, options: FeatureOptions) -> NDArray[np.float64]:
    """Return how much each row counts."""
    read = read_typed(_plain(raw), options.how, False)
    if read.kind != "numeric":
        raise _unusable(read, "a number of at least 0")
    weights = _numbers(read, "numbers of at least 0")
    if (weights < 0).any():
        raise DataError(
            f"{np.sum(weights < 0)} of {len(weights)} weights are below 0, such as "
            f"{weights.min():g}; a weight is how much a row counts, at least 0."
        )
    return weights


def _numbers(read: Column, wanted: str) -> NDArray[np.float64]:
    """Return numbers, of which each row has one."""
    numbers = read.values.to_numpy(np.float64, na_value=np.nan)
    _complete(np.isnan(numbers))
    if np.isinf(numbers).any():
        raise DataError(f"holds infinite values; write {wanted} in the file.")
    return numbers


def _unusable(read: Column, wanted: str) -> DataError:
    """Return why a column of text or of dates has no such role."""
    if read.problem is None:
        words = f"holds {str(read.values.dropna().iloc[0])!r}" if read.values.notna().any() else ""
        return DataError(
            f"{words or 'holds no value'}, and needs {wanted} in each row; choose another column, "
            "or mend the file."
        )
    ways = [way.written({}) for way in read.problem.ways if way.key in ("decimal", "thousands")]
    advice = f"set {' or '.join(ways)}" if ways else read.problem.mend
    is_list = advice.startswith("list the")  # missing values are of no use here
    mend = f"write {wanted} in each row of the file, or leave such rows out"
    return DataError(f"{read.problem.words}; {mend if is_list or not advice else advice}.")


def _tested(
    raw: pd.Series, tested_values: Sequence[str], options: FeatureOptions
) -> NDArray[np.int64]:
    """Return the rows that are tested."""
    read = read_typed(_plain(raw), options.how, False)
    values = read.values
    if read.kind == "date":
        values = values.map(str, na_action="ignore")
    names = values.map(name_of, na_action="ignore")
    _complete(names.isna())
    found = list(dict.fromkeys(names))
    wanted = {value.strip().casefold() for value in tested_values}
    if not wanted:
        if not {name.casefold() for name in found} <= {TRAIN, TEST}:
            raise DataError(_ask_for_values(raw, names))
        wanted = {TEST}
    folded = names.map(str.casefold)
    if unknown := [v for v in tested_values if v.strip().casefold() not in set(folded)]:
        raise DataError(
            f"dataset.test_values=[{','.join(tested_values)}]: column {str(raw.name)!r} does "
            f"not hold {unknown[0]!r}{closest(unknown[0], found)}; it holds {listed(found, 8)}."
        )
    tested = np.flatnonzero(folded.isin(wanted))
    if len(tested) in (0, len(names)):
        which = "no row" if len(tested) == 0 else "every row"
        raise DataError(
            f"says that {which} is tested (it holds {listed(found, 8)}); set dataset.test_values "
            "to those of its values that mean so, or choose another column."
        )
    return tested


def _ask_for_values(raw: pd.Series, names: pd.Series) -> str:
    """Say which values a column holds, with the setting that says what they mean."""
    counts = names.value_counts()
    named = [name for name in counts.index if name.casefold() == TEST]
    value = str(named[0] if named else counts.index[-1])
    fix = f"{override('dataset.test', str(raw.name))} {override('dataset.test_values', [value])}"
    return (
        f"holds {listed([str(name) for name in counts.index], 8)}, and not train and test alone; "
        f"set {fix} if the {counts[value]} rows with {value!r} are those to test."
    )


def untrained(
    test: str, y: NDArray[np.int64], tested: NDArray[np.int64], names: Sequence[str]
) -> str:
    """Say which class stands in test rows only, or return nothing.

    Examples
    --------
    >>> print(untrained("test.csv", np.array([0, 0, 1]), np.array([2]), ("a", "b")))
    dataset.test=test.csv: class 'b' stands in 1 test row only, where nothing can learn it; \
leave it out of the file, or move some of its rows.
    >>> untrained("test.csv", np.array([0, 1, 1]), np.array([2]), ("a", "b"))
    ''
    """
    counts = np.bincount(y, minlength=len(names))
    left = counts - np.bincount(y[tested], minlength=len(names))
    lost = np.flatnonzero((left == 0) & (counts > 0))
    if not len(lost):
        return ""
    n = int(counts[lost[0]])
    return (
        f"dataset.test={test}: class {names[lost[0]]!r} stands in {n} test row{'s' * (n != 1)} "
        "only, where nothing can learn it; leave it out of the file, or move some of its rows."
    )


def joined(
    train: pd.DataFrame,
    tested: pd.DataFrame,
    test: str,
    path: str,
    drop: Sequence[str],
    needed: Iterable[str],
) -> pd.DataFrame:
    """Return the rows of two files, those to test last.

    Parameters
    ----------
    train, tested : DataFrame
        Their columns may stand in another order.
    test, path : str
        What the user calls the files.
    drop : sequence of str
        Columns that are left out, which one of the files may lack.
    needed : iterable of str
        Columns that cannot be left out: the target, and those with a role.

    Raises
    ------
    DataError
        If one of the files lacks a column.

    Examples
    --------
    >>> a, b = pd.DataFrame({"x": ["1"], "y": ["2"]}), pd.DataFrame({"y": ["3"], "x": ["4"]})
    >>> joined(a, b, "b.csv", "a.csv", (), ["y"]).to_numpy().tolist()
    [['1', '2'], ['4', '3']]
    """
    lacking = [c for c in train.columns if c not in tested.columns and c not in drop]
    extra = [c for c in tested.columns if c not in train.columns and c not in drop]
    kept = set(needed)
    if wanted := [c for c in lacking if c in kept]:
        raise DataError(
            f"dataset.test={test}: lacks the column {wanted[0]!r}"
            f"{closest(wanted[0], list(tested.columns))}, which its rows need; write it into the "
            "file."
        )
    if lacking or extra:
        lacks = f"lacks {_columns(lacking)} of {path}" if lacking else ""
        has = f"has {_columns(extra)}, which {path} lacks" if extra else ""
        raise DataError(
            f"dataset.test={test}: {' and '.join(filter(None, (lacks, has)))}; name them alike in "
            f"both files, or set {override('dataset.drop', [*drop, *lacking, *extra])}."
        )
    return pd.concat([train, tested], ignore_index=True)


def _columns(names: Sequence[str]) -> str:
    return f"the column{'' if len(names) == 1 else 's'} {listed(names, 8)}"
