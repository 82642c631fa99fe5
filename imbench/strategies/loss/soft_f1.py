"""Soft F1 loss: one minus the macro F1 of a batch, computed from probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from imbench.strategies.loss.outputs import at_least_float32, is_true_class
from imbench.strategies.protocols import RowLoss


@dataclass(frozen=True)
class SoftF1Loss:
    """1 - mean over classes of 2 tp / (2 tp + fp + fn), counted with softmax probabilities.

    tp is the sum of p_ic over the rows of class c, fp that over the other rows, fn that of
    1 - p_ic over the rows of class c.

    Notes
    -----
    One value for the whole batch, returned for every row. Rows cannot be weighted, so `build`
    refuses the stage `weights` and augmentations that mix labels beside it. Batches must be large
    enough to contain rare classes. Classes without a row in the batch are left out of the mean:
    their F1 is 0 for any prediction. The paper has sigmoid outputs for several labels a row.

    References
    ----------
    Benedict et al. 2022, "sigmoidF1: A Smooth F1 Score Surrogate Loss for Multilabel
    Classification", arXiv 2108.10566 (the counts tp, fp and fn of probabilities).

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    >>> y = torch.tensor([0, 1, 1])
    >>> loss = SoftF1Loss().bind(torch.tensor([90, 10]))
    >>> loss(logits, y)  # one value for the whole batch
    tensor([0.2532, 0.2532, 0.2532])
    """

    stacks: ClassVar[bool] = True
    batch_level: ClassVar[bool] = True

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss; the counts are not used."""

        def soft_f1(logits: Tensor, y: Tensor) -> Tensor:
            p = at_least_float32(logits).softmax(-1)  # (..., B, K)
            is_true = is_true_class(p, y).to(p.dtype)
            size = is_true.sum(-2)  # (..., K)
            hits = (p * is_true).sum(-2)
            f1 = 2 * hits / (p.sum(-2) + size).clamp_min(1)  # a class in the batch has size >= 1
            macro = f1.sum(-1) / (size > 0).sum(-1)
            return (1 - macro).unsqueeze(-1).expand(y.shape)

        return soft_f1
