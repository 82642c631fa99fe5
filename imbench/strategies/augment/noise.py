"""Gaussian noise on the rows of a table, mostly of the rare classes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from imbench.strategies.augment.rarity import chance_by_class, check_probability
from imbench.strategies.protocols import BatchTransform, Targets


@dataclass(frozen=True)
class Noise:
    """Add Gaussian noise to a row of class c with probability ``probability * (1 - n_c / n_max)``.

    The largest class is never changed, the rarest almost always, and each time anew.

    Parameters
    ----------
    scale : float, default=0.1
        Standard deviation of the noise. The columns of nets are standardised, so that it is a
        share of a column's own.
    probability : float, default=0.9
        Limit of the probability as a class becomes rare, in [0, 1].

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    One-hot columns, which have no neighbouring values, get the same noise: the category stays
    the largest as long as ``scale`` is well below 1/2. With ``model.preprocessing.scale=false``
    the noise is in the units of the columns. Lee adds noisy copies of rare rows to the data once.

    References
    ----------
    Lee 2000, "Noisy replication in skewed binary classification", DOI
    10.1016/S0167-9473(99)00095-X.
    """

    scale: float = 0.1
    probability: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.scale < float("inf"):
            raise ValueError(f"scale must be at least 0, got {self.scale}.")
        check_probability(self.probability)

    def bind(self, counts: Tensor) -> BatchTransform:
        """Return the transform for training counts of shape (K,)."""
        chance = chance_by_class(counts, self.probability)

        def add_noise(x: Tensor, y: Tensor, generator: Generator) -> tuple[Tensor, Targets]:
            chosen = torch.rand(len(y), generator=generator, device=x.device) < chance[y]
            noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
            # `where`, so that a row that is not chosen stays the same to the bit.
            noisy = torch.where(chosen[:, None], x + self.scale * noise, x)
            return noisy, [(y, torch.ones(len(y), device=x.device))]

        return add_noise
