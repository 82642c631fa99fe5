"""Rows are resampled once a sweep; the results are those without the cache."""

import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import TomekLinks

from imbench.pipeline.resample_cache import ResampleCache, shared_names, temporary_cache
from imbench.pipeline.steps import CheckedSampler
from imbench.results.fold import ARRAYS
from imbench.run.cell import Runner
from imbench.run.sweep import run_cells
from imbench.strategies.neighbors.torch_search import TorchNeighbors
from imbench.strategies.resample.vae import VAESampler
from tests.cells import cells_of

pytestmark = pytest.mark.slow

NAMES = ("many", "few")


def cells(*words):
    fixed = ["dataset=synthetic", "dataset.n_rows=150", "device=cpu", "splits.n_splits=2"]
    return cells_of(*fixed, *words)


def identities(*words):
    return [cell.identity for cell in cells(*words)]


@pytest.fixture
def resampled(monkeypatch):
    """Return a list that grows by the number of rows with each fit of SMOTE."""
    fits = []
    plain = SMOTE._fit_resample

    def fit(self, X, y):
        fits.append(len(y))
        return plain(self, X, y)

    monkeypatch.setattr(SMOTE, "_fit_resample", fit)
    return fits


# Of two folds: one fit of SMOTE each, whatever follows it; threshold has five inner folds more.
@pytest.mark.parametrize(
    ("model", "strategies", "together", "alone"),
    [
        (["model=mlp", "model.estimator.epochs=2"], "smote,[smote,focal],[smote,ldam]", 2, 6),
        (["model=logistic_regression"], "[smote,threshold],smote,[smote,inverse_weights]", 12, 16),
        (["model=logistic_regression"], "[smote,tomek],smote", 2, 4),
        (["model=logistic_regression"], "smote,[smote,balanced_bagging]", 22, 22),
    ],
)
def test_cells_share_rows_and_their_results_do_not_change(
    model, strategies, together, alone, tmp_path, resampled
):
    words = [*model, f"strategy={strategies}"]
    shared = list(run_cells(Runner(tmp_path / "a"), cells(*words), n_jobs=1))
    assert len(resampled) == together
    resampled.clear()
    plain = [Runner(tmp_path / str(i)).run(cell) for i, cell in enumerate(cells(*words))]
    assert len(resampled) == alone
    for one, other in zip(shared, plain, strict=True):
        assert one.status == other.status == "ok", one.reason
        for a, b in zip(one.folds, other.folds, strict=True):
            for name in ARRAYS:
                np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
            for name in ("notes", "counts_after", "audit", "warnings", "n_fits"):
                assert getattr(a, name) == getattr(b, name), name
            assert b.reused_s == 0


def test_the_time_of_a_fit_includes_what_cached_rows_had_taken(tmp_path, monkeypatch):
    import time

    plain = SMOTE._fit_resample

    def slow(self, X, y):
        time.sleep(0.3)
        return plain(self, X, y)

    monkeypatch.setattr(SMOTE, "_fit_resample", slow)
    words = ["model=logistic_regression", "strategy=smote,[smote,inverse_weights]"]
    first, second = run_cells(Runner(tmp_path), cells(*words), n_jobs=1)
    assert [fold.reused_s for fold in first.folds] == [0, 0]
    for fold in second.folds:
        assert 0.3 <= fold.reused_s < fold.fit_s


def make_rows(seed=0, sizes=(40, 8)):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    return rng.normal(size=(len(y), 3)), y


@pytest.fixture
def cache(tmp_path):
    return ResampleCache(str(tmp_path), frozenset({"smote", "x"}))


def checked(sampler, cache, name="smote"):
    return CheckedSampler(sampler, f"strategy.resample.{name}", NAMES, cache)


def smote(**changes):
    return SMOTE(**{"random_state": 0, **changes})


def test_rows_are_resampled_again_if_anything_differs(cache, resampled):
    X, y = make_rows()
    for _ in range(2):
        checked(smote(), cache).fit_resample(X, y)
    assert len(resampled) == 1
    checked(smote(random_state=1), cache).fit_resample(X, y)
    checked(smote(k_neighbors=3), cache).fit_resample(X, y)
    checked(smote(), cache).fit_resample(X + 1e-12, y)
    checked(smote(), cache).fit_resample(X, np.roll(y, 1))
    checked(smote(), cache).fit_resample(X.astype(np.float32), y)
    assert len(resampled) == 6
    checked(smote(), cache).set_params(neighbors=TorchNeighbors(device="cpu")).fit_resample(X, y)
    assert len(resampled) == 7
    assert checked(smote(), cache).fit_resample(X, y)[0].dtype == X.dtype


