"""Poly-1 loss: cross-entropy with a changed first coefficient of its Taylor expansion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class Poly1Loss:
    """(1 - p_t)^gamma CE + epsilon (1 - p_t)^(gamma + 1), p_t the softmax of the true class.

    Parameters
    ----------
    epsilon : float, default=1.0
        Added to the coefficient 1 of the first term, at least -1. At 0 the loss is
        cross-entropy, or focal.
    gamma : float, default=0.0
        Focusing parameter, at least 0; above 0 the loss is Poly-1 focal.

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    The paper's focal form has sigmoid outputs; here both forms have the softmax.

    References
    ----------
    Leng et al. 2022, "PolyLoss: A Polynomial Expansion Perspective of Classification Loss
    Functions", arXiv 2204.12511 (Poly-1 of cross-entropy and of focal loss).

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = Poly1Loss(epsilon=1.0).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.2461, 3.0077])
    """

    stacks: ClassVar[bool] = True

    epsilon: float = 1.0
    gamma: float = 0.0

    def __post_init__(self) -> None:
        check_number("epsilon", self.epsilon, low=-1.0)
        check_number("gamma", self.gamma, low=0.0)

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss; the counts are not used."""

        def poly1(logits: Tensor, y: Tensor) -> Tensor:
            ce = cross_entropy(logits, y)  # (..., B)
            # As in the focal loss: no cancellation, and no infinite gradient at 0.
            miss = (-torch.expm1(-ce)).clamp_min(torch.finfo(ce.dtype).tiny)
            return miss**self.gamma * (ce + self.epsilon * miss)

        return poly1
