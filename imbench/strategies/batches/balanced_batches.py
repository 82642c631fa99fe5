"""Batches that all hold the same number of rows of every class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from imbench.strategies.batches.draw import rows_by_class


@dataclass(frozen=True)
class BalancedBatches:
    """Take the classes in turn, and the rows of a class in random order, again and again.

    An epoch has as many rows as the data. A batch of B rows holds B / K of every class, rounded
    up or down; of more than B classes, B different ones. All rows of a class come before one
    comes again: a rarer class is repeated evenly, and of a larger one an epoch sees a part,
    chosen anew each time.

    Notes
    -----
    Unlike under ``class_balanced``, which draws each row by itself, no batch is without a class
    by chance. The authors shuffle the order of the classes each time they were all taken, here
    it is shuffled once an epoch: that keeps the numbers in a batch within one of each other.

    References
    ----------
    Shen et al. 2016, "Relay Backpropagation for Effective Learning of Deep Convolutional Neural
    Networks", arXiv 1512.05830 (class-aware sampling).
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
        # Each class brings all of its rows as often as it takes; a round is one such copy.
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
