"""Comparisons and recommendations from Python."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest

import imbench
from imbench.api.compare import selection
from imbench.api.frames import as_frame, stored_frame
from imbench.api.goals import seconds_of, words_of_goal
from imbench.api.result import ComparisonResult
from imbench.errors import ConfigError, DataError

pytestmark = pytest.mark.slow


def table(n: int = 240) -> pd.DataFrame:
    """Return numbers, categories with missing cells, and a class that depends on them."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "plan": pd.Categorical(rng.choice(["basic", "pro"], n)),
            "calls": pd.array(rng.integers(0, 9, n), dtype="Int64"),
            "patient": np.arange(n) // 3,
            "day": np.arange(n) % 12,
        }
    )
    frame.loc[::17, "calls"] = pd.NA
    risk = frame["a"] + (frame["plan"] == "pro") + rng.normal(size=n)
    frame["churn"] = np.where(risk > np.quantile(risk, 0.8), "yes", "no")
    return frame


WHERE = {"progress": False, "overrides": ["splits.n_repeats=1"]}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    return imbench.compare(
        table(), "churn", ["none", "threshold", "random_over+threshold"],
        ["logistic_regression", "decision_tree"], drop=["patient", "day"],
        costs={"missed": 20, "false_alarm": 1}, results_dir=folder, **WHERE,
    )  # fmt: skip


def test_the_table_has_a_line_a_strategy_and_model(result):
    found = result.table
    assert sorted(found["model"].unique()) == ["decision_tree", "logistic_regression"]
    assert sorted(found["strategy"].unique()) == ["none", "random_over+threshold", "threshold"]
    assert found["status"].eq("ok").all()
    assert found.loc[found["strategy"] == "none", "verdict"].eq("baseline").all()
    gained = found[found["strategy"] != "none"]
    assert (gained["low"] <= gained["gain"]).all()
    assert (gained["gain"] <= gained["high"]).all()
    assert {"expected_cost", "f1_macro", "average_precision"} <= set(found.columns)


def test_the_verdict_is_words_and_a_notebook_shows_both(result):
    assert "with logistic_regression" in result.verdict
    page = result._repr_html_()
    assert "<table" in page
    assert result.verdict.splitlines()[0].split(":")[0] in page
    assert any("240 rows, 3 columns" in line for line in result.notices)


@pytest.mark.parametrize("kind", ["pr", "roc", "reliability", "cost", "gain"])
def test_every_plot_is_a_figure_with_a_curve_a_strategy(result, kind):
    figure = result.plot(kind)
    assert isinstance(figure, matplotlib.figure.Figure)
    if kind != "gain":
        labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        assert sum("threshold" in label for label in labels) >= 2
    (one,) = [result.plot(kind, ["decision_tree/none"])] if kind == "pr" else [figure]
    assert one.axes[0].get_xlabel()


def test_a_report_is_a_page_or_a_folder(result, tmp_path):
    page = result.report(tmp_path / "report.html")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert sorted(tmp_path.iterdir()) == [page]
    assert result.report(tmp_path / "all").name == "index.html"
    assert (tmp_path / "all" / "results.csv").exists()


def test_the_same_call_computes_nothing_again(result, tmp_path, monkeypatch):
    words = (table(), "churn", ["none", "threshold"], "decision_tree")
    first = imbench.compare(*words, results_dir=tmp_path, **WHERE)
    monkeypatch.setattr("imbench.run.folds.fit_fold", None)
    monkeypatch.setattr("imbench.run.folds.fold_fitting", None)
    again = imbench.compare(*words, results_dir=tmp_path, **WHERE)
    pd.testing.assert_frame_equal(first.table, again.table)
    assert len(list((tmp_path / "frames").iterdir())) == 1


def test_roles_choose_the_splits(tmp_path):
    frame = table()
    common = {"results_dir": tmp_path, "progress": False, "overrides": []}
    grouped = imbench.compare(frame, "churn", ["none"], "decision_tree", groups="patient", **common)
    for fold in grouped.cells[0].folds:
        assert fold.audit["straddling_groups"] == 0
    timed = imbench.compare(
        frame, "churn", ["none"], "decision_tree", time="day", drop=["patient"], **common
    )
    assert all(fold.audit["from_future"] == 0 for fold in timed.cells[0].folds)
    assert len(timed.cells[0].folds) == 5


