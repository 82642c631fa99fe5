"""From a file to a decision to a model, as a user types it."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

import imbench
from imbench.cli import main

pytestmark = pytest.mark.slow


@pytest.fixture
def churn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of 300 customers, 60 of whom leave."""
    rng = np.random.default_rng(0)
    monkeypatch.chdir(tmp_path)
    calls, plan = rng.integers(0, 9, 300), rng.choice(["basic", "pro"], 300)
    risk = calls + 3 * (plan == "pro") + rng.normal(0, 3, 300)
    leaves = risk > np.quantile(risk, 0.8)
    lines = [
        f"c{i:04d},{c if i % 20 else ''},{p},{'yes' if y else 'no'}"
        for i, (c, p, y) in enumerate(zip(calls, plan, leaves, strict=True))
    ]
    path = tmp_path / "churn.csv"
    path.write_text("\n".join(["id,calls,plan,left", *lines]) + "\n")
    return path


def call(capsys, *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(list(words))
    found = capsys.readouterr()
    return code, found.out, found.err


QUICK = ("--models", "logistic_regression,decision_tree", "--strategies", "threshold,random_over")


def test_a_file_becomes_an_answer_a_report_and_a_model(churn, capsys):
    words = ("recommend", str(churn), "--target", "left", "--budget", "60s", *QUICK)
    code, out, err = call(capsys, *words, "--set", "splits.n_splits=3")
    assert code == 0, err
    assert "classes: no 240 (80.00 %), yes 60 (20.00 %)" in err
    assert "can show gains in macro F1" in err
    assert "On churn with" in out
    assert "old apart from it: " in out or "Told to be worse (95 %, all pairs at once): " in out
    folder = churn.parent / "results" / "recommend" / "churn"
    assert (folder / "index.html").exists()
    new = churn.parent / "new.csv"
    new.write_text("plan,calls\npro,8\nbasic,0\nunknown,\n")
    code, out, err = call(capsys, "predict", str(folder / "model"), str(new))
    assert code == 0, err
    rows = list(csv.DictReader(out.splitlines()))
    assert [set(row) for row in rows] == [{"label", "p_no", "p_yes"}] * 3
    assert float(rows[0]["p_yes"]) > float(rows[1]["p_yes"])
    code, out, err = call(capsys, "drift", str(folder / "model"), str(churn), "--target", "left")
    assert code == 0, err
    assert "f1_macro" in out or "macro F1" in out


def test_a_goal_in_costs_is_what_the_verdict_is_about(churn, capsys):
    words = ("recommend", str(churn), "--target", "left", "--goal", "cost=missed:9,false_alarm:1")
    less = ("--budget", "60s", "--no-model", *QUICK)
    code, out, err = call(capsys, *words, *less, "results_dir=elsewhere")
    assert code == 0, err
    assert not (churn.parent / "results").exists()
    assert (churn.parent / "elsewhere" / "recommend" / "churn" / "index.html").exists()
    assert "expected cost" in out
    assert "model:" not in out


def test_a_precision_that_no_threshold_has_is_said_with_the_best_that_can_be_had(churn, capsys):
    words = ("recommend", str(churn), "--target", "left", "--goal", "recall-at-precision=0.999")
    less = ("--models", "logistic_regression", "--strategies", "threshold", "--no-model")
    code, out, err = call(capsys, *words, "--budget", "60s", *less, "--set", "splits.n_splits=2")
    assert code == 0, err
    advice = re.search(r"in (\d+) of (\d+) folds.* --goal recall-at-precision=(0\.\d+) asks", out)
    assert advice is not None, out
    assert int(advice[1]) > int(advice[2]) / 2
    assert 0.2 < float(advice[3]) < 0.999
    words = (*words[:-1], f"recall-at-precision={advice[3]}")
    code, out, err = call(capsys, *words, "--budget", "60s", *less, "--set", "splits.n_splits=2")
    assert code == 0, err
    assert "asks for what can be had" not in out


def test_the_labels_of_a_goal_at_one_point_have_what_was_asked_for(churn, capsys):
    words = ("recommend", str(churn), "--target", "left", "--goal", "precision-at-recall=0.8")
    less = ("--models", "logistic_regression", "--strategies", "random_over", "--budget", "60s")
    code, out, err = call(capsys, *words, *less, "--set", "splits.n_splits=3", "splits.n_repeats=1")
    assert code == 0, err
    assert "random_over+threshold" in out
    assert "model, logistic_regression/" in out  # whatever is told, it says what is saved
    assert "stay with threshold" in out or "nothing is told" in out or "take " in out
    told = re.search(r"tuned to have a recall of 0\.8 .*\(recall (0\.\d+)\)", out)
    assert told is not None, out
    assert float(told[1]) == pytest.approx(0.8, abs=0.15)
    folder = Path("results/recommend/churn")
    assert "The threshold is tuned to have" in (folder / "index.html").read_text(encoding="utf-8")
    card = (folder / "model" / "card.md").read_text(encoding="utf-8")
    assert "## Advice" in card
    assert "- Threshold: yes from a probability of" in card


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--target", "lft"), "did you mean 'left'"),
        (("--target", "left,plan"), "several targets"),
        (("--target", "calls,id", "--goal", "f1"), "several targets"),
        (("--target", "left", "--goal", "f3"), "there is no such goal"),
        (("--target", "left", "--budget", "5 bananas"), "is no time above 0"),
        (("--target", "left", "--models", "lightgmb"), "lightgmb"),
        (("--target", "left", "--budget", "-5m"), "budget=-5m is no time above 0"),
        (("--target", "left", "--budget", "0.2s"), "budget=0.2s ended inside of the first fold"),
        (("--target", "lft", "--budget", "1s"), "did you mean 'left'"),
        (("--target", "left", "--target", "plan"), "--target left --target plan: several targets"),
        ((), "dataset.target is missing"),
    ],
)
def test_what_is_wrong_is_one_sentence(churn, capsys, words, part):
    code, out, err = call(capsys, "recommend", str(churn), *words)
    assert code == 2
    assert part in err
    assert "Traceback" not in err + out
    assert "usage:" not in err


