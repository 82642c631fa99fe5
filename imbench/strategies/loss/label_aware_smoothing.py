"""Label-aware smoothing: label smoothing that is stronger for larger classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from imbench.strategies.loss.outputs import at_least_float32, is_true_class, of_true_class
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number

Rule = Literal["concave", "linear", "convex"]


def smoothing(counts: Tensor, head: float, tail: float, rule: Rule) -> Tensor:
    """Return the smoothing of each class, from ``tail`` for the smallest to ``head``.

    Parameters
    ----------
    counts : Tensor of shape (..., K)
    head, tail : float
    rule : {"concave", "linear", "convex"}
        How the smoothing rises with the class size between the two.

    Returns
    -------
    Tensor of shape (..., K)
        In float64. All ``tail`` if all classes are equally large.
    """
    sizes = counts.double()
    smallest, largest = sizes.amin(-1, True), sizes.amax(-1, True)
    place = (sizes - smallest) / (largest - smallest).clamp_min(1)  # in [0, 1]
    if rule == "concave":
        place = torch.sin(place * math.pi / 2)
    elif rule == "convex":
        place = 1 - torch.cos(place * math.pi / 2)
    return tail + (head - tail) * place


@dataclass(frozen=True)
class LabelAwareSmoothingLoss:
    """Cross-entropy with target 1 - e_y at the true class, and e_y / (K - 1) at each other.

    Parameters
    ----------
    head : float, default=0.4
        Smoothing of the largest class, in [0, 1).
    tail : float, default=0.1
        Smoothing of the smallest class, in [0, 1).
    rule : {"concave", "linear", "convex"}, default="concave"
        How the smoothing grows with the class size.

    Raises
    ------
    ValueError
        If a parameter lies outside of its range, or ``tail`` is above ``head``.

    Notes
    -----
    This is the paper's equation. Its code spreads e_y over all K classes including the true one,
    which smooths less by a factor of (K - 1) / K. The paper trains only the head with this loss,
    on frozen features; here it trains the whole net.

    References
    ----------
    Zhong et al. 2021, "Improving Calibration for Long-Tailed Recognition", arXiv 2104.00466,
    section 3.2.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = LabelAwareSmoothingLoss(head=0.4, tail=0.1).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.9269, 1.9269])
    """

    stacks: ClassVar[bool] = True

    head: float = 0.4
    tail: float = 0.1
    rule: Rule = "concave"

    def __post_init__(self) -> None:
        check_number("head", self.head, low=0.0, high=1.0, below=True)
        check_number("tail", self.tail, low=0.0, high=1.0, below=True)
        if self.tail > self.head:
            raise ValueError(
                f"tail must be at most head, got tail={self.tail!r} and head={self.head!r}."
            )
        if self.rule not in ("concave", "linear", "convex"):
            raise ValueError(f"rule must be concave, linear or convex, got rule={self.rule!r}.")

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (..., K)."""
        by_class = smoothing(counts, self.head, self.tail, self.rule)  # (..., K)
        n_others = counts.shape[-1] - 1

        def loss(logits: Tensor, y: Tensor) -> Tensor:
            z = at_least_float32(logits)  # (..., B, K)
            smooth = of_true_class(by_class.to(z.dtype), y).unsqueeze(-1)  # (..., B, 1)
            target = torch.where(is_true_class(z, y), 1 - smooth, smooth / n_others)
            return -(target * z.log_softmax(-1)).sum(-1)

        return loss
