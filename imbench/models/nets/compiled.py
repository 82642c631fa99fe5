"""The forward pass of a stack through ``torch.compile``, compiled once for all nets of a shape.

What is compiled takes the stack as an argument, so that the next fold, whose parameters are
others, finds the code of the one before: PyTorch's guards ask for the structure of a module and
not for its identity. On a GPU the mode replays CUDA graphs, forward and backward.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from imbench.models.nets.stack import Stack

Forward = Callable[[Stack, Tensor], tuple[Tensor, Tensor]]


def forward_pass(stack: Stack, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the features (M, B, F) and the logits (M, B, K) of inputs (M, B, ...)."""
    features = stack.body(x)
    return features, stack.head(features)


@cache
def compiled_pass(device_type: str) -> Forward:
    """Return :func:`forward_pass`, to be compiled for each structure and shape that it meets."""
    return torch.compile(forward_pass, mode="reduce-overhead" if device_type == "cuda" else None)
