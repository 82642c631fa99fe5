"""Read the columns of features one by one: what is wrong with them is told at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from imbench.data.cells import is_text, plain
from imbench.data.columns import (
    CODE,
    MISSING_NUMBERS,
    Column,
    Format,
    as_numbers,
    mixed_problem,
    read_column,
)
from imbench.data.dates import date_parts, date_problem, parts_words, time_stamps
from imbench.data.names import codes_of, name_of
from imbench.data.notices import Notice
from imbench.data.problems import Problem, Way
from imbench.errors import DataError

EXACT = 2**53  # larger integers are not exact as numbers of 64 bits
MIXED = 0.5  # the share of numbers from which a column of categories gets a notice


@dataclass(frozen=True)
class FeatureOptions:
    """How the columns of features are read.

    Parameters
    ----------
    how : Format
        How numbers and missing values are written.
    categorical : tuple of str
        Columns of categories, whatever they look like.
    dates : {"parts"} or None
        Whether dates become columns of numbers; else they are refused.
    day_first : bool or None
        Whether ``03/04/2020`` is in April.
    keeps_constants : bool, default=False
        Whether columns of one value stay. Those of published tables do: the results that were
        stored for them are found by their content.
    offers_time : bool, default=True
        Whether a column of dates can be the time of the rows: no other column is.
    """

    how: Format = field(default_factory=Format)
    categorical: tuple[str, ...] = ()
    dates: str | None = None
    day_first: bool | None = None
    keeps_constants: bool = False
    offers_time: bool = True


@dataclass
class Features:
    """The columns that were read so far.

    Attributes
    ----------
    columns : list of ndarray of shape (n,)
    names : list of str
    categories : dict of int to tuple of str
        Categories of a column, by its place in `columns`.
    notices : list of Notice
    problems : list of Problem or str
    """

    options: FeatureOptions
    columns: list[NDArray[np.float64]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    categories: dict[int, tuple[str, ...]] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    problems: list[Problem | str] = field(default_factory=list)

    def add(self, raw: pd.Series) -> None:
        """Read a column.

        Examples
        --------
        >>> found = Features(FeatureOptions())
        >>> found.add(pd.Series(["1", "-", "3"], name="age"))
        >>> found.columns[0].tolist(), found.notices[0].code
        ([1.0, nan, 3.0], 'missing-spelled')
        """
        name, options = str(raw.name), self.options
        column = plain(raw)
        if isinstance(column, Problem):
            self.problems.append(column)
            return
        if types.is_timedelta64_dtype(raw.dtype):
            self._note("duration", name, "holds durations, read as seconds.")
        read = read_typed(column, options.how, name in options.categorical)
        values = read.values
        if read.problem is not None:
            self.problems.append(read.problem)
        elif values.isna().all():
            self._leave_out(name, "empty-column", "holds no value")
        elif values.nunique(dropna=False) == 1 and not options.keeps_constants:
            self._leave_out(name, "constant-column", f"holds {name_of(values.iloc[0])!r} alone")
        elif read.kind == "date":
            self._add_dates(read)
        elif read.kind == "numeric":
            self._add_numbers(read)
        else:
            self._add_categories(read)

    def _add_numbers(self, read: Column) -> None:
        name = str(read.values.name)
        numbers = read.values.to_numpy(np.float64, na_value=np.nan)
        if n_infinite := int(np.isinf(numbers).sum()):
            words = f"has infinite values ({n_infinite} of {len(numbers)} cells)"
            ways = (Way("drop", (name,)),)
            mend = "replace them by numbers, or by blanks to have them imputed"
            self.problems.append(Problem(name, words, ways, mend))
            return
        self._note_spelled(read)
        if read.codes:
            way = self._as_category(name)
            words = f"{_cells(read.codes)} with leading zeros, read as numbers; set {way} if it "
            self._note("leading-zeros", name, f"{words}holds codes.")
        if np.mean(np.abs(numbers) >= EXACT) > MIXED:
            words = "holds integers above 2**53, whose last digits are lost; set "
            way = Way("drop", (name,)).written({})
            self._note("large-integers", name, f"{words}{way} if they are identifiers.")
        self._append(name, numbers)

    def _add_categories(self, read: Column) -> None:
        name, values = str(read.values.name), read.values
        codes, categories = codes_of(values)
        is_chosen = name in self.options.categorical
        declared = isinstance(values.dtype, pd.CategoricalDtype) and values.dtype.ordered
        n_present = int(values.notna().sum())
        if not (is_chosen or declared or len(codes) < 3) and len(
            np.unique(codes[codes >= 0])
        ) == len(codes):
            way = self._as_category(name)
            words = f"has another text in each of the {len(codes):,} rows, as identifiers have"
            self._leave_out(name, "identifier-text", words, f" {way} keeps it.")
            return
        if read.n_numbers >= MIXED * n_present and read.n_numbers:
            words = f"{_cells(read.n_numbers)} of {n_present:,} are numbers"
            self._note("mixed-column", name, f"{words}; it is read as categories.")
        self.categories[len(self.columns)] = categories
        self._append(name, np.where(codes < 0, np.nan, codes.astype(np.float64)))

    def _add_dates(self, read: Column) -> None:
        values, options = read.values, self.options
        if options.dates != "parts":
            offers_time = options.offers_time and not values.isna().any()
            example = values.dropna().iloc[0]
            self.problems.append(date_problem(str(values.name), example, offers_time))
            return
        try:
            stamps = time_stamps(values, options.day_first)
        except DataError as error:
            self.problems.append(str(error))
            return
        name, counts = str(values.name), values.value_counts()
        is_odd = counts.index.isin(values[stamps.isna() & values.notna()])
        if is_odd.any():  # the 30th of February
            self.problems.append(mixed_problem(name, counts, is_odd, "date"))
            return
        self._note_spelled(read)
        parts = list(date_parts(values, stamps))
        if not parts:
            self._leave_out(name, "constant-column", "has one year, month, weekday and hour")
        else:
            self.notices.append(Notice("dates", parts_words(name, [n for n, _ in parts]), name))
        for part, numbers in parts:
            self._append(part, numbers)

    def _append(self, name: str, numbers: NDArray[np.float64]) -> None:
        self.columns.append(numbers)
        self.names.append(name)

    def _note_spelled(self, read: Column) -> None:
        if read.spelled:
            said = ", ".join(repr(text) for text in list(read.spelled)[:3])
            words = f"{_cells(sum(read.spelled.values()))} read as missing ({said})."
            self._note("missing-spelled", str(read.values.name), words)

    def _leave_out(self, name: str, code: str, words: str, more: str = "") -> None:
        self._note(code, name, f"{words}; it is left out.{more}")

    def _note(self, code: str, name: str, words: str) -> None:
        self.notices.append(Notice(code, f"column {name!r}: {words}", name))

    def _as_category(self, name: str) -> str:
        given = {"categorical": self.options.categorical}
        return Way("categorical", (name,)).written(given)


def _cells(n: int) -> str:
    return f"{n:,} cell{'' if n == 1 else 's'}"


def read_typed(column: pd.Series, how: Format, is_category: bool) -> Column:
    """Read a column of text by the rules of text, and a typed one by its type.

    Parameters
    ----------
    column : Series of shape (n,)
        As :func:`imbench.data.cells.plain` returns it.
    how : Format
    is_category : bool
        Whether the user says that it holds categories.

    Examples
    --------
    >>> read_typed(pd.Series([1, -9], name="x"), Format(missing=("-9",)), False).values.tolist()
    [1.0, nan]
    """
    if is_text(column):
        return read_column(column, how, is_category)
    dtype = column.dtype
    if types.is_datetime64_any_dtype(dtype):
        return Column(column, "date")
    if how.missing:
        as_number = as_numbers(pd.Series(how.missing, dtype=object), Format()).dropna()
        is_missing = column.map(name_of, na_action="ignore").isin(how.missing)
        if types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype):
            column = column.astype(np.float64)
            is_missing |= column.isin(as_number)
        column = column.mask(is_missing)
    is_number = types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype)
    return Column(column, "numeric" if is_number and not is_category else "categorical")


def class_column(raw: pd.Series, how: Format, target: str) -> tuple[pd.Series, list[Notice]]:
    """Return the classes and what to say: numbers if every cell is one, else text as it stands.

    The usual spellings of a missing number stay classes, and a notice says so.

    Raises
    ------
    DataError
        If the cells name no classes.

    Examples
    --------
    >>> column, (notice,) = class_column(pd.Series(["N/A", "ok"]), Format(), "y")
    >>> column.tolist(), notice.code
    (['N/A', 'ok'], 'class-missing')
    """
    column = plain(raw)
    if isinstance(column, Problem):
        raise DataError(f"dataset.target={target}: {column.words}; choose another column.")
    if not is_text(column):
        return read_typed(column, how, True).values, []
    text = column.map(lambda cell: str(cell).strip(), na_action="ignore")
    text = text.mask(text.isin(["", *how.missing]))
    cells = text.value_counts()
    numbers = as_numbers(pd.Series(cells.index, dtype=object), how)
    # 007 is not 7, and integers above 2**53 are not exact.
    exact = all(abs(n) < EXACT or np.isinf(n) for n in numbers) and not numbers.isna().any()
    if len(cells) and exact and not any(map(CODE.fullmatch, cells.index)):
        return text.map(dict(zip(cells.index, numbers, strict=True))).astype(np.float64), []
    notices = []
    for name in [name for name in cells.index if name in MISSING_NUMBERS]:
        words = (
            f"column {target!r}: {name!r} is a class of {cells[name]:,} rows, because "
            "dataset.missing does not list it; remove these rows if they have no class."
        )
        notices.append(Notice("class-missing", words))
    return text, notices
