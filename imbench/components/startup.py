"""Reduce import time by pausing the garbage collector.

Importing PyTorch and scikit-learn creates a million objects that are never freed. A running
collector would traverse all of them again and again, which takes 1.2 s of a command.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