def test_arrays_and_files_are_taken_too(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), np.repeat([0, 1], [45, 15])
    made = imbench.compare(X, y, ["none"], "decision_tree", results_dir=tmp_path, **WHERE)
    path = tmp_path / "table.csv"
    pd.DataFrame(X, columns=["x0", "x1"]).assign(target=y).to_csv(path, index=False)
    read = imbench.compare(path, "target", ["none"], "decision_tree", results_dir=tmp_path, **WHERE)
    assert read.cells[0].dataset == "table"
    assert made.cells[0].dataset == "data"
    assert read.table["f1_macro"].notna().all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "chrn"}, "no such column .did you mean 'churn'"),
        ({"strategies": ["smot"]}, "smot"),
        ({"models": "lightgmb"}, "lightgmb"),
        ({"group": "patient"}, "compare has no option 'group' .did you mean 'groups'"),
        ({"budget": "5 bananas"}, "budget=5 bananas is no budget"),
        ({"budget": "0"}, "budget=0 must be above 0, such as budget=10m"),
        ({"budget": "0.001s"}, r"^budget=0.001s ended inside of the first fold"),
        ({"budget": "0.001s", "target": "chrn"}, "no such column .did you mean 'churn'"),
        (
            {"target": ["churn", "plan"]},
            r"^target=\['churn', 'plan'\]: several targets .* target='c",
        ),
        ({"target": np.zeros((240, 2))}, r"^target has shape \(240, 2\): several targets"),
        ({"metric": "f1_marco"}, "f1_marco"),
        ({"strategies": []}, "at least one"),
    ],
)
def test_what_is_wrong_is_one_sentence(options, words, tmp_path):
    given = {"target": "churn", "results_dir": tmp_path, "progress": False} | options
    with pytest.raises((ConfigError, DataError), match=words):
        imbench.compare(table(), **given)


def test_a_plot_or_a_row_that_is_not_there_is_one_sentence(result):
    with pytest.raises(ConfigError, match="kind='bar' is no plot: choose one of pr, roc"):
        result.plot("bar")
    with pytest.raises(ConfigError, match="there is no strategy 'smote'"):
        result.plot("pr", ["smote"])


def test_frames_are_stored_once_by_content(tmp_path):
    frame = table()
    paths = {stored_frame(f, tmp_path) for f in (frame, frame.copy(), frame.iloc[:100])}
    assert len(paths) == 2
    mixed = pd.DataFrame({"a": [1, {"b": 2}]})
    with pytest.raises(DataError, match="cannot be written as Parquet"):
        stored_frame(mixed, tmp_path)


def test_columns_of_one_name_are_named(tmp_path):
    twice = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"])
    with pytest.raises(DataError, match="several columns of the name 'a': rename or drop"):
        stored_frame(twice, tmp_path)


def test_labels_of_another_length_are_refused():
    with pytest.raises(ConfigError, match=r"target has shape \(2,\), and data has 3 rows"):
        as_frame(np.zeros((3, 1)), [0, 1])


@pytest.mark.parametrize(
    ("strategy", "word"),
    [("a+b", "[a,b]"), ("[a, b]", "[a,b]"), (("a", "b"), "[a,b]"), (["a"], "a"), ("a", "a")],
)
def test_strategies_are_written_in_three_ways(strategy, word):
    assert selection(strategy) == word


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        (
            "recall-at-precision=0.9",
            ["metrics.sort=recall_at_precision", "metrics.at_precision=0.9"],
        ),
        ("precision-at-recall=0.8", ["metrics.sort=precision_at_recall", "metrics.at_recall=0.8"]),
        ("calibrated", ["metrics.sort=brier"]),
        ("f1", ["metrics.sort=f1_macro"]),
    ],
)  # fmt: skip
def test_goals_are_metrics(goal, words):
    assert words_of_goal(goal) == words


@pytest.mark.parametrize("goal", ["f2", "cost", "cost=missed", "recall-at-precision=2", "f1=3", ""])
def test_a_goal_that_is_none_is_one_sentence(goal):
    with pytest.raises(ConfigError) as caught:
        words_of_goal(goal)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"goal={goal}")


