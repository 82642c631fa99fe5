"""Cross-entropy divided by the influence of a row on the decision border."""

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

    Cross-entropy until a share of the epochs is over: a row's influence on the border means
    something once there is one.

    Parameters
    ----------
    alpha : float, default=1000.0
        Scale against the size of the features, above 0. Adam takes no notice of it.
    epsilon : float, default=1e-3
        Keeps the influence of a row that is classified well above 0; above 0 itself.
    start : float, default=0.5
        Share of the epochs with cross-entropy, in [0, 1).

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    The divisor takes part in the gradient, as in the authors' code. The paper's l_c have no
    factor K, its code has. |p - y|_1 is 2 (1 - p_y).

    References
    ----------
    Park et al. 2021, "Influence-Balanced Loss for Imbalanced Visual Classification",
    arXiv 2110.02444 (the influence-balanced loss with class-wise weights).
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
