"""Addresses of MLflow stores: parse, check and lock them without importing MLflow."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imbench.components import postgres
from imbench.errors import masked

DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
SERVERS = ("http", "https", "databricks")
BUSY_S = 20.0  # how long SQLite waits for another process that writes
LOCK_S = 120.0  # a new database is migrated within seconds, on slow disks within a minute


@dataclass(frozen=True)
class Address:
    """Address of an MLflow store, the value of ``tracking.uri``.

    Parameters
    ----------
    uri : str
        Database (``sqlite:///results/mlflow.db``) or server (``http://localhost:5000``).

    Examples
    --------
    >>> address = Address("postgresql+psycopg://me:secret@host/runs")
    >>> address.scheme, address.is_database, address.is_server
    ('postgresql', True, False)
    >>> address.public
    'postgresql+psycopg://me:***@host/runs'
    >>> Address("sqlite:///results/mlflow.db").path.as_posix()
    'results/mlflow.db'
    >>> Address("mlruns").problem()
    'MLflow 3 stores runs in a database or on a server, no longer in plain files'
    """

    uri: str

    @property
    def scheme(self) -> str:
        """``sqlite`` of ``sqlite:///x``, ``postgresql`` of ``postgresql+psycopg://...``."""
        if "://" not in self.uri:
            return self.uri
        return self.uri.partition("://")[0].partition("+")[0]

    @property
    def is_database(self) -> bool:
        """Whether MLflow opens the store itself."""
        return self.scheme in DATABASES

    @property
    def is_server(self) -> bool:
        """Whether MLflow sends requests to a server."""
        return self.scheme in SERVERS

    @property
    def path(self) -> Path | None:
        """File of an SQLite database, None for every other address."""
        name = self.uri.partition(":///")[2].partition("?")[0]
        is_file = self.scheme == "sqlite" and name and name != ":memory:"
        return Path(name) if is_file else None

    @property
    def public(self) -> str:
        """The address without its password, for messages."""
        return masked(re.sub(r"\s", "%20", self.uri))

    @property
    def absolute(self) -> str:
        """The same address with an absolute path.

        MLflow caches connections by address: after a change of the working directory, a relative
        one would still lead to the old file.
        """
        path = self.path
        return self.uri if path is None else self.uri.replace(str(path), str(path.resolve()), 1)

    def problem(self) -> str:
        """Return what is wrong with the address, or an empty string.

        A server is not contacted. MLflow itself retries a wrong address for 100 s.
        """
        if not self.uri:
            return "is empty"
        if not self.is_database and not self.is_server:
            return "MLflow 3 stores runs in a database or on a server, no longer in plain files"
        path = self.path
        if path is None:
            return ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                with tempfile.TemporaryFile(dir=path.parent):
                    return ""
            with contextlib.closing(sqlite3.connect(path, timeout=BUSY_S)) as connection:
                connection.execute("BEGIN IMMEDIATE")  # fails if the file is not writable
                connection.execute("ROLLBACK")
        except (OSError, sqlite3.Error) as error:
            return f"the file cannot be opened for writing ({first_line(error)})"
        return ""

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold a lock file beside an SQLite database, or a lock of PostgreSQL; else do nothing.

        Two processes that migrate one new database at the same time would collide.
        """
        path = self.path
        if path is None:
            with postgres.alone(self.uri, ["mlflow"]):
                yield
            return
        from filelock import FileLock

        with FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_S):
            yield


def first_line(error: Exception) -> str:
    """Return the first line of an error message, without the manual that MLflow appends."""
    code = re.search(r"too many (\d+) error responses", str(error))
    if code is not None:
        return f"the server answers with error {code[1]}"
    if re.search(r"Max retries exceeded|timed out|timeout exception", str(error)):
        return "nothing answers there"
    text = str(error).strip() or type(error).__name__
    first = masked(text.splitlines()[0])
    return first if len(first) <= 200 else f"{first[:199]}…"
