"""Products of linear layers, each by the routine that is fastest for its shape.

MKL takes several times as long for a product whose result has fewer than 16 columns as for its
transpose.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

NARROW = 16  # outputs of a layer, below which its transpose is faster
MANY_WEIGHTS = 2**15  # of a layer


def is_outputs_first(n_nets: int, n_in: int, n_out: int) -> bool:
    """Whether the weights of a layer of so many nets lie as (M, out, in) and not as (M, in, out).

    The gradient of a weight lies in memory as the weight does, and so this decides by which
    product it is computed.
    """
    return n_out < NARROW or (n_nets == 1 and n_in * n_out >= MANY_WEIGHTS)


class OutputsFirst(torch.autograd.Function):
    """A linear layer whose weights lie as (M, out, in), with the faster gradients.

    Autograd's own would be those of the transposed product, which leave the gradient of the
    inputs in an order of memory that slows whatever comes before.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Map inputs (M, B, in) to (M, B, out)."""
        ctx.save_for_backward(x, weight)
        return outputs(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        """Map the gradient of the outputs to those of inputs, weight and bias."""
        x, weight = ctx.saved_tensors
        before = through(slope, weight) if ctx.needs_input_grad[0] else None
        return before, of_weight(x, slope.transpose(1, 2)), slope.sum(1)


def outputs(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return the outputs (M, B, out) of inputs (M, B, in), a weight (M, out, in) and a bias."""
    return torch.baddbmm(bias.unsqueeze(2), weight, x.transpose(1, 2)).transpose(1, 2)


def through(slope: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient of inputs (M, B, in), for one of outputs (M, B, out)."""
    return torch.bmm(slope, weight)


def of_weight(x: Tensor, slope: Tensor) -> Tensor:
    """Return the gradient of a weight (M, out, in).

    Parameters
    ----------
    x : Tensor of shape (M, B, in)
    slope : Tensor of shape (M, out, B)
        Gradient of the outputs.
    """
    return torch.bmm(slope, x)
