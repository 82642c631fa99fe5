"""Encode a column of new rows, whose kind is known from the rows that were fitted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from imbench.data.cells import is_text, plain
from imbench.data.columns import MISSING_NUMBERS, NUMBER, Column, Format, as_numbers
from imbench.data.dates import part_of, time_stamps
from imbench.data.features import EXACT, read_typed
from imbench.data.frame import some_of
from imbench.data.names import name_of
from imbench.data.problems import Problem
from imbench.errors import DataError

Kind = Literal["numeric", "categorical", "date"]


@dataclass(frozen=True)
class SchemaColumn:
    """A column of the input.

    Parameters
    ----------
    name : str
    kind : {"numeric", "categorical", "date"}
    categories : tuple of str
        Names in the order of their codes 0..C-1.
    parts : tuple of str
        Of a date: those of :data:`imbench.data.dates.PARTS` that became columns of X.
    day_first : bool or None
        Of a date: whether the day stands before the month.
    """

    name: str
    kind: Kind = "numeric"
    categories: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    day_first: bool | None = None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of X that it becomes."""
        if self.kind == "date":
            return tuple(f"{self.name}_{part}" for part in self.parts)
        return (self.name,)


def encoded(column: SchemaColumn, raw: pd.Series, how: Format) -> tuple[NDArray[np.float64], int]:
    """Return the numbers (n, width) of a column, and how many cells hold an unknown category.

    Parameters
    ----------
    column : SchemaColumn
    raw : Series of shape (n,)
        Named as the column.
    how : Format
        How numbers and missing values are written.

    Raises
    ------
    DataError
        If its cells are of another kind.

    Examples
    --------
    >>> values, unseen = encoded(
    ...     SchemaColumn("city", "categorical", ("Kiel", "Ulm")),
    ...     pd.Series(["Ulm", "Rom"], name="city"),
    ...     Format(),
    ... )
    >>> values.tolist(), unseen
    ([[1.0], [nan]], 1)
    """
    if column.kind == "categorical":
        return _codes(column, raw, how)
    if isinstance(raw.dtype, pd.CategoricalDtype):  # of numbers or dates, as they are
        raw = raw.astype(object)
    read = _typed(raw, how, False)
    if column.kind == "numeric":
        return _numbers(read, how)[:, None], 0
    stamps = time_stamps(_dates(read), column.day_first)
    odd = read.values[stamps.isna() & read.values.notna() & ~_is_spelled(read.values)]
    if len(odd):
        raise _wrong(read.values, odd, "a date")
    return np.column_stack([part_of(stamps, part) for part in column.parts]), 0


def _typed(raw: pd.Series, how: Format, is_category: bool) -> Column:
    """Return a column as numbers, dates or text.

    Raises
    ------
    DataError
        If it holds objects, or a number that no float can hold.
    """
    try:
        column = plain(raw)
    except OverflowError as error:
        raise DataError(
            f"column {str(raw.name)!r}: holds a whole number that is too large, above 1.8e308; "
            "write the value, or a missing one."
        ) from error
    if isinstance(column, Problem):
        raise DataError(f"column {str(raw.name)!r}: {column.words}; give numbers, text or dates.")
    return read_typed(column, how, is_category)


def _is_spelled(values: pd.Series) -> pd.Series:
    """Return which cells are one of the usual spellings of a missing number."""
    return values.isin(MISSING_NUMBERS)


def _numbers(read: Column, how: Format) -> NDArray[np.float64]:
    """Return the numbers (n,) of a column."""
    values = read.values
    if read.kind != "numeric":
        left = values.mask(_is_spelled(values)) if is_text(values) else values
        if left.notna().any():
            is_odd = left.notna()
            if is_text(values):  # numbers stand beside what is none
                is_odd &= as_numbers(left.astype(object).where(is_odd, "").map(str), how).isna()
            raise _wrong(values, left[is_odd], "a number")
        return np.full(len(values), np.nan)
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    if n := int(np.isinf(numbers).sum()):
        raise DataError(
            f"column {str(values.name)!r}: has infinite values ({n} of {len(numbers)} cells); "
            "replace them by numbers, or by missing values."
        )
    return numbers


def _dates(read: Column) -> pd.Series:
    """Return the dates of a column, as text or typed."""
    values = read.values
    if types.is_datetime64_any_dtype(values.dtype):
        return values
    if not is_text(values):
        if values.notna().any():
            raise _wrong(values, values.dropna(), "a date")
        return pd.Series(pd.NaT, index=values.index, name=values.name)
    return values.mask(_is_spelled(values))


def _codes(column: SchemaColumn, raw: pd.Series, how: Format) -> tuple[NDArray[np.float64], int]:
    """Return the codes (n, 1) of a column of categories, and its cells of unknown ones."""
    read = _typed(raw, how, True)
    values = read.values
    raw_codes, uniques = pd.factorize(values)
    names = [name_of(value) for value in uniques]
    is_number = types.is_numeric_dtype(values.dtype) and not types.is_bool_dtype(values.dtype)
    has_numbers = any(isinstance(value_of(name), float) for name in column.categories)
    is_other = read.kind == "date" or (is_number and not has_numbers)
    if is_other and names:
        wanted = f"one of {some_of(map(repr, column.categories), 5)}"
        raise _wrong(values, values.dropna(), wanted)
    place = {name: float(code) for code, name in enumerate(column.categories)}
    if not all(name in place for name in names):
        others = _by_value(column.categories)
        place |= {name: others.get(value_of(name), np.nan) for name in names if name not in place}
    lookup = np.array([*(place[name] for name in names), np.nan])
    codes = lookup[raw_codes]
    unseen = int(np.isnan(codes[raw_codes >= 0]).sum())
    return codes[:, None], unseen


def value_of(name: str) -> float | str | None:
    """Return the number or the truth value that the name of a category means, None if neither.

    The same value has several names: pandas reads the text 007 as 7, and true as True.

    Examples
    --------
    >>> value_of("007"), value_of("3.0"), value_of("TRUE"), value_of("Ulm")
    (7.0, 3.0, 'true', None)
    """
    if name.casefold() in ("true", "false"):
        return name.casefold()
    number = float(name) if NUMBER.fullmatch(name) else np.nan
    return number if abs(number) < EXACT else None


def _by_value(categories: tuple[str, ...]) -> dict[float | str | None, float]:
    """Return codes by the values that one category alone means."""
    values = [value_of(name) for name in categories]
    counts = Counter(values)
    return {v: float(i) for i, v in enumerate(values) if v is not None and counts[v] == 1}


def _wrong(values: pd.Series, odd: pd.Series, wanted: str) -> DataError:
    """Return the sentence about cells of another kind than those that were fitted."""
    example = str(odd.iloc[0])
    are = "is" if len(odd) == 1 else "are"
    return DataError(
        f"column {str(values.name)!r}: {len(odd)} of {len(values)} cells {are} not {wanted} (such "
        f"as {example!r}), as in the rows that were fitted; write such a value, or a missing one."
    )
