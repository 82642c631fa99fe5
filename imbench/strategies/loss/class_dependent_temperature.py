"""Class-dependent temperatures: cross-entropy of logits divided more for rarer classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from imbench.strategies.loss.vector_scaling import scaled_and_shifted
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class ClassDependentTemperatureLoss:
    """CE(z_c / (n_max / n_c)^gamma): a rare class needs a larger logit for the same loss.

    Parameters
    ----------
    gamma : float, default=0.2
        Strength, at least 0; the paper searches 0 to 0.4. At 0 the loss is cross-entropy.

    Raises
    ------
    ValueError
        If ``gamma`` is negative or not a number.

    Notes
    -----
    At prediction the logits are not scaled.

    References
    ----------
    Ye et al. 2020, "Identifying and Compensating for Feature Deviation in Imbalanced Deep
    Learning", arXiv 2001.01385 (the CDT loss).

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 1.0], [2.0, 1.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = ClassDependentTemperatureLoss(gamma=0.2).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.2294, 1.5850])
    """

    stacks: ClassVar[bool] = True

    gamma: float = 0.2

    def __post_init__(self) -> None:
        check_number("gamma", self.gamma, low=0.0)

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (..., K)."""
        return scaled_and_shifted(counts, self.gamma, 0.0)
