"""Small nets of the generative samplers; every number drawn comes from the generator given.

PyTorch's own layers and Gumbel noise draw from generators that the whole process shares: a
sampler of one fold would change what a net of another one starts from.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn.utils import skip_init

from imbench.strategies.resample.encoding import RowCodec


def perceptron(
    widths: Sequence[int], generator: Generator, negative_slope: float = 0.0
) -> nn.Sequential:
    """Return a multilayer perceptron with (leaky) ReLU between its layers.

    Parameters
    ----------
    widths : sequence of int
        Of the inputs, the hidden layers and the outputs.
    generator : torch.Generator
        Draws the initial weights, uniform in +-1/sqrt(inputs) as in ``nn.Linear``; its device
        is that of the net.
    negative_slope : float, default=0.0
        Of the activation; 0 is ReLU.
    """
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        linear = skip_init(nn.Linear, before, after, device=str(generator.device))
        for parameter in linear.parameters():
            nn.init.uniform_(parameter, -(before**-0.5), before**-0.5, generator=generator)
        layers += [linear, nn.LeakyReLU(negative_slope)]
    return nn.Sequential(*layers[:-1])


def normal(shape: Sequence[int], generator: Generator) -> Tensor:
    """Return standard normal numbers on the generator's device."""
    return torch.randn(tuple(shape), generator=generator, device=generator.device)


def gumbel(shape: Sequence[int], generator: Generator) -> Tensor:
    """Return standard Gumbel numbers: the largest of logits plus them is a draw of a softmax."""
    uniform = torch.rand(tuple(shape), generator=generator, device=generator.device)
    tiny = torch.finfo(uniform.dtype).tiny  # rand may return 0
    exponential = -torch.log(uniform.clamp(min=tiny))
    return -torch.log(exponential.clamp(min=tiny))


def given(x: Tensor, condition: Tensor) -> Tensor:
    """Return inputs of a net, shape (B, d), beside their condition, shape (B, K), one-hot.

    The condition is multiplied by sqrt(d): a single 1 beside the 784 pixels of a digit is not
    heard, and both nets then make any digit for any class.
    """
    return torch.cat([x, condition * x.shape[1] ** 0.5], 1)


def blocks(outputs: Tensor, codec: RowCodec) -> tuple[Tensor, list[Tensor]]:
    """Cut encoded rows, shape (B, width), into numbers and one block a categorical column."""
    numbers, *categories = outputs.split([codec.n_numbers, *codec.sizes], dim=1)
    return numbers, categories
