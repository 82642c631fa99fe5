"""Tuning from the command line: the table says the budget, MLflow what it found."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Run, says

QUICK = ("dataset=synthetic", "dataset.n_rows=120", "model=decision_tree", "splits.n_splits=2")
TUNED = ("tuning=optuna", "tuning.trials=3", "tuning.inner_splits=2")
K = "resample.smote.k_neighbors"


@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_a_tuned_sweep_says_its_budget_and_shows_in_mlflow_what_it_found(
    run: Run, tmp_path: Path, empty_store: Callable[[Path], Path]
) -> None:
    empty_store(tmp_path / "results")
    done = run("-m", *QUICK, *TUNED, "strategy=none,smote", tracking="mlflow")
    assert done.code == 0, done.err
    line = "Tuned: 3 trials of 2 inner folds for every strategy (tpe, f1_macro), 6 fits a fold at "
    assert line in " ".join(done.out.split())
    assert len(list((tmp_path / "results" / "tuning").glob("*.log"))) == 2
    assert {p.name for p in tmp_path.glob("results/mlflow-artifacts/*/artifacts/tuning*")} == {
        "tuning.csv",
        "tuning_history.png",
    }
    with sqlite3.connect(tmp_path / "results" / "mlflow.db") as store:
        params = dict(store.execute("select key, value from params where key like 'tun%'"))
        metrics = {key for (key,) in store.execute("select key from metrics")}
    store.close()
    assert params["tuning.trials"] == "3"
    assert params.keys() >= {
        f"tuned/strategy.{K}",
        "tuned/model.estimator.min_samples_leaf",
    }
    assert metrics >= {"tuning/n_trials", "tuning/n_tuning_fits", "tuning/tune_s"}


def test_tuned_cells_run_side_by_side_and_end_as_one_after_the_other(
    run: Run, tmp_path: Path
) -> None:
    words = ("-m", *QUICK, *TUNED, "strategy=none,smote", "output=json")

    def scores(*more: str) -> list[dict[str, float]]:
        done = run(*words, *more)
        assert done.code == 0, done.err
        return [json.loads(line)["metrics"] for line in done.out.splitlines()]

    assert scores("results_dir=one") == scores("results_dir=two", "n_jobs=2")


BAD = [
    (("tuning.trials=5",), ("tuning.trials", "set tuning=optuna")),
    (("tuning=optune",), ("tuning=optune", "optuna")),
    (("tuning=optuna", "tuning.trails=5"), ("tuning.trails", "trials")),
    ((*TUNED, "tuning.trials=0"), ("tuning: trials", "at least 1", "got 0")),
    ((*TUNED, "tuning.trials=ten"), ("tuning.trials='ten'", "int")),
    ((*TUNED, "tuning.timeout=-1"), ("tuning: timeout", "got -1")),
    ((*TUNED, "tuning.metric=f1_makro"), ("tuning.metric", "f1_makro", "f1_macro")),
    ((*TUNED, "tuning.metric=recall/nobody"), ("recall/nobody", "0, 1")),
    ((*TUNED, "tuning.sampler=tpee"), ("tuning: sampler", "tpe, random, grid", "tpee")),
    ((*TUNED, "tuning.storage=nodb://x"), ("tuning.storage=nodb://x", "cannot be opened")),
    ((*TUNED, "tuning.storage=."), ("tuning.storage=.", "cannot be opened")),
    (
        (*TUNED, "tuning.sampler=grid", "strategy=logit_adjustment", "model.search=null"),
        ("strategy.search.decision.logit_adjustment.tau", "needs a step or choices"),
    ),
    (
        (*TUNED, "strategy=smote", f"+strategy.search={{{K}:{{low:9,high:3}}}}"),
        (f"strategy.search.{K}", "low=9 is not below high=3"),
    ),
    (
        (*TUNED, "strategy=smote", f"+strategy.search={{{K}:{{low:0,log:false}}}}"),
        (f"strategy.search.{K}", "low=0 is not what the parameter takes"),
    ),
    (
        (*TUNED, "+model.search={estimator.min_leaf:{low:1,high:3}}"),
        ("model.search.estimator.min_leaf", "has no parameter 'min_leaf'"),
    ),
]


@pytest.mark.parametrize(("words", "parts"), BAD, ids=[" ".join(w) for w, _ in BAD])
def test_a_wrong_name_or_value_is_one_sentence(run: Run, words, parts) -> None:
    says(run(*QUICK, *words), *parts)
