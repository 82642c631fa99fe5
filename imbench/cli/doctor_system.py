"""What ``imbench doctor`` says of the machine: cores, threads, memory and GPU."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

from imbench.cli.finding import Finding
from imbench.errors import reason_of
from imbench.run.environment import n_cores

LITTLE = 2 * 2**30  # bytes: PyTorch, scikit-learn and a table of 100,000 rows take about 1 GiB


def findings() -> Iterator[Finding]:
    """Look at the machine."""
    threads = os.environ.get("OMP_NUM_THREADS")
    limit = f"OMP_NUM_THREADS={threads}" if threads else "no limit on threads is set"
    yield Finding("cores", f"{n_cores()} of {os.cpu_count() or 1} may be used; {limit}")
    yield _memory()
    yield _gpu()


def size(n_bytes: float) -> str:
    """Return a number of bytes in words.

    Examples
    --------
    >>> size(3 * 2**30), size(2_000_000), size(0)
    ('3.0 GiB', '1.9 MiB', '0.0 MiB')
    """
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.1f} MiB"


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    words = f"{size(memory.available)} of {size(memory.total)} are free"
    mend = "end other programs, or set n_jobs=1" if memory.available < LITTLE else ""
    return Finding("memory", words, mend)


def _gpu() -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("gpu", "PyTorch is not installed", "pip install torch", is_broken=True)
    try:
        import torch

        if not torch.cuda.is_available():
            build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "the CPU alone"
            return Finding("gpu", f"none; this PyTorch is built for {build}, nets train on the CPU")
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    except (ImportError, OSError, RuntimeError) as error:
        how = "pip install --force-reinstall torch"
        return Finding("gpu", f"PyTorch cannot be used ({reason_of(error)})", how, is_broken=True)
    return Finding("gpu", f"{', '.join(names)}, CUDA {torch.version.cuda}")
