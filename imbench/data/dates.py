"""Turn dates and times of day, as text or typed, into time stamps and into columns of numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from imbench.data.columns import CLOCK, LOCAL_DATE
from imbench.data.problems import Problem, Way
from imbench.errors import DataError

STARTS_LOCAL = re.compile(LOCAL_DATE)
PARTS = {"year": "year", "month": "month", "weekday": "day_of_week", "hour": "hour"}
"""Parts of a date, and what pandas calls them."""
TIME_OF_DAY = re.compile(CLOCK)  # without a date


def time_stamps(column: pd.Series, day_first: bool | None = None) -> pd.Series:
    """Return dates as time stamps without a zone, missing where a cell is no date.

    Parameters
    ----------
    column : Series of shape (n,)
        Text or dates.
    day_first : bool or None
        Whether ``03/04/2020`` is in April. None asks for it where both can be meant.

    Raises
    ------
    DataError
        If day and month cannot be told apart.

    Examples
    --------
    >>> time_stamps(pd.Series(["13/04/2020", "01/05/2020"], name="when")).dt.month.tolist()
    [4, 5]
    """
    if types.is_datetime64_any_dtype(column.dtype):
        found = column
    else:
        text = column.map(str, na_action="ignore")
        first = is_day_first(text, day_first)
        found = pd.to_datetime(text, format="mixed", dayfirst=first, errors="coerce", utc=True)
    return found.dt.tz_localize(None) if getattr(found.dt, "tz", None) is not None else found


def is_day_first(text: pd.Series, given: bool | None) -> bool:
    """Return whether the day stands before the month, where both are numbers.

    Raises
    ------
    DataError
        If both can be meant, or the cells contradict each other or what is given.

    Examples
    --------
    >>> is_day_first(pd.Series(["03/04/2020", "13/04/2020"]), None)
    True
    """
    found = {
        match[0]: tuple(map(int, re.split(r"[-/.]", match[0])[:2]))
        for match in map(STARTS_LOCAL.match, text.dropna().unique())
        if match
    }
    day_first = next((cell for cell, (first, _) in found.items() if first > 12), None)
    month_first = next((cell for cell, (_, second) in found.items() if second > 12), None)
    if day_first and month_first:
        raise DataError(
            f"column {text.name!r}: has dates with the day first ({day_first!r}) and with the "
            f"month first ({month_first!r}); write them in one order in the file."
        )
    if odd := (day_first if given is False else month_first if given else None):
        raise DataError(
            f"dataset.day_first={str(given).lower()}: column {text.name!r} holds {odd!r}; set "
            f"dataset.day_first={str(not given).lower()}."
        )
    if given is None and found and not (day_first or month_first):
        raise DataError(
            f"column {text.name!r}: day and month cannot be told apart ({next(iter(found))!r}); "
            "set dataset.day_first=true or dataset.day_first=false."
        )
    return bool(given or day_first)


def date_parts(column: pd.Series, stamps: pd.Series) -> Iterator[tuple[str, Any]]:
    """Yield names and numbers of the parts: year, month, weekday (Monday is 0) and hour.

    Parts that never vary are left out.

    Examples
    --------
    >>> dates = pd.Series(["2020-01-06", "2020-02-08"], name="when")
    >>> [(name, values.tolist()) for name, values in date_parts(dates, time_stamps(dates))]
    [('when_month', [1.0, 2.0]), ('when_weekday', [0.0, 5.0])]
    """
    for part in PARTS:
        values = part_of(stamps, part)
        if len(np.unique(values[~np.isnan(values)])) > 1:
            yield f"{column.name}_{part}", values


def parts_words(name: str, columns: Sequence[str]) -> str:
    """Return what became of a column of dates.

    Parameters
    ----------
    name : str
    columns : sequence of str
        Those that :func:`date_parts` yields in its place.

    Examples
    --------
    >>> parts_words("when", ["when_month", "when_weekday"])
    "column 'when': dates, read as 'when_month', 'when_weekday' (year, hour do not vary)."
    """
    same = [part for part in PARTS if f"{name}_{part}" not in columns]
    more = f" ({', '.join(same)} do{'' if len(same) > 1 else 'es'} not vary)" if same else ""
    return f"column {name!r}: dates, read as {', '.join(map(repr, columns))}{more}."


def part_of(stamps: pd.Series, part: str) -> Any:
    """Return a part of :data:`PARTS` as numbers of shape (n,), NaN where there is no date.

    Examples
    --------
    >>> part_of(pd.to_datetime(pd.Series(["2020-01-06", None])), "month").tolist()
    [1.0, nan]
    """
    return getattr(stamps.dt, PARTS[part]).to_numpy(np.float64, na_value=np.nan)


def date_problem(name: str, example: object, offers_time: bool = True) -> Problem:
    """Return what is wrong with a column of dates that has no role.

    Parameters
    ----------
    name : str
    example : object
        One of its dates.
    offers_time : bool, default=True
        Whether the column can be the time of the rows: no other is, and no cell is missing.

    Examples
    --------
    >>> date_problem("when", "2020-01-31").words
    "holds dates ('2020-01-31')"
    """
    ways = [Way("drop", (name,))]
    if offers_time and not TIME_OF_DAY.fullmatch(str(example)):
        ways.append(Way("time", name, "splits=time to train on earlier rows than those tested"))
    ways.append(Way("dates", "parts", "to have year, month, weekday and hour as columns"))
    return Problem(name, f"holds dates ({str(example)!r})", tuple(ways))
