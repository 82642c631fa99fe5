"""Curriculum: balanced and easy rows first, then all rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from imbench.strategies.batches.draw import draw_rows, power_shares, rows_by_class


@dataclass(frozen=True)
class Curriculum:
    """Draw from the easiest rows of each class; harder rows and the data's own ratio come later.

    The easiest rows of a class are those with the lowest cross-entropy under the current net. With
    s = min(1, t / until), t the share of the training done, an epoch draws

    - from the easiest ``start + (1 - start) * s`` of the rows of each class, rounded up,
    - a row of class c with probability (1 - s) / K + s n_c / n, with replacement, as many rows
      as there are;

    from t = ``until`` on, every row is drawn once an epoch, as without this strategy.

    Parameters
    ----------
    start : float, default=0.3
        Share of the rows of each class that the first epoch draws from, in (0, 1].
    until : float, default=0.7
        Share of the training after which all rows are drawn, in (0, 1].

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    Jiang et al. choose easy rows of each group by a penalty in the objective. Here the groups are
    the classes, and the number of rows follows a linear pacing function (Hacohen & Weinshall,
    arXiv 1904.03626). Before the first epoch the net is untrained, so the easiest rows are
    random. Computing the losses costs one forward pass an epoch.

    References
    ----------
    Jiang et al. 2014, "Self-Paced Learning with Diversity", NeurIPS 27.

    Examples
    --------
    >>> import torch
    >>> y, losses = torch.arange(200) % 2, torch.rand(200)
    >>> generator = torch.Generator().manual_seed(0)
    >>> rows = Curriculum(start=0.3)(y, 2, 64, 0.0, generator, losses=losses)
    >>> easy = torch.cat([losses[y == k].sort().values[:30] for k in range(2)])
    >>> bool(torch.isin(losses[rows], easy).all())
    True
    >>> rows = Curriculum(until=0.7)(y, 2, 64, 0.7, generator, losses=losses)
    >>> bool((rows.sort().values == torch.arange(200)).all())  # every row once
    True
    """

    start: float = 0.3
    until: float = 0.7

    uses_losses = True

    def __post_init__(self) -> None:
        for name in ("start", "until"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in (0, 1], got {name}={getattr(self, name)}.")

    def __call__(
        self,
        y: Tensor,
        n_classes: int,
        batch_size: int,
        progress: float,
        generator: Generator,
        *,
        losses: Tensor,
    ) -> Tensor:
        """Return row indices of shape (n,) for labels and losses of shape (n,)."""
        s = progress / self.until
        if s >= 1:
            return torch.randperm(len(y), generator=generator, device=y.device)
        groups = rows_by_class(y, n_classes, losses.argsort(stable=True))
        natural, balanced = (power_shares(groups.counts, q) for q in (1.0, 0.0))
        shares = (1 - s) * balanced / balanced.sum() + s * natural / natural.sum()
        share = self.start + (1 - self.start) * s
        # The tolerance keeps rounding errors from adding a row.
        pool = (share * groups.counts.double() - 1e-9).ceil().long()
        return draw_rows(groups, shares, len(y), generator, pool)
