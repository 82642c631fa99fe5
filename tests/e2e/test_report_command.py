"""``imbench report`` over stored results: filters, damage, mixed versions, commands."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from imbench.results.fold import CellKey, CellResult
from imbench.results.last_metrics import write_metrics
from imbench.results.store import Store
from tests.e2e.conftest import Run
from tests.factories import make_cell
from tests.pages import sweep


def store(results: Path, *cells: CellResult) -> Path:
    """Write cells as a run would, and return the folder of the cells."""
    written = Store(results)
    for cell in cells:
        key = CellKey(**{f.name: getattr(cell, f.name) for f in fields(CellKey)})
        written.write_cell(key)
        for fold in cell.folds:
            written.write_fold(key, fold)
    return written.runs


def payload(report: Path) -> dict[str, Any]:
    html = (report / "index.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_filters_choose_cells_and_out_the_place(run: Run, tmp_path: Path) -> None:
    names = [(d, m, s) for d in ("a", "b") for m in ("knn", "svm") for s in ("none", "smote", "x")]
    store(tmp_path / "results", *[make_cell(s, dataset=d, model=m) for d, m, s in names])
    done = run("report", "--filter", "dataset=a", "--filter", "strategy=s*", "--out", "here")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "report: here/index.html"
    blocks = payload(tmp_path / "here")["blocks"]
    assert [b["title"] for b in blocks] == ["a · knn", "a · svm"]
    assert {r["label"] for b in blocks for r in b["rows"]} == {"none", "smote"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--filter", "dataset=c"], "--filter dataset=c: no stored cell matches; there are a."),
        (["--filter", "c"], "write key=pattern"),
        (["--set", "baseline=smote"], "baseline=smote is not one of none, threshold, auto."),
        (["nowhere"], "there is no such folder"),
        (["empty"], "there is no stored cell in it; run one first."),
    ],
)
def test_what_cannot_be_reported_is_one_sentence(
    run: Run, tmp_path: Path, words: list[str], sentence: str
) -> None:
    store(tmp_path / "results", make_cell("none", dataset="a"))
    (tmp_path / "empty").mkdir()
    done = run("report", *words)
    assert done.code == 2
    assert sentence in done.err
    assert len(done.err.splitlines()) == 1


def test_damaged_and_partial_folders_show_complete_folds(run: Run, tmp_path: Path) -> None:
    partial = make_cell("smote", n_folds=3)
    runs = store(
        tmp_path / "results",
        make_cell("none"),
        replace(partial, n_folds=5),
        make_cell("rose"),
        make_cell("adasyn"),
    )
    folders = {path.name.split("-")[2]: path for path in runs.iterdir()}
    (folders["rose"] / "r0-f1.npz").write_bytes(b"damaged")
    old = folders["rose"] / "r0-f2.json"
    old.write_text(old.read_text().replace('"format": 1', '"format": 0'))
    (folders["adasyn"] / "cell.json").write_text("{")
    done = run("report")
    assert done.code == 0
    assert done.err.count("left out:") == 3
    found = payload(tmp_path / "results" / "report")
    assert len(found["problems"]) == 3
    (block,) = found["blocks"]
    assert {r["label"] for r in block["rows"]} == {"none", "rose", "smote"}
    assert "3 of 5 folds" in " ".join(block["notes"])
    markdown = (tmp_path / "results" / "report" / "report.md").read_text(encoding="utf-8")
    assert markdown.count("> Left out:") == 3


def test_mixed_versions_are_reported(run: Run, tmp_path: Path) -> None:
    cells = [make_cell(s, versions={"torch": v}) for s, v in (("none", "2.1"), ("smote", "2.2"))]
    store(tmp_path / "results", *cells)
    assert run("report").code == 0
    (problem,) = payload(tmp_path / "results" / "report")["problems"]
    assert problem.endswith("torch 2.1 (5 folds), 2.2 (5 folds).")


def test_intervals_of_the_shown_metrics_are_in_the_page(run: Run, tmp_path: Path) -> None:
    store(tmp_path / "results", make_cell("none"))
    assert run("report").code == 0
    (row,) = payload(tmp_path / "results" / "report")["blocks"][0]["rows"]
    low, high = row["interval"]["f1_macro"]
    assert 0 < low < high < 1


def test_the_answer_stands_before_the_path_and_on_top_of_the_markdown(
    run: Run, tmp_path: Path
) -> None:
    store(tmp_path / "results", *sweep())
    done = run("report")
    answer = "On digits with knn: take smote. It improves macro F1 by 0.240 over doing nothing"
    assert answer in done.out
    assert done.out.index(answer) > done.out.index("gain in f1_macro over none, shaded")
    markdown = (tmp_path / "results" / "report" / "report.md").read_text(encoding="utf-8")
    assert markdown.index(answer) < markdown.index("| strategy |")


def test_the_baseline_of_a_report_can_be_set(run: Run, tmp_path: Path) -> None:
    store(tmp_path / "results", *sweep())
    auto = run("report", "--filter", "strategy=smote", "--set", "baseline=auto")
    assert "over threshold, shaded" in auto.out  # the best of none and threshold
    plain = run("report", "--filter", "strategy=smote", "--set", "baseline=threshold")
    assert "by 0.234 over threshold (95 % interval" in " ".join(plain.out.split())
    lost = run("report", "--filter", "model=knn", "--set", "metrics.sort=brier")
    assert "improves Brier score by" in lost.out


def test_a_run_says_before_what_it_can_show_and_after_what_it_shows(run: Run) -> None:
    words = ["dataset=synthetic", "dataset.n_rows=300", "model=logistic_regression"]
    words += ["strategy=none,random_over", "splits.n_repeats=1"]
    first = run("-m", *words)
    (line,) = first.err.splitlines()
    assert re.fullmatch(
        r"synthetic: \d+ test rows of \w+ in 5 folds (are too few to|can) show .*", line
    )
    assert "\nOn synthetic with logistic_regression" in first.out
    again = run("-m", *words, "output=json")
    assert again.err.startswith("On synthetic with logistic_regression")
    found = {row["label"]: row for row in map(json.loads, again.out.splitlines())}
    assert found["none"]["verdict"] == "baseline"
    assert found["random_over"]["baseline"] == "none"


def test_a_run_of_one_cell_says_what_to_compare_it_with(run: Run) -> None:
    done = run("dataset=synthetic", "dataset.n_rows=100", "model=logistic_regression")
    assert done.err == ""
    assert "only none finished: run other strategies too, for example -m strategy=" in done.out


def test_duplicates_over_folds_and_the_hardware_are_reported(run: Run, tmp_path: Path) -> None:
    lines = [f"{i % 4},{i % 7},{'no' if i % 4 else 'yes'}" for i in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *lines]))
    words = ["dataset=table", "dataset.path=t.csv", "dataset.target=y", "model=decision_tree"]
    assert run(*words, "strategy=none").code == 0
    assert run("report").code == 0
    found = payload(tmp_path / "results" / "report")
    (problem,) = found["problems"]
    assert "duplicates straddle the folds" in problem
    (block,) = found["blocks"]
    assert block["hardware"]["device"] == "cpu"
    assert len(block["hardware"]) > 2
    assert "dataset.path=FILE" in block["commands"][0]


def test_the_command_on_the_page_finds_the_same_cells_again(run: Run, tmp_path: Path) -> None:
    odd = [
        "dataset=digits", "dataset/imbalance=step", "model=logistic_regression",
        "model.estimator.C=0.5", "splits.n_splits=2", "seed=3",
    ]  # fmt: skip
    assert run("-m", *odd, "strategy=none,[smote,threshold]").code == 0
    assert run(*odd, "strategy=smote", "strategy.resample.smote.k_neighbors=2").code == 0
    assert run("report").code == 0
    (block,) = payload(tmp_path / "results" / "report")["blocks"]
    assert block["uncommanded"] == []
    assert len(block["commands"]) == 2
    stored = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("r0-f*")}
    for line in block["commands"]:
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "imbench"]
        assert run(*words[3:]).code == 0
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("r0-f*")} == stored


def test_a_report_is_about_the_metrics_of_the_latest_run(run: Run, tmp_path: Path) -> None:
    runs = store(tmp_path / "results", *[make_cell(s, dataset="a") for s in ("none", "smote")])
    costs = {"missed": 20, "false_alarm": 1}
    for sort in ("roc_auc", "expected_cost"):  # the latest counts
        write_metrics(runs, {"metrics": {"sort": sort, "minority": "c0"}, "costs": costs})
    done = run("report")
    assert done.code == 0, done.err
    words = "metrics.sort=expected_cost, metrics.minority=c0, costs={missed:20,false_alarm:1}"
    assert f"report: as in the latest run: {words}; --set changes it." in done.out
    assert payload(tmp_path / "results" / "report")["sort"] == "expected_cost"
    done = run("report", "--set", "metrics.sort=brier")
    page = payload(tmp_path / "results" / "report")
    assert page["sort"] == "brier"
    assert page["columns"][-1] == "expected_cost"
    ropes = {metric["key"]: metric["rope"] for metric in page["metrics"]}
    assert ropes["brier"] == ropes["expected_cost"] == 0.01
    assert "latest" not in run("report", "--set", "metrics=[default]", "costs=null").out


def test_metrics_of_the_latest_run_that_do_not_fit_a_cell_are_left_out(
    run: Run, tmp_path: Path
) -> None:
    runs = store(tmp_path / "results", make_cell("none", dataset="a"))
    write_metrics(runs, {"metrics": {"sort": "brier", "minority": "nobody"}, "costs": None})
    done = run("report")
    assert done.code == 0, done.err
    assert "do not fit all cells, and are left out: metrics.minority=nobody" in done.out
    assert payload(tmp_path / "results" / "report")["sort"] == "f1_macro"
    (tmp_path / "results" / "latest_metrics.json").write_text("{")
    assert "latest" not in run("report").out
