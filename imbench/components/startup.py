"""Around imports and calls of other code: a faster import, and the directory that is kept.

Importing PyTorch and scikit-learn creates a million objects that are never freed. A running
collector would traverse all of them again and again, which takes 1.2 s of a command.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def quick_imports() -> Iterator[None]:
    """Pause the garbage collector, unless :func:`resume_collection` is called inside.

    Examples
    --------
    >>> import gc
    >>> with quick_imports():
    ...     gc.isenabled()
    False
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def resume_collection() -> None:
    """Resume collection, and exempt the objects that exist now.

    Call it when all slow imports are done.
    """
    gc.freeze()
    gc.enable()


@contextmanager
def same_directory() -> Iterator[None]:
    """Return to the working directory of before, if the block leaves it.

    A model that changes it would move everything that is written by a relative path.

    Examples
    --------
    >>> import os
    >>> before = os.getcwd()
    >>> with same_directory():
    ...     os.chdir("/")
    >>> os.getcwd() == before
    True
    """
    before = os.getcwd()
    try:
        yield
    finally:
        os.chdir(before)


def search_path() -> list[str]:
    """Return where a child process is to look for modules: as this one, imbench itself first.

    A saved model that MLflow has loaded puts a copy of parts of imbench on the path.

    Examples
    --------
    >>> (Path(search_path()[0]) / "imbench" / "components" / "startup.py").is_file()
    True
    """
    own = str(Path(__file__).resolve().parents[2])
    return [own, *(name or os.getcwd() for name in sys.path if name != own)]
