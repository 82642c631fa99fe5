"""Python's garbage collector, kept from looking at modules while they are imported.

Importing PyTorch and scikit-learn makes a million objects that stay, and the collector looks at all
of them again and again while they become more.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Collect nothing inside, unless :func:`resume_collection` is called."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def resume_collection() -> None:
    """Collect from now on, and never look at what is there already.

    To be called when what takes long to be imported has been imported.
    """
    gc.freeze()
    gc.enable()
