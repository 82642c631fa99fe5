"""Rows on the device, and the plan that cuts the epochs of several nets into batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

AT_ONCE = 4096  # rows of a net in a forward pass without gradients


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows on the device.

    Parameters
    ----------
    x : Tensor of shape (n, *input_shape)
        float32, or uint8 for images, which :func:`to_input` scales to [0, 1] a batch at a time.
    y : Tensor of shape (n,)
        int64 labels 0..K-1.
    weight : Tensor of shape (n,) or None
        ``sample_weight`` of the caller.
    """

    x: Tensor
    y: Tensor
    weight: Tensor | None = None

    @staticmethod
    def concatenate(parts: Sequence[Rows]) -> Rows:
        """Return the rows of several nets one after the other; one part is not copied."""
        if len(parts) == 1:
            return parts[0]
        weight = None
        if any(p.weight is not None for p in parts):
            weight = torch.cat(
                [
                    torch.ones(len(p.y), device=p.y.device) if p.weight is None else p.weight
                    for p in parts
                ]
            )
        return Rows(torch.cat([p.x for p in parts]), torch.cat([p.y for p in parts]), weight)


def to_input(x: Tensor) -> Tensor:
    """Return a batch as float32; uint8 pixels are scaled to [0, 1].

    Examples
    --------
    >>> to_input(torch.tensor([0, 51, 255], dtype=torch.uint8))
    tensor([0.0000, 0.2000, 1.0000])
    """
    return x.float().div_(255) if x.dtype == torch.uint8 else x


def slices(n_rows: int, batch_size: int) -> Iterator[slice]:
    """Cut an epoch into batches; a last batch of one row joins the one before it.

    Batch normalisation cannot compute a variance from a single row.

    Examples
    --------
    >>> [(part.start, part.stop) for part in slices(9, batch_size=4)]
    [(0, 4), (4, 9)]
    """
    starts = list(range(0, n_rows, batch_size))
    if len(starts) > 1 and n_rows - starts[-1] == 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], n_rows], strict=True):
        yield slice(start, end)


class EpochPlan:
    """The batches of M nets in an epoch; valid for every epoch with the same numbers of rows.

    Parameters
    ----------
    n_draws : sequence of int
        Rows that each net draws.
    batch_size : int
    first : ndarray of shape (M,)
        Number of the first row of each net in the rows of all nets.
    device : torch.device

    Attributes
    ----------
    n_draws : list of int
    n_steps : list of int
        Batches of each net.
    sizes : ndarray of shape (S, M)
        Rows of each batch; 0 for a net that has none left. S is the largest number of batches.
    is_active : ndarray of shape (S, M)
        Whether a net has rows in a batch.
    offsets : ndarray of shape (S, M)
        Position of the first row of a batch in the order of its net.
    widths : ndarray of shape (S,)
        Rows of the largest batch of each step; the rest of the width is padding.
    is_padded : ndarray of shape (S,)
        Whether the batches of a step differ in size.
    mask : Tensor of shape (S, M, width)
        True for rows and False for padding.
    """

    def __init__(
        self,
        n_draws: Sequence[int],
        batch_size: int,
        first: NDArray[np.int64],
        device: torch.device,
    ) -> None:
        self.n_draws = list(n_draws)
        cuts = [list(slices(n, batch_size)) for n in n_draws]
        self.n_steps = [len(cut) for cut in cuts]
        self.sizes = np.zeros((max(self.n_steps), len(cuts)), np.int64)
        self.offsets = np.zeros_like(self.sizes)
        for m, cut in enumerate(cuts):
            self.sizes[: len(cut), m] = [part.stop - part.start for part in cut]
            self.offsets[: len(cut), m] = [part.start for part in cut]
        self.is_active = self.sizes > 0
        self.widths = self.sizes.max(axis=1)
        self.is_padded = np.any(self.sizes < self.widths[:, None], axis=1)
        place = np.arange(int(self.sizes.max()))
        inside = place < self.sizes[..., None]  # padding repeats a row of the net
        starts = np.cumsum([0, *n_draws])[:-1, None]
        position = np.where(inside, self.offsets[..., None] + place, 0) + starts
        # bool and int32, because a plan for a million rows has as many entries.
        self.mask = torch.as_tensor(inside, device=device)
        self._position = torch.as_tensor(position, dtype=torch.int32, device=device)
        first = np.repeat(first, n_draws).astype(np.int32)
        self._first = torch.as_tensor(first, device=device)

    def rows(self, orders: Sequence[Tensor]) -> Tensor:
        """Return the rows of every batch, shape (S, M, width).

        Parameters
        ----------
        orders : sequence of Tensor of shape (n_draws,)
            Rows of each net, as numbers in its own rows.
        """
        numbers = torch.cat(list(orders)) + self._first
        return numbers.index_select(0, self._position.view(-1)).view(self._position.shape)


class PaddedRows:
    """The rows of M nets as one padded array, for scoring.

    Parameters
    ----------
    parts : sequence of Rows

    Attributes
    ----------
    x : Tensor of shape (M, n, *input_shape)
    y : Tensor of shape (M, n)
    is_row : Tensor of shape (M, n)
        False for padding, which follows the rows.
    """

    def __init__(self, parts: Sequence[Rows]) -> None:
        self.x = pad_stack([p.x for p in parts])
        self.y = pad_stack([p.y for p in parts])
        self.is_row = pad_stack([torch.ones_like(p.y, dtype=torch.bool) for p in parts])

    def forward(self, stack: nn.Module, amp: bool) -> Tensor:
        """Return the logits (M, n, K) of a stack in evaluation mode, without gradients."""
        stack.eval()
        with torch.no_grad(), torch.autocast(self.x.device.type, torch.bfloat16, enabled=amp):
            return torch.cat([stack(to_input(x)) for x in self.x.split(AT_ONCE, 1)], 1)


def pad_stack(parts: Sequence[Tensor], width: int = 0) -> Tensor:
    """Stack tensors (n_m, ...) to (M, width, ...), padded with zeros at the end.

    The width is at least the length of the longest tensor. Used for nets of a stack whose batches
    differ in size.
    """
    width = max(width, *(len(part) for part in parts))
    if all(len(part) == width for part in parts):
        return torch.stack(list(parts))
    padded = parts[0].new_zeros((len(parts), width, *parts[0].shape[1:]))
    for m, part in enumerate(parts):
        padded[m, : len(part)] = part
    return padded
