"""Sigmoid focal loss: one binary focal loss for each class against the rest."""

from __future__ import annotations

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


def focal_sigmoid(logits: Tensor, y: Tensor, gamma: float) -> Tensor:
    """Return -(1 - p_t)^gamma log p_t for each output.

    Parameters
    ----------
    logits : Tensor of shape (..., B, K)
    y : Tensor of shape (..., B)
    gamma : float
        At least 0.

    Returns
    -------
    Tensor of shape (..., B, K)
        p_t is the sigmoid of the output for the row's class, and one minus the sigmoid for the
        other outputs.
    """
    z = at_least_float32(logits)
    margin = torch.where(is_true_class(z, y), z, -z)
    # (1 - p_t)^gamma as an exponential: it has a gradient at p_t = 1 for every gamma.
    return -torch.exp(gamma * F.logsigmoid(-margin)) * F.logsigmoid(margin)


@dataclass(frozen=True)
class FocalSigmoidLoss:
    """Focal loss on sigmoid outputs, -sum_k alpha_t (1 - p_t)^gamma log p_t.

    Parameters
    ----------
    gamma : float, default=2.0
        Focusing parameter, at least 0. At 0 the loss is binary cross-entropy.
    alpha : float or None, default=None
        Weight of an output at the rows of its class, in (0, 1); at the other rows it is
        1 - alpha. None leaves both at one, as Cui et al. do.

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    Not the softmax form that the long-tail literature also calls focal: that is
    :class:`imbench.strategies.loss.focal.FocalLoss`. Summed over the outputs and then averaged
    over rows, as in the code of Cui et al. Probabilities are the sigmoids divided by their sum.
    The bias is not initialized for a rare foreground, because there is no background class.

    References
    ----------
    Lin et al. 2017, "Focal Loss for Dense Object Detection", arXiv 1708.02002, eq. 4 and 5.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = FocalSigmoidLoss(gamma=2.0, alpha=0.25).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.1304, 1.2809])
    """

    stacks: ClassVar[bool] = True

    gamma: float = 2.0
    alpha: float | None = None

    def __post_init__(self) -> None:
        check_number("gamma", self.gamma, low=0.0)
        if self.alpha is not None:
            check_number("alpha", self.alpha, low=0.0, high=1.0, above=True, below=True)

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss; the counts are not used."""

        def loss(logits: Tensor, y: Tensor) -> Tensor:
            by_output = focal_sigmoid(logits, y, self.gamma)  # (..., B, K)
            if self.alpha is not None:
                is_true = is_true_class(logits, y)
                by_output = torch.where(is_true, self.alpha, 1 - self.alpha) * by_output
            return by_output.sum(-1)

        return loss

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return probabilities of shape (..., K) for logits of this shape."""
        return sigmoid_probabilities(logits)
