from __future__ import annotations

import csv
import dataclasses
import io
import json
import math

import numpy as np
import pytest

from imbench.data.splits import Holdout, OfficialTest
from imbench.errors import ConfigError
from imbench.report.export import to_csv, to_json_lines
from imbench.report.markdown import to_markdown
from imbench.report.page import write_report
from imbench.report.tables import build_leaderboard
from imbench.report.terminal import to_rich
from imbench.report.titles import flatten
from imbench.results.metric_options import MetricOptions, metric_options
from imbench.results.metrics import compute
from tests.factories import make_cell, make_fold

OPTIONS = MetricOptions()
EVIL = "<script>alert('x')</script>|[red]*_`&"


def sweep():
    return [
        make_cell("none", skill=1.0, n=200),
        make_cell("smote", skill=3.0, n=200),
        make_cell("broken", status="failed", reason="out of memory"),
        make_cell("noise", skill=0.0, n=200),
        make_cell("focal", status="skipped", reason="focal needs a net, knn is none"),
    ]


def repeated(label, n_repeats, skill):
    """A cell whose repeats test the same rows in the same folds."""
    cells = [make_cell(label, skill=skill, n=200, repeat=r) for r in range(n_repeats)]
    folds = tuple(fold for cell in cells for fold in cell.folds)
    return dataclasses.replace(cells[0], folds=folds, n_folds=len(folds))


def rows_by_label(cells, options=OPTIONS):
    return {row.label: row for row in build_leaderboard(cells, options).rows}


def rendered(cells, width=200):
    from rich.console import Console

    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(to_rich(build_leaderboard(cells, OPTIONS)))
    return console.file.getvalue()


def test_rows_are_sorted_with_skipped_and_failed_last():
    board = build_leaderboard(sweep(), OPTIONS)
    labels = [row.label for row in board.rows]
    assert labels == ["smote", "none", "noise", "focal", "broken"]


def test_a_lower_metric_sorts_the_other_way_and_its_gain_is_still_an_improvement():
    options = metric_options({"sort": "brier"})
    rows = rows_by_label(sweep(), options)
    board = build_leaderboard(sweep(), options)
    assert [row.label for row in board.rows][:3] == ["smote", "none", "noise"]
    assert rows["smote"].mean["brier"] < rows["none"].mean["brier"]
    assert rows["smote"].comparison.gain > 0
    assert rows["smote"].comparison.verdict == "better"


def test_mean_and_spread_come_from_the_folds():
    cell = make_cell("smote")
    row = rows_by_label([cell])["smote"]
    values = [compute(fold, OPTIONS)["f1_macro"] for fold in cell.folds]
    assert row.mean["f1_macro"] == pytest.approx(np.mean(values))
    assert row.std["f1_macro"] == pytest.approx(np.std(values, ddof=1))
    assert row.fit_s == 0.5


def test_gain_is_paired_fold_by_fold():
    cells = sweep()
    rows = rows_by_label(cells)
    ours, theirs = (
        [compute(f, OPTIONS)["f1_macro"] for f in cell.folds] for cell in (cells[1], cells[0])
    )
    told = rows["smote"].comparison
    assert told.gain == pytest.approx(np.mean(np.subtract(ours, theirs)))
    assert (told.n_folds, told.n_repeats, told.baseline) == (5, 1, "none")
    assert told.verdict == "better"
    assert rows["noise"].comparison.verdict == "worse"
    assert rows["none"].comparison is None
    assert rows["focal"].comparison is None


def test_folds_with_other_test_rows_are_not_paired():
    other = make_cell("smote", skill=3.0)
    moved = tuple(dataclasses.replace(f, test_index=f.test_index + 1) for f in other.folds)
    rows = rows_by_label([make_cell("none"), dataclasses.replace(other, folds=moved)])
    told = rows["smote"].comparison
    assert (told.n_folds, told.note, told.verdict) == (0, "no common fold", "open")
    assert math.isnan(told.gain)


