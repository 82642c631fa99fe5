"""Probability of augmenting a row, by the size of its class."""

from __future__ import annotations

from torch import Tensor


def chance_by_class(counts: Tensor, probability: float) -> Tensor:
    """Return ``probability * (1 - n_c / n_max)`` for counts of shape (K,)."""
    return probability * (1 - counts / counts.max())


def check_probability(probability: float) -> None:
    """Raise ValueError unless a probability lies in [0, 1]."""
    if not 0 <= probability <= 1:
        raise ValueError(f"probability must lie in [0, 1], got {probability}.")
