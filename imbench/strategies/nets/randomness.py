"""PyTorch's global generators, lent for a moment: layers draw their initial weights from them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_LOCK = threading.RLock()  # the generators belong to the process, and folds may share it


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global generators of the CPU and of one device, and give them back as they were.

    Parameters
    ----------
    seed : int
    device : torch.device

    Notes
    -----
    Not ``torch.manual_seed``: it seeds every CUDA device, and one is given back.
    """
    is_cuda = device.type == "cuda"
    with _LOCK, torch.random.fork_rng([device] if is_cuda else []):
        torch.default_generator.manual_seed(seed)
        if is_cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
