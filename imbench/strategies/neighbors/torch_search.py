"""Exact neighbours by matrix products, a block of queries at a time, on a processor or a GPU."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imbench.strategies.neighbors.base import Search
from imbench.strategies.neighbors.exact import check_announce
from imbench.strategies.neighbors.notice import Notice
from imbench.strategies.nets.device import select_device

EXTRA = 8  # candidates beyond k: what rounding may have put in a wrong order
MAX_QUERIES = 4096  # of a block


class TorchNeighbors(Search):
    """Exact Euclidean neighbours by brute force, in blocks that keep to a bound of memory.

    Candidates are found by distances in float32; theirs are computed again, in float64 and by
    differences, and sorted, so that neighbours and order are scikit-learn's. Where rounding may
    have hidden a neighbour from the candidates, the query is done again in float64.

    Parameters
    ----------
    n_neighbors : int, default=5
        Set by the sampler.
    device : {"auto", "cpu", "cuda"}, default="auto"
    memory_bytes : int, default=268435456
        Of a block of distances. The rows themselves take 12 bytes a value beside it.
    announce_s : float, default=10.0
        A search that will take more seconds is announced, with an estimate.
    n_jobs : int or None
        Without effect.
    notice : Notice or None
        Set by the sampler's wrapper.

    Notes
    -----
    Squared distances come from norms and a product, |q|^2 + |x|^2 - 2 q x, of centred rows. Their
    error in float32 is taken to be below 4 (sqrt(d) + 4) u (|q| + |x|)^2 with u = 2^-24: rounding
    errors of d terms grow as their square root, and 4 is for safety. A row nearer than the k-th
    neighbour, at r, has |x| <= |q| + r, which bounds what rounding may hide.

    Of n distances of a query the c smallest are looked for in the c groups with the smallest
    minima, of sqrt(n / c) columns each: a minimum is one pass over memory, `topk` over all columns
    is many.
    """

    name: ClassVar[str] = "torch"
    is_exact: ClassVar[bool] = False

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        device: str = "auto",
        memory_bytes: int = 2**28,
        announce_s: float = 10.0,
        n_jobs: int | None = None,
        notice: Notice | None = None,
    ) -> None:
        super().__init__(n_neighbors, n_jobs=n_jobs, notice=notice)
        self.device = device
        self.memory_bytes = memory_bytes
        self.announce_s = announce_s

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        select_device(self.device)
        check_announce(self.announce_s)
        if not isinstance(self.memory_bytes, int) or self.memory_bytes < 2**20:
            raise ValueError(
                f"memory_bytes must be an integer of at least 1048576, got {self.memory_bytes!r}."
            )

    def _index(self, rows: NDArray[np.float64]) -> None:
        device = select_device(self.device)
        self._mean = rows.mean(0)
        self._exact = torch.from_numpy(rows - self._mean).to(device)
        self._index32 = _Rows(self._exact.float())

    def _query(
        self, queries: NDArray[np.float64], k: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        size = min(self._block_size(k), len(queries))
        # One buffer for all blocks: to touch fresh memory takes longer than the product.
        buffer = self._index32.rows.new_empty(size, len(self._exact))
        found = [
            self._block(queries[start : start + size], k, buffer)
            for start in range(0, len(queries), size)
        ]
        squares, index = (np.concatenate(part) for part in zip(*found, strict=True))
        return np.sqrt(squares), index

    def _block_size(self, k: int) -> int:
        """Return how many queries a block may have, one at least."""
        n_rows, n_columns = self._exact.shape
        # Distances in float64 for the worst of a block, and candidates with their differences.
        each = 8 * n_rows + (k + EXTRA) * n_columns * 8 * 3
        return int(np.clip(self.memory_bytes // each, 1, MAX_QUERIES))

    def _block(
        self, queries: NDArray[np.float64], k: int, buffer: Tensor
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        exact = torch.from_numpy(queries - self._mean).to(self._exact.device)
        approximate, candidates = self._index32.nearest(exact.float(), k + EXTRA, buffer)
        squares, index = self._sorted(exact, candidates, k)
        if candidates.shape[1] < len(self._exact):
            norms, reach = exact.norm(dim=1), squares[:, -1].sqrt()
            unit = 4 * (math.sqrt(exact.shape[1]) + 4) * _unit(exact.device)
            hidden = squares[:, -1] + unit * (2 * norms + reach) ** 2
            last = approximate[:, -1].double()  # infinite where float32 is too small for it
            again = torch.nonzero(~((hidden < last) & last.isfinite())).flatten()
            if len(again):
                _, candidates = _Rows(self._exact).nearest(exact[again], k + EXTRA)
                squares[again], index[again] = self._sorted(exact[again], candidates, k)
        return squares.cpu().numpy(), index.cpu().numpy()

    def _sorted(self, queries: Tensor, candidates: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Return the k nearest of the candidates (m, c), the lower row number first in a tie."""
        candidates = candidates.sort(dim=1).values
        differences = self._exact[candidates].sub_(queries[:, None])  # (m, c, d)
        squares, order = differences.square_().sum(2).sort(dim=1, stable=True)
        return squares[:, :k], candidates.gather(1, order[:, :k])


class _Rows:
    """Rows (n, d) that are asked for their nearest by norms and products, in their own precision.

    Parameters
    ----------
    rows : Tensor of shape (n, d)
    """

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows
        self.norms = rows.square().sum(1)

    def nearest(
        self, queries: Tensor, n_wanted: int, buffer: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return squared distances, ascending, and row numbers, both (m, c); c <= n_wanted.

        A buffer has room for all distances, shape (m or more, n).
        """
        n_rows, n_wanted = len(self.rows), min(n_wanted, len(self.rows))
        out = None if buffer is None else buffer[: len(queries)]
        squares = torch.addmm(self.norms, queries, self.rows.T, alpha=-2, out=out)  # less |q|^2
        width = max(math.isqrt(n_rows // n_wanted), 1)
        n_groups = n_rows // width
        if n_groups <= n_wanted or width == 1:
            values, index = squares.topk(n_wanted, largest=False)
        else:
            whole = squares[:, : n_groups * width].unflatten(1, (n_groups, width))
            groups = whole.amin(2).topk(n_wanted, largest=False, sorted=False).indices
            columns = torch.arange(width, device=squares.device)
            index = (groups[:, :, None] * width + columns).flatten(1)  # (m, c * width)
            rest = torch.arange(n_groups * width, n_rows, device=squares.device)
            index = torch.cat([index, rest.expand(len(queries), -1)], 1)
            values, order = squares.gather(1, index).topk(n_wanted, largest=False)
            index = index.gather(1, order)
        return values + queries.square().sum(1, keepdim=True), index


def _unit(device: torch.device) -> float:
    """Return the rounding error of products of float32, which may be allowed to be TF32's."""
    reduced = device.type == "cuda" and torch.backends.cuda.matmul.allow_tf32
    return 2**-11 if reduced else 2**-24
