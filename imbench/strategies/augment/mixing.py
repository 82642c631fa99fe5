"""Helpers of the augmentations that mix rows: Beta draws, mixtures and their targets."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from imbench.strategies.protocols import Target, Targets


def check_above_zero(**values: float) -> None:
    """Raise ValueError unless every value is a finite number above 0."""
    for name, value in values.items():
        if not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise ValueError(f"{name} must be a finite number above 0, got {name}={value!r}.")


def symmetric_beta(alpha: float, n: int, generator: Generator) -> Tensor:
    """Draw from Beta(alpha, alpha), shape (n,), on the device of the generator.

    Notes
    -----
    ``torch.distributions`` takes no generator. Two uniform numbers are enough: if T is Student's
    t with 2 alpha degrees of freedom, 1/2 + T / (2 sqrt(2 alpha + T^2)) is Beta(alpha, alpha).
    With w = U^(1/alpha), T^2 / (2 alpha) = cos^2(2 pi V) (1 - w) / w. In this form nothing
    overflows, for any alpha: as alpha goes to 0 the draws become 0 or 1.

    References
    ----------
    Bailey 1994, "Polar generation of random variates with the t-distribution", DOI
    10.1090/S0025-5718-1994-1219702-8; Devroye 1996, "Random variate generation in one line of
    code", DOI 10.1145/256562.256623.
    """
    u, v = torch.rand((2, n), generator=generator, device=generator.device, dtype=torch.float64)
    log_w = u.log() / alpha  # -inf for u = 0
    ratio = log_w.exp() / -torch.expm1(log_w)  # w / (1 - w)
    cos = torch.cos(2 * math.pi * v)
    return 0.5 + 0.5 * cos / (ratio + cos**2).sqrt()


def blend(x: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """Return share * x + (1 - share) * other for rows (B, ...) and shares (B,)."""
    share = share.to(x.dtype).view(-1, *[1] * (x.ndim - 1))
    return share * x + (1 - share) * other


def mixed_targets(y: Tensor, partner: Tensor, share: Tensor) -> Targets:
    """Return targets: each row's own label with a share (B,), its partner's with the rest.

    Parameters
    ----------
    y : Tensor of shape (n,)
        Labels of the rows passed to the transform; the first B are the batch.
    partner, share : Tensor of shape (B,)
    """
    share = share.float()
    return [Target(y[: len(share)], share), Target(y[partner], 1 - share, partner)]
