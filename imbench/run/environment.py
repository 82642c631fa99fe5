"""Versions, hardware and memory that are recorded with each result."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from functools import cache
from pathlib import Path

PACKAGES = ("imbench", "imbalanced-learn", "numpy", "scikit-learn", "torch")


def peak_bytes(device: str) -> int:
    """Return the peak memory: of the CUDA device, otherwise of this process so far."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated())
    try:
        import resource
    except ImportError:  # Windows has none
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux KiB


@cache
def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in PACKAGES
    }


@cache
def hardware() -> dict[str, str]:
    """Return what seconds depend on: processor, cores that this process may use, memory."""
    found = {"cores": str(n_cores()), "system": f"{platform.system()} {platform.machine()}"}
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        found["processor"] = next(
            line.partition(":")[2].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        found["processor"] = platform.processor() or "unknown"
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        n_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        found["memory"] = f"{n_bytes / 2**30:.0f} GiB"
    return found


def conditions() -> str:
    """Return versions and hardware in one line, for a page of results.

    Examples
    --------
    >>> conditions().startswith("python 3.")
    True
    """
    return ", ".join(f"{name} {value}" for name, value in (versions() | hardware()).items())


def n_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
