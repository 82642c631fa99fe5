"""What ``imbench doctor`` says of the folders for data, results and the cache, and of MLflow."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import socket
import sqlite3
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from imbench.cli.doctor_system import size
from imbench.cli.finding import Finding
from imbench.cli.installed import version_of
from imbench.config import catalogue
from imbench.data.cache import MAX_BYTES, cache_dir
from imbench.errors import masked
from imbench.report.mlflow.address import Address, first_line
from imbench.report.mlflow.database import fault_of

LITTLE = 2**30  # bytes of free space
ANSWER_S = 1.0  # what a server of MLflow has to answer, so that the command stays quick
PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def findings(config: Mapping[str, Any]) -> Iterator[Finding]:
    """Look at the folders and the store of a composed configuration; nothing is written."""
    yield _data(config.get("data_dir"))
    yield _results(Path(config["results_dir"]))
    yield _cache(cache_dir())
    yield _store(config["tracking"])


def _data(named: str | None) -> Finding:
    if not named:
        how = "export IMBENCH_DATA=FOLDER, if you have data sets in a folder"
        return Finding("data", "no folder is set: what is missing is downloaded", how)
    folder = Path(named).expanduser()
    if not folder.is_dir():
        how = "set data_dir= or IMBENCH_DATA to a folder that exists, or unset it"
        return Finding("data", f"{folder}: there is no such folder", how, is_broken=True)
    found = data_sets(folder)
    words = ", ".join(found) or "no data set that has a name; files are found by dataset.path="
    return Finding("data", f"{folder}: {words}")


def data_sets(folder: Path) -> list[str]:
    """Return the shipped data sets of which a folder holds the files, in the order of names.

    Parameters
    ----------
    folder : Path
        As ``data_dir``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as made:
    ...     Path(made, "keel").mkdir()
    ...     _ = Path(made, "keel", "yeast4.dat").write_text("")
    ...     data_sets(Path(made))
    ['keel (1 table)']
    """
    from imbench.data.vision import FOLDERS

    found = []
    for item in catalogue.items("dataset", [catalogue.conf_dir()]):
        node = yaml.safe_load(item.path.read_text(encoding="utf-8"))
        source, path = node.get("source"), node.get("path")
        images = source and folder / FOLDERS.get(source, f"{source}/raw")
        if (images and images.is_dir()) or (path and (folder / path).is_file()):
            found.append(item.name)
        elif item.name == "keel" and (n := len(list((folder / "keel").glob("*.dat")))):
            found.append(f"keel ({n} table{'s' if n > 1 else ''})")
        elif item.name in ("openml", "zenodo") and (folder / item.name).is_dir():
            found.append(f"downloads of {item.name}")
    return found


def _results(folder: Path) -> Finding:
    place = _existing(folder)
    if not _can_write(place):
        how = "set results_dir= or IMBENCH_RESULTS to a folder that you may write"
        return Finding("results", f"{folder}: cannot be written", how, is_broken=True)
    free = shutil.disk_usage(place).free
    mend = "make room, or set results_dir= to another disk" if free < LITTLE else ""
    runs = folder / "runs"
    if not runs.is_dir():
        return Finding("results", f"{folder}: no cell yet, {size(free)} are free", mend)
    with os.scandir(runs) as entries:
        n = sum(entry.is_dir() for entry in entries)
    words = f"{folder}: {n:,} cell{'' if n == 1 else 's'}, {size(free)} are free"
    how = f"python -m imbench verify {shlex.quote(str(folder))} looks for damaged files"
    return Finding("results", words, mend or how)


def _existing(path: Path) -> Path:
    """Return the path, or the first folder above it that exists."""
    path = path.expanduser().absolute()
    return next(place for place in (path, *path.parents) if place.exists())


def _can_write(folder: Path) -> bool:
    """Return whether a file can be made; that of the question has no name, and is gone at once."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _cache(folder: Path) -> Finding:
    if not _can_write(_existing(folder)):
        how = "export IMBENCH_CACHE=FOLDER that you may write; data sets are parsed anew till then"
        return Finding("cache", f"{folder}: cannot be written", how)
    n_bytes = 0
    for path in (folder / "datasets").glob("*"):
        with contextlib.suppress(OSError):  # deleted by another process
            n_bytes += path.stat().st_size
    words = f"{folder}: {size(n_bytes)}, at most {size(MAX_BYTES)}; it can be deleted at any time"
    return Finding("cache", words)


def _store(tracking: Mapping[str, Any]) -> Finding:
    uri = str(tracking.get("uri", ""))
    if not uri:
        return Finding("mlflow", "tracking=none: results are stored, and not exported")
    version = version_of("mlflow")
    if not version:
        how = "pip install 'imbench[mlflow]'"
        return Finding("mlflow", "not installed; results are stored all the same", how)
    address = Address(uri)
    if not address.is_server and not address.is_database:
        how = "set tracking.uri=sqlite:///results/mlflow.db, or tracking=none"
        return Finding("mlflow", f"{address.public}: {address.problem()}", how, is_broken=True)
    problem = _problem_of_file(address.path) if address.path else _problem_of_server(address)
    shown = f"{version}, {address.public}"
    if not problem:
        return Finding("mlflow", f"{shown} answers")
    if address.path:
        is_new = not address.path.exists()
        how = "" if is_new else "python -m imbench sync makes a new one from the stored results"
        return Finding("mlflow", f"{shown}: {problem}", how, is_broken=not is_new)
    how = "start the server, correct tracking.uri=, or set tracking=none"
    return Finding("mlflow", f"{shown}: {problem}", how, is_broken=True)


def _problem_of_file(path: Path) -> str:
    if not path.exists():
        return "not there yet, the first run makes it"
    if fault := fault_of(path):
        return fault
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=ANSWER_S)) as connection:
            connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.Error as error:
        return first_line(error)
    return "" if os.access(path, os.W_OK) else "cannot be written"


def _problem_of_server(address: Address) -> str:
    """Return why nothing answers at an address; a database is asked for a connection only."""
    parts = urllib.parse.urlsplit(address.uri)
    try:
        if address.scheme in PORTS:
            port = parts.port or PORTS[address.scheme]
            socket.create_connection((parts.hostname or "localhost", port), ANSWER_S).close()
        elif parts.scheme in ("http", "https"):
            host = parts.netloc.rpartition("@")[2]
            health = f"{parts.scheme}://{host}{parts.path.rstrip('/')}/health"
            urllib.request.urlopen(health, timeout=ANSWER_S).close()
    except urllib.error.HTTPError as error:
        return "" if error.code in (401, 403) else f"the server answers with error {error.code}"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return f"nothing answers there ({masked(first_line(reason))})"
    return ""
