"""Mixup: train on blends of two rows and of their labels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from imbench.strategies.augment.mixing import (
    blend,
    check_above_zero,
    mixed_targets,
    symmetric_beta,
)
from imbench.strategies.protocols import BatchTransform, Targets


@dataclass(frozen=True)
class Mixup:
    """Blend each row with another of its batch, lambda x_i + (1 - lambda) x_j.

    The loss is lambda L(y_i) + (1 - lambda) L(y_j), lambda ~ Beta(alpha, alpha).

    Parameters
    ----------
    alpha : float, default=0.2
        Above 0. Near 0 rows stay as they are, at 1 every blend is as likely.

    Raises
    ------
    ValueError
        If ``alpha`` is not a finite number above 0.

    Notes
    -----
    Each row has a lambda of its own, as the formula says; the authors' code draws one a batch.
    One-hot columns of a table become shares of two categories.

    References
    ----------
    Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", arXiv 1710.09412, section 2.
    """

    alpha: float = 0.2

    mixes_labels = True

    def __post_init__(self) -> None:
        check_above_zero(alpha=self.alpha)

    def bind(self, counts: Tensor) -> BatchTransform:
        """Return the transform; the counts play no part."""

        def mixup(x: Tensor, y: Tensor, generator: Generator) -> tuple[Tensor, Targets]:
            share = symmetric_beta(self.alpha, len(x), generator)
            partner = torch.randperm(len(x), generator=generator, device=x.device)
            return blend(x, x[partner], share), mixed_targets(y, partner, share)

        return mixup
