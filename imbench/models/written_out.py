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

from imbench.models.products import of_weight, onednn, takes_onednn, through
from imbench.models.stack import Stack, StackedFlatten, StackedLinear


class WrittenOut:
    """Losses and gradients of M perceptrons of one shape.

    Parameters
    ----------
    layers : sequence of StackedLinear
        With a ReLU between each two of them; all have a bias.

    Attributes
    ----------
    class_axis : int
        Of logits: 1 for (M, K, B), 2 for (M, B, K), whichever is faster.
    """

    def __init__(self, layers: Sequence[StackedLinear]) -> None:
        self.layers = [_Layer(layer) for layer in layers]
        self._rooms: dict[tuple[int, int], Tensor] = {}
        self.class_axis = 1 if self.layers[-1].outputs_first else 2

    def slopes(self, labels: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the steps of several batches need of labels and shares.

        Parameters
        ----------
        labels, share : Tensor of shape (S, M, B)
            A share is what a row is of the loss: its weight over the sum of weights.

        Returns
        -------
        share : Tensor of shape (S, M, 1, B) or (S, M, B, 1)
        minus_target : Tensor of shape (S, M, K, B) or (S, M, B, K)
            The share at the label, negated; zero elsewhere.
        """
        axis = self.class_axis + 1
        shape = list(share.shape)
        shape.insert(axis, self.layers[-1].n_out)
        share = share.unsqueeze(axis)
        return share, share.new_zeros(shape).scatter_(axis, labels.unsqueeze(axis), -share)

    def __call__(
        self, x: Tensor, share: Tensor, minus_target: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the logits, and the gradients of the mean loss by weight and bias of each layer.

        Parameters
        ----------
        x : Tensor of shape (M, B, ...)
        share, minus_target : Tensor
            Of this batch, see :meth:`slopes`.
        """
        inputs = [x.flatten(2)]
        n_rows = x.shape[1]
        for i, layer in enumerate(self.layers[:-1]):
            inputs.append(layer.rectified(inputs[-1], self._room(2 * i, n_rows, layer)))
        head = self.layers[-1]
        logits = head.transposed(inputs[-1]) if self.class_axis == 1 else head.plain(inputs[-1])
        # d loss / d logits = share * (softmax - 1 at the label)
        slope = torch.addcmul(minus_target, logits.softmax(self.class_axis), share)
        if self.class_axis == 1:
            slope = slope.transpose(1, 2)
        gradients: list[Tensor] = []
        for i in range(len(self.layers) - 1, -1, -1):
            gradients += [slope.sum(1), self.layers[i].of_weight(inputs[i], slope)]
            if i:
                room = self._room(2 * i - 1, n_rows, self.layers[i - 1])
                slope = through(slope, self.layers[i].outputs_in, room)
                torch.ops.aten.threshold_backward.grad_input(slope, inputs[i], 0, grad_input=slope)
        return logits, gradients[::-1]

    def _room(self, place: int, n_rows: int, layer: _Layer) -> Tensor:
        """Return memory for outputs (M, B, out) of a layer, the same in every step.

        What is allocated in every step goes back to the system in every step, and is slow to get.
        """
        room = self._rooms.get((place, n_rows))
        if room is None:
            room = layer.bias.new_empty(len(layer.bias), n_rows, layer.n_out)
            self._rooms[place, n_rows] = room
        return room

    def mean_losses(self, logits: Sequence[Tensor], labels: Tensor, share: Tensor) -> list[Tensor]:
        """Return the mean losses (M,) of batches.

        Parameters
        ----------
        logits : sequence of S tensors
            As they were returned; of batches that may be shorter than the width.
        labels, share : Tensor of shape (S, M, width)
        """
        width = share.shape[-1]
        whole = torch.stack([_padded(one, 3 - self.class_axis, width) for one in logits])
        axis = self.class_axis + 1
        scores = whole.log_softmax(axis).gather(axis, labels.unsqueeze(axis)).squeeze(axis)
        return list(-(share * scores).sum(-1))


class _Layer:
    """Products with the weights of a layer; views, which follow the parameters.

    Making views anew would take a good part of a step.
    """

    def __init__(self, layer: StackedLinear) -> None:
        self.outputs_first = layer.outputs_first
        self.is_alone = len(layer.weight) == 1
        weight, bias = layer.weight.detach(), cast(Tensor, layer.bias).detach()
        turned = weight.transpose(1, 2)
        self.outputs_in, self.in_outputs = (
            (weight, turned) if self.outputs_first else (turned, weight)
        )
        self.bias, self.bias_row, self.bias_column = bias, bias.unsqueeze(1), bias.unsqueeze(2)
        self.n_out = bias.shape[1]

    def plain(self, x: Tensor) -> Tensor:
        """Return the outputs (M, B, out)."""
        return torch.baddbmm(self.bias_row, x, self.in_outputs)

    def transposed(self, x: Tensor) -> Tensor:
        """Return the outputs (M, out, B)."""
        return torch.baddbmm(self.bias_column, self.outputs_in, x.transpose(1, 2))

    def rectified(self, x: Tensor, room: Tensor) -> Tensor:
        """Return the outputs (M, B, out), or 0 where they are negative; in ``room`` if it can."""
        if self.is_alone and self.outputs_first and takes_onednn(x, self.outputs_in):
            return onednn(x[0], self.outputs_in[0], self.bias[0], relu=True).unsqueeze(0)
        return torch.baddbmm(self.bias_row, x, self.in_outputs, out=room).relu_()

    def of_weight(self, x: Tensor, slope: Tensor) -> Tensor:
        """Return the gradient of the weights, for one of the outputs (M, B, out)."""
        if self.outputs_first:
            return of_weight(x, slope.transpose(1, 2))
        return torch.bmm(x.transpose(1, 2), slope)


def _padded(tensor: Tensor, axis: int, width: int) -> Tensor:
    """Return a tensor with zeros behind, up to a width of an axis from 1 on."""
    missing = width - tensor.shape[axis]
    if not missing:
        return tensor
    return functional.pad(tensor, [0, 0] * (tensor.ndim - 1 - axis) + [0, missing])


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
