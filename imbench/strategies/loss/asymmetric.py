"""Asymmetric loss: down-weight easy negatives of each output and drop the easiest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from imbench.strategies.loss.outputs import (
    at_least_float32,
    is_true_class,
    sigmoid_probabilities,
)
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class AsymmetricLoss:
    """-sum_k [y_k (1 - p)^gamma_pos log p + (1 - y_k) p_m^gamma_neg log(1 - p_m)].

    With one-hot y, p the sigmoid of an output and p_m = max(p - clip, 0).

    Parameters
    ----------
    gamma_pos : float, default=1.0
        Focusing of positives, at least 0.
    gamma_neg : float, default=4.0
        Focusing of negatives, at least 0.
    clip : float, default=0.05
        Negatives with a smaller probability are ignored, in [0, 1).

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    The form for several labels a row, with one-hot labels; the authors' single-label form is a
    softmax with label smoothing and no clip. Gradients flow through the factors (1 - p)^gamma,
    which the authors' code makes optional. With ``gamma_pos = gamma_neg = clip = 0``
    it is binary cross-entropy. Probabilities are the sigmoids divided by their sum.

    References
    ----------
    Ben-Baruch et al. 2021, "Asymmetric Loss For Multi-Label Classification", arXiv 2009.14119,
    eq. 7.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = AsymmetricLoss(gamma_neg=4.0, clip=0.05).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.0396, 1.1930])
    """

    stacks: ClassVar[bool] = True

    gamma_pos: float = 1.0
    gamma_neg: float = 4.0
    clip: float = 0.05

    def __post_init__(self) -> None:
        check_number("gamma_pos", self.gamma_pos, low=0.0)
        check_number("gamma_neg", self.gamma_neg, low=0.0)
        check_number("clip", self.clip, low=0.0, high=1.0, below=True)

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss; the counts are not used."""

        def asymmetric(logits: Tensor, y: Tensor) -> Tensor:
            z = at_least_float32(logits)  # (..., B, K)
            log_p, log_rest = F.logsigmoid(z), F.logsigmoid(-z)
            positive = -torch.exp(self.gamma_pos * log_rest) * log_p
            negative = self._negative(log_rest, log_p)
            return torch.where(is_true_class(z, y), positive, negative).sum(-1)

        return asymmetric

    def _negative(self, log_rest: Tensor, log_p: Tensor) -> Tensor:
        """Return -p_m^gamma_neg log(1 - p_m) for log(1 - p) and log(p)."""
        if self.clip == 0:
            return -torch.exp(self.gamma_neg * log_p) * log_rest
        # 1 - p_m = min(1 - p + clip, 1), never 0. A clipped row has no gradient.
        log_kept = torch.logaddexp(log_rest, log_rest.new_tensor(math.log(self.clip))).clamp_max(0)
        # Clamped because a power has no gradient at 0 for gamma_neg < 1.
        shifted = (log_p.exp() - self.clip).clamp_min(torch.finfo(log_p.dtype).tiny)
        return -(shifted**self.gamma_neg) * log_kept

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return probabilities of shape (..., K) for logits of this shape."""
        return sigmoid_probabilities(logits)
