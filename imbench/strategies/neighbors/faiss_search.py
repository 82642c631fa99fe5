"""Approximate neighbours by a graph that is walked: nearly linear in the rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import faiss
import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from imbench.data.row_hashes import hash_rows
from imbench.strategies.neighbors.base import Search
from imbench.strategies.neighbors.notice import Notice

CELL = 256  # rows of a cell, whose neighbourhood stays in the cache
MAX_CELLS = 1024
CHUNK = 4096  # rows that are added to the graph at a time: faiss shuffles them
BLOCK_BYTES = 2**22  # of rows whose distances are computed again at a time
ROWS_AT_ONCE = 2**15  # that are handed to faiss: no second table is made of the rows


class FaissNeighbors(Search):
    """Approximate Euclidean neighbours by faiss: a hierarchical navigable small world (HNSW).

    Parameters
    ----------
    n_neighbors : int, default=5
        Set by the sampler.
    links : int, default=32
        Of a row in the graph, M in the paper. More are more exact, slower and larger.
    ef_construction : int, default=40
        Candidates while the graph is built.
    ef_search : int, default=64
        Candidates of a query; at least four times the neighbours.
    flat_below : int, default=5000
        With fewer rows all distances are computed, which is exact, and faster than the graph.
    random_state : int or None
        Of the graph's levels; None is 0.
    n_jobs : int or None
        Without effect.
    notice : Notice or None
        Set by the sampler's wrapper; an approximate search is not announced.

    Notes
    -----
    Rows are put in order of the cells of a coarse k-means, and queries too: the walks of one after
    the other then touch the same memory, and 100,000 rows do not take longer each than 10,000.

    The graph is built by one thread, since with several it depends on which comes first, and it
    holds each distinct row once: copies would link to nothing but each other. A query that is one
    of the rows always finds it. Distances of what is
    found are computed again in float64 and sorted. A query that the graph answers with fewer rows
    than asked for is answered by all distances.

    References
    ----------
    Malkov & Yashunin 2018, "Efficient and robust approximate nearest neighbor search using
    Hierarchical Navigable Small World graphs", arXiv 1603.09320.
    """

    name: ClassVar[str] = "faiss"

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        links: int = 32,
        ef_construction: int = 40,
        ef_search: int = 64,
        flat_below: int = 5000,
        random_state: int | None = None,
        n_jobs: int | None = None,
        notice: Notice | None = None,
    ) -> None:
        super().__init__(n_neighbors, n_jobs=n_jobs, notice=notice)
        self.links = links
        self.ef_construction = ef_construction
        self.ef_search = ef_search
        self.flat_below = flat_below
        self.random_state = random_state

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        for name, low in (
            ("links", 2),
            ("ef_construction", 1),
            ("ef_search", 1),
            ("flat_below", 0),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < low:
                raise ValueError(f"{name} must be an integer of at least {low}, got {value!r}.")

    def refitted(self) -> FaissNeighbors:
        """Return a copy that never builds a graph: it would be built anew for every row."""
        return self.asked(self.n_neighbors).set_params(flat_below=2**62)

    def _index(self, rows: NDArray[np.float64]) -> None:
        self._mean = rows.mean(0)  # float32 keeps what differs, not what all rows share
        self._graph: Any = None
        self._distinct = None if len(rows) < self.flat_below else _Distinct(rows)
        self._few = rows if self._distinct is None else self._distinct.rows

    def _query(
        self, queries: NDArray[np.float64], k: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        rows = self._few
        n_wanted = min(k, len(rows))
        # A walk that is to end at a tenth of the rows has seen most of them.
        if self._distinct is None or 10 * n_wanted > len(rows):
            found = self._flat(queries, n_wanted)
        else:
            found = self._walk(queries, n_wanted)
            (lost,) = np.nonzero((found < 0).any(1))
            if len(lost):
                found[lost] = self._flat(queries[lost], n_wanted)
            # No walk may lead to a row; samplers count on it that a row finds itself.
            own = self._distinct.place(queries)
            unseen = (own >= 0) & (found != own[:, None]).all(1)
            found[unseen, -1] = own[unseen]
        nearest = np.empty((len(queries), k), np.int64)
        distances = np.empty((len(queries), k))
        size = max(BLOCK_BYTES // (8 * n_wanted * rows.shape[1]), 1)
        for part in gen_batches(len(queries), size):
            squares = np.square(rows[found[part]] - queries[part, None]).sum(2)  # (m, c)
            order = np.lexsort((found[part], squares))
            index = np.take_along_axis(found[part], order, 1)
            squares = np.take_along_axis(squares, order, 1)
            if self._distinct is not None:
                index, places = self._distinct.expand(index, k)
                squares = np.take_along_axis(squares, places, 1)
            nearest[part], distances[part] = index, np.sqrt(squares)
        return distances, nearest

    def _flat(self, queries: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        _, found = faiss.knn(self._single(queries), self._single(self._few), k)
        return found

    def _walk(self, queries: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        if self._graph is None:
            self._graph = self._built()
        self._graph.hnsw.efSearch = max(self.ef_search, 4 * k)
        order = self._by_cell(queries)
        found = np.empty((len(queries), k), np.int64)
        for part in gen_batches(len(order), ROWS_AT_ONCE):
            _, places = self._graph.search(self._single(queries[order[part]]), k)
            found[order[part]] = np.where(places < 0, -1, self._order[places])
        return found

    def _built(self) -> Any:
        swig: Any = faiss
        seed = int(self.random_state or 0)
        graph = swig.IndexHNSWFlat(self.n_features_in_, self.links)
        graph.hnsw.efConstruction = self.ef_construction
        graph.hnsw.rng = swig.RandomGenerator(seed)
        with _one_thread():
            self._cells = _Cells(self._single(self._few), seed)
            self._order = self._by_cell(self._few)
            _make_room(graph, len(self._few))
            for part in gen_batches(len(self._few), CHUNK):
                graph.add(self._single(self._few[self._order[part]]))
        return graph

    def _by_cell(self, rows: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the numbers of rows in the order of their cells."""
        parts = gen_batches(len(rows), ROWS_AT_ONCE)
        cells = [self._cells.of(self._single(rows[part])) for part in parts]
        return np.argsort(np.concatenate(cells), kind="stable")

    def _single(self, rows: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return what faiss is given of rows; no copy in float64 is made on the way."""
        single = np.empty(rows.shape, np.float32)
        return np.subtract(rows, self._mean, out=single, casting="same_kind")


def _make_room(graph: Any, n_rows: int) -> None:
    """Let a graph allocate once what it will need: growing, it would hold up to twice as much."""
    storage: Any = faiss.downcast_index(graph.storage)
    links = graph.hnsw.nb_neighbors(0) + 2  # M / (M - 1) of them, on average, above the bottom
    for room, size in (
        (storage.codes, 4 * graph.d * n_rows),
        (graph.hnsw.neighbors, links * n_rows),
    ):
        room.resize(size)
        room.clear()


class _Cells:
    """Cells of a coarse k-means, numbered along the direction in which their centres vary most.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
    seed : int
    """

    def __init__(self, rows: NDArray[np.float32], seed: int) -> None:
        n_cells = int(np.clip(len(rows) // CELL, 1, MAX_CELLS))
        self._means = faiss.Kmeans(
            rows.shape[1],
            n_cells,
            niter=4,
            seed=seed,
            min_points_per_centroid=1,
            max_points_per_centroid=32,
        )
        self._means.train(rows)
        centres = np.asarray(self._means.centroids, np.float64)
        direction = np.linalg.svd(centres - centres.mean(0), full_matrices=False)[2][0]
        self._rank = np.argsort(np.argsort(centres @ direction, kind="stable"))

    def of(self, rows: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the number of the cell of each row, shape (n,)."""
        _, nearest = self._means.index.search(rows, 1)
        return self._rank[nearest[:, 0]]


class _Distinct:
    """Each distinct row once, and which rows it stands for.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
    """

    def __init__(self, rows: NDArray[np.float64]) -> None:
        self._hashes, self._places, ids, counts = np.unique(
            hash_rows(rows), return_index=True, return_inverse=True, return_counts=True
        )
        self.rows = rows
        self._members: NDArray[np.int64] | None = None
        if len(counts) < len(rows):
            self.rows, self._places = rows[self._places], np.arange(len(counts))
            self._members = np.argsort(ids, kind="stable")
            self._counts, self._starts = counts, counts.cumsum() - counts

    def place(self, queries: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return which of the distinct rows each query is, shape (m,); -1 for none of them."""
        hashes = hash_rows(queries)
        found = np.searchsorted(self._hashes, hashes).clip(max=len(self._hashes) - 1)
        return np.where(self._hashes[found] == hashes, self._places[found], -1)

    def expand(
        self, found: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Put in the place of distinct rows those that they stand for.

        Parameters
        ----------
        found : ndarray of shape (m, c)
            Distinct rows, the nearest first.
        k : int

        Returns
        -------
        rows : ndarray of shape (m, k)
        places : ndarray of shape (m, k)
            Columns of ``found`` that they come from.
        """
        if self._members is None:
            return found[:, :k], np.broadcast_to(np.arange(k), (len(found), k))
        ends = self._counts[found].cumsum(1)  # (m, c)
        passed = np.zeros((len(found), k + 1), np.int64)
        np.add.at(passed, (np.arange(len(found))[:, None], ends.clip(max=k)), 1)
        places = passed[:, :k].cumsum(1)
        chosen = np.take_along_axis(found, places, 1)
        offsets = np.arange(k) - np.take_along_axis(ends, places, 1) + self._counts[chosen]
        return self._members[self._starts[chosen] + offsets], places


@contextmanager
def _one_thread() -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
