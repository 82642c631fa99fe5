"""Nearest-neighbor searches, each against scikit-learn's."""

import sys
from functools import cache

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import check_is_fitted

from imbench.components.construct import bind
from imbench.strategies.neighbors import faiss_search, torch_search
from imbench.strategies.neighbors.exact import ExactNeighbors
from imbench.strategies.neighbors.faiss_search import FaissNeighbors
from imbench.strategies.neighbors.torch_search import TorchNeighbors

SEARCHES = {
    "exact": ExactNeighbors(),
    "torch": TorchNeighbors(device="cpu"),
    "flat": FaissNeighbors(),
    "graph": FaissNeighbors(flat_below=0, ef_search=400),
}
ARE_OURS = [name for name in SEARCHES if name != "exact"]


def normal(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


@cache
def large(seed):
    return FaissNeighbors(6, random_state=seed).fit(normal(20_000, 30))


@pytest.fixture(params=SEARCHES)
def search(request):
    return clone(SEARCHES[request.param])


@pytest.mark.parametrize(("n", "d", "k"), [(700, 3, 1), (900, 30, 6), (300, 200, 12), (40, 5, 40)])
def test_neighbours_order_and_distances_are_those_of_scikit_learn(search, n, d, k):
    X, queries = normal(n, d), normal(50, d, seed=1)
    wanted, order = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(X).kneighbors(queries)
    distances, index = search.asked(k).fit(X).kneighbors(queries)
    np.testing.assert_array_equal(index, order)
    np.testing.assert_allclose(distances, wanted, rtol=1e-6)
    np.testing.assert_array_equal(search.asked(3).fit(X).kneighbors(queries, k, False), order)


def test_no_fitted_sample_is_its_own_neighbor_without_queries(search):
    X = normal(400, 6)
    wanted = NearestNeighbors(n_neighbors=4).fit(X).kneighbors(return_distance=False)
    np.testing.assert_array_equal(search.asked(4).fit(X).kneighbors(return_distance=False), wanted)


def test_a_query_equal_to_a_sample_finds_it_first(search):
    X = normal(500, 8)
    distances, index = search.asked(3).fit(X).kneighbors(X)
    np.testing.assert_array_equal(index[:, 0], np.arange(500))
    # Matrix products, which scikit-learn leaves it at, do not give zero.
    np.testing.assert_allclose(distances[:, 0], 0, atol=1e-6)


def test_duplicates_count_one_by_one(search):
    X = np.random.default_rng(0).integers(0, 3, size=(900, 4)).astype(float)  # 81 distinct rows
    wanted, _ = NearestNeighbors(n_neighbors=30).fit(X).kneighbors(X)
    distances, index = search.asked(30).fit(X).kneighbors(X)
    np.testing.assert_allclose(distances, wanted, atol=1e-6)
    assert all(len(set(row)) == 30 for row in index)
    found = np.linalg.norm(X[index] - X[:, None], axis=2)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    apart = search.asked(5).fit(X).kneighbors(return_distance=False)
    assert not (apart == np.arange(900)[:, None]).any()


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_rows_far_from_zero_or_of_other_scales_keep_their_neighbours(search, shift):
    X = normal(600, 20) * np.logspace(0, 3, 20) + shift
    wanted = NearestNeighbors(n_neighbors=5, algorithm="kd_tree").fit(X).kneighbors(X)[1]
    np.testing.assert_array_equal(search.asked(5).fit(X).kneighbors(X)[1], wanted)


def test_sparse_samples_are_accepted(search):
    X = normal(200, 5) * (normal(200, 5, seed=2) > 0)
    wanted = search.asked(4).fit(X).kneighbors(X)[0]
    found = search.asked(4).fit(sparse.csr_matrix(X)).kneighbors(sparse.csr_matrix(X))[0]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_too_few_samples_raise_the_message_of_scikit_learn(search):
    words = "n_neighbors <= n_samples_fit, but n_neighbors = 6, n_samples_fit = 5"
    with pytest.raises(ValueError, match=words):
        search.asked(6).fit(normal(5, 2)).kneighbors(normal(3, 2))
    with pytest.raises(ValueError, match="n_neighbors < n_samples_fit"):
        search.asked(5).fit(normal(5, 2)).kneighbors()


def test_the_graph_of_neighbours_is_that_of_scikit_learn(search):
    X = normal(60, 3)
    fitted, theirs = search.asked(4).fit(X), NearestNeighbors(n_neighbors=4).fit(X)
    for mode in ("connectivity", "distance"):
        found = fitted.kneighbors_graph(X, mode=mode).toarray()
        np.testing.assert_allclose(found, theirs.kneighbors_graph(X, mode=mode).toarray())


def test_a_search_can_be_cloned_and_set(search):
    again = clone(search).set_params(n_neighbors=7, n_jobs=2)
    assert again.get_params() == {**search.get_params(), "n_neighbors": 7, "n_jobs": 2}
    check_is_fitted(search.fit(normal(20, 2)))


class TestTorch:
    def test_a_block_stays_within_memory_bytes(self):
        X = normal(20_000, 4)
        search = TorchNeighbors(6, device="cpu", memory_bytes=2**21).fit(X)
        assert 1 <= search._block_size(6) * 8 * 20_000 <= 2**21
        wanted = NearestNeighbors(n_neighbors=6).fit(X).kneighbors(X[:60], return_distance=False)
        np.testing.assert_array_equal(search.kneighbors(X[:60], return_distance=False), wanted)

    def test_queries_that_float32_cannot_resolve_are_repeated_in_float64(self, monkeypatch):
        # Distances differ in the tenth digit: float32 has seven.
        X = np.array([1.0, *(2.0 + 1e-10 * np.random.default_rng(0).permutation(5000)), 9.0])
        asked = []
        nearest = torch_search._Rows.nearest
        monkeypatch.setattr(
            torch_search._Rows,
            "nearest",
            lambda self, *a: asked.append(self.rows.dtype) or nearest(self, *a),
        )
        found = TorchNeighbors(4, device="cpu").fit(X[:, None]).kneighbors([[1.0]], None, False)
        assert asked == [torch.float32, torch.float64]
        np.testing.assert_array_equal(found[0], np.argsort(X)[:4])

    def test_distinct_distances_are_searched_once(self, monkeypatch):
        asked = []
        nearest = torch_search._Rows.nearest
        monkeypatch.setattr(
            torch_search._Rows,
            "nearest",
            lambda self, *a: asked.append(len(a[0])) or nearest(self, *a),
        )
        X = normal(5000, 30)
        TorchNeighbors(6, device="cpu").fit(X).kneighbors(X[:1000])
        assert sum(asked) == 1000

    def test_values_too_large_for_float32_are_searched_in_float64(self):
        X = normal(300, 3) * 1e30
        found = TorchNeighbors(4, device="cpu").fit(X).kneighbors(X, return_distance=False)
        wanted = NearestNeighbors(n_neighbors=4).fit(X / 1e30).kneighbors(X / 1e30)[1]
        np.testing.assert_array_equal(found, wanted)

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"device": "tpu"}, "device must be auto, cpu or cuda, got device=tpu"),
            ({"memory_bytes": 5}, "memory_bytes must be an integer of at least 1048576, got 5"),
            ({"announce_s": -1}, "announce_s must be a number of at least 0, got -1"),
        ],
    )
    def test_values_out_of_range_are_refused(self, values, words):
        with pytest.raises(ValueError, match=words):
            TorchNeighbors(**values).check_params()

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    def test_cuda_and_cpu_find_the_same_neighbors(self):
        X = normal(30_000, 30)
        wanted = TorchNeighbors(6, device="cpu").fit(X).kneighbors(X[:3000])
        found = TorchNeighbors(6, device="cuda").fit(X).kneighbors(X[:3000])
        np.testing.assert_array_equal(found[1], wanted[1])
        np.testing.assert_allclose(found[0], wanted[0], rtol=1e-12)


