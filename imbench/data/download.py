"""Helpers shared by all loaders that may download: local folders, time limits and errors."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from imbench.errors import DataError

OFFLINE = (OSError, RuntimeError, http.client.HTTPException)
"""Exceptions of a download without a network or a writable folder (URLError is an OSError)."""

TIMEOUT_S = 30.0


def data_folder(data_dir: str | None) -> Path | None:
    """Return the folder of local data, or None if none is set.

    Raises
    ------
    DataError
        If the folder does not exist. A misspelt path must not start a download.

    Examples
    --------
    >>> data_folder(None) is None
    True
    """
    if data_dir is None:
        return None
    folder = Path(data_dir).expanduser()
    if not folder.is_dir():
        raise DataError(
            f"data_dir={data_dir}: no such folder; set data_dir= or the environment variable "
            "IMBENCH_DATA to the folder of your data, unset both to download, or use "
            "dataset=digits, which needs no file."
        )
    return folder


def not_available(
    what: str, holds: str, data_dir: str | None, download_dir: str | None, error: object
) -> DataError:
    """Return the error for data that is neither stored locally nor can be downloaded.

    Parameters
    ----------
    what : str
        Name of the data set at its source.
    holds : str
        File or folder that `data_dir` should contain.
    data_dir, download_dir : str or None
        Folders that were searched.
    error : object
        Reason why the download failed. The last line of its text is shown.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    place = "no data_dir is set" if data_dir is None else f"it is not in data_dir={data_dir}"
    target = "" if download_dir is None else f" to {download_dir}"
    return DataError(
        f"{what} is not available: {place} and downloading it{target} failed "
        f"({lines[-1].rstrip('.') if lines else type(error).__name__}); set data_dir= or the "
        f"environment variable IMBENCH_DATA to a folder that holds {holds}, connect to a network, "
        "or use dataset=digits, which needs no file."
    )


def fetch_cached(
    fetch: Callable[[Path, bool], Any],
    what: str,
    library: str,
    cache: str,
    data_dir: str | None,
    download_dir: str | None,
) -> Any:
    """Return what a library's cache in `data_dir` holds, or else the one in `download_dir`.

    Parameters
    ----------
    fetch : callable
        Called with the folder that holds the cache, and True if it may download to it.
    what, library : str
        Names of the data set and of the library, for the error message.
    cache : str
        Folder of the cache. `data_dir` is left out if it has no such folder.
    data_dir, download_dir : str or None

    Raises
    ------
    DataError
        If `fetch` raised an error of `OFFLINE` for every folder, or there is none.

    Examples
    --------
    >>> def fetch(folder, may_download):
    ...     return folder.name, may_download
    >>> fetch_cached(fetch, "adult", "scikit-learn", "openml", None, "downloads")
    ('downloads', True)
    """
    local = data_folder(data_dir)
    places = [(local, False)] if local is not None and (local / cache).is_dir() else []
    places += [(Path(download_dir).expanduser(), True)] if download_dir is not None else []
    error: Exception = OSError("dataset.download_dir=null")
    for folder, may_download in places:
        try:
            return fetch(folder, may_download)
        except OFFLINE as caught:
            error = caught
    raise not_available(
        what, f"{library}'s cache {cache}/", data_dir, download_dir, error
    ) from error


@contextlib.contextmanager
def downloading() -> Iterator[None]:
    """Redirect output to stderr (a terminal only) and set a timeout for connections."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_S)
    progress = sys.stderr if sys.stderr.isatty() else io.StringIO()
    try:
        with contextlib.redirect_stdout(progress), contextlib.redirect_stderr(progress):
            yield
    finally:
        socket.setdefaulttimeout(before)