def test_cached_rows_can_be_changed_in_place(cache):
    X, y = make_rows()
    results = [checked(smote(), cache).fit_resample(X, y) for _ in range(2)]
    for X_after, y_after in results:
        X_after[:], y_after[:] = 0, 0
    expected = smote().fit_resample(X, y)
    for found, right in zip(checked(smote(), cache).fit_resample(X, y), expected, strict=True):
        np.testing.assert_array_equal(found, right)


def test_a_hit_has_the_notes_of_the_fit_and_its_seconds(cache):
    X, y = make_rows(sizes=(40, 4))
    fit, hit = checked(smote(), cache), checked(smote(), cache)
    for step in (fit, hit):
        step.fit_resample(X, y)
    assert "was clipped to 3" in fit.notes_[0]
    assert fit.notes_ == hit.notes_
    assert fit.n_rows_ == hit.n_rows_ == (44, 80)
    assert fit.reused_s_ == 0 < hit.reused_s_


def test_a_hit_has_the_picture_of_the_fit(cache):
    X, y = make_rows()
    fit, hit = (checked(VAESampler(n_steps=2, random_state=0), cache) for _ in range(2))
    for step in (fit, hit):
        step.fit_resample(X, y)
    assert hit.reused_s_ > 0
    for name in ("rows", "y", "made"):
        found, right = getattr(hit.picture_, name), getattr(fit.picture_, name)
        np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize(
    ("sampler", "is_repeated"),
    [
        (SMOTE(random_state=0), True),
        (SMOTE(random_state=None), False),
        (SMOTE(random_state=np.random.RandomState(0)), False),
        (RandomOverSampler(random_state=0), True),
        (TomekLinks(), True),  # it has no seed and draws nothing
    ],
)
def test_only_samplers_with_a_fixed_seed_are_cached(sampler, is_repeated, cache):
    X, y = make_rows()
    steps = [checked(sampler, cache, "x") for _ in range(2)]
    for step in steps:
        step.fit_resample(X, y)
    assert (steps[1].reused_s_ > 0) == is_repeated


class Drawing:
    """A user's sampler whose parameters say nothing about a seed."""

    def get_params(self, deep=True):
        return {}

    def fit_resample(self, X, y):
        return X, y


@pytest.mark.parametrize(("sampler", "name"), [(Drawing(), "x"), (smote(), "other")])
def test_other_samplers_write_nothing(sampler, name, cache, tmp_path):
    checked(sampler, cache, name).fit_resample(*make_rows())
    assert not list(tmp_path.iterdir())


def test_the_entries_used_longest_ago_are_removed_above_the_limit(tmp_path):
    def n_kept():
        return len(list(tmp_path.rglob("output.pkl")))

    X, y = make_rows(sizes=(4000, 3000))
    cache = ResampleCache(str(tmp_path), frozenset({"x"}), max_bytes=600_000)
    sampler = RandomOverSampler(random_state=0)
    for seed in range(4):  # 260 kB each
        checked(sampler, cache, "x").fit_resample(X + seed, y)
    assert n_kept() == 2
    latest, oldest = checked(sampler, cache, "x"), checked(sampler, cache, "x")
    latest.fit_resample(X + 3, y)
    oldest.fit_resample(X, y)
    assert latest.reused_s_ > 0 == oldest.reused_s_


def test_a_pickled_cache_finds_the_same_rows(cache, resampled):
    X, y = make_rows()
    checked(smote(), cache).fit_resample(X, y)
    there = pickle.loads(pickle.dumps(cache))
    assert there == cache
    checked(smote(), there).fit_resample(X, y)
    assert len(resampled) == 1


def test_only_samplers_of_several_cells_are_cached():
    words = ["strategy=smote,[smote,focal],tomek,none", "model=mlp"]
    assert shared_names(identities(*words)) == {"smote"}
    other = identities("strategy=smote", "strategy.resample.smote.k_neighbors=3,4")
    assert shared_names(other) == set()
    with temporary_cache(other) as nothing:
        assert nothing is None


def test_the_folder_of_a_sweep_is_removed_also_after_an_error():
    found = identities("strategy=smote,[smote,inverse_weights]", "model=svm")
    folders = []

    def fail():
        with temporary_cache(found) as cache:
            checked(smote(), cache).fit_resample(*make_rows())
            folders.append(Path(cache.folder))
            assert list(folders[0].iterdir())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not folders[0].exists()


@pytest.mark.process
def test_processes_of_a_sweep_share_rows_and_leave_nothing_behind(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    strategies = (
        "strategy=smote,[smote,inverse_weights],[smote,cost_matrix],[smote,balanced_weights]"
    )
    sweep = cells("model=logistic_regression", strategies)
    results = list(run_cells(Runner(tmp_path), sweep, n_jobs=2))
    assert [result.status for result in results] == ["ok"] * 4
    assert sum(fold.reused_s > 0 for result in results for fold in result.folds) >= 4
    assert not list(folder.glob("imbench-*"))
