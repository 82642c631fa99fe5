"""Cores that a fold may use that runs alone, and the same bits with any number of them."""

import os
from functools import wraps

import numpy as np
import pytest
from joblib import effective_n_jobs
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_info

from imbench.run import processes
from imbench.run.cell import Runner
from imbench.run.executors import local
from imbench.run.processes import idle_cores, limited_threads, more_threads
from imbench.run.sweep import run_cells
from imbench.strategies.threads import fits_with, threads_of_fit
from tests.cells import cell_of, cells_of

WORDS = ("dataset=synthetic", "dataset.n_rows=2000", "model=lightgbm", "splits=holdout")
FEW = "model.estimator.estimator.n_estimators=10"


@pytest.fixture
def threads(monkeypatch):
    """Threads of each LightGBM that was fitted."""
    seen, fit = [], LGBMClassifier.fit

    def noted(self, *args, **values):
        seen.append(self.n_jobs)
        return fit(self, *args, **values)

    monkeypatch.setattr(LGBMClassifier, "fit", noted)
    return seen


def openmp_threads():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "openmp"}


def scores(folder):
    (file,) = folder.rglob("r0-f0.npz")
    with np.load(file) as arrays:
        return {name: arrays[name].tobytes() for name in arrays.files}


@pytest.mark.parametrize("strategy", ["none", "inverse_weights", "balanced_bagging"])
def test_bits_are_those_of_one_thread(tmp_path, threads, monkeypatch, strategy):
    found = []
    for n in (1, 2, 3):
        monkeypatch.setattr(local, "idle_cores", lambda n=n: n)
        (cell,) = run_cells(
            Runner(tmp_path / str(n)), cells_of(*WORDS, FEW, f"strategy={strategy}"), "auto"
        )
        assert cell.status == "ok"
        found.append(scores(tmp_path / str(n)))
    assert set(threads) == {1, 2, 3}
    assert found[0] == found[1] == found[2]


def test_only_a_fold_that_is_left_alone_gets_them_and_only_by_default(
    tmp_path, threads, monkeypatch
):
    monkeypatch.setattr(local, "idle_cores", lambda: 3)
    list(run_cells(Runner(tmp_path / "two"), cells_of(*WORDS, FEW, "splits.n_repeats=2"), "auto"))
    assert threads == [1, 3]
    list(run_cells(Runner(tmp_path / "one"), cells_of(*WORDS, FEW), 1))
    assert threads == [1, 3, 1]


@pytest.mark.parametrize(
    "words",
    [
        ["model.estimator.early_stopping=log_loss"],
        ["strategy=focal"],
        ["model.estimator.estimator.deterministic=false"],
    ],
)
def test_others_keep_one_thread(words):
    (cell,) = cells_of(*WORDS, *words)
    with more_threads(cell, 3):
        assert cell.model.estimator.estimator.n_jobs == 1


def test_the_number_of_threads_is_put_back_after_an_error():
    (cell,) = cells_of(*WORDS)
    trees, seen = cell.model.estimator.estimator, []

    def fails():
        with more_threads(cell, 3):
            seen.append(trees.n_jobs)
            raise ValueError("ended")

    with pytest.raises(ValueError, match="ended"):
        fails()
    assert [*seen, trees.n_jobs] == [3, 1]


@pytest.fixture
def jobs(monkeypatch):
    """Threads that the forests were fitted with, and those that they predicted with."""
    seen = {"fit": [], "predict": []}
    fit, predict = RandomForestClassifier.fit, RandomForestClassifier.predict_proba

    @wraps(fit)
    def noted_fit(self, *args, **values):
        seen["fit"].append(effective_n_jobs(self.n_jobs))
        return fit(self, *args, **values)

    def noted_predict(self, *args):
        seen["predict"].append(effective_n_jobs(self.n_jobs))
        return predict(self, *args)

    monkeypatch.setattr(RandomForestClassifier, "fit", noted_fit)
    monkeypatch.setattr(RandomForestClassifier, "predict_proba", noted_predict)
    return seen


