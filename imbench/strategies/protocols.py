"""What an entry of each in-training stage must be able to do.

`resample` entries follow imbalanced-learn (``fit_resample(X, y)``); `ensemble` and `decision`
entries are scikit-learn meta-estimators constructed with ``estimator=``. The four stages below
act inside :class:`imbench.models.torch_classifier.TorchClassifier`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Generator, Tensor

RowLoss = Callable[[Tensor, Tensor], Tensor]
"""logits (..., B, K), labels (..., B) -> losses (..., B), not reduced."""

Targets = list[tuple[Tensor, Tensor]]
"""Pairs of labels (B,) and weights (B,): a row's loss is the weighted sum over the pairs."""

BatchTransform = Callable[[Tensor, Tensor, Generator], tuple[Tensor, Targets]]
"""x (B, ...), labels (B,), generator -> x (B, ...), targets."""


class Loss(Protocol):
    """What the net minimises. Bound once a fit, to the training counts."""

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (K,)."""
        ...


class Weights(Protocol):
    """How much a row of each class counts. Called at the start of every epoch."""

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Map counts (K,) and the share of the training done, in [0, 1), to weights (K,)."""
        ...


class Batches(Protocol):
    """Which rows an epoch draws, in which order. Called at the start of every epoch."""

    def __call__(
        self, y: Tensor, n_classes: int, batch_size: int, progress: float, generator: Generator
    ) -> Tensor:
        """Return row indices (n_draws,); consecutive slices of ``batch_size`` are the batches."""
        ...


class Augment(Protocol):
    """Changes the rows of a batch. Bound once a fit, to the training counts."""

    def bind(self, counts: Tensor) -> BatchTransform:
        """Return the transform for training counts of shape (K,)."""
        ...
