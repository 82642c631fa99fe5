"""Import torchvision beside a torch that it was not built for.

torchvision's wheels are built for CUDA. Beside a CPU torch their C++ library does not load, and
``import torchvision`` stops at ``operator torchvision::nms does not exist``, although data sets,
transforms and models need nothing of it. Declaring the two schemas that its import looks up is
enough.
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
    """Whether torchvision's C++ library can be loaded into this torch."""
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
    """Declare what the import looks up; cached, since the schemas live as long as the object."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, schema in _SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(schema)
    return library


def import_torchvision() -> ModuleType:
    """Import and return torchvision, with stand-in schemas only where its library cannot load.

    Called instead of ``import torchvision`` by everything that needs it. `torchvision.datasets`,
    `.transforms` and `.models` are attributes of what comes back.

    Raises
    ------
    ModuleNotFoundError
        If torchvision is not installed.
    """
    if "torchvision" not in sys.modules and not library_loads():
        _declare_schemas()
    return importlib.import_module("torchvision")