def test_undefined_folds_are_not_paired():
    cells = [make_cell("none"), make_cell("smote", skill=3.0)]
    first = cells[1].folds[0]
    one_class = dataclasses.replace(first, y_true=np.zeros_like(first.y_true))
    cells[1] = dataclasses.replace(cells[1], folds=(one_class, *cells[1].folds[1:]))
    rows = rows_by_label(cells, metric_options({"sort": "roc_auc"}))
    assert rows["smote"].comparison.n_folds == 4


def test_each_data_set_and_model_is_a_block_of_its_own():
    cells = [make_cell("none", model=m, dataset=d) for m in ("knn", "svm") for d in ("a", "b")]
    blocks = build_leaderboard(cells, OPTIONS).blocks
    assert [(b.dataset, b.model) for b in blocks] == [
        ("a", "knn"), ("a", "svm"), ("b", "knn"), ("b", "svm"),
    ]  # fmt: skip


def test_one_model_with_two_settings_is_two_blocks_with_different_titles():
    cells = [
        make_cell(label, config={"model": {"name": "knn", "n_neighbors": k}})
        for label in ("none", "smote")
        for k in (3, 5)
    ]
    blocks = build_leaderboard(cells, OPTIONS).blocks
    assert [b.title for b in blocks] == [
        "digits · knn (n_neighbors=3)", "digits · knn (n_neighbors=5)",
    ]  # fmt: skip
    assert [len(b.rows) for b in blocks] == [2, 2]


def test_one_strategy_with_two_settings_is_two_rows_with_different_titles():
    cells = [
        make_cell("focal", config={"strategy": {"loss": {"focal": {"gamma": gamma}}}})
        for gamma in (1.0, 2.0)
    ]
    titles = {row.title for row in build_leaderboard(cells, OPTIONS).rows}
    assert titles == {"focal (gamma=1.0)", "focal (gamma=2.0)"}


def test_caption_says_folds_rows_interval_and_target():
    caption = build_leaderboard(sweep(), OPTIONS).blocks[0].caption
    for words in (
        "5 folds of 200 test rows",
        "improvement of f1_macro over none",
        "simultaneous over 2 strategies",
        "models that are fitted on parts of this table, not for other tables",
    ):
        assert words in caption
    assert "\n" not in caption
    assert "gain:" not in build_leaderboard([make_cell("smote")], OPTIONS).blocks[0].caption
    single = [make_cell(label, n_folds=1, skill=s) for label, s in (("none", 1), ("smote", 3))]
    one_fit = build_leaderboard(single, OPTIONS).blocks[0].caption
    assert "these fitted models on new rows: the variance of training is not in it" in one_fit


def test_an_interrupted_cell_says_how_many_folds_are_missing():
    cell = dataclasses.replace(make_cell("none", n_folds=3), n_folds=5)
    assert "3 of 5 folds" in rows_by_label([cell])["none"].reason


def test_a_cell_without_any_fold_is_shown():
    cell = dataclasses.replace(make_cell("none", n_folds=0), n_folds=5)
    assert "0 of 5 folds" in rendered([cell, make_cell("smote")])


def test_terminal_table_shows_every_strategy_and_reason():
    text = rendered(sweep())
    for words in ("smote", "▲ +0.2", "▼ -0.2", "baseline", "focal needs a net", "out of memory"):
        assert words in text
    assert "▲ better, △ probably better, = equal, · open" in " ".join(text.split())
    assert text.splitlines()[0].strip() == "digits · knn · 1 repeat of 5 folds"
    assert "brier ↓" in text
    assert "f1_macro ↑" in text


@pytest.mark.parametrize("width", [80, 100, 120, 160, 260])
def test_terminal_table_fits_and_says_what_was_left_out(width):
    lines = rendered(sweep(), width).splitlines()
    smote = next(line for line in lines if line.startswith(" smote"))
    assert "▲ +0.2" in smote  # the verdict and the metric sorted by are never cut
    assert "0.983 ± 0.014" in smote
    assert smote.count("▲") == 4  # the gain, and the three questions
    assert max(map(len, lines)) <= width
    assert ("Not shown" in "".join(lines)) == (width < 220)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_metrics_give_way_to_questions_and_counts(width):
    text = " ".join(rendered(sweep(), width).split())
    assert "267/272 9/728" in text
    assert ("brier ↓" in text) == (width >= 160)
    assert ("r d p: ranking, decisions, probabilities." in text) == (width < 120)