class TestFaiss:
    @pytest.mark.slow
    def test_nineteen_of_twenty_true_neighbours_are_found(self):
        rows = normal(20_000, 30)  # no directions are rarer than others: the hardest case
        wanted = NearestNeighbors(n_neighbors=6).fit(rows).kneighbors(rows[:1000])[1][:, 1:]
        found = large(3).kneighbors(rows[:1000], return_distance=False)[:, 1:]
        shared = [len(set(a) & set(b)) for a, b in zip(wanted, found, strict=True)]
        assert np.mean(shared) / 5 >= 0.95

    @pytest.mark.slow
    def test_the_same_seed_finds_the_same_neighbors(self):
        rows, again = normal(20_000, 30), large.__wrapped__(3)
        found = zip(large(3).kneighbors(rows[:500]), again.kneighbors(rows[:500]), strict=True)
        for first, second in found:
            np.testing.assert_array_equal(first, second)

    @pytest.mark.parametrize("links", [2, 5, 32])
    def test_the_graph_stays_within_its_preallocated_memory(self, links, monkeypatch):
        made = []
        make_room = faiss_search._make_room

        def noted(graph, n_rows):
            make_room(graph, n_rows)
            made.append((graph.hnsw.neighbors.size(), graph.storage.ntotal))

        monkeypatch.setattr(faiss_search, "_make_room", noted)
        X = normal(3000, 3)
        search = FaissNeighbors(flat_below=0, links=links).fit(X)
        search.kneighbors(X[:5])
        assert made == [(0, 0)]  # nothing is in it yet
        n_links = search._graph.hnsw.neighbors.size()
        assert 2 * links * len(X) < n_links <= (2 * links + 2.1) * len(X)

    def test_a_sample_that_the_graph_misses_finds_itself(self, monkeypatch):
        X = normal(400, 3)
        walk = FaissNeighbors._walk
        monkeypatch.setattr(FaissNeighbors, "_walk", lambda self, q, k: walk(self, q, k + 1)[:, 1:])
        found = FaissNeighbors(4, flat_below=0).fit(X).kneighbors(X, return_distance=False)
        np.testing.assert_array_equal(found[:, 0], np.arange(400))

    def test_another_seed_gives_another_graph(self):
        def levels(seed):
            search = FaissNeighbors(flat_below=0, random_state=seed).fit(normal(500, 3))
            search.kneighbors(normal(2, 3))
            return faiss_search.faiss.vector_to_array(search._graph.hnsw.levels)

        assert (levels(0) == levels(0)).all()
        assert (levels(0) != levels(1)).any()

    def test_a_graph_is_built_above_the_limit_of_rows_only(self):
        X = normal(6000, 3)
        for search, is_built in (
            (FaissNeighbors(), True),
            (FaissNeighbors(flat_below=6001), False),
        ):
            search.fit(X).kneighbors(X[:2])
            assert (search._graph is not None) is is_built

    def test_a_query_without_enough_neighbors_is_answered_by_all_distances(self, monkeypatch):
        X = normal(400, 3)
        walk = FaissNeighbors._walk

        def lose(self, queries, k):
            found = walk(self, queries, k)
            found[3, -1] = -1
            return found

        monkeypatch.setattr(FaissNeighbors, "_walk", lose)
        found = FaissNeighbors(4, flat_below=0).fit(X).kneighbors(X[:10], return_distance=False)
        wanted = NearestNeighbors(n_neighbors=4).fit(X).kneighbors(X[:10], return_distance=False)
        np.testing.assert_array_equal(found[3], wanted[3])

    def test_values_out_of_range_are_refused(self):
        with pytest.raises(ValueError, match="links must be an integer of at least 2, got 1"):
            FaissNeighbors(links=1).check_params()

    def test_without_the_library_the_extra_is_named(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "faiss", None)
        monkeypatch.delitem(sys.modules, "imbench.strategies.neighbors.faiss_search")
        path = "imbench.strategies.neighbors.faiss_search.FaissNeighbors"
        (problem,) = bind({"_target_": path}, "neighbors")
        assert problem.startswith(f"neighbors._target_={path}: faiss is not installed, pip install")
        assert problem.endswith("'imbench[neighbors]' does that.")
