"""Influence-balanced loss: cross-entropy divided by a row's influence on the boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.loss.outputs import at_least_float32, class_sizes, of_true_class
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class InfluenceBalancedLoss:
    """l_y CE / (|p - y|_1 |h|_1 + epsilon), h the features, l_c = alpha K (1/n_c) / sum_k (1/n_k).

    Plain cross-entropy in the first part of the training: the influence of a row on the decision
    boundary is meaningless before the net has learnt one.

    Parameters
    ----------
    alpha : float, default=1000.0
        Scale that offsets the norm of the features, above 0. Adam is invariant to it.
    epsilon : float, default=1e-3
        Added to the divisor, which is near 0 for well-classified rows; above 0.
    start : float, default=0.5
        Share of the epochs trained with plain cross-entropy, in [0, 1).

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    Gradients flow through the divisor, as in the authors' code. The factor K of l_c is in the
    authors' code and not in the paper. |p - y|_1 equals 2 (1 - p_y).

    References
    ----------
    Park et al. 2021, "Influence-Balanced Loss for Imbalanced Visual Classification",
    arXiv 2110.02444 (the influence-balanced loss with class-wise weights).

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> features = torch.tensor([[1.0, 2.0], [1.0, 2.0]])  # inputs of the head
    >>> loss = InfluenceBalancedLoss(alpha=1.0, start=0.5).bind(torch.tensor([90, 10]))
    >>> loss(logits, y, features, progress=0.0)  # cross-entropy
    tensor([0.1269, 2.1269])
    >>> loss(logits, y, features, progress=0.5)
    tensor([0.0354, 0.7243])
    """

    stacks: ClassVar[bool] = True

    uses_features: ClassVar[bool] = True
    uses_progress: ClassVar[bool] = True

    alpha: float = 1000.0
    epsilon: float = 1e-3
    start: float = 0.5

    def __post_init__(self) -> None:
        check_number("alpha", self.alpha, low=0.0, above=True)
        check_number("epsilon", self.epsilon, low=0.0, above=True)
        check_number("start", self.start, low=0.0, high=1.0, below=True)

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (..., K)."""
        inverse = 1 / class_sizes(counts)
        by_class = self.alpha * counts.shape[-1] * inverse / inverse.sum(-1, True)  # (..., K)

        def loss(logits: Tensor, y: Tensor, features: Tensor, progress: float) -> Tensor:
            ce = cross_entropy(logits, y)  # (..., B)
            if progress < self.start:
                return ce
            size = at_least_float32(features).abs().sum(-1).to(ce.dtype)  # (..., B)
            influence = -2 * torch.expm1(-ce) * size
            return of_true_class(by_class.to(ce.dtype), y) * ce / (influence + self.epsilon)

        return loss