def test_the_answer_is_the_last_line():
    text = rendered(sweep(), 300)
    answer = text.rstrip().splitlines()[-2:]
    assert answer[0].startswith("On digits with knn: take smote. It improves macro F1 by 0.240")
    found = "It finds 267 of 272 rows of c1 instead of 204 (98 % instead of 75 %)"
    assert answer[1].startswith(found)


def test_repeats_and_why_they_stopped_are_in_the_header():
    none, smote = (repeated(label, n, s) for label, n, s in (("none", 3, 1.0), ("smote", 1, 3.0)))
    smote = dataclasses.replace(smote, stopped="told", sequential=True)
    text = " ".join(rendered([none, smote]).split())
    assert "digits · knn · 1 to 3 repeats of 5 folds" in text
    assert "3 repeats: none. 1 repeat (told): smote." in text
    assert "and the looks at 1, 3 and 10 repeats" in text


@pytest.mark.parametrize(
    "splitter", [Holdout(n_seeds=5), Holdout(n_repeats=5), OfficialTest(n_seeds=5)], ids=str
)
def test_seeds_on_one_split_are_repeats_of_one_fold(splitter):
    folds = [make_fold(repeat=repeat, fold=fold) for repeat, fold in splitter.places]
    cell = dataclasses.replace(make_cell(), folds=tuple(folds))
    assert "digits · knn · 5 repeats of one fold" in rendered([cell])


def test_the_metric_sorted_by_is_always_shown():
    board = build_leaderboard(sweep(), metric_options({"sort": "mcc", "columns": ["accuracy"]}))
    assert board.columns == ("mcc", "accuracy")


def test_long_heads_are_broken_and_no_escape_is_shown():
    shown = rendered(sweep())
    assert "alarms" in shown
    assert "\\n" not in shown


def test_names_are_never_read_as_terminal_markup():
    assert EVIL in rendered([make_cell(EVIL, n=30)], width=300)


def test_an_empty_leaderboard_renders():
    board = build_leaderboard([], OPTIONS)
    assert list(to_json_lines(board)) == []
    assert rendered([]).strip() == ""


def test_json_lines_are_valid_and_undefined_is_null():
    cells = [*sweep(), make_cell("single", n_folds=1)]
    lines = [json.loads(line) for line in to_json_lines(build_leaderboard(cells, OPTIONS))]
    found = {line["label"]: line for line in lines}
    assert len(lines) == len(cells)
    for line in lines:
        for key in ("gain", "interval", "p_adjusted", "p_better", "n_repeats", "stopped"):
            assert key in line
        assert line["baseline"] == "none"
    smote = found["smote"]
    assert smote["verdict"] == "better"
    low, high = smote["interval"]
    assert 0 < low < smote["gain"] < high
    assert smote["p_adjusted"] < 0.05
    assert 0.9 < smote["p_better"] <= 1
    assert (smote["n_repeats"], smote["stopped"]) == (1, "")
    assert smote["questions"] == dict.fromkeys(("ranking", "decisions", "probabilities"), "better")
    assert smote["counts"]["rare"] == "c1"
    assert (found["none"]["verdict"], found["none"]["gain"]) == ("baseline", None)
    assert (found["broken"]["verdict"], found["broken"]["interval"]) == (None, None)
    assert found["single"]["std"]["f1_macro"] is None
    assert found["broken"]["status"] == "failed"
    assert found["broken"]["metrics"] == {}
    assert found["broken"]["fit_s"] is None
    assert found["focal"]["reason"].startswith("focal needs")
    assert found["none"]["metrics"]["precision/c1"] > 0


