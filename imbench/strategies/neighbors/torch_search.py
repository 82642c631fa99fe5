"""Exact nearest neighbors by matrix products, a block of queries at a time, on CPU or GPU."""

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

EXTRA = 8  # candidates beyond k, for those that rounding puts in the wrong order
MAX_QUERIES = 4096  # in a block


class TorchNeighbors(Search):
    """Exact Euclidean neighbors by brute force, in blocks of bounded memory.

    Candidates are found by distances in float32. Their distances are then computed in float64 from
    differences and sorted, so that neighbors and order are scikit-learn's. A query for which
    float32 may have missed a neighbor is repeated in float64.

    Parameters
    ----------
    n_neighbors : int, default=5
        Set by the sampler.
    device : {"auto", "cpu", "cuda"}, default="auto"
    memory_bytes : int, default=268435456
        Size of a block of distances. The samples take 12 bytes a value in addition.
    announce_s : float, default=10.0
        Seconds; a search that is estimated to take longer is announced.
    n_jobs : int or None
        Ignored.
    notice : Notice or None
        Set by :meth:`noticing`.

    Notes
    -----
    Squared distances are |q|^2 + |x|^2 - 2 q x of centred samples. Their error in float32 is
    assumed to be below 4 (sqrt(d) + 4) u (|q| + |x|)^2 with u = 2^-24: rounding errors of d terms
    grow as the square root of d, and the factor 4 is a margin. A sample nearer than the k-th
    neighbor, at distance r, has |x| <= |q| + r, which bounds the error for every sample that
    may have been missed.

    The c smallest of the n distances of a query are in the c groups with the smallest minima, of
    sqrt(n / c) columns each. A minimum is one pass over memory; `topk` over all columns is many.

    Examples
    --------
    >>> search = TorchNeighbors(device="cpu").asked(2).fit([[0.0], [1.0], [3.0]])
    >>> search.kneighbors([[0.9]], return_distance=False)
    array([[1, 0]])
    """

    name: ClassVar[str] = "torch"

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
        """Raise ValueError for a parameter out of range; called before anything runs."""
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
        # One buffer for all blocks: touching fresh memory takes longer than the product.
        buffer = self._index32.rows.new_empty(size, len(self._exact))
        found = [
            self._block(queries[start : start + size], k, buffer)
            for start in range(0, len(queries), size)
        ]
        squares, index = (np.concatenate(part) for part in zip(*found, strict=True))
        return np.sqrt(squares), index

    def _block_size(self, k: int) -> int:
        """Return the number of queries in a block, at least one."""
        n_rows, n_columns = self._exact.shape
        # Distances in float64, for a block that is repeated, and candidates with their differences.
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
            last = approximate[:, -1].double()  # infinite where it overflows float32
            again = torch.nonzero(~((hidden < last) & last.isfinite())).flatten()
            if len(again):
                _, candidates = _Rows(self._exact).nearest(exact[again], k + EXTRA)
                squares[again], index[again] = self._sorted(exact[again], candidates, k)
        return squares.cpu().numpy(), index.cpu().numpy()

    def _sorted(self, queries: Tensor, candidates: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Return the k nearest of the candidates (m, c); the lower index first in a tie."""
        candidates = candidates.sort(dim=1).values
        differences = self._exact[candidates].sub_(queries[:, None])  # (m, c, d)
        squares, order = differences.square_().sum(2).sort(dim=1, stable=True)
        return squares[:, :k], candidates.gather(1, order[:, :k])


class _Rows:
    """Samples (n, d) and a search by norms and products in the precision of the samples.

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
        """Return squared distances, ascending, and indices, both (m, c) with c <= n_wanted.

        Parameters
        ----------
        queries : Tensor of shape (m, d)
        n_wanted : int
        buffer : Tensor of shape (at least m, n) or None
            Memory for the distances.
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
    """Return the rounding error of float32 products, or of TF32 where PyTorch may use it."""
    reduced = device.type == "cuda" and torch.backends.cuda.matmul.allow_tf32
    return 2**-11 if reduced else 2**-24
