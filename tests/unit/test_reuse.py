"""Resampled rows are made once a sweep, and nothing but time tells the difference."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import TomekLinks

from imbench.cli.compose import Composer
from imbench.pipeline.resample_cache import ResampleCache, Resampled, Reuse, reuse_of, shared_names
from imbench.pipeline.steps import CheckedSampler
from imbench.results.fold import ARRAYS
from imbench.run.cell import Runner
from imbench.run.sweep import run_cells
from imbench.strategies.base import Strategy

NAMES = ("many", "few")


def configs(*words, results_dir):
    fixed = [f"results_dir={results_dir}", "dataset=synthetic", "dataset.n_rows=150", "device=cpu"]
    return Composer(None).cells([*fixed, "splits.n_splits=2", *words], multirun=True)


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
def test_strategies_share_rows_and_end_in_the_same_bits(
    model, strategies, together, alone, tmp_path, resampled
):
    words = [*model, f"strategy={strategies}"]
    shared = list(
        run_cells(Runner(tmp_path / "a"), configs(*words, results_dir=tmp_path / "a"), n_jobs=1)
    )
    assert len(resampled) == together
    resampled.clear()
    plain = [
        Runner(tmp_path / str(i)).run(config)
        for i, config in enumerate(configs(*words, results_dir=tmp_path / "b"))
    ]
    assert len(resampled) == alone
    for one, other in zip(shared, plain, strict=True):
        assert one.status == other.status == "ok", one.reason
        for a, b in zip(one.folds, other.folds, strict=True):
            for name in ARRAYS:
                np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
            for name in ("notes", "counts_after", "audit", "warnings", "n_fits"):
                assert getattr(a, name) == getattr(b, name), name
            assert b.reused_s == 0


def test_the_time_of_rows_that_were_remembered_is_counted(tmp_path, monkeypatch):
    import time

    plain = SMOTE._fit_resample

    def slow(self, X, y):
        time.sleep(0.3)
        return plain(self, X, y)

    monkeypatch.setattr(SMOTE, "_fit_resample", slow)
    words = ["model=logistic_regression", "strategy=smote,[smote,inverse_weights]"]
    first, second = run_cells(Runner(tmp_path), configs(*words, results_dir=tmp_path), n_jobs=1)
    assert [fold.reused_s for fold in first.folds] == [0, 0]
    for fold in second.folds:
        assert 0.3 <= fold.reused_s < fold.fit_s


def make_rows(seed=0, sizes=(40, 8)):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    return rng.normal(size=(len(y), 3)), y


def checked(sampler, reuse, name="smote"):
    return CheckedSampler(sampler, f"strategy.resample.{name}", NAMES, reuse)


def smote(**changes):
    return SMOTE(**{"random_state": 0, **changes})


def test_what_differs_is_resampled_anew(resampled):
    reuse = Reuse(ResampleCache({"smote"}))
    X, y = make_rows()
    for _ in range(2):
        checked(smote(), reuse).fit_resample(X, y)
    assert len(resampled) == 1
    checked(smote(random_state=1), reuse).fit_resample(X, y)
    checked(smote(k_neighbors=3), reuse).fit_resample(X, y)
    checked(smote(), reuse).fit_resample(X + 1e-12, y)
    checked(smote(), reuse).fit_resample(X, np.roll(y, 1))
    checked(smote(), reuse).fit_resample(X.astype(np.float32), y)
    assert len(resampled) == 6
    assert checked(smote(), reuse).fit_resample(X, y)[0].dtype == X.dtype


def test_rows_that_were_given_can_be_changed_in_place():
    reuse = Reuse(ResampleCache({"smote"}))
    X, y = make_rows()
    answers = [checked(smote(), reuse).fit_resample(X, y) for _ in range(2)]
    for X_after, y_after in answers:
        X_after[:], y_after[:] = 0, 0
    expected = smote().fit_resample(X, y)
    for found, right in zip(checked(smote(), reuse).fit_resample(X, y), expected, strict=True):
        np.testing.assert_array_equal(found, right)


def test_notes_of_remembered_rows_are_those_of_made_ones():
    reuse = Reuse(ResampleCache({"smote"}))
    X, y = make_rows(sizes=(40, 4))
    steps = [checked(smote(), reuse) for _ in range(2)]
    for step in steps:
        step.fit_resample(X, y)
    assert "was clipped to 3" in steps[0].notes_[0]
    assert steps[0].notes_ == steps[1].notes_
    assert steps[0].n_rows_ == steps[1].n_rows_ == (44, 80)


@pytest.mark.parametrize(
    ("sampler", "is_remembered"),
    [
        (SMOTE(random_state=0), True),
        (SMOTE(random_state=None), False),
        (SMOTE(random_state=np.random.RandomState(0)), False),
        (RandomOverSampler(random_state=0), True),
        (TomekLinks(), True),  # has no seed, and draws nothing
    ],
)
def test_only_rows_that_come_out_again_are_remembered(sampler, is_remembered):
    X, y = make_rows()
    key = Reuse(ResampleCache({"x"})).key_of("x", sampler, None, X, y)
    assert (key is not None) == is_remembered


def test_a_sampler_of_the_users_without_a_seed_is_not_remembered():
    class Drawing:
        def get_params(self, deep=True):
            return {}

        def fit_resample(self, X, y):
            return X, y

    assert Reuse(ResampleCache({"x"})).key_of("x", Drawing(), None, *make_rows()) is None


def test_the_latest_rows_are_kept_within_the_bytes():
    def entry(n):
        return Resampled(np.zeros((n, 1)), np.zeros(0), (), {}, 0.0)

    cache = ResampleCache({"x"}, max_bytes=800)
    cache.keep("a", entry(40))
    cache.keep("b", entry(40))
    assert cache.find("a")
    cache.keep("c", entry(40))
    assert cache.find("a")
    assert cache.find("c")
    assert cache.find("b") is None, "it was asked for longest ago"
    cache.keep("d", entry(101))
    assert cache.find("d") is None, "larger than all"
    assert cache.find("a")


def test_only_samplers_that_stand_in_several_cells_are_worth_it(tmp_path):
    words = ["strategy=smote,[smote,focal],tomek,none", "model=mlp"]
    cells = configs(*words, results_dir=tmp_path)
    assert shared_names(cells) == {"smote"}
    other = configs(
        "strategy=smote", "strategy.resample.smote.k_neighbors=3,4", results_dir=tmp_path
    )
    assert shared_names(other) == set()
    cache = ResampleCache({"smote"})
    assert reuse_of(cache, Strategy(resample={"tomek": TomekLinks()}), 1) is None
    assert reuse_of(None, Strategy(resample={"smote": smote()}), 1) is None
    assert reuse_of(cache, Strategy(resample={"smote": smote()}), 4).share == 0.25
