"""Seed PyTorch's global generators for a block; layers draw their initial weights from them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_LOCK = threading.RLock()  # the generators belong to the process, and folds may share it


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global generators of the CPU and of one device, and restore their state afterwards.

    Parameters
    ----------
    seed : int
    device : torch.device

    Notes
    -----
    ``torch.manual_seed`` would seed every CUDA device, of which one is restored.

    Examples
    --------
    >>> before = torch.get_rng_state()
    >>> with seeded(0, torch.device("cpu")):
    ...     torch.rand(1)
    tensor([0.4963])
    >>> torch.equal(torch.get_rng_state(), before)
    True
    """
    is_cuda = device.type == "cuda"
    with _LOCK, torch.random.fork_rng([device] if is_cuda else []):
        torch.default_generator.manual_seed(seed)
        if is_cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
