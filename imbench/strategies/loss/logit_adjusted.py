"""Logit-adjusted loss: cross-entropy of logits shifted by the log of the class prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from imbench.strategies.loss.vector_scaling import scaled_and_shifted
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class LogitAdjustedLoss:
    """CE(z + tau log pi), pi_c = n_c / N: rare classes need a larger logit during training.

    Parameters
    ----------
    tau : float, default=1.0
        Strength, at least 0. At 1 the loss is the balanced softmax, at 0 cross-entropy.

    Raises
    ------
    ValueError
        If ``tau`` is negative or not a number.

    Notes
    -----
    At prediction the logits are not adjusted. For classes without rows the authors' code adds
    1e-12 to pi^tau; here such a class counts as one row.

    References
    ----------
    Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314, eq. 10.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = LogitAdjustedLoss(tau=1.0).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.0149, 4.2122])
    """

    stacks: ClassVar[bool] = True

    tau: float = 1.0

    def __post_init__(self) -> None:
        check_number("tau", self.tau, low=0.0)

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (..., K)."""
        return scaled_and_shifted(counts, 0.0, self.tau)
