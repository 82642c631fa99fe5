"""What an entry of each in-training stage must be able to do.

`resample` entries follow imbalanced-learn (``fit_resample(X, y)``); `ensemble` and `decision`
entries are scikit-learn meta-estimators constructed with ``estimator=``. The four stages below
act inside :class:`imbench.models.nets.classifier.TorchClassifier`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Generator, Tensor

RowLoss = Callable[..., Tensor]
"""logits (..., B, K), labels (..., B) -> losses (..., B), not reduced."""


class Target(NamedTuple):
    """Labels that the rows of a batch are trained on, and how much of each row's loss they are.

    Parameters
    ----------
    labels : Tensor of shape (B,)
    share : Tensor of shape (B,)
    rows : Tensor of shape (B,) or None
        Which of the rows that the transform was given the labels are of: their
        ``sample_weight`` multiplies the loss. None is row i for row i.
    """

    labels: Tensor
    share: Tensor
    rows: Tensor | None = None


Targets = Sequence[Target | tuple[Tensor, Tensor]]
"""A row's loss is the sum over the targets, weighted by their shares; a pair has no ``rows``."""

BatchTransform = Callable[[Tensor, Tensor, Generator], tuple[Tensor, Targets]]
"""x (B, ...), labels (B,), generator -> x (B, ...), targets."""


class Loss(Protocol):
    """What the net minimises. Bound once a fit, to the training counts.

    Six attributes are optional. ``make_head(n_features, n_classes) -> Module`` replaces the
    linear head (LDAM: a cosine classifier). ``probabilities(logits) -> Tensor``, both (n, K),
    takes the place of the softmax in ``predict_proba`` (sigmoid outputs; scaled cosines). With
    ``uses_features = True`` the bound loss is called with a third argument, the features
    (..., B, F) that the head was given. With ``uses_progress = True`` it is called with the
    keyword ``progress``, the share of the training done, in [0, 1). ``stacks = True`` says that
    ``bind`` also takes the counts (M, K) of M nets, and the bound loss logits (M, B, K): nets
    that are trained together then need one call. ``batch_level = True`` says that the loss of a
    row depends on the others of its batch: nothing can weight a row alone.
    """

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (K,)."""
        ...


class Weights(Protocol):
    """How much a row of each class counts. Called at the start of every epoch."""

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Map counts (K,) and the share of the training done, in [0, 1), to weights (K,)."""
        ...


class Batches(Protocol):
    """Which rows an epoch draws, in which order. Called at the start of every epoch.

    With the optional attribute ``uses_losses = True`` it is called with one more keyword,
    ``losses`` (n,): the cross-entropy of every row under the net as it is, for curricula.
    """

    def __call__(
        self, y: Tensor, n_classes: int, batch_size: int, progress: float, generator: Generator
    ) -> Tensor:
        """Return row indices (n_draws,); consecutive slices of ``batch_size`` are the batches."""
        ...


class Augment(Protocol):
    """Changes the rows of a batch. Bound once a fit, to the training counts.

    With the optional attribute ``uses_balanced_rows = True`` the transform is called with 2 B
    rows, those of the batch and as many again that are drawn class-balanced from all training
    rows, and returns B rows. ``mixes_labels = True`` says that a row comes back with the labels of
    several: such an entry must be the last of its chain.
    """

    def bind(self, counts: Tensor) -> BatchTransform:
        """Return the transform for training counts of shape (K,)."""
        ...
