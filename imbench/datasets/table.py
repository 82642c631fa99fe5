"""Any table in a file: CSV, TSV, Parquet, ARFF, KEEL."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api import types

from imbench.components import closest
from imbench.datasets.arff import ArffTable, read_arff
from imbench.datasets.base import Dataset
from imbench.datasets.download import data_folder
from imbench.datasets.frame import as_names, frame_to_dataset, some_of
from imbench.errors import ConfigError, DataError

MISSING = ("?", "<null>", "NA", "N/A", "NaN", "nan", "null", "NULL")
"""Texts that mean "no value" in CSV and TSV files, beside blanks."""


def find_file(path: str, data_dir: str | None) -> Path:
    """Return an existing file: as given from the working directory, else below `data_dir`.

    Raises
    ------
    DataError
        If there is none.
    """
    given = Path(path).expanduser()
    places = [given]
    if not given.is_absolute() and (folder := data_folder(data_dir)) is not None:
        places.append(folder / given)
    for place in places:
        if place.is_file():
            return place
    if given.is_dir():
        raise DataError(f"dataset.path={path}: is a folder; give a file in it.")
    looked = "no such file"
    if not given.is_absolute():
        looked += f" in the working directory {Path.cwd()} or in data_dir={data_dir or 'null'}"
    siblings = {p.name for place in places if place.parent.is_dir() for p in place.parent.iterdir()}
    raise DataError(
        f"dataset.path={path}: {looked}{closest(given.name, siblings)}; give the path of a file, "
        "or set data_dir= or the environment variable IMBENCH_DATA to the folder that holds it."
    )


def _tidy(column: pd.Series, missing: Sequence[str]) -> pd.Series:
    """Strip a column of text, blank what means missing, and make numbers of it if all are."""
    if types.is_numeric_dtype(column.dtype):
        return column
    # A column of bools with blanks arrives as objects: as text they stay True and False.
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
        # pandas would call the second one "x.1" and go on.
        raise DataError(
            f"dataset.path={path}: two columns are named {twice[0]!r}; rename one of them."
        )
    with warnings.catch_warnings():
        # Rows longer than the header: pandas warns and cuts them.
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


_READERS: dict[str, tuple[Callable[[Path, str, Sequence[str]], ArffTable], str]] = {
    ".csv": (_read_separated, ","),
    ".tsv": (_read_separated, "\t"),
    ".parquet": (_read_parquet, ""),
    ".arff": (_read_arff, ""),
    ".dat": (_read_arff, ""),
}


def read_table(path: Path, separator: str | None, missing: Sequence[str]) -> ArffTable:
    """Read a file by its suffix.

    Raises
    ------
    DataError
        If the suffix is unknown, or the file is empty or damaged.
    """
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise DataError(
            f"dataset.path={path}: the suffix {suffix!r} is unknown{closest(suffix, _READERS)}; "
            f"imbench reads {', '.join(_READERS)}."
        )
    if path.stat().st_size == 0:
        raise DataError(f"dataset.path={path}: the file is empty; give a file with data.")
    reader, default = _READERS[suffix]
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


def _keel_roles(table: ArffTable, path: Path) -> tuple[pd.DataFrame, str]:
    """Return columns and target as KEEL means them: @outputs or the last, @inputs or the rest."""
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


def load_table(
    path: str | None = None,
    target: str | int | None = None,
    drop: Any = (),
    categorical: Any = (),
    separator: str | None = None,
    missing: Sequence[str] = MISSING,
    data_dir: str | None = None,
) -> Dataset:
    """Return the data set of a file, named after it.

    Parameters
    ----------
    path : str
        File with the suffix ``.csv``, ``.tsv``, ``.parquet``, ``.arff`` or ``.dat``; a relative
        path is looked up in the working directory, then in `data_dir`.
    target : str
        Column of the classes. For ``.arff`` and ``.dat`` null means ``@outputs``, else the last
        column, and with ``@inputs`` only those are features.
    drop : list of str
        Columns that are left out, such as identifiers.
    categorical : list of str
        Columns of numbers that are categories. Text and bool columns are categories anyway.
    separator : str or None
        Between the columns of CSV and TSV; null goes by the suffix.
    missing : list of str
        Texts that mean "no value" in CSV and TSV, beside blanks.
    data_dir : str or None

    Raises
    ------
    ConfigError, DataError
        One sentence for everything that a file can have wrong.
    """
    if not path:
        raise ConfigError(
            f"dataset.path is missing: set dataset.path=FILE ({', '.join(_READERS)})."
        )
    file = find_file(str(path), data_dir)
    where = f"dataset.path={path}"
    table = read_table(file, separator, as_names(missing, "missing"))
    frame = table.frame
    suffix, dropped = file.suffix.lower(), as_names(drop, "drop")
    if frame.shape[1] == 1 and separator is None and suffix in {".csv", ".tsv"}:
        raise DataError(
            f"{where}: has one column, {frame.columns[0]!r}; set dataset.separator to what "
            "separates the columns, such as ';'."
        )
    if nameless := [
        c for c in frame.columns if str(c).startswith("Unnamed: ") and c not in dropped
    ]:
        raise DataError(
            f"{where}: has a column without a name, as a saved row index is; set "
            f"\"dataset.drop=['{nameless[0]}']\", or name it in the file."
        )
    if target is not None:
        target = str(target)
    elif suffix in {".arff", ".dat"}:
        frame, target = _keel_roles(table, file)
    else:
        raise ConfigError(
            "dataset.target is missing: set it to the column of the classes, one of "
            f"{some_of(frame.columns)}."
        )
    return frame_to_dataset(
        frame,
        target,
        name=file.stem,
        where=where,
        drop=dropped,
        categorical=as_names(categorical, "categorical"),
    )
