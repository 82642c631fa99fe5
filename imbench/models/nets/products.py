"""Products of linear layers, each by the routine that is fastest for its shape.

MKL takes several times as long for a product whose result has fewer than 16 columns as for its
transpose. And on processors with AVX-512 that are not Intel's it reaches half of what oneDNN does;
PyTorch 2.13 hands float32 products to MKL alone. ``scripts/bench.py products`` measures both.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

NARROW = 16  # outputs of a layer, below which its transpose is faster
MANY_WEIGHTS = 2**15  # of a layer
ONEDNN_OPERATIONS = 2**22  # of a product; for less, oneDNN takes too long to be called


def is_outputs_first(n_nets: int, n_in: int, n_out: int) -> bool:
    """Whether the weights of a layer of so many nets lie as (M, out, in) and not as (M, in, out).

    The gradient of a weight lies in memory as the weight does, and so this decides by which
    product it is computed.
    """
    return n_out < NARROW or (n_nets == 1 and n_in * n_out >= MANY_WEIGHTS)


@cache
def has_onednn() -> bool:
    """Whether oneDNN is there, and at least as fast as MKL in large products."""
    if not torch.backends.mkldnn.is_available():
        return False
    has_product = hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return has_product and torch.backends.cpu.get_cpu_capability() == "AVX512"


def onednn_rows(weight: Tensor) -> float:
    """Return from how many rows on oneDNN is to compute products with a weight of one net."""
    if weight.dtype == torch.float32 and weight.device.type == "cpu" and has_onednn():
        return ONEDNN_OPERATIONS / (2 * weight.numel())
    return math.inf


def takes_onednn(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN is to compute products with n * weight.numel() terms, n = x.shape[1].

    Those of x (M, B, in) and a weight (M, out, in), for example.
    """
    return weight.shape[0] == 1 and x.dtype == torch.float32 and x.shape[1] >= onednn_rows(weight)


def has_large_product(net: nn.Module, n_rows: int) -> bool:
    """Whether a layer of a net has a product with so many rows that oneDNN is to compute."""
    return n_rows >= min(map(onednn_rows, net.parameters()), default=math.inf)


def onednn(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x (B, in) times the transpose of a weight (out, in), plus a bias (out,)."""
    result: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return result


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
    if takes_onednn(x, weight):
        return onednn(x[0], weight[0], bias[0]).unsqueeze(0)
    return torch.baddbmm(bias.unsqueeze(2), weight, x.transpose(1, 2)).transpose(1, 2)


def through(slope: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient of inputs (M, B, in), for one of outputs (M, B, out)."""
    if takes_onednn(slope, weight):
        return onednn(slope[0], weight[0].T).unsqueeze(0)
    return torch.bmm(slope, weight)


def of_weight(x: Tensor, slope: Tensor) -> Tensor:
    """Return the gradient of a weight (M, out, in).

    Parameters
    ----------
    x : Tensor of shape (M, B, in)
    slope : Tensor of shape (M, out, B)
        Gradient of the outputs.
    """
    if takes_onednn(slope, x):
        return onednn(slope[0], x[0].T).unsqueeze(0)
    return torch.bmm(slope, x)
