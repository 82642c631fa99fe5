"""AUC margin loss: push the mean score of a class above that of the rest by a margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from imbench.strategies.loss.outputs import (
    at_least_float32,
    is_true_class,
    sigmoid_probabilities,
)
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class AUCMarginLoss:
    """var(h | class) + var(h | rest) + max(0, margin - mean(h | class) + mean(h | rest))^2.

    With h the sigmoid of a class's output; a mean over the classes, each against the rest.

    Parameters
    ----------
    margin : float, default=1.0
        Wanted distance of the mean scores, in (0, 1].

    Raises
    ------
    ValueError
        If ``margin`` lies outside of its range.

    Notes
    -----
    One value for the whole batch, returned for every row. Rows cannot be weighted, so `build`
    refuses the stage `weights` and augmentations that mix labels beside it. A class contributes
    to batches that contain both its own rows and others.

    The paper learns a, b and alpha with an optimiser of its own. Here they are replaced by their
    closed form for the batch, a and b the two means and alpha = max(0, margin - a + b), so that
    any optimiser works. For two classes the paper's objective is this one times p (1 - p), p the
    share of positives. Probabilities are the sigmoids divided by their sum; the loss ranks rows
    and does not calibrate probabilities.

    References
    ----------
    Yuan et al. 2021, "Large-scale Robust Deep AUC Maximization: A New Surrogate Loss and
    Empirical Studies on Medical Image Classification", arXiv 2012.03173 (the AUC margin loss).

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    >>> y = torch.tensor([0, 1, 1])
    >>> loss = AUCMarginLoss(margin=1.0).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)  # one value for the whole batch
    tensor([0.5376, 0.5376, 0.5376])
    """

    stacks: ClassVar[bool] = True
    batch_level: ClassVar[bool] = True

    margin: float = 1.0

    def __post_init__(self) -> None:
        check_number("margin", self.margin, low=0.0, high=1.0, above=True)

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss; the counts are not used."""

        def auc_margin(logits: Tensor, y: Tensor) -> Tensor:
            h = at_least_float32(logits).sigmoid()  # (..., B, K)
            is_true = is_true_class(h, y).to(h.dtype)
            spread, means = [], []
            for group in (is_true, 1 - is_true):
                size = group.sum(-2, keepdim=True).clamp_min(1)  # (..., 1, K)
                mean = (group * h).sum(-2, keepdim=True) / size
                spread.append((group * (h - mean) ** 2 / size).sum(-2))  # (..., K)
                means.append(mean.squeeze(-2))
            short = (self.margin - means[0] + means[1]).clamp_min(0)
            total = spread[0] + spread[1] + short**2  # (..., K)
            n_true = is_true.sum(-2)
            has_both = ((n_true > 0) & (n_true < y.shape[-1])).to(h.dtype)
            mean_loss = (total * has_both).sum(-1) / has_both.sum(-1).clamp_min(1)  # (...)
            return mean_loss.unsqueeze(-1).expand(y.shape)

        return auc_margin

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return probabilities of shape (..., K) for logits of this shape."""
        return sigmoid_probabilities(logits)