def test_a_row_of_a_stored_table_is_fitted_with_its_settings(churn, capsys, monkeypatch):
    run = ["-m", "dataset=table", f"dataset.path={churn}", "dataset.target=left"]
    run += ["model=decision_tree", "strategy=none,[random_over,threshold]", "tracking=none"]
    run += ["+model.estimator.max_depth=2", "splits.n_repeats=1"]
    assert call(capsys, *run)[0] == 0
    code, out, err = call(capsys, "fit", "random_over+threshold", str(churn))
    assert code == 0, err
    model = churn.parent / "results" / "models" / "random_over+threshold"
    assert f"model: {Path('results/models/random_over+threshold')}" in out
    assert "max_depth=2" in (model / "card.md").read_text()
    code, out, err = call(capsys, "fit", "none", str(churn), "registered=churn")
    assert code == 0, err
    assert "registered: models:/churn/1" in out
    uri = f"sqlite:///{churn.parent / 'results' / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr(sys, "path", list(sys.path))  # MLflow adds the code of the model
    new = pd.DataFrame({"calls": [8.0, 0.0], "plan": ["pro", "basic"]})
    served = mlflow.pyfunc.load_model("models:/churn/1").predict(new)
    own = imbench.load(churn.parent / "results" / "models" / "none").predict(new)
    assert served["label"].tolist() == own.tolist()
    code, _, err = call(capsys, "fit", "none", str(churn), "registered=a/b")
    assert code == 2
    assert "registered=a/b: a name of the registry" in err
    code, _, err = call(capsys, "fit", "smote", str(churn))
    assert code == 2
    assert "there are decision_tree/none, decision_tree/random_over+threshold" in err
    other = churn.parent / "other.csv"
    other.write_text(churn.read_text().replace("pro", "max"))
    code, _, err = call(capsys, "fit", "none", str(other))
    assert code == 2
    assert "does not hold the rows that none was compared on" in err


TWO = ("model=decision_tree,logistic_regression", "strategy=none,threshold", "splits.n_repeats=1")


def test_a_name_of_several_models_is_not_guessed(churn, capsys):
    run = ["-m", "dataset=table", f"dataset.path={churn}", "dataset.target=left", "tracking=none"]
    assert call(capsys, *run, *TWO, "dataset.drop=[id]")[0] == 0
    code, out, err = call(capsys, "fit", "threshold", str(churn))
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    for name in ("decision_tree/threshold", "logistic_regression/threshold"):
        assert f"`fit {name} {churn}`" in err
    code, out, err = call(capsys, "fit", "logistic_regression/threshold", str(churn))
    assert code == 0, err
    assert "fit: logistic_regression/threshold.\n" in out
    code, _, err = call(capsys, "fit", "thresold", str(churn))
    assert code == 2
    assert "(did you mean 'threshold'?)" in err


def test_the_recommended_model_is_meant_by_a_name_of_several(churn, capsys):
    """The tree is alone in the second call: it is recommended then, though it is not better."""
    other = "decision_tree"
    words = ("recommend", str(churn), "--target", "left", "--budget", "60s", "--no-model")
    less = ("--strategies", "threshold", "splits.n_splits=2", "splits.n_repeats=1")
    code, _, err = call(capsys, *words, *less, "--models", "decision_tree,logistic_regression")
    assert code == 0, err
    assert call(capsys, *words, *less, "--models", other)[0] == 0
    code, out, err = call(capsys, "fit", "threshold", str(churn))
    assert code == 0, err
    assert f"fit: {other}/threshold; threshold was compared with 2 models" in out
    model = churn.parent / "results" / "models" / "threshold"
    assert imbench.load(model).card["model"] == other


def test_rows_that_differ_in_settings_are_told_apart(churn, capsys):
    run = ["-m", "dataset=table", f"dataset.path={churn}", "dataset.target=left", "tracking=none"]
    run += ["model=decision_tree", "strategy=none", "splits.n_splits=2", "splits.n_repeats=1"]
    assert call(capsys, *run, "+model.estimator.max_depth=2,4")[0] == 0
    code, _, err = call(capsys, "fit", "none", str(churn))
    assert code == 2
    name = "decision_tree/none (max_depth=4)"
    assert f"`fit '{name}' {churn}`" in err
    code, _, err = call(capsys, "fit", name, str(churn))
    assert code == 0, err
    model = churn.parent / "results" / "models" / "decision_tree-none-max_depth=4"
    assert "max_depth=4" in (model / "card.md").read_text()
