"""Progressively-balanced sampling: from the class distribution of the data to a balanced one."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Generator, Tensor

from imbench.strategies.batches.draw import draw_rows, power_shares, rows_by_class


@dataclass(frozen=True)
class ProgressiveSampler:
    """Draw a row of class c with probability (1 - t) n_c / n + t / K, t the share of training done.

    With replacement, as many rows as there are. K is the number of classes that have rows.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed Recognition",
    arXiv 1910.09217, eq. 2 (progressively-balanced sampling).

    Examples
    --------
    >>> import torch
    >>> y = torch.arange(10_000) % 10 // 9  # one row in ten is of class 1
    >>> generator = torch.Generator().manual_seed(0)
    >>> for progress in (0.0, 0.5, 1.0):
    ...     rows = ProgressiveSampler()(y, 2, 64, progress, generator)
    ...     print(round(y[rows].float().mean().item(), 1))
    0.1
    0.3
    0.5
    """

    def __call__(
        self, y: Tensor, n_classes: int, batch_size: int, progress: float, generator: Generator
    ) -> Tensor:
        """Return row indices of shape (n,) for labels of shape (n,)."""
        groups = rows_by_class(y, n_classes)
        natural, balanced = (power_shares(groups.counts, q) for q in (1.0, 0.0))
        shares = (1 - progress) * natural / natural.sum() + progress * balanced / balanced.sum()
        return draw_rows(groups, shares, len(y), generator)
