"""Read separated text files as text: compression, encoding, separator, header.

:mod:`imbench.data.columns` decides afterwards what each column holds.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from imbench.components.override import override
from imbench.data.columns import Format, as_numbers
from imbench.data.notices import Notice
from imbench.errors import DataError

SUFFIXES = {".csv": ",", ".tsv": "\t", ".txt": None, ".data": None}
"""Suffixes of text files, with the separator that is preferred."""
COMPRESSED: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
CANDIDATES = (",", ";", "\t", "|")
SPACES = r"\s+"
NAMELESS = "Unnamed: "  # and the place of a column, as in pandas
PEEKED = 64 * 1024  # bytes from which the separator is detected


@dataclass(frozen=True)
class Layout:
    r"""How a text file is divided into cells.

    Parameters
    ----------
    separator : str or None
        One character, or ``\s+`` for any number of blanks. None detects it.
    header : bool or None
        Whether the first line names the columns. None expects names, and refuses numbers.
    encoding : str or None
        None is UTF-8, with or without a byte order mark, or UTF-16 with one.
    comment : str or None
        A character that starts a comment.
    """

    separator: str | None = None
    header: bool | None = None
    encoding: str | None = None
    comment: str | None = None


def split_suffix(path: Path) -> tuple[str, str]:
    """Return the suffix of a file and that of its compression, in lower case.

    Examples
    --------
    >>> split_suffix(Path("churn.CSV.gz")), split_suffix(Path("churn.zip"))
    (('.csv', '.gz'), ('.csv', '.zip'))
    """
    suffix = path.suffix.lower()
    if suffix in (*COMPRESSED, ".zip"):
        return Path(path.stem).suffix.lower() or ".csv", suffix
    return suffix, ""


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, decompressed.

    Raises
    ------
    DataError
        If a zip archive holds several files.
    """
    compression = split_suffix(path)[1]
    if compression == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [
                n for n in archive.namelist() if not n.endswith("/") and not n.startswith("__")
            ]
            if len(names) != 1:
                raise DataError(
                    f"dataset.path={path}: the archive holds {len(names)} files; unpack it and "
                    "give one of them."
                )
            return archive.read(names[0])
    if compression:
        with COMPRESSED[compression](path) as file:
            content: bytes = file.read()
        return content
    return path.read_bytes()


def decode(content: bytes, encoding: str | None, where: str) -> str:
    """Return the text of a file.

    Raises
    ------
    DataError
        If the encoding is unknown, or the bytes are not in it.

    Examples
    --------
    >>> decode("état".encode("latin-1"), "latin-1", "toy.csv")
    'état'
    """
    if encoding is None:
        marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        encoding = "utf-16" if content.startswith(marks) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except LookupError as error:
        raise DataError(
            f"dataset.encoding={encoding}: is not known to Python; use one such as latin-1."
        ) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{where}: line {line} is not {encoding.removesuffix('-sig').upper()}; set "
            f"{override('dataset.encoding', 'latin-1')}, or the encoding it was saved in."
        ) from error


def detect_separator(text: str, preferred: str | None) -> str | None:
    r"""Return what divides every line into the same number of cells, at least two.

    Parameters
    ----------
    text : str
        The first lines of a file.
    preferred : str or None
        Is taken where several would do.

    Returns
    -------
    str or None
        None where nothing divides all lines alike.

    Examples
    --------
    >>> detect_separator("a;b\n1,5;2,5\n3,5;4,5\n", preferred=",")
    ';'
    """
    lines = [line for line in text.splitlines() if line.strip()][:200]
    found = {}
    for separator in CANDIDATES:
        widths = {len(row) for row in csv.reader(lines, delimiter=separator)}
        if len(widths) == 1 and (width := widths.pop()) > 1:
            found[separator] = width
    if not found:
        widths = {len(line.split()) for line in lines}
        return SPACES if len(widths) == 1 and widths.pop() > 1 else None
    header_like = lines[0] if lines else ""
    if preferred in found and header_like.count(preferred) >= found[preferred] - 1:
        # A decimal comma divides every line too: then the other one divides the header as well.
        others = [s for s in found if s != preferred and s in header_like]
        if not others or preferred in header_like:
            return preferred
    return max(found, key=lambda separator: (separator in header_like, found[separator]))


