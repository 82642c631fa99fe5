"""Vector-scaling loss: cross-entropy of logits scaled and shifted by class sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.loss.outputs import at_least_float32, by_output, class_sizes
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number


def scaled_and_shifted(counts: Tensor, gamma: float, tau: float) -> RowLoss:
    """Return CE((n_c / n_max)^gamma z_c + tau log pi_c) for training counts of shape (..., K)."""
    sizes = class_sizes(counts)
    scale = by_output((sizes / sizes.amax(-1, True)) ** gamma)  # (..., 1, K)
    shift = by_output(tau * (sizes / sizes.sum(-1, True)).log())

    def loss(logits: Tensor, y: Tensor) -> Tensor:
        z = at_least_float32(logits)
        return cross_entropy(scale.to(z.dtype) * z + shift.to(z.dtype), y)

    return loss


@dataclass(frozen=True)
class VectorScalingLoss:
    """CE((n_c / n_max)^gamma z_c + tau log pi_c): class sizes scale the logits and shift them.

    Parameters
    ----------
    gamma : float, default=0.3
        Strength of the scale, at least 0. At 0 the loss is the logit-adjusted one.
    tau : float, default=1.0
        Strength of the shift, at least 0. At 0 the loss is the one with class-dependent
        temperatures.

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    The paper's class weights omega belong to the stage `weights`. At prediction the logits are
    neither scaled nor shifted.

    References
    ----------
    Kini et al. 2021, "Label-Imbalanced and Group-Sensitive Classification under
    Overparameterization", arXiv 2103.01550 (the VS-loss for several classes).

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 1.0], [2.0, 1.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = VectorScalingLoss(gamma=0.3, tau=1.0).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.0249, 3.7049])
    """

    stacks: ClassVar[bool] = True

    gamma: float = 0.3
    tau: float = 1.0

    def __post_init__(self) -> None:
        check_number("gamma", self.gamma, low=0.0)
        check_number("tau", self.tau, low=0.0)

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (..., K)."""
        return scaled_and_shifted(counts, self.gamma, self.tau)
