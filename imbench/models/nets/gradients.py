"""The gradients of multilayer perceptrons under cross-entropy, written out.

A step of small nets is short: building a graph and walking back through it takes longer than the
arithmetic. The commonest of nets, fully connected layers with ReLU, has gradients of a few
lines under the commonest of losses; every other net and loss goes through autograd.

The calls of a step are as few as may be. Each of them takes Python's lock from the stack that is
trained beside this one, and gives it back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from imbench.models.nets.rows import to_input
from imbench.models.nets.stack import Stack, StackedFlatten, StackedLinear

threshold_backward = torch.ops.aten.threshold_backward.grad_input


class Batch(NamedTuple):
    """What a step needs of its rows; of a net alone without the axis M.

    Parameters
    ----------
    x : Tensor of shape (M, B, ...)
    share : Tensor of shape (M, 1, B) or (M, B, 1)
        What a row is of the loss: its weight over the sum of weights.
    minus_target : Tensor of shape (M, K, B) or (M, B, K)
        The share at the label, negated; zero elsewhere.
    """

    x: Tensor
    share: Tensor
    minus_target: Tensor


class WrittenOut(ABC):
    """Losses and gradients of M perceptrons of one shape.

    Parameters
    ----------
    layers : sequence of StackedLinear
        With a ReLU between each two of them; all have a bias.

    Attributes
    ----------
    class_axis : int
        Of logits: 1 for (M, K, B), 2 for (M, B, K), whichever is faster.
    parameters : list of Tensor
        Views, of which the gradients are; weight and bias of each layer.
    leading : bool
        Whether they have the axis of the nets.
    """

    class_axis: int
    leading: bool

    def __init__(self, layers: Sequence[StackedLinear]) -> None:
        self.n_classes = layers[-1].weight.shape[1 if layers[-1].outputs_first else 2]
        found = [p.detach() for layer in layers for p in layer.parameters(recurse=False)]
        self.parameters = found if self.leading else [p[0] for p in found]

    @abstractmethod
    def __call__(
        self, x: Tensor, share: Tensor, minus_target: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the logits, and the gradients of the mean loss by each parameter.

        Parameters
        ----------
        x, share, minus_target : Tensor
            Of a :class:`Batch`.
        """

    def batches(self, x: Tensor, labels: Tensor, share: Tensor) -> Iterable[Batch]:
        """Return batches as steps take them.

        Parameters
        ----------
        x : Tensor of shape (S, M, B, ...)
        labels, share : Tensor of shape (S, M, B)
        """
        return map(Batch, x.unbind(), *(part.unbind() for part in self._slopes(labels, share)))

    def shorter(self, batch: Batch, width: int) -> Batch:
        """Return the first rows of a batch."""
        axis = 3 - self.class_axis
        return Batch(batch.x[:, :width], *(part.narrow(axis, 0, width) for part in batch[1:]))

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

    def _slopes(self, labels: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        axis = self.class_axis + 1
        shape = list(share.shape)
        shape.insert(axis, self.n_classes)
        share = share.unsqueeze(axis)
        return share, share.new_zeros(shape).scatter_(axis, labels.unsqueeze(axis), -share)


class _Layer:
    """Views of a layer of M nets, which follow the parameters: made once, not in every step."""

    def __init__(self, layer: StackedLinear) -> None:
        self.outputs_first = layer.outputs_first
        weight, bias = layer.weight.detach(), cast(Tensor, layer.bias).detach()
        turned = weight.transpose(1, 2)
        self.outputs_in, self.in_outputs = (
            (weight, turned) if self.outputs_first else (turned, weight)
        )
        self.bias_row, self.bias_column = bias.unsqueeze(1), bias.unsqueeze(2)
        self.n_out = bias.shape[1]

    def room(self, n_rows: int) -> Tensor:
        """Return memory for outputs (M, n_rows, out)."""
        return self.bias_row.new_empty(len(self.bias_row), n_rows, self.n_out)


class _Rooms:
    """Memory for the hidden units of a step, and for slopes by all outputs, and views of it.

    What is allocated in every step goes back to the system in every step, and is slow to get.
    """

    def __init__(self, layers: Sequence[_Layer], n_rows: int, class_axis: int) -> None:
        self.units = [layer.room(n_rows) for layer in layers[:-1]]
        self.turned_units = [room.transpose(1, 2) for room in self.units]
        self.slopes = [layer.room(n_rows) for layer in layers]
        if class_axis == 1:
            self.slopes[-1] = self.slopes[-1].transpose(1, 2).contiguous().transpose(1, 2)
        self.turned_slopes = [room.transpose(1, 2) for room in self.slopes]


class WrittenOutStack(WrittenOut):
    """The nets of a stack: all products are batched ones."""

    leading = True

    def __init__(self, layers: Sequence[StackedLinear]) -> None:
        super().__init__(layers)
        self.layers = [_Layer(layer) for layer in layers]
        self.class_axis = 1 if self.layers[-1].outputs_first else 2
        self._rooms: dict[int, _Rooms] = {}
        self._gradients = [torch.empty_like(layer.weight).detach() for layer in layers]

    def __call__(
        self, x: Tensor, share: Tensor, minus_target: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """See :class:`WrittenOut`."""
        x = to_input(x)
        x = x if x.ndim == 3 else x.flatten(2)
        rooms = self._rooms.get(x.shape[1])
        if rooms is None:
            rooms = _Rooms(self.layers, x.shape[1], self.class_axis)
            self._rooms[x.shape[1]] = rooms
        *hidden, head = self.layers
        units, turned = [x, *rooms.units], [x.transpose(1, 2), *rooms.turned_units]
        for i, layer in enumerate(hidden):
            torch.baddbmm(layer.bias_row, units[i], layer.in_outputs, out=units[i + 1]).relu_()
        slope, turned_slope = rooms.slopes[-1], rooms.turned_slopes[-1]
        # d loss / d logits = share * (softmax - 1 at the label)
        if self.class_axis == 1:
            logits = torch.baddbmm(head.bias_column, head.outputs_in, turned[-1])
            torch.addcmul(minus_target, logits.softmax(1), share, out=turned_slope)
            gradients = [turned_slope.sum(2)]
        else:
            logits = torch.baddbmm(head.bias_row, units[-1], head.in_outputs)
            torch.addcmul(minus_target, logits.softmax(2), share, out=slope)
            gradients = [slope.sum(1)]
        for i in range(len(hidden), -1, -1):
            layer = self.layers[i]
            factors = (turned_slope, units[i]) if layer.outputs_first else (turned[i], slope)
            gradients.append(torch.bmm(*factors, out=self._gradients[i]))
            if i:
                before = rooms.slopes[i - 1]
                torch.bmm(slope, layer.outputs_in, out=before)
                slope = threshold_backward(before, units[i], 0, grad_input=before)
                turned_slope = rooms.turned_slopes[i - 1]
                gradients.append(slope.sum(1))
        return logits, gradients[::-1]


class WrittenOutAlone(WrittenOut):
    """A net alone: products of matrices, whose columns are the rows of the batch.

    So they have many columns, whatever the layer.
    """

    leading = False
    class_axis = 1

    def __init__(self, layers: Sequence[StackedLinear]) -> None:
        super().__init__(layers)
        self.layers = [_Layer(layer) for layer in layers]
        self._weights = [layer.outputs_in[0] for layer in self.layers]  # (out, in)
        self._turned_weights = [layer.in_outputs[0] for layer in self.layers]
        self._biases = [layer.bias_column[0] for layer in self.layers]  # (out, 1)
        self._rooms: dict[tuple[int, ...], Tensor] = {}

    def batches(self, x: Tensor, labels: Tensor, share: Tensor) -> Iterable[Batch]:
        """Return batches without the axis of the nets."""
        share, minus_target = self._slopes(labels, share)
        parts = (x[:, 0].flatten(2), share[:, 0], minus_target[:, 0])
        return map(Batch, *(part.unbind() for part in parts))

    def shorter(self, batch: Batch, width: int) -> Batch:
        """Return the first rows of a batch."""
        return Batch(batch.x[:width], batch.share[:, :width], batch.minus_target[:, :width])

    def mean_losses(self, logits: Sequence[Tensor], labels: Tensor, share: Tensor) -> list[Tensor]:
        """See :class:`WrittenOut`; logits are (K, B)."""
        return super().mean_losses([one.unsqueeze(0) for one in logits], labels, share)

    def __call__(
        self, x: Tensor, share: Tensor, minus_target: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """See :class:`WrittenOut`; nothing has an axis of the nets."""
        n_rows = len(x)
        if x.dtype == torch.uint8:
            x = to_input(x, self._room(0, *x.shape))
        units, turned = [x.T], [x]  # (in, B) and (B, in)
        last = len(self.layers) - 1
        for i, (weight, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            outputs = torch.addmm(bias, weight, units[i])
            if i < last:
                units.append(outputs.relu_())
                turned.append(outputs.T)
        # d loss / d logits = share * (softmax - 1 at the label)
        slope = torch.addcmul(minus_target, outputs.softmax(0), share)
        gradients: list[Tensor] = []
        for i in range(last, -1, -1):
            gradients += [slope.sum(1), self._of_weight(i, slope, units[i], turned[i])]
            if i:
                room = self._room(i, len(units[i]), n_rows)
                slope = self._through(i, slope, room)
                threshold_backward(slope, units[i], 0, grad_input=slope)
        return outputs, gradients[::-1]

    def _of_weight(self, i: int, slope: Tensor, units: Tensor, turned: Tensor) -> Tensor:
        """Return the gradient of a weight, which lies as the weight does."""
        if not self.layers[i].outputs_first:
            return torch.mm(units, slope.T)
        return torch.mm(slope, turned)

    def _through(self, i: int, slope: Tensor, room: Tensor) -> Tensor:
        """Return the gradient of inputs (in, B), for one of outputs (out, B)."""
        weight = self._turned_weights[i]
        return torch.mm(weight, slope, out=room)

    def _room(self, place: int, *shape: int) -> Tensor:
        """Return memory of a shape, the same in every step."""
        room = self._rooms.get((place, *shape))
        if room is None:
            room = self._rooms[place, *shape] = self._biases[0].new_empty(shape)
        return room


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
    kind = WrittenOutAlone if len(stack.nets) == 1 else WrittenOutStack
    return kind(linear)  # type: ignore[arg-type]


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    if isinstance(module, nn.Sequential):
        for part in module:
            yield from _layers(part)
    else:
        yield module
