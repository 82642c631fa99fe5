"""Approximate nearest neighbors by a search graph (HNSW): nearly linear in the samples."""

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

CELL = 256  # samples in a cell, whose part of the graph stays in the CPU's cache
MAX_CELLS = 1024
CHUNK = 4096  # samples added to the graph at a time; faiss shuffles them
BLOCK_BYTES = 2**22  # of samples whose distances are recomputed at a time
ROWS_AT_ONCE = 2**15  # passed to faiss at a time, so that there is no float32 copy of all samples


class FaissNeighbors(Search):
    """Approximate Euclidean neighbors by faiss: a hierarchical navigable small world graph (HNSW).

    Parameters
    ----------
    n_neighbors : int, default=5
        Set by the sampler.
    links : int, default=32
        Links of a sample in the graph, M in the paper. More find more neighbors, and take more
        time and memory.
    ef_construction : int, default=40
        Candidates of a sample while the graph is built.
    ef_search : int, default=64
        Candidates of a query; at least four times the neighbors are used.
    flat_below : int, default=5000
        With fewer samples all distances are computed, which is exact and faster than the graph.
    random_state : int or None
        Seed of the graph's levels; None is 0.
    n_jobs : int or None
        Ignored.
    notice : Notice or None
        Ignored; an approximate search is not announced.

    Notes
    -----
    Samples and queries are sorted by the cells of a coarse k-means. Consecutive queries then touch
    the same memory, and a query among 100,000 samples takes no longer than one among 10,000.

    The graph is built by one thread, because with several it depends on their timing. It holds each
    distinct sample once: duplicates would link to each other only. A query that is one of the
    samples always finds it. Distances of the candidates are recomputed in float64 and sorted. A
    query for which the graph gives too few neighbors is answered by all distances.

    References
    ----------
    Malkov & Yashunin 2018, "Efficient and robust approximate nearest neighbor search using
    Hierarchical Navigable Small World graphs", arXiv 1603.09320.

    Examples
    --------
    >>> search = FaissNeighbors(flat_below=0).asked(2).fit([[0.0], [1.0], [3.0]])
    >>> search.kneighbors([[0.9]], return_distance=False)
    array([[1, 0]])
    """

    name: ClassVar[str] = "faiss"
    is_exact: ClassVar[bool] = False

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
        """Raise ValueError for a parameter out of range; called before anything runs."""
        for name, low in (
            ("links", 2),
            ("ef_construction", 1),
            ("ef_search", 1),
            ("flat_below", 0),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < low:
                raise ValueError(f"{name} must be an integer of at least {low}, got {value!r}.")

    def _index(self, rows: NDArray[np.float64]) -> None:
        self._mean = rows.mean(0)  # float32 would lose small differences of large values
        self._graph: Any = None
        self._distinct = None if len(rows) < self.flat_below else _Distinct(rows)
        self._few = rows if self._distinct is None else self._distinct.rows

    def _query(
        self, queries: NDArray[np.float64], k: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        rows = self._few
        n_wanted = min(k, len(rows))
        # A walk that has to find a tenth of the samples visits most of them: compute all distances.
        if self._distinct is None or 10 * n_wanted > len(rows):
            found = self._flat(queries, n_wanted)
        else:
            found = self._walk(queries, n_wanted)
            (lost,) = np.nonzero((found < 0).any(1))
            if len(lost):
                found[lost] = self._flat(queries[lost], n_wanted)
            # The graph may miss a sample; imbalanced-learn assumes that a sample finds itself.
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
        """Return the indices of samples sorted by cell."""
        parts = gen_batches(len(rows), ROWS_AT_ONCE)
        cells = [self._cells.of(self._single(rows[part])) for part in parts]
        return np.argsort(np.concatenate(cells), kind="stable")

    def _single(self, rows: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return centred samples in float32, without a float64 copy in between."""
        single = np.empty(rows.shape, np.float32)
        return np.subtract(rows, self._mean, out=single, casting="same_kind")


def _make_room(graph: Any, n_rows: int) -> None:
    """Allocate a graph's memory once: growing, it would hold up to twice as much."""
    storage: Any = faiss.downcast_index(graph.storage)
    links = graph.hnsw.nb_neighbors(0) + 2  # on upper levels M / (M - 1) links a sample on average
    for room, size in (
        (storage.codes, 4 * graph.d * n_rows),
        (graph.hnsw.neighbors, links * n_rows),
    ):
        room.resize(size)
        room.clear()


class _Cells:
    """Cells of a coarse k-means, numbered along the first principal axis of their centres.

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
        """Return the cell of each sample, shape (n,)."""
        _, nearest = self._means.index.search(rows, 1)
        return self._rank[nearest[:, 0]]


class _Distinct:
    """The distinct samples, and the samples that are equal to each.

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
        """Return the distinct sample that is equal to each query, shape (m,); -1 if none is."""
        hashes = hash_rows(queries)
        found = np.searchsorted(self._hashes, hashes).clip(max=len(self._hashes) - 1)
        return np.where(self._hashes[found] == hashes, self._places[found], -1)

    def expand(
        self, found: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Replace distinct samples by the samples that are equal to them.

        Parameters
        ----------
        found : ndarray of shape (m, c)
            Indices of distinct samples, the nearest first.
        k : int

        Returns
        -------
        rows : ndarray of shape (m, k)
        places : ndarray of shape (m, k)
            The column of ``found`` that each row comes from.
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