def test_what_was_changed_to_fit_is_shown_everywhere_with_the_folds_that_it_holds_for(tmp_path):
    note = "strategy.resample.smote.k_neighbors=5 was clipped to 3: class 'c1' has 4 <rows>."
    cell = make_cell("smote")
    noted = tuple(
        dataclasses.replace(fold, notes=(note, note) if fold.fold < 2 else ())
        for fold in cell.folds
    )
    cells = [make_cell("none"), dataclasses.replace(cell, folds=noted)]
    board = build_leaderboard(cells, OPTIONS)
    assert {row.label: dict(row.notes) for row in board.rows} == {"none": {}, "smote": {note: 2}}
    shown = f"smote: {note[:-1]} (2 of 5 folds)."
    assert shown in " ".join(rendered(cells).split())
    assert shown.replace("<", "&lt;") in to_markdown(board)
    assert "class 'c1' has 4 \\u003crows> (2 of 5 folds)." in (
        write_report(cells, OPTIONS, tmp_path).read_text("utf-8")
    )
    found = {line["label"]: line["notes"] for line in map(json.loads, to_json_lines(board))}
    assert found == {"none": {}, "smote": {note: 2}}


def test_csv_has_every_fold_and_metric():
    table = list(csv.DictReader(io.StringIO(to_csv(build_leaderboard(sweep(), OPTIONS)))))
    values = [r for r in table if r["label"] == "smote" and r["metric"] == "f1_macro"]
    assert [r["fold"] for r in values] == ["0", "1", "2", "3", "4"]
    expected = [compute(f, OPTIONS)["f1_macro"] for f in sweep()[1].folds]
    assert [float(r["value"]) for r in values] == expected
    assert [r["reason"] for r in table if r["label"] == "broken"] == ["out of memory"]


def test_markdown_table_keeps_its_columns_whatever_the_names():
    text = to_markdown(build_leaderboard([make_cell(EVIL)], OPTIONS))
    table = [line for line in text.splitlines() if line.startswith("|")]
    bars = {line.replace("\\|", "").count("|") for line in table}
    assert len(table) == 3
    assert len(bars) == 1


def test_undefined_means_are_dashes_and_sort_last():
    cells = [make_cell("none", n=40), make_cell("smote", n=40)]
    zeros = tuple(dataclasses.replace(f, y_true=np.zeros_like(f.y_true)) for f in cells[0].folds)
    cells[0] = dataclasses.replace(cells[0], folds=zeros)
    board = build_leaderboard(cells, metric_options({"sort": "roc_auc", "columns": ["roc_auc"]}))
    assert [row.label for row in board.rows] == ["smote", "none"]
    assert math.isnan(board.rows[1].mean["roc_auc"])
    line = next(line for line in to_markdown(board).splitlines() if line.startswith("| none"))
    assert line.startswith("| none | baseline |")
    assert line.endswith("| - | 0.50 |")


def test_flatten_joins_keys_with_dots():
    assert flatten({"a": {"b": 1, "c": {}}, "d": [1]}) == {"a.b": 1, "a.c": {}, "d": [1]}


def test_the_group_of_the_best_is_marked():
    cells = [*sweep(), make_cell("almost", skill=2.95, n=200)]
    board = build_leaderboard(cells, OPTIONS)
    rows = {row.label: row for row in board.rows}
    assert [label for label, row in rows.items() if row.among_best] == ["smote", "almost"]
    assert [label for label, row in rows.items() if row.beats_baseline] == ["smote", "almost"]
    text = to_markdown(board)
    assert (
        f"{rows['almost'].mean['f1_macro']:.3f} ± {rows['almost'].std['f1_macro']:.3f} \\*" in text
    )
    assert "* the group of the best" in board.blocks[0].caption


def test_with_two_rare_rows_no_verdict_is_given_and_everything_else_is_shown():
    cells = [make_cell(label, skill=s, n=40) for label, s in (("none", 1), ("a", 3))]
    for i, cell in enumerate(cells):
        folds = []
        for fold in cell.folds:
            y = np.zeros_like(fold.y_true)
            y[0] = fold.fold < 2
            folds.append(dataclasses.replace(fold, y_true=y))
        cells[i] = dataclasses.replace(cell, folds=tuple(folds))
    board = build_leaderboard(cells, OPTIONS)
    assert all(row.among_best for row in board.rows)
    (told,) = [row.comparison for row in board.rows if row.comparison]
    assert (told.verdict, told.note) == ("open", "2 rare rows: no verdict below 3 repeats")
    assert math.isfinite(told.gain)
    text = " ".join(rendered(cells).split())
    assert "a: 2 rare rows: no verdict below 3 repeats" in text
    assert text.endswith(
        "(2 rare rows: no verdict below 3 repeats). Set splits.n_repeats=3. Open: a."
    )


