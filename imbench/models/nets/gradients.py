"""Gradients of multilayer perceptrons under cross-entropy, without autograd.

For small nets, building and walking the graph of autograd takes longer than the arithmetic of a
training step. Fully connected layers with ReLU under cross-entropy are the most common case, and
their gradients are short. Other nets and losses use autograd.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from imbench.models.nets.stack import Stack, StackedFlatten, StackedLinear


class PerceptronGradients:
    """Logits and gradients of M perceptrons of one shape.

    Parameters
    ----------
    layers : sequence of StackedLinear
        With a ReLU between each two of them; all have a bias.

    Attributes
    ----------
    parameters : list of Tensor
        Weight (M, out, in) and bias (M, out) of each layer, which share memory with the layers.
        The gradients are parallel to it and contiguous.

    Notes
    -----
    Activations are stored as (M, features, B). So each product has B columns, and none has only
    as many columns as there are classes: MKL takes two to eight times as long for such a product
    (5 nets, 64 rows, 64 or 256 units, 2 classes).
    """

    def __init__(self, layers: Sequence[StackedLinear]) -> None:
        self.parameters = [p.detach() for layer in layers for p in layer.parameters()]
        self._weights = self.parameters[::2]
        self._weights_T = [weight.transpose(1, 2) for weight in self._weights]
        self._biases = [bias.unsqueeze(2) for bias in self.parameters[1::2]]  # (M, out, 1)
        self._units: list[Tensor] = []
        self._slopes: list[Tensor] = []

    def __call__(self, x: Tensor, share: Tensor, targets: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the logits of a batch, and the gradient of its mean loss by each parameter.

        Parameters
        ----------
        x : Tensor of shape (M, B, in)
        share : Tensor of shape (M, 1, B)
            The weight of each row over the sum of the weights of the batch; 0 for padding.
        targets : Tensor of shape (M, K, B)
            See :func:`class_shares`.

        Returns
        -------
        logits : Tensor of shape (M, K, B)
        gradients : list of Tensor
        """
        self._allocate(n_rows=x.shape[1])
        units = [x.transpose(1, 2), *self._units]  # inputs of each layer, (M, in, B)
        for i, out in enumerate(self._units):
            torch.baddbmm(self._biases[i], self._weights[i], units[i], out=out).relu_()
        logits = torch.baddbmm(self._biases[-1], self._weights[-1], units[-1])
        # d loss / d logits = share * (softmax - 1 at the label)
        slope = logits.softmax(1).mul_(share).sub_(targets)
        gradients: list[Tensor] = []
        for i in range(len(units) - 1, -1, -1):
            gradients += [slope.sum(2), torch.bmm(slope, units[i].transpose(1, 2))]
            if i:
                torch.bmm(self._weights_T[i], slope, out=self._slopes[i - 1])
                # The sign is 1 for active units and 0 for others, and faster to get than `> 0`.
                slope = self._slopes[i - 1].mul_(units[i].sign_())
        return logits, gradients[::-1]

    def _allocate(self, n_rows: int) -> None:
        """Allocate hidden units and their gradients, unless the last batch was as large.

        Memory that is freed after each step goes back to the system, which costs a stack of 50
        nets of 10-64-2 a quarter of its training time.
        """
        if self._units and self._units[0].shape[2] == n_rows:
            return
        shapes = [(*bias.shape[:2], n_rows) for bias in self._biases[:-1]]
        self._units = [self._biases[0].new_empty(shape) for shape in shapes]
        self._slopes = [self._biases[0].new_empty(shape) for shape in shapes]


def class_shares(labels: Tensor, share: Tensor, n_classes: int) -> Tensor:
    """Return one-hot labels times the share of each row.

    Parameters
    ----------
    labels, share : Tensor of shape (..., B)

    Returns
    -------
    Tensor of shape (..., K, B)
    """
    targets = share.new_zeros((*share.shape[:-1], n_classes, share.shape[-1]))
    return targets.scatter_(-2, labels.unsqueeze(-2), share.unsqueeze(-2))


def mean_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy (...) for logits and :func:`class_shares` (..., K, B)."""
    return -(targets * logits.log_softmax(-2)).sum((-2, -1))


def perceptron_gradients(stack: Stack) -> PerceptronGradients | None:
    """Return the gradients of a stack under cross-entropy; None if its nets are no perceptrons."""
    layers = [*_layers(stack.body), *_layers(stack.head)]
    if layers and isinstance(layers[0], StackedFlatten):
        layers = layers[1:]
    linear = [m for m in layers[::2] if isinstance(m, StackedLinear) and m.bias is not None]
    relus = [m for m in layers[1::2] if type(m) is nn.ReLU]
    is_perceptron = len(linear) == len(relus) + 1 and len(linear) + len(relus) == len(layers)
    return PerceptronGradients(linear) if is_perceptron else None


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers of nested ``Sequential`` modules."""
    if isinstance(module, nn.Sequential):
        for part in module:
            yield from _layers(part)
    else:
        yield module
