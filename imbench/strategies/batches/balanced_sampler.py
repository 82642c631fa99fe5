"""A sampler for PyTorch's ``DataLoader`` that draws rows by chosen class shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.utils.data import Sampler

from imbench.strategies.batches.draw import (
    check_distribution,
    check_power,
    draw_rows,
    draw_rows_once,
    power_shares,
    rows_by_class,
    rows_without_replacement,
)
from imbench.strategies.batches.labels import as_array, encode, rarest_labels, read_labels


def shares_of(target: Any, classes: NDArray[Any]) -> NDArray[np.float64]:
    """Return a target distribution in the order of the classes, shape (K,).

    Parameters
    ----------
    target : mapping of class to share, or sequence of shares
    classes : ndarray of shape (K,)
    """
    names = classes.tolist()
    if isinstance(target, Mapping):
        missing = [name for name in names if name not in target]
        unknown = [name for name, share in target.items() if name not in set(names) and share]
        if missing:
            raise ValueError(
                f"target has no share for class {missing[0]!r}: add it; 0 leaves it out."
            )
        if unknown:
            raise ValueError(f"target has a share for {unknown[0]!r}, which is not a label.")
        target = [target[name] for name in names]
    shares = check_distribution(target)
    if len(shares) != len(names):
        raise ValueError(f"target has {len(shares)} shares, but there are {len(names)} classes.")
    return shares


def _groups(
    labels: NDArray[Any], target: Any, q: float
) -> tuple[NDArray[Any], NDArray[np.int64], Tensor]:
    """Return the classes, the group of each row (n,) and the shares of the groups (G,)."""
    if labels.ndim == 1:
        classes, codes = encode(labels)
        if target is not None:
            return classes, codes, torch.from_numpy(shares_of(target, classes))
        return classes, codes, power_shares(torch.from_numpy(np.bincount(codes)), q)
    if target is not None:
        raise ValueError("target needs one label a row: use q with a matrix of labels.")
    codes, counts = rarest_labels(labels)  # counts (L + 1,)
    members = np.bincount(codes, minlength=len(counts))
    shares = members * np.maximum(counts, 1.0) ** (q - 1)
    return np.arange(labels.shape[1]), codes, torch.from_numpy(shares)


class BalancedSampler(Sampler[int]):
    """Sample rows for a ``DataLoader`` by chosen class shares; class-balanced by default.

    .. code-block:: python

        loader = DataLoader(data, batch_size=64, sampler=imbench.BalancedSampler(data))

    Parameters
    ----------
    data : Dataset, or array, tensor or list of labels
        Labels are read once by :func:`imbench.strategies.batches.labels.read_labels`, without
        loading an item.
    labels : array of shape (n,) or (n, L) or None
        Labels, if the data set has none or other ones than the training loop. Integers, strings or,
        for several labels a row, a matrix of 0 and 1.
    target : mapping, sequence or None
        Share of each class, by class or in sorted order, summing to one. Excludes ``q``.
    q : float, default=0.0
        A class of n_c rows gets a share proportional to n_c^q: 0 is balanced, 1/2 the square root,
        1 the distribution of the data.
    replacement : bool, default=True
        If False, no row is drawn twice in an epoch. The class with the fewest rows for its share
        contributes all of them, which determines the length of the epoch.
    n_samples : int or None
        Rows of an epoch over all ranks. None is the number of rows or, without replacement, the
        largest possible number.
    seed : int, default=0
        Determines the rows together with the epoch; must be the same on every rank.
    rank, world_size : int or None
        Rank of this process and number of processes. None asks ``torch.distributed``, or is 0 of 1
        if that is not initialized.

    Attributes
    ----------
    epoch : int
        Number of the next epoch. Every iteration increments it; :meth:`set_epoch` sets it.
    classes : ndarray of shape (K,)
        Sorted; for several labels a row, their column numbers.

    Raises
    ------
    ValueError
        If the labels cannot be read, or a parameter does not fit them.

    Notes
    -----
    All ranks draw the same sequence for an epoch and take every ``world_size``-th row of it. They
    get equally many rows and, without replacement, disjoint ones. The sequence is therefore
    lengthened to a multiple of ``world_size``, or shortened without replacement.

    With several labels a row, a row belongs to its rarest label l and is drawn with probability
    proportional to n_l^(q - 1), where n_l is the number of rows with the label. Rows without any
    label are a group of their own.

    Examples
    --------
    >>> import imbench
    >>> labels = ["cat"] * 90 + ["dog"] * 10
    >>> sampler = imbench.BalancedSampler(labels, replacement=False)
    >>> rows = list(sampler)
    >>> [sum(labels[row] == name for row in rows) for name in ("cat", "dog")]
    [10, 10]
    >>> len(imbench.BalancedSampler(labels, target={"cat": 0.75, "dog": 0.25}))
    100
    """

    def __init__(
        self,
        data: Any,
        *,
        labels: Any = None,
        target: Mapping[Any, float] | Sequence[float] | None = None,
        q: float = 0.0,
        replacement: bool = True,
        n_samples: int | None = None,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        check_power(q)
        if target is not None and q != 0:
            raise ValueError(f"give target or q, not both: got {target=}, {q=}.")
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(f"seed must be an integer of at least 0, got {seed!r}.")
        if n_samples is not None and (not isinstance(n_samples, int | np.integer) or n_samples < 1):
            raise ValueError(f"n_samples must be an integer of at least 1, got {n_samples!r}.")
        self.seed, self.epoch, self.replacement = seed, 0, replacement
        self.rank, self.world_size = _place(rank, world_size)
        found = read_labels(data) if labels is None else _given(labels, data)
        self.classes, codes, self._shares = _groups(found, target, q)
        self._y = torch.from_numpy(codes)
        self._by_class = rows_by_class(self._y, len(self._shares))
        if replacement:
            total = len(codes) if n_samples is None else int(n_samples)
            self._wanted = None
            self._length = (total + self.world_size - 1) // self.world_size
            return
        self._wanted = rows_without_replacement(self._by_class.counts, self._shares, n_samples)
        total = int(self._wanted.sum())
        self._length = total // self.world_size
        if not self._length:
            raise ValueError(f"{total} rows without replacement are too few for {world_size=}.")

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next iteration, as for PyTorch's ``DistributedSampler``."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of rows of an epoch on this rank."""
        return self._length

    def __iter__(self) -> Iterator[int]:
        """Return the row indices of the next epoch on this rank."""
        generator = Generator().manual_seed(_mixed(self.seed, self.epoch))
        self.epoch += 1
        if self._wanted is None:
            n_draws = self._length * self.world_size
            drawn = draw_rows(self._by_class, self._shares, n_draws, generator)
        else:
            drawn = draw_rows_once(self._y, self._wanted, generator)
        mine = drawn[self.rank :: self.world_size][: self._length]
        return iter(mine.tolist())


def _given(labels: Any, data: Any) -> NDArray[Any]:
    array = as_array(labels)
    if hasattr(data, "__len__") and len(data) != len(array):
        raise ValueError(f"labels has {len(array)} rows, but the data set has {len(data)} items.")
    return array


def _place(rank: int | None, world_size: int | None) -> tuple[int, int]:
    if (rank is None) != (world_size is None):
        raise ValueError(f"give both rank and world_size, or neither: got {rank=}, {world_size=}.")
    if rank is None or world_size is None:
        spread = torch.distributed
        if not (spread.is_available() and spread.is_initialized()):
            return 0, 1
        return spread.get_rank(), spread.get_world_size()
    if not 0 <= rank < world_size:
        raise ValueError(f"rank must lie in [0, world_size), got {rank=}, {world_size=}.")
    return rank, world_size


def _mixed(seed: int, epoch: int) -> int:
    """Return a seed for an epoch: seed 0 in epoch 1 is not seed 1 in epoch 0."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> 1)
