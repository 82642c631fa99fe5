"""Balanced-MixUp: mix the rows of a batch with rows sampled class-balanced."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from imbench.strategies.augment.mixing import blend, check_above_zero, mixed_targets
from imbench.strategies.protocols import BatchTransform, Targets


@dataclass(frozen=True)
class BalancedMixup:
    """Blend each row of a batch with a row of a class chosen uniformly.

    The batch keeps the class distribution of the data. Partners are drawn from all training rows,
    each class equally often. The partner's share of the mixture and of the loss is
    lambda ~ Beta(alpha, 1), with mean alpha / (1 + alpha).

    Parameters
    ----------
    alpha : float, default=0.2
        Above 0. Near 0 rows are hardly mixed; larger values are more balanced.

    Raises
    ------
    ValueError
        If ``alpha`` is not a finite number above 0.

    Notes
    -----
    Each row has its own lambda; the authors draw one for each batch. One-hot columns of a table
    become fractions of two categories.

    References
    ----------
    Galdran et al. 2021, "Balanced-MixUp for Highly Imbalanced Medical Image Classification",
    arXiv 2109.09850, section 2.

    Examples
    --------
    >>> import torch
    >>> x, y = torch.eye(4), torch.tensor([0, 0, 0, 1])  # a batch of two, then two balanced rows
    >>> transform = BalancedMixup(alpha=0.2).bind(torch.tensor([90, 10]))
    >>> mixed, targets = transform(x, y, torch.Generator().manual_seed(0))
    >>> mixed.shape
    torch.Size([2, 4])
    >>> [target.labels for target in targets]
    [tensor([0, 0]), tensor([0, 1])]
    """

    alpha: float = 0.2

    mixes_labels = True
    uses_balanced_rows = True

    def __post_init__(self) -> None:
        check_above_zero(alpha=self.alpha)

    def bind(self, counts: Tensor) -> BatchTransform:
        """Return the transform; the trainer draws the balanced rows, see ``Augment``."""

        def balanced_mixup(x: Tensor, y: Tensor, generator: Generator) -> tuple[Tensor, Targets]:
            n = len(x) // 2
            u = torch.rand(n, generator=generator, device=x.device, dtype=torch.float64)
            share = 1 - u ** (1 / self.alpha)  # U^(1 / alpha) is Beta(alpha, 1)
            partner = n + torch.arange(n, device=x.device)
            return blend(x[:n], x[n:], share), mixed_targets(y, partner, share)

        return balanced_mixup