FOREST = (
    "dataset=synthetic",
    "dataset.n_rows=400",
    "model=random_forest",
    "model.estimator.n_estimators=10",
    "model.estimator.min_samples_leaf=5",
)


@pytest.mark.parametrize("strategy", ["inverse_weights", "threshold", "under_bagging"])
def test_forests_are_fitted_by_idle_cores_and_predict_with_one(
    tmp_path, jobs, monkeypatch, strategy
):
    found = []
    for n in (1, 3):
        monkeypatch.setattr(local, "idle_cores", lambda n=n: n)
        words = (*FOREST, f"strategy={strategy}", "splits=holdout")
        (cell,) = run_cells(Runner(tmp_path / str(n)), cells_of(*words), "auto")
        assert cell.status == "ok"
        found.append(scores(tmp_path / str(n)))
    half = len(jobs["fit"]) // 2
    assert jobs["fit"] == [1] * half + [3] * half
    assert set(jobs["predict"]) == {1}
    assert found[0] == found[1]


def test_every_fold_of_a_forest_that_runs_here_has_the_idle_cores(tmp_path, jobs, monkeypatch):
    monkeypatch.setattr(local, "idle_cores", lambda: 3)
    list(run_cells(Runner(tmp_path / "auto"), cells_of(*FOREST, "splits.n_splits=2"), "auto"))
    assert jobs["fit"] == [3, 3]
    list(run_cells(Runner(tmp_path / "one"), cells_of(*FOREST, "splits.n_splits=2"), 1))
    assert jobs["fit"] == [3, 3, 1, 1]


def test_a_balanced_forest_has_the_same_bits_with_any_number_of_threads():
    cell = cell_of("model=balanced_random_forest", "model.estimator.n_estimators=10")
    X, y = np.random.default_rng(0).normal(size=(400, 3)), np.arange(400) % 5 == 0
    found = set()
    for n in (1, 3):
        model = clone(cell.model.estimator).set_params(random_state=0)
        with fits_with(n), threads_of_fit(model):
            assert effective_n_jobs(model.n_jobs) == n
            model.fit(X, y)
        found.add(model.predict_proba(X).tobytes())
    assert len(found) == 1


@pytest.mark.parametrize("name", ["hist_gradient_boosting", "xgboost"])
def test_openmp_of_a_fit_alone_is_what_others_leave_idle(name):
    cell = cell_of("dataset=synthetic", f"model={name}")
    with fits_with(2), threads_of_fit(cell.model.estimator):
        beside = openmp_threads()
    with more_threads(cell, 1), threads_of_fit(cell.model.estimator):
        assert openmp_threads() == {1}
    assert openmp_threads() == beside  # put back, and not changed beside other folds


@pytest.mark.parametrize("name", ["hist_gradient_boosting", "xgboost"])
def test_trees_have_the_same_bits_with_any_number_of_openmp_threads(name):
    key = "max_iter" if name == "hist_gradient_boosting" else "estimator.n_estimators"
    cell = cell_of("dataset=synthetic", f"model={name}", f"model.estimator.{key}=10")
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(9_000, 10)), rng.uniform(1, 9, 9_000)
    y = (X[:, 0] + rng.normal(size=len(X)) > 2).astype(int)
    found = set()
    for n in (1, 2, 3):
        with limited_threads(n):
            model = clone(cell.model.estimator).set_params(random_state=0)
            fitted = model.fit(X, y, sample_weight=weight)
            found.add(fitted.predict_proba(X).tobytes())
    assert len(found) == 1


@pytest.mark.parametrize(("load", "n"), [(0.0, 8), (1.2, 8), (4.0, 5), (30.0, 1)])
def test_busy_cores_are_left_to_others(monkeypatch, load, n):
    monkeypatch.setattr(processes, "n_cores", lambda: 8)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 9.0, 9.0), raising=False)
    assert idle_cores() == n
