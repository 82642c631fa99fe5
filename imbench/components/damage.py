"""Stored files whose content is not what was written: named, and set aside."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

from imbench.errors import DataError

SUFFIX = ".damaged"  # no reader looks for such a name
_log = logging.getLogger(__name__)


class Damaged(DataError):
    """A stored file does not hold what was written, or is not there."""


def digest(content: bytes) -> str:
    """Return the SHA-256 of bytes, 64 hexadecimal digits.

    Examples
    --------
    >>> digest(b"1 2 3")[:16]
    '7c8f5059290305ce'
    """
    return hashlib.sha256(content).hexdigest()


def set_aside(
    path: Path, why: str, seen: bytes | None = None, beside: Path | None = None
) -> Path | None:
    """Rename a damaged file, and say so in one sentence: a warning of the log of this module.

    Python shows warnings of a log on standard error where nothing else was set up.

    Parameters
    ----------
    path : Path
    why : str
        What is wrong with it, ``fails its checksum``.
    seen : bytes or None
        Its damaged content. A file that has other content by now was written again by another
        process, and stays.
    beside : Path or None
        A file that is of no use without it, which is renamed along.

    Returns
    -------
    Path or None
        The new name, None if the file stays: it was written again, is gone, or its folder cannot
        be written. An earlier file of the new name is replaced.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "r0-f0.npz")
    ...     _ = path.write_bytes(b"1 2 3")
    ...     _log.disabled = True
    ...     set_aside(path, "fails its checksum").name, path.exists()
    ('r0-f0.npz.damaged', False)
    >>> _log.disabled = False
    """
    aside = path.with_name(path.name + SUFFIX)
    try:
        if seen is not None and path.read_bytes() != seen:
            return None
        os.replace(path, aside)
        if beside is not None and beside.exists():
            os.replace(beside, beside.with_name(beside.name + SUFFIX))
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.warning(
            "imbench: %s is damaged (%s): it is not used, and cannot be set aside (%s).",
            *(path, why, error.strerror),
        )
        return None
    _log.warning(
        "imbench: %s is damaged (%s): it was set aside as %s, and what it held is made again.",
        *(path, why, aside.name),
    )
    return aside
