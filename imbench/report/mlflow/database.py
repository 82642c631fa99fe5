"""The SQLite file of an MLflow store: made beside and renamed, recognised when it is damaged.

MLflow makes a new file by some seventy migrations, which are no single transaction: what a kill or
a full disk leaves of it can neither be opened nor migrated. Everything in the file is an export of
the results folder, so a damaged one is set aside, and a new one is filled from the store.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from imbench.report.mlflow.address import BUSY_S

DEFAULT_NAME = "mlflow.db"  # of conf/tracking/mlflow.yaml
TABLES = {"alembic_version", "experiments", "metrics", "params", "runs", "tags"}  # of MLflow
BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def prepare(path: Path, make: Callable[[Path], None], newest: Callable[[], str]) -> str:
    """Make a missing file, and set a damaged one aside first; call it under the lock of the file.

    Parameters
    ----------
    path : Path
    make : callable
        Make a whole store in a file that does not exist.
    newest : callable
        Return the revision of the tables that ``make`` makes.

    Returns
    -------
    str
        What was set aside, for the user; empty if nothing was.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    notice = set_damaged_aside(path, newest)
    if not is_new(path):
        return notice
    beside = path.with_name(f".{path.name}.new")
    _remove(beside)  # of a process that was killed: the lock says that nobody is at work on it
    try:
        make(beside)
        os.replace(beside, path)
    finally:
        _remove(beside)
    return notice


def set_damaged_aside(path: Path, newest: Callable[[], str] | None = None) -> str:
    """Rename a file that is damaged or half made, and return a sentence, or an empty string."""
    fault = fault_of(path, newest)
    if not fault:
        return ""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("", "-journal", "-wal", "-shm"):  # a journal must not be applied to a new file
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    return f"{path} {fault}: it was set aside as {aside}, and a new one is made."


def fault_of(path: Path, newest: Callable[[], str] | None = None) -> str:
    """Return what makes a store useless, such as ``is damaged``; empty if nothing is known.

    A file that may be another program's, by its name and its tables, has no fault.

    Parameters
    ----------
    path : Path
    newest : callable or None, default=None
        Return the revision of MLflow's tables. If it is None, only that which SQLite refuses to
        read is looked for, which takes a millisecond whatever the size of the file.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> fault_of(folder / "mlflow.db")
    ''
    >>> for name in ("mlflow.db", "letter.txt"):
    ...     _ = (folder / name).write_text("Dear reader, " * 50)
    >>> fault_of(folder / "mlflow.db"), fault_of(folder / "letter.txt")
    ('is damaged (file is not a database)', '')
    """
    if not path.is_file() or path.stat().st_size == 0:
        return ""
    is_ours = path.name == DEFAULT_NAME
    try:
        with _opened(path) as connection:
            tables = _tables(connection)
            is_ours = is_ours or len(TABLES & tables) > 2
            if newest is None or not tables:
                return ""
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                return f"is damaged ({' '.join(found.split())})" if is_ours else ""
            is_half = bool(TABLES & tables) and _is_half_made(connection, tables, newest)
            return "was not made to its end" if is_half else ""
    except sqlite3.DatabaseError as error:  # SQLite's codes: the first byte is the kind
        is_broken = getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN
        return f"is damaged ({error})" if is_broken and is_ours else ""


def is_new(path: Path) -> bool:
    """Return whether nothing is in a file yet, or there is none."""
    if not path.is_file() or path.stat().st_size == 0:
        return True
    with contextlib.suppress(sqlite3.Error), _opened(path) as connection:
        return not _tables(connection)
    return False


def _is_half_made(
    connection: sqlite3.Connection, tables: set[str], newest: Callable[[], str]
) -> bool:
    """Return whether a file without runs lacks migrations.

    One with runs is whole and of another version of MLflow, which says how to migrate it.
    """
    if "runs" in tables and connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone():
        return False
    if "alembic_version" not in tables:
        return True
    return connection.execute("SELECT version_num FROM alembic_version").fetchall() != [(newest(),)]


def _tables(connection: sqlite3.Connection) -> set[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    return {name for (name,) in connection.execute(query)}


def _opened(path: Path) -> contextlib.closing[sqlite3.Connection]:
    """Open a file that exists; not read-only, so that what a kill left half written is undone."""
    uri = f"{path.resolve().as_uri()}?mode=rw"
    return contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S))


def _remove(path: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
