"""Mixup: train on convex combinations of two rows and of their labels."""

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
        Above 0. Near 0 rows are hardly mixed; at 1 lambda is uniform.

    Raises
    ------
    ValueError
        If ``alpha`` is not a finite number above 0.

    Notes
    -----
    Each row has its own lambda, as in the formula; the authors' code draws one for each batch.
    One-hot columns of a table become fractions of two categories.

    References
    ----------
    Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", arXiv 1710.09412, section 2.

    Examples
    --------
    >>> import torch
    >>> x, y = torch.eye(4), torch.tensor([0, 0, 1, 1])
    >>> transform = Mixup(alpha=0.2).bind(torch.tensor([90, 10]))
    >>> mixed, targets = transform(x, y, torch.Generator().manual_seed(0))
    >>> [target.labels.shape for target in targets]
    [torch.Size([4]), torch.Size([4])]
    >>> sum(target.share for target in targets)  # of a row's loss
    tensor([1., 1., 1., 1.])
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