def test_one_fold_has_a_verdict_about_its_models():
    cells = [make_cell(lb, n_folds=1, skill=s, n=400) for lb, s in (("none", 0.5), ("a", 3))]
    (row, _) = build_leaderboard(cells, OPTIONS).rows
    assert row.comparison.verdict == "better"
    text = rendered(cells)
    assert "1 repeat of one fold" in text
    assert "On digits with knn: take a. It improves macro F1 by" in text


def test_different_repeats_are_compared_on_the_folds_that_both_have():
    cells = [repeated("none", 3, 1.0), repeated("smote", 1, 3.0)]
    rows = rows_by_label(cells)
    assert (len(rows["none"].folds), rows["none"].n_repeats) == (15, 3)
    told = rows["smote"].comparison
    assert (told.n_folds, told.n_repeats, told.verdict) == (5, 1, "better")
    assert "3 repeats: none. 1 repeat: smote." in rendered(cells)


def test_rows_that_differ_in_anything_have_different_titles():
    base = {"dataset": {"name": "digits"}, "model": {"name": "knn"}}
    configs = [
        {**base, "splits": {"n_splits": 5, "n_repeats": 1}},  # of an older version
        {**base, "splits": {"n_splits": 5, "n_repeats": 3}},
        {**base, "splits": {"n_splits": 5}},
        {**base, "splits": {"n_splits": 5}, "search": {"model": {"k": [1, 2]}}},
    ]
    (block,) = build_leaderboard([make_cell("none", config=c) for c in configs], OPTIONS).blocks
    assert {row.title for row in block.rows} == {
        "none (n_repeats=1)", "none (n_repeats=3)", "none (no k)", "none (k=[1, 2])",
    }  # fmt: skip
    assert block.baseline in {row.title for row in block.rows}


def test_an_undefined_mean_is_never_among_the_best():
    cells = [make_cell("none"), make_cell("smote")]
    one_class = tuple(dataclasses.replace(f, y_true=f.y_true * 0) for f in cells[0].folds)
    cells[0] = dataclasses.replace(cells[0], folds=one_class)
    rows = rows_by_label(cells, metric_options({"sort": "roc_auc"}))
    assert not rows["none"].among_best
    assert rows["smote"].among_best


def test_identical_predictions_are_said_and_never_judged():
    twin = make_cell("twin", skill=1.0, n=200)
    better = make_cell("smote-twin", skill=3.0, n=200)
    rows = rows_by_label([*sweep(), twin, better])
    assert rows["twin"].same_as == "none"
    told = rows["twin"].comparison
    assert (told.gain, told.low, told.high, told.verdict) == (0, 0, 0, "equal")
    assert math.isnan(told.p_adjusted)
    assert rows["smote-twin"].same_as == "smote"
    # The interval is simultaneous over smote, noise and smote's twin; the baseline's is no test.
    caption = build_leaderboard([*sweep(), twin, better], OPTIONS).blocks[0].caption
    assert "simultaneous over 3 strategies" in caption
    assert "smote-twin: same predictions as smote" in rendered([*sweep(), twin, better])
    assert "do nothing. Every strategy predicts the same." in rendered([sweep()[0], twin])


def test_equal_labels_with_other_scores_are_not_the_same_predictions():
    cells = [make_cell("none"), make_cell("sharper")]
    squared = tuple(
        dataclasses.replace(f, y_score=f.y_score**2 / (f.y_score**2).sum(axis=1, keepdims=True))
        for f in cells[1].folds
    )
    cells[1] = dataclasses.replace(cells[1], folds=squared)
    rows = rows_by_label(cells)
    assert rows["sharper"].same_as == ""
    assert rows["sharper"].comparison.verdict == "equal"  # in f1_macro, by equal labels
    assert rows["sharper"].profile["brier"].gain != 0


