"""Imports, which take longer than a small fit, made shorter.

- Python's garbage collector is kept from looking at modules while they are imported: PyTorch and
  scikit-learn make a million objects that stay, and it would look at all of them again and again.
- Packages that scikit-learn imports for functions that few call are executed when they are asked.
"""

from __future__ import annotations

import gc
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

SELDOM_ASKED = ("pandas", "scipy.stats")


@contextmanager
def quick_imports() -> Iterator[None]:
    """Collect nothing inside, unless :func:`resume_collection` is called, and import by need.

    By need are `SELDOM_ASKED`: who imports one first gets a module that is executed as soon as it
    is asked for an attribute or imported again, inside or afterwards (Python 3.15 has the like for
    every module, PEP 810). Up to Python 3.12 two threads must not be the first to ask at once.
    """
    was_on = gc.isenabled()
    gc.disable()
    sys.meta_path.insert(0, _ByNeed)
    try:
        yield
    finally:
        sys.meta_path.remove(_ByNeed)
        if was_on:
            gc.enable()


def resume_collection() -> None:
    """Collect from now on, and never look at what is there already.

    To be called when what takes long to be imported has been imported.
    """
    gc.freeze()
    gc.enable()


class _ByNeed:
    """A finder, as ``sys.meta_path`` holds them, of modules that are executed by need."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of `SELDOM_ASKED`; others are left to the other finders."""
        spec = PathFinder.find_spec(name, path, target) if name in SELDOM_ASKED else None
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec
