from __future__ import annotations

import dataclasses

from imbench.report.tables import build_leaderboard
from imbench.report.words import metric_name, sentence, summary, version_note
from imbench.results.metric_options import MetricOptions
from tests.factories import make_cell
from tests.pages import sweep

OPTIONS = MetricOptions()


def blocks_of(cells, options=OPTIONS):
    return build_leaderboard(cells, options).blocks


def test_verdict_names_gains_with_intervals_then_the_rest():
    (block,) = blocks_of(sweep())
    words = sentence(block, "f1_macro")
    assert words.startswith("On digits with knn, smote gains 0.")
    assert " in macro F1 over doing nothing (95 % interval 0." in words
    assert "; threshold cannot be told from doing nothing" in words
    assert words.endswith("; noise is worse.")


def test_no_gain_is_one_sentence():
    (block,) = blocks_of([make_cell("none"), make_cell("smote")])
    assert sentence(block, "f1_macro") == (
        "On digits with knn, no strategy can be shown to beat doing nothing in macro F1; "
        "smote cannot be told from doing nothing."
    )


def test_long_lists_are_cut():
    cells = [make_cell("none", skill=1.0, n=200)]
    cells += [make_cell(f"good{i}", skill=3.0 + i / 10, n=200) for i in range(5)]
    cells += [make_cell(f"same{i}", skill=1.0, n=200) for i in range(9)]
    (block,) = blocks_of(cells)
    words = sentence(block, "f1_macro")
    assert words.count("95 % interval") == 3
    assert "and 2 more strategies gain" in words
    assert "same4 and 4 others cannot be told" in words


def test_parentheses_in_names_are_safe():
    strategy = [{"loss": {"focal": {"gamma": gamma}}} for gamma in (1.0, 2.0)]
    cells = [make_cell("none", skill=1.0, n=200)]
    cells += [make_cell("focal", skill=3.0, n=200, config={"strategy": s}) for s in strategy]
    cells = [dataclasses.replace(c, config={**c.config, "dataset": {}, "model": {}}) for c in cells]
    (block,) = blocks_of(cells)
    assert "focal (gamma=1.0) gains 0." in sentence(block, "f1_macro")


def test_one_fold_has_no_interval():
    (block,) = blocks_of([make_cell(label, n_folds=1) for label in ("none", "smote")])
    assert "one fold has no interval" in block.caption
    assert "smote cannot be told from doing nothing" in sentence(block, "f1_macro")


def test_without_a_baseline_the_best_is_named_with_what_to_run():
    (block,) = blocks_of([make_cell("smote", skill=3.0), make_cell("noise", skill=0.0)])
    assert sentence(block, "f1_macro") == (
        "On digits with knn, smote has the best macro F1: "
        "run strategy=none to learn whether it helps."
    )


def test_no_finished_strategy_is_one_sentence():
    (block,) = blocks_of([make_cell("none", status="failed", reason="out of memory")])
    assert sentence(block, "f1_macro") == "On digits with knn, no strategy finished."


def test_summary_counts_the_comparisons_in_which_something_helps():
    helped = [c for d in ("a", "b") for c in sweep(d)]
    unhelped = [make_cell("none", dataset="c"), make_cell("smote", dataset="c")]
    words = summary(blocks_of([*helped, *unhelped]), "f1_macro")
    assert words == (
        "In 2 of 3 comparisons at least one strategy beats doing nothing in macro F1; "
        "most often smote (2)."
    )
    assert summary(blocks_of(unhelped), "f1_macro") == ""


def test_one_version_needs_no_note():
    folds = make_cell("none", versions={"torch": "2.9"}).folds
    assert version_note(folds) == ""


def test_a_user_metric_has_a_readable_name():
    assert metric_name("f1_macro") == "macro F1"
    assert metric_name("my_cost") == "my cost"
