"""Draw every row of a batch from a class chosen uniformly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class WeightedSampler:
    """Sample rows with probability 1 / (K n_c), with replacement, as many as there are rows.

    Every class is drawn equally often on average, without a copy of the data: what PyTorch's
    ``WeightedRandomSampler`` with inverse class frequencies does.

    Notes
    -----
    First the class is drawn, then a row of it: O(n) an epoch, and no limit of 2**24 rows as
    in ``torch.multinomial`` over rows.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed Recognition",
    arXiv 1910.09217, eq. 1 with q = 0 (class-balanced sampling).
    """

    def __call__(
        self, y: Tensor, n_classes: int, batch_size: int, progress: float, generator: Generator
    ) -> Tensor:
        """Return row indices of shape (n,) for labels of shape (n,)."""
        counts = torch.bincount(y, minlength=n_classes)
        by_class = torch.argsort(y, stable=True)  # rows of class 0, then of class 1, ...
        first = counts.cumsum(0) - counts
        drawn = torch.multinomial(
            (counts > 0).float(), len(y), replacement=True, generator=generator
        )
        within = torch.rand(len(y), generator=generator, device=y.device, dtype=torch.float64)
        return by_class[first[drawn] + (within * counts[drawn]).long()]
