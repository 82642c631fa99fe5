"""Stratified batches: every batch has the class ratio of the data."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from imbench.strategies.batches.draw import rows_by_class


@dataclass(frozen=True)
class StratifiedBatches:
    """Distribute the rows of each class evenly over the batches.

    Every row is drawn once an epoch. A batch of B rows contains B n_c / n rows of class c up to
    less than 1 + 1/F rows, F the number of full batches; the last, smaller batch up to less than
    one row. Which batches get the remaining rows is random.

    References
    ----------
    Cochran 1977, "Sampling Techniques", ISBN 978-0-471-16240-7, sections 5.1 and 8.1 (stratified
    and systematic sampling).

    Examples
    --------
    >>> import torch
    >>> y = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1])
    >>> generator = torch.Generator().manual_seed(0)
    >>> rows = StratifiedBatches()(y, 2, batch_size=4, progress=0.0, generator=generator)
    >>> [torch.bincount(y[batch]).tolist() for batch in rows.split(4)]
    [[3, 1], [3, 1]]
    """

    def __call__(
        self, y: Tensor, n_classes: int, batch_size: int, progress: float, generator: Generator
    ) -> Tensor:
        """Return row indices of shape (n,) for labels of shape (n,)."""
        n, device = len(y), y.device
        order = torch.randperm(n, generator=generator, device=device)
        line = rows_by_class(y, n_classes, order).rows  # sorted by class, shuffled inside
        n_full, n_last = divmod(n, batch_size)
        if not n_full:
            return order
        is_last = torch.zeros(n, dtype=torch.bool, device=device)
        if n_last:
            # Every (n / n_last)-th place: n_c consecutive places contain that share, rounded.
            start = torch.rand((), generator=generator, device=device, dtype=torch.float64)
            places = (torch.arange(n_last, device=device) + start) * (n / n_last)
            is_last[places.long().clamp_max(n - 1)] = True
        # Consecutive places go to different batches: each gets as many of a class, or one more.
        dealt = line[~is_last].view(batch_size, n_full).T  # (n_full, batch_size)
        dealt = dealt[torch.randperm(n_full, generator=generator, device=device)]
        return torch.cat([dealt.reshape(-1), line[is_last]])
