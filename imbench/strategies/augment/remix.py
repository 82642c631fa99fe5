"""Remix: mixup in which mixtures with a much rarer class get the label of that class."""

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


def label_share(share: Tensor, ratio: Tensor, kappa: float, tau: float) -> Tensor:
    """Return the share of row i's label in the loss, eq. 10.

    Parameters
    ----------
    share : Tensor of shape (B,)
        Share of row i in the mixture.
    ratio : Tensor of shape (B,)
        n_i / n_j, the training counts of the two classes.
    kappa, tau : float
    """
    to_partner = (ratio >= kappa) & (share < tau)
    to_own = (ratio <= 1 / kappa) & (1 - share < tau)
    return torch.where(to_partner, 0.0, torch.where(to_own, 1.0, share))


@dataclass(frozen=True)
class Remix:
    """Mix rows as mixup does, and give the label to the rarer class where it is much rarer.

    Let lambda be the share of row i in the mixture. The share of its label in the loss is 0 if
    n_i >= kappa n_j and lambda < tau, 1 if n_j >= kappa n_i and 1 - lambda < tau, and lambda
    otherwise.

    Parameters
    ----------
    alpha : float, default=1.0
        lambda ~ Beta(alpha, alpha); above 0.
    kappa : float, default=3.0
        How many times larger the other class must be, above 1. Remix becomes mixup as kappa grows.
    tau : float, default=0.5
        In [0, 1]. At 0 remix is mixup; above 0.5 the rarer class may win with the smaller share.

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    Each row has its own lambda; the authors draw one for each batch.

    References
    ----------
    Chou et al. 2020, "Remix: Rebalanced Mixup", arXiv 2007.03943, eq. 10.

    Examples
    --------
    >>> import torch
    >>> x, y = torch.eye(4), torch.tensor([0, 0, 1, 1])
    >>> transform = Remix(kappa=3.0).bind(torch.tensor([90, 10]))
    >>> mixed, targets = transform(x, y, torch.Generator().manual_seed(0))
    >>> [target.labels.shape for target in targets]
    [torch.Size([4]), torch.Size([4])]
    >>> sum(target.share for target in targets)  # of a row's loss
    tensor([1., 1., 1., 1.])
    """

    alpha: float = 1.0
    kappa: float = 3.0
    tau: float = 0.5

    mixes_labels = True

    def __post_init__(self) -> None:
        check_above_zero(alpha=self.alpha)
        if not self.kappa > 1:
            raise ValueError(f"kappa must be above 1, got kappa={self.kappa}.")
        if not 0 <= self.tau <= 1:
            raise ValueError(f"tau must lie in [0, 1], got tau={self.tau}.")

    def bind(self, counts: Tensor) -> BatchTransform:
        """Return the transform for training counts of shape (K,)."""
        sizes = counts.double()

        def remix(x: Tensor, y: Tensor, generator: Generator) -> tuple[Tensor, Targets]:
            share = symmetric_beta(self.alpha, len(x), generator)
            partner = torch.randperm(len(x), generator=generator, device=x.device)
            ratio = sizes[y] / sizes[y[partner]]
            of_labels = label_share(share, ratio, self.kappa, self.tau)
            return blend(x, x[partner], share), mixed_targets(y, partner, of_labels)

        return remix