def test_a_metric_undefined_on_a_fold_is_said():
    cell = make_cell("none")
    first = dataclasses.replace(cell.folds[0], y_true=np.zeros_like(cell.folds[0].y_true))
    cell = dataclasses.replace(cell, folds=(first, *cell.folds[1:]))
    row = rows_by_label([cell])["none"]
    assert row.undefined == {"f1_minority": 1, "average_precision": 1, "roc_auc": 1}
    assert "none: roc_auc is undefined on 1 of 5 folds" in " ".join(rendered([cell]).split())


def test_a_class_that_one_data_set_lacks_is_undefined_there_and_no_crash():
    cells = [make_cell(label, dataset="three", k=3) for label in ("none", "smote")]
    cells += [make_cell(label, dataset="two") for label in ("none", "smote")]
    board = build_leaderboard(cells, metric_options({"sort": "recall/c2"}))
    three, two = board.blocks
    assert math.isfinite(three.rows[0].mean["recall/c2"])
    assert two.rows[0].undefined["recall/c2"] == 5
    assert two.rows[0].comparison is None or two.rows[0].comparison.n_folds == 0


def test_calibration_stands_beside_ranking_by_default():
    assert {"brier", "ece", "log_loss"} < set(OPTIONS.columns)
    assert OPTIONS.columns.index("brier") == OPTIONS.columns.index("average_precision") + 1


def test_intervals_are_computed_on_request_for_the_shown_metrics():
    cells = sweep()
    assert rows_by_label(cells)["smote"].intervals == {}
    rows = {row.label: row for row in build_leaderboard(cells, OPTIONS, with_intervals=True).rows}
    assert set(rows["smote"].intervals) == set(OPTIONS.shown)
    interval = rows["smote"].intervals["f1_macro"]
    assert interval.low < rows["smote"].mean["f1_macro"] < interval.high
    assert rows["broken"].intervals == {}


def test_recalls_have_wilson_intervals_over_all_test_rows():
    row = rows_by_label(sweep())["smote"]
    assert set(row.recalls) == {"c0", "c1"}
    rare = row.recalls["c1"]
    assert rare.n == sum((f.y_true == 1).sum() for f in sweep()[1].folds)
    assert 0 < rare.low < rare.hits / rare.n < rare.high < 1


def test_equal_is_an_interval_inside_of_the_region_of_practical_equivalence():
    narrow, wide = (
        rows_by_label(sweep(), metric_options({"rope": rope}))["smote"].comparison
        for rope in (0.01, 0.5)
    )
    assert (narrow.verdict, wide.verdict) == ("better", "equal")
    assert (narrow.low, narrow.high) == (wide.low, wide.high)


def test_the_best_trivial_remedy_is_a_second_baseline():
    cells = [*sweep(), make_cell("threshold", skill=2.0, n=200)]
    rows = rows_by_label(cells)
    assert rows["smote"].trivial.baseline == "threshold"
    assert 0 < rows["smote"].trivial.gain < rows["smote"].comparison.gain
    assert "Beyond threshold, the best trivial remedy: smote +0." in rendered(cells)
    auto = build_leaderboard(cells, OPTIONS, baseline="auto")
    assert auto.blocks[0].baseline == "threshold"
    assert "Beyond threshold" not in to_markdown(auto)


def test_a_baseline_that_was_not_run_is_one_sentence_and_a_table_without_gains():
    board = build_leaderboard(sweep(), OPTIONS, baseline="threshold")
    assert all(row.comparison is None for row in board.rows)
    text = to_markdown(board)
    assert "gain in" not in text
    assert "| smote |" in text
    assert json.loads(next(to_json_lines(board)))["baseline"] is None


@pytest.mark.parametrize("rope", [-0.1, "wide", True, math.inf, math.nan])
def test_a_region_that_is_no_size_is_one_sentence(rope):
    with pytest.raises(ConfigError, match=r"metrics\.rope=.*must be a number from 0 on"):
        metric_options({"rope": rope})


@pytest.mark.slow
def test_a_thousand_folds_take_about_a_second():
    import time

    cells = [make_cell(f"s{i}", n=100, n_folds=25) for i in range(39)] + [make_cell("none", n=100)]
    build_leaderboard(cells[-1:], OPTIONS)
    start = time.perf_counter()
    build_leaderboard(cells, OPTIONS)
    assert time.perf_counter() - start < 5  # 0.4 s on an idle core; the bound is for a busy one
