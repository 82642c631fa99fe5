"""Write files atomically."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: Path, flush: bool = False) -> Iterator[BinaryIO]:
    """Open a temporary file that is renamed to `path` at the end of the block.

    Other processes see the old or the new content, never a part of it. After an error the old
    content stays and the temporary file is deleted.

    Parameters
    ----------
    path : Path
        Its folder is created if it is missing.
    flush : bool, default=False
        Whether to write the content to the disk before the file is renamed, so that it also
        survives a power failure.

    Examples
    --------
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "new", "numbers.txt")
    >>> with replacing(path) as file:
    ...     _ = file.write(b"1 2 3")
    >>> path.read_bytes()
    b'1 2 3'
    >>> folder.cleanup()
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            if flush:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
