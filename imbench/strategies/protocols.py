"""Protocols of the stages inside the training of a net: loss, weights, batches and augment.

An own entry is a class with these methods; nothing is inherited or registered. They are called by
:class:`imbench.models.nets.classifier.TorchClassifier`. Their contracts, which tests can inherit,
are in :mod:`imbench.testing.losses` and :mod:`imbench.testing.training_stages`.

The other stages follow scikit-learn: `resample` entries are samplers of imbalanced-learn
(``fit_resample(X, y)``), and `ensemble` and `decision` entries are meta-estimators that are
constructed with ``estimator=``.
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
    """Labels of the rows of a batch, and their share of each row's loss.

    Parameters
    ----------
    labels : Tensor of shape (B,)
    share : Tensor of shape (B,)
        The shares of all targets of a row sum to one.
    rows : Tensor of shape (B,) or None
        For each label, the index of its row among the rows passed to the transform; the
        ``sample_weight`` of that row multiplies the loss. None is row i for row i.
    """

    labels: Tensor
    share: Tensor
    rows: Tensor | None = None


Targets = Sequence[Target | tuple[Tensor, Tensor]]
"""Targets of a batch. The loss of a row is the sum over them, weighted by their shares."""

BatchTransform = Callable[[Tensor, Tensor, Generator], tuple[Tensor, Targets]]
"""x (B, ...), labels (B,), generator -> x (B, ...), targets."""


class Loss(Protocol):
    """The objective of a net. Bound once a fit, to the class counts of the training rows.

    A bound loss returns one value a row, not a mean: the trainer multiplies rows by their weights
    and divides by the sum of the weights. The following attributes are optional.

    Attributes
    ----------
    make_head : callable
        ``make_head(n_features, n_classes) -> Module`` replaces the linear head, for example by a
        cosine classifier (LDAM).
    probabilities : callable
        ``probabilities(logits) -> Tensor``, both (n, K), replaces the softmax in
        ``predict_proba``, for example for sigmoid outputs.
    uses_features : bool, default=False
        The bound loss gets a third argument, the inputs of the head, shape (..., B, F).
    uses_progress : bool, default=False
        The bound loss gets the keyword ``progress``, the share of the training done, in [0, 1).
    stacks : bool, default=False
        ``bind`` also takes the counts (M, K) of M nets, and the bound loss logits (M, B, K). Nets
        of several folds are then trained with one call a step instead of M.
    batch_level : bool, default=False
        The loss of a row depends on the other rows of its batch, so rows cannot be weighted.
    bind_boosting : callable
        ``bind_boosting(counts) -> BoostingLoss`` declares that LightGBM and XGBoost can minimise
        the loss too, see :class:`BoostingLoss`. A loss with ``bind_boosting`` alone is for them.

    Notes
    -----
    ``stacks`` and ``batch_level`` are verified with a few rows at the start of each fit, see
    :func:`imbench.models.nets.probe.probe_loss`.

    Examples
    --------
    >>> import torch
    >>> from torch.nn import functional as F
    >>> class SmoothedLoss:
    ...     def bind(self, counts):
    ...         def loss(logits, y):
    ...             return F.cross_entropy(logits, y, reduction="none", label_smoothing=0.1)
    ...         return loss
    >>> loss = SmoothedLoss().bind(torch.tensor([90, 10]))
    >>> loss(torch.tensor([[2.0, 0.0], [2.0, 0.0]]), torch.tensor([0, 1]))
    tensor([0.2269, 2.0269])
    """

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (K,)."""
        ...


class BoostingLoss(Protocol):
    """A loss with its derivatives, for gradient boosting; bound to the counts (K,) of the rows.

    A raw score is what the trees of an output sum up to: two classes have one output, the logit
    of the second class, and K > 2 classes have K. Weights of rows multiply both derivatives.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.special import expit
    >>> class LogLoss:
    ...     def start(self, shares):
    ...         return np.log(shares[1:] / shares[:1])
    ...     def derivatives(self, scores, y):
    ...         p = expit(scores)
    ...         return p - y[:, None], p * (1 - p)
    ...     def probabilities(self, scores):
    ...         return np.hstack([expit(-scores), expit(scores)])
    >>> LogLoss().start(np.array([0.5, 0.5]))
    array([0.])
    """

    def start(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (1,) or (K,) to begin with, for the shares (K,) of the classes."""
        ...

    def derivatives(
        self, scores: NDArray[np.float64], y: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return gradient and positive second derivative of each row's loss, (n, 1) or (n, K)."""
        ...

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return probabilities (n, K) of raw scores."""
        ...


class Weights(Protocol):
    """Weight of the rows of each class. Called at the start of every epoch.

    The following method is optional.

    Attributes
    ----------
    row_weights : callable
        ``row_weights(X, y) -> weights``: training rows (n, d) as the model sees them, labels
        0..K-1 (n,), and what the class weight of each row is multiplied by (n,), with a mean of
        one in each class. Called once a fit. An entry with a ``random_state`` inherits
        ``sklearn.base.BaseEstimator``, so that it is seeded.

    Examples
    --------
    >>> import numpy as np
    >>> class RarestDoubled:
    ...     def __call__(self, counts, progress):
    ...         return np.where(counts == counts.min(), 2.0, 1.0)
    >>> RarestDoubled()(np.array([90, 10]), progress=0.0)
    array([1., 2.])
    """

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Return weights (K,) for counts (K,) and the share of the training done, in [0, 1)."""
        ...


class Batches(Protocol):
    """Rows of an epoch and their order. Called at the start of every epoch.

    Attributes
    ----------
    uses_losses : bool, default=False
        Optional. The call gets the keyword ``losses`` (n,), the cross-entropy of every row under
        the current net, for curricula.

    Examples
    --------
    >>> import torch
    >>> class Reversed:
    ...     def __call__(self, y, n_classes, batch_size, progress, generator):
    ...         return torch.arange(len(y)).flip(0)
    >>> Reversed()(torch.tensor([0, 0, 1]), 2, 64, 0.0, torch.Generator())
    tensor([2, 1, 0])
    """

    def __call__(
        self, y: Tensor, n_classes: int, batch_size: int, progress: float, generator: Generator
    ) -> Tensor:
        """Return row indices (n_draws,); consecutive slices of ``batch_size`` are the batches."""
        ...


class Augment(Protocol):
    """Transformation of the rows of a batch. Bound once a fit, to the training counts.

    Attributes
    ----------
    mixes_labels : bool, default=False
        Optional. A row is returned with the labels of several rows. Such an entry must be the
        last of a chain.
    uses_balanced_rows : bool, default=False
        Optional. The transform gets 2 B rows, those of the batch and as many again that are drawn
        class-balanced from all training rows, and returns B rows.

    Examples
    --------
    >>> import torch
    >>> class Doubled:
    ...     def bind(self, counts):
    ...         return lambda x, y, generator: (2 * x, [(y, torch.ones(len(y)))])
    >>> transform = Doubled().bind(torch.tensor([90, 10]))
    >>> x, targets = transform(torch.ones(2, 3), torch.tensor([0, 1]), torch.Generator())
    >>> x
    tensor([[2., 2., 2.],
            [2., 2., 2.]])
    """

    def bind(self, counts: Tensor) -> BatchTransform:
        """Return the transform for training counts of shape (K,)."""
        ...
