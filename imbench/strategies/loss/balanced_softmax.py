"""Balanced softmax: cross-entropy of logits shifted by the log of the class sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.loss.outputs import at_least_float32, by_output, class_sizes
from imbench.strategies.protocols import RowLoss


@dataclass(frozen=True)
class BalancedSoftmaxLoss:
    """CE(z + log n): the net learns logits for classes of equal size.

    Notes
    -----
    At prediction the logits are used without log n.

    References
    ----------
    Ren et al. 2020, "Balanced Meta-Softmax for Long-Tailed Visual Recognition",
    arXiv 2007.10740, eq. 4 (without the meta sampler).

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = BalancedSoftmaxLoss().bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.0149, 4.2122])
    """

    stacks: ClassVar[bool] = True

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (..., K)."""
        log_sizes = by_output(class_sizes(counts).log())

        def balanced_softmax(logits: Tensor, y: Tensor) -> Tensor:
            z = at_least_float32(logits)
            return cross_entropy(z + log_sizes.to(z.dtype), y)

        return balanced_softmax