def read_text(path: Path, layout: Layout, how: Format) -> tuple[pd.DataFrame, list[Notice]]:
    r"""Read a file as columns of text.

    Returns
    -------
    frame : DataFrame
        Cells as text; blank ones are empty. Without a header the columns are ``0``, ``1``, ...
    notes : list of Notice
        What was detected, as a setting, and empty columns behind the last name.

    Raises
    ------
    DataError
        If the file has a header of numbers, two columns of one name, or a line with too few cells.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "toy.csv")
    ...     _ = path.write_text("a;b\n1,5;x\n")
    ...     frame, notes = read_text(path, Layout(), Format())
    >>> frame.to_numpy().tolist(), *map(str, notes)
    ([['1,5', 'x']], '\'dataset.separator=";"\' was detected. [detected-format]')
    """
    where = f"dataset.path={path}"
    text = decode(read_bytes(path), layout.encoding, where)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    peek = text[:PEEKED]
    if len(text) > PEEKED:
        peek = peek[: peek.rfind("\n") + 1]
    if layout.comment:
        peek = "\n".join(line.split(layout.comment)[0] for line in peek.splitlines())
    default = SUFFIXES.get(split_suffix(path)[0])
    given = {r"\t": "\t"}.get(layout.separator or "", layout.separator)
    separator = given or detect_separator(peek, default) or default or ","
    notes = []
    if given is None and separator != default:
        way = override("dataset.separator", separator.replace("\t", r"\t"))
        notes.append(Notice("detected-format", f"{way} was detected."))
    names = None
    if layout.header is not False:
        names = column_names(_first_row(peek, separator), where, layout, how)
    frame = _cells(text, separator, layout)
    frame.columns = pd.Index(names or map(str, range(frame.shape[1])), dtype=object)
    while frame.shape[1] > 1 and _is_blank(frame.iloc[:, -1]):
        last = frame.columns[-1]
        words = f"column {last!r}: has no name and no value, as lines end with {separator!r}"
        notes.append(Notice("empty-column", f"{words}; it is left out.", last))
        frame = frame.drop(columns=last)
    _check_short_rows(frame, text, separator, layout, where)
    return frame, notes


def _is_blank(column: pd.Series) -> bool:
    return str(column.name).startswith(NAMELESS) and bool(column.isna().all())


def _cells(text: str, separator: str, layout: Layout) -> pd.DataFrame:
    with warnings.catch_warnings():
        # pandas warns about rows longer than the header and truncates them. Here it is an error.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=None if layout.header is False else 0,
            comment=layout.comment,
            dtype=object,
            skipinitialspace=True,
            keep_default_na=False,
            na_values=[""],
            index_col=False,
        )


def _first_row(peek: str, separator: str) -> list[str]:
    if separator == SPACES:
        return next((line for line in peek.splitlines() if line.strip()), "").split()
    reader = csv.reader(io.StringIO(peek), delimiter=separator, skipinitialspace=True)
    return next((row for row in reader if any(cell.strip() for cell in row)), [])


def _check_short_rows(
    frame: pd.DataFrame, text: str, separator: str, layout: Layout, where: str
) -> None:
    """Raise DataError if a row has fewer cells than the header, which pandas fills in silence."""
    if separator == SPACES or layout.comment or not frame.iloc[:, -1].isna().any():
        return
    width = len(_first_row(text, separator))
    reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    for row in reader:
        if len(row) < width and any(cell.strip() for cell in row):
            raise DataError(
                f"{where}: line {reader.line_num} has {len(row)} cells, the first has {width}; "
                "mend the file."
            )


def column_names(first: Sequence[str], where: str, layout: Layout, how: Format) -> list[str]:
    """Return the names of columns from the first row of a file.

    Raises
    ------
    DataError
        If it holds numbers, or a name twice.

    Examples
    --------
    >>> column_names(["age", ""], "toy.csv", Layout(), Format())
    ['age', 'Unnamed: 1']
    """
    names = [name.strip() for name in first]
    filled = [name for name in names if name]
    n_numbers = int(as_numbers(pd.Series(filled, dtype=object), how).notna().sum())
    if layout.header is None and filled and n_numbers * 2 >= len(filled):
        raise DataError(
            f"{where}: the first line holds {n_numbers} numbers ({', '.join(filled[:3])}, ...), "
            "not the names of the columns; set dataset.header=false, or dataset.header=true if "
            "they are names."
        )
    if twice := [name for name in dict.fromkeys(filled) if names.count(name) > 1]:
        # pandas would silently rename the second one to "x.1".
        raise DataError(
            f"{where}: two columns are named {twice[0]!r}; rename one of them, or set "
            "dataset.header=false if the first line holds data."
        )
    return [name or f"{NAMELESS}{i}" for i, name in enumerate(names)]
