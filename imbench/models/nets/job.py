"""One net to train, with its rows, stages and settings, and the results of its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from imbench.models.nets.rows import Rows
from imbench.strategies.protocols import (
    Batches,
    BatchTransform,
    RowLoss,
    Weights,
)


@dataclass(frozen=True, eq=False)
class Stages:
    """The in-training stages, bound to the training counts; None where a stage is empty.

    Parameters
    ----------
    loss : callable
    batches, augment, weights : callable or None
    loss_uses_features, loss_uses_progress, augment_uses_balanced_rows : bool
        See :mod:`imbench.strategies.protocols`.
    stack_loss : callable or None
        Binds the loss for a stack: counts (M, K) to a loss of logits (M, B, K). Without it the
        loss is called for one net after the other.
    loss_is_batch_level : bool
        The loss of a row depends on the other rows, and so padding must not be among them.
    """

    loss: RowLoss
    batches: Batches | None = None
    augment: BatchTransform | None = None
    weights: Weights | None = None
    loss_uses_features: bool = False
    augment_uses_balanced_rows: bool = False
    loss_uses_progress: bool = False
    stack_loss: Callable[[Tensor], RowLoss] | None = None
    loss_is_batch_level: bool = False


@dataclass(frozen=True)
class Settings:
    """What the loop needs to know beside data and stages; see ``TorchClassifier``."""

    n_classes: int
    epochs: int
    batch_size: int
    optimizer: str
    lr: float
    weight_decay: float
    amp: bool


@dataclass(frozen=True, eq=False)
class Job:
    """One net to train.

    Parameters
    ----------
    net : Sequential
        Body and head, from (B, *input_shape) to logits (B, K); on the device of ``rows``. It is
        trained in place.
    rows, validation : Rows
        Validation rows are only ever scored.
    stages : Stages
    settings : Settings
    generator : torch.Generator
        On the same device; the only source of randomness. It draws the order of rows. Augmentations
        and dropout draw from generators seeded by it, so that they do not change the order and two
        strategies stay paired.
    kind : object
        Nets whose stages do the same, but for what they are bound to and for numbers among their
        parameters, have equal ones.
    loss_kind : object
        Nets whose losses do the same, but for what they are bound to, have equal ones; the
        others of a stack have their losses computed one by one.
    """

    net: nn.Sequential
    rows: Rows
    validation: Rows | None
    stages: Stages
    settings: Settings
    generator: Generator
    kind: object = None
    loss_kind: object = None

    @property
    def n_bytes(self) -> int:
        """Bytes of the rows and of the parameters."""
        tensors = [self.rows.x, *self.net.parameters()]
        tensors += [] if self.validation is None else [self.validation.x]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@dataclass(frozen=True, eq=False)
class Training:
    """Results of a training run, beside the parameters of the net.

    Parameters
    ----------
    history : ndarray of shape (n_epochs, 2)
        Mean training loss and validation score (balanced accuracy; NaN without validation
        rows) of each epoch.
    rows_seen : ndarray of shape (K,)
        Rows of each class that an epoch drew, on average.
    """

    history: NDArray[np.float64]
    rows_seen: NDArray[np.float64]
