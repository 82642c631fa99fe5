"""Readers of tables, one per file suffix.

:mod:`imbench.data.table` imports this module only when a file is read, because pandas takes long
to import.
"""

from __future__ import annotations

import csv
import io
import lzma
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from imbench.components.construct import closest
from imbench.components.override import override
from imbench.data.arff import ArffTable, read_arff
from imbench.data.columns import Format
from imbench.data.notices import Notice
from imbench.data.text_files import (
    SUFFIXES,
    Layout,
    column_names,
    read_bytes,
    read_text,
    split_suffix,
)
from imbench.errors import DataError

READ = (*SUFFIXES, ".parquet", ".xlsx", ".arff", ".dat")
"""Suffixes of files that are read; each may be followed by .gz, .zip, .bz2 or .xz."""


DAMAGED = (
    ValueError, OSError, EOFError, RuntimeError, KeyError, csv.Error, zipfile.BadZipFile,
    zlib.error, lzma.LZMAError, pd.errors.ParserWarning,
)  # fmt: skip
"""What readers raise: pandas' ParserError and pyarrow's ArrowInvalid are ValueErrors."""

AS_USUAL, POINTS = Layout(), Format()


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as a file holds it.

    Parameters
    ----------
    frame : DataFrame
        Text where the file holds text, else typed columns.
    inputs, outputs : tuple of str
        Roles that a KEEL or ARFF file declares.
    notes : tuple of Notice
        What was detected.
    has_roles : bool
        Whether the file may name the target.
    """

    frame: pd.DataFrame
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    notes: tuple[Notice, ...] = ()
    has_roles: bool = False


def read_table(path: Path, layout: Layout = AS_USUAL, how: Format = POINTS) -> RawTable:
    r"""Read a file with the reader of its suffix.

    Parameters
    ----------
    path : Path
    layout : Layout
        How a text file is divided into cells.
    how : Format
        How it writes numbers.

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
    ...     read_table(path).frame
       a  b
    0  1  x
    1  ?  y
    """
    suffix, compression = split_suffix(path)
    if suffix not in READ:
        raise DataError(
            f"dataset.path={path}: the suffix {suffix!r} is unknown{closest(suffix, READ)}; "
            f"imbench reads {', '.join(READ)}, also as .gz or .zip."
        )
    if path.stat().st_size == 0:
        raise DataError(f"dataset.path={path}: the file is empty; give a file with data.")
    try:
        return _read(path, suffix, bool(compression), layout, how)
    except DAMAGED as error:
        reason = str(error).splitlines()[0].strip().rstrip(".") if str(error) else "no text"
        way = ", or set dataset.separator to what separates its columns"
        if suffix in SUFFIXES and path.read_bytes()[:1] == b"#":
            way = f", or set {override('dataset.comment', '#')} if lines with # are comments"
        raise DataError(
            f"dataset.path={path}: cannot be read as {suffix} ({type(error).__name__}: {reason}); "
            f"mend the file{way if suffix in SUFFIXES else ''}."
        ) from error


def _read(path: Path, suffix: str, is_packed: bool, layout: Layout, how: Format) -> RawTable:
    if suffix in SUFFIXES:
        frame, notes = read_text(path, layout, how)
        return RawTable(frame, notes=tuple(notes))
    if suffix in (".arff", ".dat"):
        table: ArffTable = read_arff(path, layout.encoding)
        return RawTable(table.frame, table.inputs, table.outputs, has_roles=True)
    source: Any = io.BytesIO(read_bytes(path)) if is_packed else path
    if suffix == ".parquet":
        frame = pd.read_parquet(source)
        if any(name is not None for name in frame.index.names):
            frame = frame.reset_index()  # pandas saved a column as the index
    else:
        frame = _read_excel(source, path, layout, how)
    frame.columns = pd.Index([str(name) for name in frame.columns], dtype=object)
    return RawTable(frame)


def _read_excel(source: Any, path: Path, layout: Layout, how: Format) -> pd.DataFrame:
    """Return the only sheet of a workbook; its cells are typed.

    Raises
    ------
    DataError
        If openpyxl is not installed, or there are several sheets.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of styles that openpyxl leaves out
            book = pd.read_excel(
                source,
                sheet_name=None,
                header=None,
                dtype=object,
                keep_default_na=False,
                na_values=[""],
                engine="openpyxl",
            )
    except ImportError as error:
        raise DataError(
            f"dataset.path={path}: workbooks need openpyxl; run pip install 'imbench[xlsx]', or "
            "save the sheet as CSV."
        ) from error
    if len(book) != 1:
        raise DataError(
            f"dataset.path={path}: has {len(book)} sheets ({', '.join(book)}); save the one to be "
            "read as CSV."
        )
    (frame,) = book.values()
    frame = frame.dropna(how="all")
    if layout.header is False or frame.empty:
        return frame.reset_index(drop=True)
    first = ["" if pd.isna(cell) else str(cell) for cell in frame.iloc[0]]
    names = column_names(first, f"dataset.path={path}", layout, how)
    return frame.iloc[1:].reset_index(drop=True).set_axis(names, axis=1)


def declared_roles(table: RawTable, path: Path) -> tuple[pd.DataFrame, str]:
    """Return the columns and the target that an ARFF or KEEL file declares.

    The target is ``@outputs``, by default the last attribute. The features are ``@inputs``, by
    default all other attributes.
    """
    frame = table.frame
    named: Sequence[str] = [*table.inputs, *table.outputs]
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
