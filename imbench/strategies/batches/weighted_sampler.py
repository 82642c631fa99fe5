"""Weighted sampling: draw rows by chosen class shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from imbench.strategies.batches.draw import (
    check_distribution,
    check_power,
    draw_rows,
    draw_rows_once,
    power_shares,
    rows_by_class,
    rows_without_replacement,
    target_shares,
)


@dataclass(frozen=True)
class WeightedSampler:
    """Draw a row of class c with probability p_c ~ n_c^q, or from a target distribution.

    With q = 0 every class is drawn equally often on average, as by PyTorch's
    ``WeightedRandomSampler`` with inverse class frequencies.

    Parameters
    ----------
    replacement : bool, default=True
        Draw as many rows as there are, with replacement. Without replacement an epoch is shorter:
        the class with the fewest rows for its share contributes all of them, and the others keep
        their shares. For q = 0 an epoch has K times the rows of the rarest class.
    q : float, default=0.0
        0 is balanced, 1/2 the square root, 1 the distribution of the data, -1 its reverse.
    target : sequence of float or None
        Share of each class in the order of the labels, instead of ``q``.

    Raises
    ------
    ValueError
        If ``q`` lies outside of [-1, 1], ``target`` is not a distribution, or both are given.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed Recognition",
    arXiv 1910.09217, eq. 1.

    Examples
    --------
    >>> import torch
    >>> y = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1])
    >>> generator = torch.Generator().manual_seed(0)
    >>> rows = WeightedSampler(replacement=False)(y, 2, 4, 0.0, generator)
    >>> torch.bincount(y[rows]).tolist()
    [2, 2]
    """

    replacement: bool = True
    q: float = 0.0
    target: Sequence[float] | None = None

    def __post_init__(self) -> None:
        check_power(self.q)
        if self.target is None:
            return
        check_distribution(self.target)
        if self.q != 0:
            raise ValueError(f"give target or q, not both: got target={self.target}, q={self.q}.")

    def __call__(
        self, y: Tensor, n_classes: int, batch_size: int, progress: float, generator: Generator
    ) -> Tensor:
        """Return row indices for labels of shape (n,); (n,) with replacement, fewer without.

        Raises
        ------
        ValueError
            If ``target`` does not fit the classes of the labels.
        """
        counts = torch.bincount(y, minlength=n_classes)
        if self.target is None:
            shares = power_shares(counts, self.q)
        else:
            shares = target_shares(self.target, counts)
        if self.replacement:
            return draw_rows(rows_by_class(y, n_classes), shares, len(y), generator)
        return draw_rows_once(y, rows_without_replacement(counts, shares), generator)
