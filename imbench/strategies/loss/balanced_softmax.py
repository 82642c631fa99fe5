"""Cross-entropy of a softmax that knows the class sizes of the training rows."""

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
    At prediction the logits are used as they are, without log n.

    References
    ----------
    Ren et al. 2020, "Balanced Meta-Softmax for Long-Tailed Visual Recognition",
    arXiv 2007.10740, eq. 4 (without the meta sampler).
    """

    stacks: ClassVar[bool] = True

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (..., K)."""
        log_sizes = by_output(class_sizes(counts).log())

        def balanced_softmax(logits: Tensor, y: Tensor) -> Tensor:
            z = at_least_float32(logits)
            return cross_entropy(z + log_sizes.to(z.dtype), y)

        return balanced_softmax
