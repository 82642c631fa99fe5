"""The gradients of multilayer perceptrons under cross-entropy, written out.

A step of small nets is short: building a graph and walking back through it takes longer than the
arithmetic. The commonest of nets, fully connected layers with ReLU, has gradients of a few
lines under the commonest of losses; every other net and loss goes through autograd.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from imbench.models.stack import Stack, StackedFlatten, StackedLinear


class WrittenOut:
    """Losses and gradients of M perceptrons of one shape.

    Parameters
    ----------
    layers : sequence of StackedLinear
        With a ReLU between each two of them; all have a bias.
    """

    def __init__(self, layers: Sequence[StackedLinear]) -> None:
        # Views, which follow the parameters; making them anew takes a good part of a step.
        biases = [cast(Tensor, layer.bias) for layer in layers]
        self.weights = [layer.weight.detach() for layer in layers]
        self.biases = [bias.detach().unsqueeze(1) for bias in biases]
        self.back = [weight.transpose(1, 2) for weight in self.weights]
        self._one: Tensor | None = None

    @torch.no_grad()
    def __call__(self, x: Tensor, labels: Tensor, share: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the log-probability of each label, and the gradients of the mean loss.

        Parameters
        ----------
        x : Tensor of shape (M, B, ...)
        labels : Tensor of shape (M, B)
        share : Tensor of shape (M, B)
            What a row is of the loss: its weight over the sum of weights.

        Returns
        -------
        scores : Tensor of shape (M, B)
            Of which the losses are the sums by those shares, negated: :func:`mean_losses`.
        gradients : list of Tensor
            By weight and bias of each layer.
        """
        inputs = [x.flatten(2)]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            inputs.append(torch.baddbmm(bias, inputs[-1], weight).relu_())
        scores = torch.baddbmm(self.biases[-1], inputs[-1], self.weights[-1]).log_softmax(-1)
        place = labels.unsqueeze(-1)
        picked = scores.gather(-1, place)
        # d loss / d logits = share * (softmax - 1 at the label)
        slope = scores.exp_().scatter_add_(-1, place, self._minus_one(scores).expand_as(place))
        slope.mul_(share.unsqueeze(-1))
        gradients: list[Tensor] = []
        for i in range(len(self.weights) - 1, -1, -1):
            gradients += [slope.sum(1), torch.bmm(inputs[i].transpose(1, 2), slope)]
            if i:
                slope = torch.bmm(slope, self.back[i])
                slope = torch.ops.aten.threshold_backward(slope, inputs[i], 0)
        return picked.squeeze(-1), gradients[::-1]

    def _minus_one(self, like: Tensor) -> Tensor:
        if self._one is None:
            self._one = like.new_full((), -1.0)
        return self._one


def mean_losses(picked: Sequence[Tensor], share: Tensor) -> list[Tensor]:
    """Return the mean losses (M,) of batches, from what their steps have returned.

    Parameters
    ----------
    picked : sequence of S tensors of shape (M, B)
        B may be smaller than the width.
    share : Tensor of shape (S, M, width)
    """
    width = share.shape[-1]
    whole = [
        p if p.shape[-1] == width else functional.pad(p, (0, width - p.shape[-1])) for p in picked
    ]
    return list(-(share * torch.stack(whole)).sum(-1))


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
