"""Class-aware sampling: batches with equally many rows of every class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from imbench.strategies.batches.draw import rows_by_class


@dataclass(frozen=True)
class BalancedBatches:
    """Cycle through the classes, and through the rows of each class in random order.

    An epoch has as many rows as the data. A batch of B rows contains B / K of every class,
    rounded up or down; with more than B classes, B different ones. No row of a class is repeated
    before all its rows were drawn: rare classes are repeated evenly, and of large classes each
    epoch sees another random part.

    Notes
    -----
    Unlike ``class_balanced``, which draws rows independently, no batch lacks a class by chance.
    The authors shuffle the order of the classes after each cycle. Here it is shuffled once an
    epoch, which keeps the class counts of a batch within one of each other.

    References
    ----------
    Shen et al. 2016, "Relay Backpropagation for Effective Learning of Deep Convolutional Neural
    Networks", arXiv 1512.05830 (class-aware sampling).

    Examples
    --------
    >>> import torch
    >>> y = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1])
    >>> generator = torch.Generator().manual_seed(0)
    >>> rows = BalancedBatches()(y, 2, batch_size=4, progress=0.0, generator=generator)
    >>> [torch.bincount(y[batch]).tolist() for batch in rows.split(4)]
    [[2, 2], [2, 2]]
    """

    def __call__(
        self, y: Tensor, n_classes: int, batch_size: int, progress: float, generator: Generator
    ) -> Tensor:
        """Return row indices of shape (n,) for labels of shape (n,)."""
        n, device = len(y), y.device
        groups = rows_by_class(y, n_classes)
        present = (groups.counts > 0).nonzero().squeeze(1)  # (P,)
        present = present[torch.randperm(len(present), generator=generator, device=device)]
        counts = groups.counts[present]
        wanted = (n - torch.arange(len(present), device=device) + len(present) - 1) // len(present)
        # All rows of a class are repeated as often as needed; a round is one such copy.
        rounds = (wanted + counts - 1) // counts  # (P,)
        by_round = torch.repeat_interleave(torch.arange(len(present), device=device), rounds)
        size = counts[by_round]  # (n_rounds,)
        start = size.cumsum(0) - size
        row_round = torch.repeat_interleave(torch.arange(len(size), device=device), size)
        within = torch.arange(len(row_round), device=device) - start[row_round]
        rows = groups.rows[groups.first[present[by_round[row_round]]] + within]
        shuffle = torch.randperm(len(rows), generator=generator, device=device)
        rows = rows[shuffle[torch.argsort(row_round[shuffle], stable=True)]]
        first = (rounds * counts).cumsum(0) - rounds * counts  # where a class begins, (P,)
        turn = torch.arange(n, device=device)
        return rows[first[turn % len(present)] + turn // len(present)]
