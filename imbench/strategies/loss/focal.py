"""Softmax focal loss: well-classified rows count less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imbench.strategies.loss.boosting import BoostedFocal
from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.protocols import RowLoss


@dataclass(frozen=True)
class FocalLoss:
    """Focal loss on the softmax probability of the true class, (1 - p_t)^gamma * CE.

    Parameters
    ----------
    gamma : float, default=2.0
        Focusing parameter, at least 0. At 0 the loss is cross-entropy.

    Raises
    ------
    ValueError
        If ``gamma`` is negative or not a number.

    Notes
    -----
    Lin et al. define the loss on sigmoid outputs. The softmax form is what the long-tail
    literature calls focal loss, for example the code of LDAM-DRW. Class weights come from the
    stage `weights`; they multiply the loss and do not enter p_t.

    References
    ----------
    Lin et al. 2017, "Focal Loss for Dense Object Detection", arXiv 1708.02002, eq. 4.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = FocalLoss(gamma=2.0).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.0018, 1.6501])
    """

    stacks: ClassVar[bool] = True

    gamma: float = 2.0

    def __post_init__(self) -> None:
        if not isinstance(self.gamma, int | float) or not 0 <= self.gamma < float("inf"):
            raise ValueError(f"gamma must be a number of at least 0, got gamma={self.gamma!r}.")

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss; the counts are not used."""

        def focal(logits: Tensor, y: Tensor) -> Tensor:
            ce = cross_entropy(logits, y)  # (..., B)
            # 1 - p_t without cancellation; clamped because its power has no gradient at 0
            # for gamma < 1.
            miss = (-torch.expm1(-ce)).clamp_min(torch.finfo(ce.dtype).tiny)
            return miss**self.gamma * ce

        return focal

    def bind_boosting(self, counts: NDArray[np.int64]) -> BoostedFocal:
        """Return the loss and its derivatives for gradient boosting; the counts are not used."""
        return BoostedFocal(self.gamma)
