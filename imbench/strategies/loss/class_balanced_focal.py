"""Class-balanced focal loss: sigmoid focal loss weighted by effective numbers of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imbench.strategies.loss.boosting import BoostedFocal
from imbench.strategies.loss.focal_sigmoid import focal_sigmoid
from imbench.strategies.loss.outputs import of_true_class, sigmoid_probabilities
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number
from imbench.strategies.weights.effective_number import EffectiveNumberWeights


@dataclass(frozen=True)
class ClassBalancedFocalLoss:
    """w_y times the sigmoid focal loss, w_c proportional to (1 - beta) / (1 - beta^n_c), sum K.

    Parameters
    ----------
    gamma : float, default=0.5
        Focusing parameter, at least 0.
    beta : float, default=0.999
        Of the effective number, in [0, 1). At 0 the loss is the sigmoid focal loss.

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    The weights are part of the loss, and a batch takes the plain mean over its rows, as in the
    paper's code. An entry of the stage `weights` would be divided by the sum of the weights in
    each batch. Probabilities are the sigmoids divided by their sum.

    References
    ----------
    Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples",
    arXiv 1901.05555, section 4.3.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = ClassBalancedFocalLoss(gamma=0.5, beta=0.999).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.1107, 4.4572])
    """

    stacks: ClassVar[bool] = True

    gamma: float = 0.5
    beta: float = 0.999

    def __post_init__(self) -> None:
        check_number("gamma", self.gamma, low=0.0)
        EffectiveNumberWeights(self.beta)  # checks beta

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (..., K)."""
        weigh, rows_of = EffectiveNumberWeights(self.beta), counts.cpu().numpy()
        by_net = [weigh(sizes, 0.0) for sizes in rows_of.reshape(-1, rows_of.shape[-1])]
        weights = torch.as_tensor(np.stack(by_net), device=counts.device).view(counts.shape)

        def loss(logits: Tensor, y: Tensor) -> Tensor:
            rows = focal_sigmoid(logits, y, self.gamma).sum(-1)  # (..., B)
            return of_true_class(weights.to(rows.dtype), y) * rows

        return loss

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return probabilities of shape (..., K) for logits of this shape."""
        return sigmoid_probabilities(logits)

    def bind_boosting(self, counts: NDArray[np.int64]) -> BoostedFocal:
        """Return the loss and its derivatives for gradient boosting, for training counts (K,).

        Two classes have one output there; with outputs -z and z the net's loss is twice as large.
        """
        weights = EffectiveNumberWeights(self.beta)(counts, 0.0)
        return BoostedFocal(self.gamma, weights, one_vs_rest=True)
