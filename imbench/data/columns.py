"""Decide what the text of a column is: numbers, dates or categories. Nothing is guessed.

A column whose cells are all numbers, but for the usual spellings of a missing number, is numeric.
One in which most cells are numbers, dates, or numbers with a unit is refused, because as
categories they would lose their meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from imbench.components.override import override
from imbench.data.arrow_numbers import arrow_numbers
from imbench.data.problems import Problem, Way

MISSING_NUMBERS = (
    "#N/A", "#N/A N/A", "#NA", "N/A", "n/a", "NA", "na", "<NA>", "NaN", "nan", "-NaN", "-nan",
    "None", "none", "null", "NULL", "Null", "<null>", "-", "--", ".", "?", "",
)  # fmt: skip
"""Spellings of a missing number. In a column of text they are categories."""
MOSTLY = 0.9  # of the cells that hold something
SHOWN = 3  # cells that a sentence quotes
LISTED = 20  # texts that a setting lists

MONTH = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
ISO_DATE = r"\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?"
LOCAL_DATE = r"\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})"
NAMED_DATE = (
    rf"(\d{{1,2}}[ -]?{MONTH}[ ,-]*(\d{{4}}|\d{{2}})|{MONTH} \d{{1,2}},? \d{{4}}"
    rf"|{MONTH}[ -](\d{{4}}|\d{{2}})|\d{{4}}[ -]{MONTH})"
)
CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?(Z| ?[+-]\d{2}:?\d{2})?"
DATE = re.compile(rf"({ISO_DATE}|{LOCAL_DATE}|{NAMED_DATE})([T ]{CLOCK})?|{CLOCK}")
NUMBER = re.compile(
    r"[-+]?((\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|(?i:inf(inity)?))",
)
DECIMAL_COMMA = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+([eE][-+]?\d+)?")
GROUPED = re.compile(
    r"[-+]?\d{1,3}(?P<sign>[,.' \u2019\u00a0\u202f])\d{3}((?P=sign)\d{3})*([.,]\d+)?"
)
WITH_UNIT = re.compile(
    r"(?P<before>[-+]?[^\w\s.+'\"-]{1,3}|[A-Z]{3})? ?[-+]?\d[\d.,']*"
    r"(?P<after> ?[^\W\d_]{1,6}| ?[^\w\s'\"]{1,2})?"
)
CODE = re.compile(r"0\d+")  # leading zeros, as in postal codes

Kind = Literal["numeric", "categorical", "date"]


@dataclass(frozen=True)
class Format:
    """How numbers and missing values are written.

    Parameters
    ----------
    missing : tuple of str
        Texts that mean "no value" in every column, beside blanks.
    decimal : str, default="."
    thousands : str or None
        Separator of groups of three digits.
    """

    missing: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str | None = None


@dataclass(frozen=True, eq=False)
class Column:
    """A column that was read.

    Parameters
    ----------
    values : Series of shape (n,)
        Numbers (NaN if missing), or text (missing if blank).
    kind : {"numeric", "categorical", "date"}
    spelled : mapping of str to int
        Spellings of missing numbers, and how often each occurs.
    codes : int
        Cells of a numeric column that start with 0, as postal codes do.
    n_numbers : int
        Cells of a column of categories that are numbers.
    problem : Problem or None
        Why the column cannot be used as it is.
    """

    values: pd.Series
    kind: Kind
    spelled: dict[str, int] = field(default_factory=dict)
    codes: int = 0
    n_numbers: int = 0
    problem: Problem | None = None


def read_column(text: pd.Series, how: Format, is_category: bool = False) -> Column:
    """Read a column of text.

    Parameters
    ----------
    text : Series of shape (n,)
        Named; its values are text or missing.
    how : Format
    is_category : bool, default=False
        Whether the user says that it holds categories.

    Examples
    --------
    >>> column = read_column(pd.Series(["1.5", "#N/A", "2"], name="age"), Format())
    >>> column.kind, column.values.tolist(), column.spelled
    ('numeric', [1.5, nan, 2.0], {'#N/A': 1})
    >>> read_column(pd.Series(["chain", "None", "wood"], name="fence"), Format()).kind
    'categorical'
    """
    name = str(text.name)
    if not (is_category or how.thousands):
        fast = arrow_numbers(text, MISSING_NUMBERS, how.missing, how.decimal)
        if fast is not None:
            values = pd.Series(fast[0], index=text.index, name=text.name)
            return Column(_without_missing(values, how), "numeric", fast[1], fast[2])
    stripped = text.map(lambda cell: cell.strip(), na_action="ignore")
    stripped = stripped.mask(stripped.isin(["", *how.missing]))
    if is_category:
        return Column(stripped, "categorical")
    counts = stripped.value_counts()  # of every distinct text
    spelled = counts[counts.index.isin(MISSING_NUMBERS)]
    cells = counts.drop(spelled.index)
    numbers = as_numbers(pd.Series(cells.index, dtype=object), how).to_numpy()
    is_number = ~np.isnan(numbers)
    if len(cells) and is_number.all():
        values = stripped.map(dict(zip(cells.index, numbers, strict=True))).astype(np.float64)
        values = _without_missing(values, how)
        codes = int(cells[[bool(CODE.fullmatch(cell)) for cell in cells.index]].sum())
        return Column(values.rename(text.name), "numeric", spelled.to_dict(), codes)
    is_date = np.array([bool(DATE.fullmatch(cell)) for cell in cells.index], dtype=bool)
    if _share(cells, is_date) >= MOSTLY:
        if is_date.all():
            dates = stripped.mask(stripped.isin(MISSING_NUMBERS))
            return Column(dates, "date", spelled.to_dict())
        return Column(stripped, "date", problem=mixed_problem(name, cells, ~is_date, "date"))
    problem = _number_problem(name, cells, is_number, how) or _unit_problem(name, cells, is_number)
    n_numbers = int(cells[is_number].sum())
    return Column(stripped, "categorical", n_numbers=n_numbers, problem=problem)


def _without_missing(values: pd.Series, how: Format) -> pd.Series:
    """Return numbers without those that ``dataset.missing`` lists, however they are written."""
    if not how.missing:
        return values
    return values.mask(values.isin(as_numbers(pd.Series(how.missing, dtype=object), how)))


def as_numbers(text: pd.Series, how: Format) -> pd.Series:
    """Return text as numbers, exactly as Python reads them, NaN where it is none.

    Examples
    --------
    >>> as_numbers(pd.Series(["1.234,5", "x"]), Format(decimal=",", thousands=".")).tolist()
    [1234.5, nan]
    """
    read = _reader(how)
    return pd.Series([read(cell) for cell in text], index=text.index, dtype=np.float64)


def _reader(how: Format) -> Callable[[str], float]:
    """Return a function from the text of a cell to a number, NaN if it is none."""
    sign, decimal = how.thousands, how.decimal
    group = re.escape(sign or "")
    grouped = re.compile(rf"[-+\u2212]?\d{{1,3}}({group}\d{{3}})+({re.escape(decimal)}\d*)?")

    def read(cell: str) -> float:
        if sign and sign in cell and grouped.fullmatch(cell):
            cell = cell.replace(sign, "")
        if decimal != ".":
            # A point is no decimal sign then: 1.5 is no number.
            cell = cell.replace(".", "?").replace(decimal, ".")
        cell = cell.replace("\u2212", "-")  # the minus sign of typographers
        return float(cell) if NUMBER.fullmatch(cell) else np.nan

    return read


def _share(cells: pd.Series, is_so: Sequence[bool] | np.ndarray) -> float:
    """Return the share of the cells, of which each distinct text has a count."""
    total = int(cells.sum())
    return float(cells[np.asarray(is_so, dtype=bool)].sum() / total) if total else 0.0


def _as_category(name: str) -> Way:
    return Way("categorical", (name,), "if the column holds categories")


def mixed_problem(name: str, cells: pd.Series, is_other: np.ndarray, what: str) -> Problem:
    """Say which cells of a column are unlike the others.

    Parameters
    ----------
    name : str
    cells : Series of shape (n_texts,)
        How often each text occurs.
    is_other : ndarray of bool, shape (n_texts,)
    what : str
        What the others are.

    Examples
    --------
    >>> cells = pd.Series({"1": 9, "x": 1})
    >>> mixed_problem("age", cells, np.array([False, True]), "number").words
    "1 of 10 cells is no number ('x')"
    """
    others = cells[is_other]
    quoted = ", ".join(repr(text) for text in others.index[:SHOWN])
    n, total = int(others.sum()), int(cells.sum())
    more = ", ..." if len(others) > SHOWN else ""
    words = f"{n} of {total} cells {'is' if n == 1 else 'are'} no {what} ({quoted}{more})"
    if len(others) > LISTED:
        mend = f"list the {len(others)} texts in dataset.missing if they mean no value"
        return Problem(name, words, (_as_category(name),), mend)
    missing = Way("missing", tuple(others.index), "if that means no value")
    return Problem(name, words, (missing, _as_category(name)))


def _number_problem(
    name: str, cells: pd.Series, is_number: np.ndarray, how: Format
) -> Problem | None:
    """Say why a column of text looks as if it held numbers; None if it does not."""
    for pattern, find in ((DECIMAL_COMMA, _comma), (GROUPED, _grouped), (NUMBER, _point)):
        matches = np.array([bool(pattern.fullmatch(cell)) for cell in cells.index], dtype=bool)
        matches &= ~is_number
        explains = _share(cells[~is_number], matches[~is_number]) >= MOSTLY
        if explains and _share(cells, matches | is_number) >= MOSTLY:
            found = find(list(cells.index[matches]), how)
            if found is not None:
                return Problem(name, found[0], (*found[1], _as_category(name)))
    if _share(cells, is_number) >= MOSTLY:
        return mixed_problem(name, cells, ~is_number, "number")
    return None


_Found = tuple[str, tuple[Way, ...]] | None


def _comma(cells: list[str], how: Format) -> _Found:
    """Numbers with a comma, where the decimal sign is another."""
    if how.decimal == "," or how.thousands == ",":
        return None
    grouped = [GROUPED.fullmatch(cell) for cell in cells]
    if all(match and match["sign"] == "," for match in grouped):  # 1,151 may be either
        return f"holds numbers with a comma ({cells[0]!r})", (
            Way("decimal", ",", "if the comma is the decimal sign"),
            Way("thousands", ",", "if it stands between thousands"),
        )
    both = f"with {override('dataset.thousands', '.')}" if any("." in c for c in cells) else ""
    return f"holds numbers with a decimal comma ({cells[0]!r})", (Way("decimal", ",", both),)


def _grouped(cells: list[str], how: Format) -> _Found:
    """Numbers with a sign between thousands."""
    found = GROUPED.fullmatch(cells[0])
    sign = found["sign"] if found else ""
    if sign == how.thousands or (sign == how.decimal and sign != "."):
        return None
    both = f"with {override('dataset.decimal', ',')}" if sign == how.decimal else ""
    words = f"holds numbers with {sign!r} between thousands ({cells[0]!r})"
    return words, (Way("thousands", sign, both),)


def _point(cells: list[str], how: Format) -> _Found:
    """Numbers with a point, where the decimal sign is another."""
    words = f"holds numbers with a point ({cells[0]!r}) beside dataset.decimal={how.decimal}"
    ways = [Way("decimal", ".", "if all columns have a decimal point")]
    if how.thousands is None and all(GROUPED.fullmatch(cell) for cell in cells):
        ways.append(Way("thousands", ".", "if the point stands between thousands"))
    return words, tuple(ways)


def _unit_problem(name: str, cells: pd.Series, is_number: np.ndarray) -> Problem | None:
    """Say which unit or currency stands beside the numbers of a column, if one does."""
    found = [WITH_UNIT.fullmatch(cell) for cell in cells.index]
    units = [(match["before"] or match["after"] or "").strip() if match else "" for match in found]
    units = [unit.lstrip("+-") for unit in units]
    weights = cells.groupby(pd.Series(units, index=cells.index)).sum().drop("", errors="ignore")
    if weights.empty:
        return None
    unit = str(weights.idxmax())
    has_unit = np.array([text == unit for text in units]) & ~is_number
    if _share(cells, has_unit | is_number) < MOSTLY or not has_unit.any():
        return None
    example = cells.index[has_unit.argmax()]
    return Problem(
        name,
        f"holds numbers with {unit!r} ({example!r})",
        (_as_category(name),),
        mend=f"remove {unit!r} from the file",
    )
