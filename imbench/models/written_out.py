"""The gradients of multilayer perceptrons under cross-entropy, written out.

A step of small nets is short: building a graph and walking back through it takes longer than the
arithmetic. The commonest of nets, fully connected layers with ReLU, has gradients of a few
lines under the commonest of losses; every other net and loss goes through autograd.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from imbench.models.stack import Stack, StackedFlatten, StackedLinear


class WrittenOut:
    """Losses and gradients of M perceptrons of one shape.

    Parameters
    ----------
    layers : sequence of StackedLinear
        With a ReLU between each two of them; all have a bias.
    """

    def __init__(self, layers: Sequence[StackedLinear]) -> None:
        self.layers = list(layers)

    @torch.no_grad()
    def __call__(self, x: Tensor, labels: Tensor, share: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the loss of a batch, of each net, and its gradients.

        Parameters
        ----------
        x : Tensor of shape (M, B, ...)
        labels : Tensor of shape (M, B)
        share : Tensor of shape (M, B)
            What a row is of the loss: its weight over the sum of weights.

        Returns
        -------
        loss : Tensor of shape (M,)
            The mean of the cross-entropy by those shares.
        gradients : list of Tensor
            By weight and bias of each layer.
        """
        inputs = [x.flatten(2)]
        for layer in self.layers[:-1]:
            inputs.append(layer(inputs[-1]).relu_())
        scores = self.layers[-1](inputs[-1]).log_softmax(-1)
        place = labels.unsqueeze(-1)
        loss = -(share * scores.gather(-1, place).squeeze(-1)).sum(-1)
        # d loss / d logits = share * (softmax - 1 at the label)
        slope = scores.exp_().scatter_add_(-1, place, scores.new_full((), -1.0).expand_as(place))
        slope.mul_(share.unsqueeze(-1))
        gradients: list[Tensor] = []
        for i in range(len(self.layers) - 1, -1, -1):
            gradients += [slope.sum(1), torch.bmm(inputs[i].transpose(1, 2), slope)]
            if i:
                slope = torch.bmm(slope, self.layers[i].weight.transpose(1, 2))
                slope = torch.ops.aten.threshold_backward(slope, inputs[i], 0)
        return loss, gradients[::-1]


def written_out(stack: Stack) -> WrittenOut | None:
    """Return the gradients of a stack under cross-entropy, None if its nets are of another kind."""
    layers = list(_layers(stack.body)) + list(_layers(stack.head))
    if layers and isinstance(layers[0], StackedFlatten):
        layers = layers[1:]
    linear = layers[::2]
    if len(layers) % 2 == 0 or not all(type(layer) is nn.ReLU for layer in layers[1::2]):
        return None
    if not all(isinstance(layer, StackedLinear) and layer.bias is not None for layer in linear):
        return None
    return WrittenOut(linear)  # type: ignore[arg-type]


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    if isinstance(module, nn.Sequential):
        for part in module:
            yield from _layers(part)
    else:
        yield module
