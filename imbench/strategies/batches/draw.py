"""Draw rows by class shares: helpers of the samplers of this stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Generator, Tensor


@dataclass(frozen=True, eq=False)
class RowsByClass:
    """Row numbers in the order of their classes.

    Parameters
    ----------
    rows : Tensor of shape (n,)
        Rows of class 0, then of class 1, ...
    counts, first : Tensor of shape (K,)
        Number of rows of each class, and the position of its first row in ``rows``.
    """

    rows: Tensor
    counts: Tensor
    first: Tensor


def rows_by_class(y: Tensor, n_classes: int, order: Tensor | None = None) -> RowsByClass:
    """Group rows by class, O(n).

    Parameters
    ----------
    y : Tensor of shape (n,)
    n_classes : int
    order : Tensor of shape (n,) or None
        A permutation of the rows, whose order is preserved in each class; None is 0..n-1.
    """
    counts = torch.bincount(y, minlength=n_classes)
    first = counts.cumsum(0) - counts
    if order is None:
        return RowsByClass(torch.argsort(y, stable=True), counts, first)
    return RowsByClass(order[torch.argsort(y[order], stable=True)], counts, first)


def power_shares(counts: Tensor, q: float) -> Tensor:
    """Return p_c ~ n_c^q, largest value one, and 0 for a class without rows; shape (K,)."""
    return torch.where(counts > 0, (counts.double() / counts.max()) ** q, 0.0)


def check_power(q: float) -> None:
    """Raise ValueError unless q lies in [-1, 1]."""
    if not isinstance(q, int | float) or not -1 <= q <= 1:
        raise ValueError(
            f"q must lie in [-1, 1] (0 is balanced, 1 the data's own distribution), got {q=}."
        )


def check_distribution(target: ArrayLike) -> NDArray[np.float64]:
    """Return a target distribution as an array of shape (K,).

    Raises
    ------
    ValueError
        If it is not a list of non-negative numbers that sum to one.
    """
    try:
        shares = np.asarray(target, np.float64)
    except (TypeError, ValueError):
        shares = np.full(1, np.nan)
    if shares.ndim != 1 or not len(shares) or not (shares >= 0).all():
        raise ValueError(
            f"target must be a list of numbers of at least 0, one a class, got {target=}."
        )
    if not abs(shares.sum() - 1) <= 1e-6:
        raise ValueError(
            f"target must sum to one, but {target!r} sums to {shares.sum():.6g}: "
            "divide each share by that."
        )
    return shares


def target_shares(target: Sequence[float], counts: Tensor) -> Tensor:
    """Return a checked target distribution on the device of the counts, shape (K,).

    Raises
    ------
    ValueError
        If its length is not the number of classes, or it has a share for a class without rows.
    """
    shares = torch.as_tensor(np.asarray(target, np.float64), device=counts.device)
    key = "strategy.batches.weighted_sampler.target"
    if len(shares) != len(counts):
        raise ValueError(
            f"{key} has {len(shares)} shares, but the training labels have {len(counts)} classes: "
            "give one share a class, in the order of the labels."
        )
    empty = ((shares > 0) & (counts == 0)).nonzero()
    if len(empty):
        raise ValueError(
            f"{key} asks for rows of class {int(empty[0])}, which has none: set its share to 0."
        )
    return shares


def draw_rows(
    groups: RowsByClass,
    shares: Tensor,
    n_draws: int,
    generator: Generator,
    pool: Tensor | None = None,
) -> Tensor:
    """Draw rows with replacement: first the class, then a row of it.

    Parameters
    ----------
    groups : RowsByClass
    shares : Tensor of shape (K,)
        Probability of a class, up to a factor; 0 where it has no rows.
    n_draws : int
    generator : torch.Generator
    pool : Tensor of shape (K,) or None
        Draw only from the first ``pool[c]`` rows of class c; None is all.

    Returns
    -------
    Tensor of shape (n_draws,)

    Notes
    -----
    O(n). ``torch.multinomial`` over rows instead of classes is limited to 2**24 rows.
    """
    pool = groups.counts if pool is None else pool
    drawn = torch.multinomial(shares.float(), n_draws, replacement=True, generator=generator)
    within = torch.rand(n_draws, generator=generator, device=shares.device, dtype=torch.float64)
    return groups.rows[groups.first[drawn] + (within * pool[drawn]).long()]


def rows_without_replacement(counts: Tensor, shares: Tensor, n_rows: int | None = None) -> Tensor:
    """Return the rows of each class in an epoch without replacement, shape (K,).

    Parameters
    ----------
    counts, shares : Tensor of shape (K,)
        Shares up to a factor.
    n_rows : int or None
        Rows of the epoch. None is the largest possible number: the class with the fewest rows for
        its share contributes all of them, and the others keep their shares, rounded to whole
        rows. For equal shares this is K times the size of the rarest class.

    Raises
    ------
    ValueError
        If ``n_rows`` is larger than that.
    """
    shares = shares / shares.sum()
    # The tolerance keeps rounding errors from removing a row.
    longest = int((counts / shares)[shares > 0].min() * (1 + 1e-9))
    n_rows = longest if n_rows is None else int(n_rows)
    if n_rows > longest:
        raise ValueError(
            f"n_samples={n_rows} is more than the {longest} rows that can be drawn with these "
            "shares and without replacement."
        )
    exact = shares * n_rows
    wanted = (exact * (1 + 1e-9)).floor()
    by_remainder = torch.argsort(exact - wanted, descending=True, stable=True)
    wanted[by_remainder[: n_rows - int(wanted.sum())]] += 1
    return torch.minimum(wanted.long(), counts)


def draw_rows_once(y: Tensor, wanted: Tensor, generator: Generator) -> Tensor:
    """Draw a number of rows of each class without replacement, in random order.

    Parameters
    ----------
    y : Tensor of shape (n,)
    wanted : Tensor of shape (K,)
        At most the number of rows of the class.
    generator : torch.Generator

    Returns
    -------
    Tensor of shape (wanted.sum(),)
    """
    order = torch.randperm(len(y), generator=generator, device=y.device)
    shuffled = y[order]
    groups = rows_by_class(shuffled, len(wanted))
    place = torch.empty_like(order)  # of a row among those of its class
    place[groups.rows] = torch.arange(len(y), device=y.device) - groups.first[shuffled[groups.rows]]
    chosen = order[place < wanted[shuffled]]
    # Shuffle again: rows of classes that are drawn in part are all early in the order.
    return chosen[torch.randperm(len(chosen), generator=generator, device=y.device)]
