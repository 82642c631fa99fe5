"""Gaussian noise on table rows of rare classes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from imbench.strategies.augment.rarity import chance_by_class, check_probability
from imbench.strategies.protocols import BatchTransform, Targets


@dataclass(frozen=True)
class Noise:
    """Add Gaussian noise to a row of class c with probability ``probability * (1 - n_c / n_max)``.

    The largest class is never changed, and the rarest with nearly the full probability. The noise
    is drawn anew in each epoch.

    Parameters
    ----------
    scale : float, default=0.1
        Standard deviation of the noise, in standard deviations of a column: the inputs of nets are
        standardized.
    probability : float, default=0.9
        Probability in the limit of a class with few rows, in [0, 1].

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    One-hot columns get the same noise; the true category stays the largest as long as ``scale``
    is well below 1/2. With ``model.preprocessing.scale=false`` the noise is in the units of the
    columns. Lee adds noisy copies of rare rows to the data once.

    References
    ----------
    Lee 2000, "Noisy replication in skewed binary classification", DOI
    10.1016/S0167-9473(99)00095-X.

    Examples
    --------
    >>> import torch
    >>> x, y = torch.zeros(2, 3), torch.tensor([0, 1])
    >>> transform = Noise(scale=0.1, probability=1.0).bind(torch.tensor([100_000, 1]))
    >>> noisy, _ = transform(x, y, torch.Generator().manual_seed(0))
    >>> (noisy != x).any(1)  # the row of the rare class
    tensor([False,  True])
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
            # `where` keeps rows that are not chosen bit for bit, also if they are not finite.
            noisy = torch.where(chosen[:, None], x + self.scale * noise, x)
            return noisy, [(y, torch.ones(len(y), device=x.device))]

        return add_noise
