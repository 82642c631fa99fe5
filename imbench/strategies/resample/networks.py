"""Networks of the generative samplers, whose random numbers all come from one generator.

PyTorch's layers and its Gumbel noise use the global generator of the process: the sampler of one
fold would change the initial weights of a net in another.
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
        Widths of the inputs, the hidden layers and the outputs.
    generator : torch.Generator
        Draws the initial weights, uniform in +-1/sqrt(inputs) as in ``nn.Linear``. Its device is
        the device of the network.
    negative_slope : float, default=0.0
        Slope of the activation below 0; 0 is ReLU.

    Examples
    --------
    >>> net = perceptron([3, 8, 2], Generator().manual_seed(0))
    >>> net(torch.zeros(5, 3)).shape
    torch.Size([5, 2])
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
    """Return standard Gumbel noise: the argmax of logits plus noise is a draw from the softmax."""
    uniform = torch.rand(tuple(shape), generator=generator, device=generator.device)
    tiny = torch.finfo(uniform.dtype).tiny  # rand may return 0
    exponential = -torch.log(uniform.clamp(min=tiny))
    return -torch.log(exponential.clamp(min=tiny))


def given(x: Tensor, condition: Tensor) -> Tensor:
    """Concatenate inputs, shape (B, d), and their one-hot condition, shape (B, K).

    The condition is multiplied by sqrt(d). A single 1 beside the 784 pixels of a digit has too
    little weight: both networks then ignore the class.
    """
    return torch.cat([x, condition * x.shape[1] ** 0.5], 1)


def blocks(outputs: Tensor, codec: RowCodec) -> tuple[Tensor, list[Tensor]]:
    """Split encoded rows, shape (B, width), into numbers and a block for each category column."""
    numbers, *categories = outputs.split([codec.n_numbers, *codec.sizes], dim=1)
    return numbers, categories