@pytest.mark.parametrize("budget", ["0m", "5 bananas", "10", "-3m", ""])
def test_a_budget_that_is_none_is_one_sentence(budget):
    with pytest.raises(ConfigError, match="is no time above 0: give one such as"):
        seconds_of(budget)


def test_a_recommendation_names_model_and_strategy_and_says_why(tmp_path):
    found = imbench.recommend(
        table(), "churn", models=["logistic_regression", "decision_tree"], budget="30s",
        strategies=["threshold", "random_over"], drop=["patient", "day"], results_dir=tmp_path,
        progress=False, overrides=["splits.n_splits=3"],
    )  # fmt: skip
    model, _, strategy = found.pick.partition("/")
    assert model in ("logistic_regression", "decision_tree")
    assert strategy in ("none", "threshold", "inverse_weights", "random_over")
    assert f"with {model}" in found.words[0]
    assert "Of 2 models" in str(found)
    assert "calibration error" in str(found)
    assert set(found.result.table["strategy"]) >= {"none", "threshold", "inverse_weights"}
    assert found._repr_html_().count("<p>") == len(found.words)


@pytest.mark.parametrize("name", ["decision_tree/threshold", "random_over+threshold", None])
def test_a_row_is_fitted_to_all_rows_and_takes_the_same_table(result, name):
    model = result.fit(name)
    frame = table()
    wanted = result.recommended if name is None else name
    assert model.strategy == wanted.rpartition("/")[2]
    assert model.classes_.tolist() == ["no", "yes"]
    scores = model.predict_proba(frame)
    assert scores.shape == (240, 2)
    shuffled = frame[["plan", "churn", "calls", "a", "day", "patient"]]
    np.testing.assert_array_equal(model.predict_proba(shuffled), scores)
    if "threshold" in model.strategy:
        assert 0 <= model.threshold_ <= 1
        called = np.where(scores[:, 1] >= model.threshold_, "yes", "no")
        np.testing.assert_array_equal(model.predict(frame), called)
    assert model.card_["reference"]["class_counts"] == {"no": 192, "yes": 48}
    assert model.card_["metric"]["name"] == "expected_cost"


@pytest.mark.parametrize("pick", ["logistic_regression", "decision_tree"])
def test_a_title_of_several_models_means_the_recommended_one_and_says_so(
    result, pick, monkeypatch, capsys
):
    rows = {row.model: (block, row) for block, row in result._rows() if row.title == "none"}
    monkeypatch.setattr(ComparisonResult, "_recommended", lambda self: rows[pick])
    model = replace(result, progress=True).fit("threshold")
    assert model.model == pick
    (line,) = capsys.readouterr().err.splitlines()
    assert "threshold is the name of 2 rows (" in line
    assert f"; {pick}/threshold is fitted, as that model is recommended." in line
    assert line == model.notes_[-1]


def test_a_title_of_which_no_row_is_recommended_asks_for_the_model(result, monkeypatch):
    rows = result._rows()
    other = replace(rows[0][1], model="knn", run_id="0")
    monkeypatch.setattr(ComparisonResult, "_recommended", lambda self: (rows[0][0], other))
    with pytest.raises(ConfigError, match="the name of 2 rows, and none of them is recommended"):
        result.fit("threshold")


def test_a_file_with_decimal_commas_is_fitted_as_it_was_compared(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "commas.csv"
    lines = [f"{x:.3f};{'yes' if i % 4 == 0 else 'no'}" for i, x in enumerate(rng.normal(size=80))]
    path.write_text("\n".join(["x;y", *(line.replace(".", ",") for line in lines)]))
    words = {"overrides": ["splits.n_repeats=1", "dataset.decimal=','"], "progress": False}
    found = imbench.compare(path, "y", ["none"], "decision_tree", results_dir=tmp_path, **words)
    model = found.fit("none")
    new = pd.DataFrame({"x": ["0,5", "-1,25"]})
    np.testing.assert_array_equal(
        model.predict_proba(new), model.predict_proba(pd.DataFrame({"x": [0.5, -1.25]}))
    )
