"""Generalized cross-entropy: between cross-entropy and absolute error, for noisy labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class GeneralizedCELoss:
    """(1 - p_t^q) / q, p_t the softmax probability of the true class.

    Parameters
    ----------
    q : float, default=0.7
        In (0, 1]. Towards 0 the loss becomes cross-entropy; at 1 it is 1 - p_t, half the
        absolute error, which is the most robust to mislabelled rows.

    Raises
    ------
    ValueError
        If ``q`` lies outside of (0, 1].

    Notes
    -----
    The paper's truncated form, which drops rows that look mislabelled, is not implemented. Class
    sizes are not used, and hard rows, often those of rare classes, count less than in
    cross-entropy: combine the loss with `weights` or `batches`.

    References
    ----------
    Zhang & Sabuncu 2018, "Generalized Cross Entropy Loss for Training Deep Neural Networks with
    Noisy Labels", arXiv 1805.07836, eq. 6.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = GeneralizedCELoss(q=0.7).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.1215, 1.1062])
    """

    stacks: ClassVar[bool] = True

    q: float = 0.7

    def __post_init__(self) -> None:
        check_number("q", self.q, low=0.0, high=1.0, above=True)

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss; the counts are not used."""

        def generalized_ce(logits: Tensor, y: Tensor) -> Tensor:
            return -torch.expm1(-self.q * cross_entropy(logits, y)) / self.q  # (..., B)

        return generalized_ce
