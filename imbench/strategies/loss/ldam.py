"""LDAM loss: label-distribution-aware margins on the cosines of a normalized classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.loss.outputs import at_least_float32, by_output, class_sizes, is_true_class
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number


class CosineHead(nn.Module):
    """Cosines between a row's features and one vector a class.

    Parameters
    ----------
    n_features, n_classes : int

    Notes
    -----
    Computed in float32 also under autocast: the resolution of bfloat16 near 1 is 1/256, and the
    loss multiplies that by its scale.

    Examples
    --------
    >>> import torch
    >>> head = CosineHead(n_features=8, n_classes=3)
    >>> head(torch.ones(5, 8)).shape
    torch.Size([5, 3])
    """

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(F.normalize(torch.randn(n_classes, n_features), dim=-1))

    @staticmethod
    def stacked(heads: Sequence[CosineHead]) -> CosineHead:
        """Return the heads of M nets as one, from (M, B, F) to (M, B, K)."""
        n_classes, n_features = heads[0].weight.shape
        together = CosineHead(n_features, n_classes)
        together.weight = nn.Parameter(torch.stack([head.weight.detach() for head in heads]))
        return together

    def forward(self, features: Tensor) -> Tensor:
        """Map features (..., F) to cosines (..., K)."""
        with torch.autocast(features.device.type, enabled=False):
            unit = F.normalize(at_least_float32(features), dim=-1)
            return unit @ F.normalize(self.weight, dim=-1).mT


@dataclass(frozen=True)
class LDAMLoss:
    """CE(s (z - m_y at the true class)), m_c = max_m n_c^(-1/4) / max_k n_k^(-1/4), z cosines.

    Parameters
    ----------
    max_m : float, default=0.5
        Margin of the rarest class, at least 0. At 0 the loss is CE(s z).
    s : float, default=30.0
        Scale of the cosines, above 0.

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    Replaces the head of the net by a :class:`CosineHead`. The scale is part of the loss, so
    probabilities are softmax(s z), without margins.

    References
    ----------
    Cao et al. 2019, "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss",
    arXiv 1906.07413, eq. 12 and 13.

    Examples
    --------
    >>> import torch
    >>> cosines = torch.tensor([[0.8, 0.6], [0.8, 0.6]])  # outputs of the CosineHead
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = LDAMLoss(max_m=0.5, s=30.0).bind(torch.tensor([90, 10]))
    >>> loss(cosines, y)
    tensor([ 2.7278, 21.0000])
    """

    stacks: ClassVar[bool] = True

    max_m: float = 0.5
    s: float = 30.0

    def __post_init__(self) -> None:
        check_number("max_m", self.max_m, low=0.0)
        check_number("s", self.s, low=0.0, above=True)

    def make_head(self, n_features: int, n_classes: int) -> nn.Module:
        """Return the cosine classifier that replaces the linear head."""
        return CosineHead(n_features, n_classes)

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (..., K)."""
        by_class = class_sizes(counts) ** -0.25
        margins = by_output(self.max_m * by_class / by_class.amax(-1, True))  # (..., 1, K)

        def ldam(logits: Tensor, y: Tensor) -> Tensor:
            z = at_least_float32(logits)  # (..., B, K)
            lowered = z - is_true_class(z, y) * margins.to(z.dtype)
            return cross_entropy(self.s * lowered, y)

        return ldam

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return probabilities of shape (..., K) for logits of this shape."""
        return (self.s * logits).softmax(-1)
