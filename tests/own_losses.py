"""Losses as users write them: some sound, some with a fault that no error message shows."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from imbench.strategies.loss.cross_entropy import cross_entropy


@dataclass(frozen=True)
class PlainLoss:
    """Sound: what the recipe of docs/extending.md shows."""

    def bind(self, counts):
        return lambda logits, y: F.cross_entropy(logits, y, reduction="none")


class LearnedLoss(nn.Module):
    """Sound: a module with a parameter, features and progress."""

    uses_features = True
    uses_progress = True
    stacks = True

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def bind(self, counts):
        def loss(logits, y, features, progress):
            return cross_entropy(self.scale * logits, y) + progress * features.square().mean(-1)

        return loss


@dataclass(frozen=True)
class DroppingLoss:
    """Sound: leaves out each row with probability 1/2, drawn from the global generator."""

    def bind(self, counts):
        return lambda logits, y: cross_entropy(logits, y) * (torch.rand(y.shape) < 0.5)


@dataclass(frozen=True)
class ScalarLoss:
    def bind(self, counts):
        return F.cross_entropy


@dataclass(frozen=True)
class FloatLoss:
    def bind(self, counts):
        return lambda logits, y: F.cross_entropy(logits, y).item()


@dataclass(frozen=True)
class OutputLoss:
    """A loss for each output instead of each row."""

    def bind(self, counts):
        return lambda logits, y: -logits.log_softmax(-1)


@dataclass(frozen=True)
class MeanLoss:
    """The mean of the batch, as the loss of every row."""

    def bind(self, counts):
        return lambda logits, y: F.cross_entropy(logits, y).expand(y.shape)


@dataclass(frozen=True)
class HardestHalfLoss:
    """Online hard example mining: the easier half of the batch counts nothing."""

    def bind(self, counts):
        def loss(logits, y):
            rows = cross_entropy(logits, y)
            return rows * (rows >= rows.detach().median())

        return loss


@dataclass(frozen=True)
class BatchCountsLoss:
    """Divides by how often the label occurs in the batch; no gradient shows it."""

    def bind(self, counts):
        def loss(logits, y):
            return cross_entropy(logits, y) / torch.bincount(y, minlength=logits.shape[-1])[y]

        return loss


@dataclass(frozen=True)
class LateMeanLoss:
    """Rows are independent until three quarters of the training are done."""

    uses_progress = True

    def bind(self, counts):
        def loss(logits, y, progress):
            rows = cross_entropy(logits, y)
            return rows if progress < 0.75 else rows.mean().expand(y.shape)

        return loss


@dataclass(frozen=True)
class FirstNetLoss:
    """Class weights that ignore the axis of the nets: those of the first for all of them."""

    stacks = True

    def bind(self, counts):
        weights = (counts.sum(-1, keepdim=True) / counts.clamp_min(1)).reshape(-1)

        def loss(logits, y):
            return weights[y].to(logits.dtype) * cross_entropy(logits, y)

        return loss


@dataclass(frozen=True)
class SharedDifficultyLoss:
    """Multiplies the loss of a row by itself, and in a stack by the mean of all nets."""

    stacks = True

    def bind(self, counts):
        def loss(logits, y):
            rows = cross_entropy(logits, y)
            difficulty = rows.detach()
            return rows * (difficulty if rows.ndim == 1 else difficulty.mean(0))

        return loss


@dataclass(frozen=True)
class OwnDifficultyLoss(SharedDifficultyLoss):
    """The same without a stacked form, which is right."""

    stacks = False


@dataclass(frozen=True)
class NoStackLoss:
    """Declares a stacked form that raises an error."""

    stacks = True

    def bind(self, counts):
        return lambda logits, y: F.cross_entropy(logits, y, reduction="none")


@dataclass(frozen=True)
class RememberingLoss:
    """Binding changes the object."""

    bound: tuple = ()

    def bind(self, counts):
        object.__setattr__(self, "bound", (*self.bound, tuple(counts.tolist())))
        return cross_entropy


class Ordinal(nn.Module):
    """A head whose outputs are sorted."""

    def __init__(self, n_features, n_classes):
        super().__init__()
        self.linear = nn.Linear(n_features, n_classes)

    def forward(self, x):
        return self.linear(x).sort(-1).values


@dataclass(frozen=True)
class SortedLoss:
    """Sound, but only defined for sorted outputs, which its head makes."""

    def make_head(self, n_features, n_classes):
        return Ordinal(n_features, n_classes)

    def bind(self, counts):
        def loss(logits, y):
            if (logits.detach().diff(dim=-1) < 0).any():
                raise AssertionError("outputs are not sorted")
            return cross_entropy(logits, y)

        return loss
