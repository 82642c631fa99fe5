"""Turn the typed cells of Parquet files and workbooks into numbers, text, dates or categories.

Text is left as text: :mod:`imbench.data.columns` has its rules.
"""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
from pandas.api import types

from imbench.data.problems import Problem, Way

_NUMBERS = {int, float, decimal.Decimal}
_TIMES = {datetime.date, datetime.datetime, pd.Timestamp, datetime.time}


def is_text(column: pd.Series) -> bool:
    """Return whether a column has the type of text, or none.

    Examples
    --------
    >>> is_text(pd.Series(["a"])), is_text(pd.Series([1.5]))
    (True, False)
    """
    return types.is_object_dtype(column.dtype) or types.is_string_dtype(column.dtype)


def plain(column: pd.Series) -> pd.Series | Problem:
    """Return a column as numbers, dates, categories or text, or what is wrong with it.

    Decimals are numbers, bytes are text in UTF-8, dates and times of day are text in the form of
    ISO 8601, and durations are seconds.

    Parameters
    ----------
    column : Series of shape (n,)
        As pandas reads it.

    Examples
    --------
    >>> plain(pd.Series([decimal.Decimal("1.5"), None])).tolist()
    [1.5, nan]
    >>> print(plain(pd.Series([[1], [2]], name="l")).sentence({}))
    column 'l': holds objects of type list; set 'dataset.drop=[l]'.
    """
    if types.is_timedelta64_dtype(column.dtype):
        return column.dt.total_seconds()
    if types.is_complex_dtype(column.dtype):
        return _refused(column, "complex numbers")
    if not is_text(column):
        return column
    column = column.astype(object).where(column.notna(), None)
    kinds = set(map(type, column.dropna()))
    if bytes in kinds:
        try:
            column = column.map(_decoded, na_action="ignore")
        except UnicodeDecodeError:
            return _refused(column, "bytes that are no text")
        kinds = kinds - {bytes} | {str}
    kinds = {int if issubclass(kind, np.integer) else kind for kind in kinds}
    kinds = {float if issubclass(kind, np.floating) else kind for kind in kinds}
    if kinds <= {str}:
        return column
    if kinds <= {bool, np.bool_}:
        return column.map(str, na_action="ignore")
    if kinds <= _NUMBERS:
        return column.map(float, na_action="ignore").astype(np.float64)
    if kinds <= _TIMES:
        return column.map(lambda cell: cell.isoformat(), na_action="ignore")
    if kinds <= {str, bool} | _NUMBERS | _TIMES:
        # Text beside numbers, in a workbook: the rules of text decide.
        return column.map(str, na_action="ignore")
    odd = kinds - ({str, bool} | _NUMBERS | _TIMES)
    return _refused(column, f"objects of type {min(kind.__name__ for kind in odd)}")


def _decoded(cell: object) -> object:
    return cell.decode("utf-8") if isinstance(cell, bytes) else cell


def _refused(column: pd.Series, what: str) -> Problem:
    name = str(column.name)
    return Problem(name, f"holds {what}", (Way("drop", (name,)),))
