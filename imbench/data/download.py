"""What every source that may download shares: where to look, how to fail."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from imbench.errors import DataError

OFFLINE = (OSError, RuntimeError, http.client.HTTPException)
"""What a download raises without a network or a writable folder (URLError is an OSError)."""

TIMEOUT_S = 30.0


def data_folder(data_dir: str | None) -> Path | None:
    """Return the folder of local data, None if none was given.

    Raises
    ------
    DataError
        If it is not a folder: a misspelt one must not end in a download to somewhere else.
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
    """Return the one sentence for data that is neither here nor can be fetched.

    Parameters
    ----------
    what : str
        The data set, as its source calls it.
    holds : str
        File or folder that `data_dir` should hold.
    error : object
        Why the download failed; the last line of its text is shown.
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


@contextlib.contextmanager
def downloading() -> Iterator[None]:
    """Keep stdout clean, progress bars to terminals, and no connection waiting for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_S)
    progress = sys.stderr if sys.stderr.isatty() else io.StringIO()
    try:
        with contextlib.redirect_stdout(progress), contextlib.redirect_stderr(progress):
            yield
    finally:
        socket.setdefaulttimeout(before)
