"""Which memory a process keeps after it was freed: small blocks, and no large ones."""

from __future__ import annotations

import ctypes
import os
from functools import cache

LARGE = 2**22  # bytes; blocks from here on go back to the system as they are freed
KEPT = 2**25  # bytes at the end of the heap that are kept for the next small blocks
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
VARIABLES = ("GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")


@cache
def keep_small_blocks_only() -> bool:
    """Tell glibc, once a process, and return whether it was told.

    Unless told, it takes ever larger blocks from its heap, up to 32 MiB, as soon as a block of
    such a size was freed once, and keeps what is freed there below what is not: memory that adds
    to the peak of a large table (``scripts/bench.py scale`` measures it). Whoever sets one of
    glibc's own variables is left alone, and so are other C libraries.

    References
    ----------
    mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD.
    """
    if any(name in os.environ for name in VARIABLES):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, musl; Windows
        return False
    return bool(mallopt(MMAP_THRESHOLD, LARGE) and mallopt(TRIM_THRESHOLD, KEPT))
