"""Softmax cross-entropy, the default loss of a net."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from imbench.strategies.protocols import RowLoss


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Return -log softmax(logits)_y a row.

    Parameters
    ----------
    logits : Tensor of shape (..., B, K)
    y : Tensor of shape (..., B)

    Returns
    -------
    Tensor of shape (..., B)
        In float32 at least: half precision is too coarse for a logarithm near zero.
    """
    precise = logits.double() if logits.dtype == torch.float64 else logits.float()
    return -precise.log_softmax(-1).gather(-1, y.unsqueeze(-1)).squeeze(-1)


@dataclass(frozen=True)
class CrossEntropyLoss:
    """-log softmax(z)_y, the default when the stage `loss` is empty.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = CrossEntropyLoss().bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.1269, 2.1269])
    """

    stacks: ClassVar[bool] = True

    def bind(self, counts: Tensor) -> RowLoss:
        """Return :func:`cross_entropy`; the counts are not used."""
        return cross_entropy
