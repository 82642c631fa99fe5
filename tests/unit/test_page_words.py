from __future__ import annotations

import dataclasses

from imbench.report.tables import build_leaderboard
from imbench.report.words import answers, metric_name, sentence, summary, version_note
from imbench.results.metric_options import MetricOptions
from tests.factories import make_cell
from tests.pages import sweep

OPTIONS = MetricOptions()


def blocks_of(cells, options=OPTIONS):
    return build_leaderboard(cells, options).blocks


def test_the_sentence_names_the_gain_with_its_interval_then_the_rest():
    (block,) = blocks_of(sweep())
    words = sentence(block, "f1_macro")
    assert words.startswith("On digits with knn: take smote. It improves macro F1 by 0.240 over ")
    assert "(95 % interval +0.203 to +0.277)" in words
    assert words.endswith("Open: threshold; worse: noise.")


def test_long_lists_are_cut():
    cells = [make_cell("none", skill=1.0, n=200)]
    cells += [make_cell(f"good{i}", skill=3.0 + i / 10, n=200) for i in range(5)]
    cells += [make_cell(f"same{i}", skill=1.0, n=200) for i in range(9)]
    (block,) = blocks_of(cells)
    words = sentence(block, "f1_macro")
    assert words.count("95 % interval") == 1
    assert "Better too: good4, good2, good1 and good0; equal: same0, same1, same2" in words
    assert "same4 and 4 others" in words


def test_parentheses_in_names_are_safe():
    strategy = [{"loss": {"focal": {"gamma": gamma}}} for gamma in (1.0, 2.0)]
    cells = [make_cell("none", skill=1.0, n=200)]
    cells += [make_cell("focal", skill=3.0, n=200, config={"strategy": s}) for s in strategy]
    cells = [dataclasses.replace(c, config={**c.config, "dataset": {}, "model": {}}) for c in cells]
    (block,) = blocks_of(cells)
    assert "take focal (gamma=1.0). It improves" in sentence(block, "f1_macro")


def test_summary_counts_the_comparisons_in_which_something_helps():
    helped = [c for d in ("a", "b") for c in sweep(d)]
    unhelped = [make_cell("none", dataset="c"), make_cell("smote", dataset="c")]
    words = summary(blocks_of([*helped, *unhelped]), "f1_macro")
    assert words == (
        "In 2 of 3 comparisons at least one strategy is better than doing nothing in macro F1; "
        "most often smote (2)."
    )
    assert summary(blocks_of(unhelped), "f1_macro") == ""
    lines = answers(blocks_of([*helped, *unhelped]), "f1_macro")
    assert lines[0] == words
    assert [line.partition(":")[0] for line in lines[1:]] == [f"On {d} with knn" for d in "abc"]


def test_the_answers_of_many_blocks_are_cut():
    cells = [make_cell(s, dataset=f"d{i:02d}") for i in range(20) for s in ("none", "smote")]
    lines = answers(blocks_of(cells), "f1_macro")
    assert len(lines) == 1 + 12 + 1
    assert lines[0].startswith("In none of 20 comparisons is a strategy told to be better than")
    assert lines[-1] == "The report has the answers of 8 more comparisons."


def test_one_version_needs_no_note():
    folds = make_cell("none", versions={"torch": "2.9"}).folds
    assert version_note(folds) == ""


def test_a_user_metric_has_a_readable_name():
    assert metric_name("f1_macro") == "macro F1"
    assert metric_name("my_cost") == "my cost"
