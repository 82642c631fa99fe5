"""Import torchvision with a build of torch that it was not compiled for.

The C++ library of torchvision's CUDA wheels does not load with a CPU build of torch, and
``import torchvision`` fails with ``operator torchvision::nms does not exist``. Data sets,
transforms and models do not use that library. Declaring the schemas of the two operators that the
import looks up is enough to use them.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def library_loads() -> bool:
    """Whether the C++ library of torchvision can be loaded with the installed torch."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    library = PathFinder.find_spec("_C", folders)
    if library is None or library.origin is None:
        return False
    try:
        torch.ops.load_library(library.origin)
    except (ImportError, OSError):
        return False
    return True


@functools.cache
def _declare_schemas() -> Any:
    """Declare the operators' schemas. Cached, because they exist as long as the returned object."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, schema in _SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(schema)
    return library


def import_torchvision() -> ModuleType:
    """Import and return torchvision. Use it instead of ``import torchvision``.

    The schemas are declared only if the C++ library cannot be loaded.

    Raises
    ------
    ModuleNotFoundError
        If torchvision is not installed.
    """
    if "torchvision" not in sys.modules and not library_loads():
        _declare_schemas()
    return importlib.import_module("torchvision")
