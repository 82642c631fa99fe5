"""Readers of tables, one per file suffix.

:mod:`imbench.data.table` imports this module only when a file is read, because pandas takes long
to import.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
from pandas.api import types

from imbench.components.construct import closest
from imbench.data.arff import ArffTable, read_arff
from imbench.errors import DataError


def _tidy(column: pd.Series, missing: Sequence[str]) -> pd.Series:
    """Strip text, replace markers of missing values by NaN, and convert to numbers if possible."""
    if types.is_numeric_dtype(column.dtype):
        return column
    # pandas reads a column of bools with blanks as objects. As text they stay True and False.
    text = column.astype(object).map(lambda v: v if v != v else str(v).strip())
    text = text.mask(text.isin(["", *missing]))
    try:
        return pd.to_numeric(text)
    except (TypeError, ValueError):
        return text


def _read_separated(path: Path, separator: str, missing: Sequence[str]) -> ArffTable:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, delimiter=separator, skipinitialspace=True), [])
    names = [name.strip() for name in header]
    if twice := [name for name in dict.fromkeys(names) if name and names.count(name) > 1]:
        # pandas would silently rename the second one to "x.1".
        raise DataError(
            f"dataset.path={path}: two columns are named {twice[0]!r}; rename one of them."
        )
    with warnings.catch_warnings():
        # pandas warns about rows longer than the header and truncates them. Here it is an error.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            path,
            sep=separator,
            encoding="utf-8-sig",
            skipinitialspace=True,
            keep_default_na=False,
            na_values=["", *missing],
            index_col=False,
            low_memory=False,
        )
    frame.columns = [str(column).strip() for column in frame.columns]
    return ArffTable(pd.DataFrame({c: _tidy(frame[c], missing) for c in frame.columns}))


def _read_parquet(path: Path, _separator: str, _missing: Sequence[str]) -> ArffTable:
    return ArffTable(pd.read_parquet(path))


def _read_arff(path: Path, _separator: str, _missing: Sequence[str]) -> ArffTable:
    return read_arff(path)


READERS: dict[str, tuple[Callable[[Path, str, Sequence[str]], ArffTable], str]] = {
    ".csv": (_read_separated, ","),
    ".tsv": (_read_separated, "\t"),
    ".parquet": (_read_parquet, ""),
    ".arff": (_read_arff, ""),
    ".dat": (_read_arff, ""),
}


def read_table(path: Path, separator: str | None, missing: Sequence[str]) -> ArffTable:
    r"""Read a file with the reader of its suffix.

    Parameters
    ----------
    path : Path
    separator : str or None
        Column separator of CSV and TSV files. None takes the default of the suffix.
    missing : sequence of str
        Texts that mean "no value" in CSV and TSV files.

    Raises
    ------
    DataError
        If the suffix is unknown, or the file is empty or damaged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "toy.csv")
    ...     _ = path.write_text("a,b\n1,x\n?,y\n")
    ...     read_table(path, None, ["?"]).frame
         a  b
    0  1.0  x
    1  NaN  y
    """
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise DataError(
            f"dataset.path={path}: the suffix {suffix!r} is unknown{closest(suffix, READERS)}; "
            f"imbench reads {', '.join(READERS)}."
        )
    if path.stat().st_size == 0:
        raise DataError(f"dataset.path={path}: the file is empty; give a file with data.")
    reader, default = READERS[suffix]
    try:
        return reader(path, separator or default, missing)
    except (ValueError, OSError, pd.errors.ParserWarning) as error:
        # pandas' ParserError and EmptyDataError, pyarrow's ArrowInvalid and UnicodeDecodeError
        # are ValueErrors.
        reason = str(error).splitlines()[0].strip().rstrip(".") if str(error) else "no text"
        raise DataError(
            f"dataset.path={path}: cannot be read as {suffix} ({type(error).__name__}: {reason}); "
            "mend the file, save it as UTF-8, or set dataset.separator if its columns are not "
            "separated as its suffix says."
        ) from error


def keel_roles(table: ArffTable, path: Path) -> tuple[pd.DataFrame, str]:
    """Return the columns and the target that an ARFF or KEEL file declares.

    The target is ``@outputs``, by default the last attribute. The features are ``@inputs``, by
    default all other attributes.
    """
    frame = table.frame
    named = [*table.inputs, *table.outputs]
    if unknown := [name for name in named if name not in frame.columns]:
        raise DataError(
            f"dataset.path={path}: @inputs or @outputs names {unknown[0]!r}, which is no "
            f"attribute{closest(unknown[0], frame.columns)}; mend the file or set dataset.target."
        )
    if len(table.outputs) > 1:
        raise DataError(
            f"dataset.path={path}: has {len(table.outputs)} @outputs; set dataset.target to one "
            f"of {', '.join(table.outputs)}."
        )
    target = table.outputs[0] if table.outputs else str(frame.columns[-1])
    if table.inputs:
        frame = frame[[*(c for c in table.inputs if c != target), target]]
    return frame, target
