"""The answer in words: what to take, how sure that is, what it means."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from imbench.report.answer import answer
from imbench.report.board import Block, Counts, FoldRow, Row
from imbench.report.statistics.verdict import Comparison
from imbench.report.tables import build_leaderboard
from imbench.report.words import answers, sentence
from imbench.results.metric_options import MetricOptions
from tests.factories import make_cell
from tests.pages import sweep

OPTIONS = MetricOptions()
FOLDS = tuple(FoldRow(0, i, 80, 20, 1.0, 0.1, {}) for i in range(5))


def told(gain, half=0.02, p=0.001, chance=0.999, **changes):
    """A comparison with an interval of some half width."""
    numbers = {"low": gain - half, "high": gain + half, "p_adjusted": p, "p_better": chance}
    return Comparison(gain, **{**numbers, "rope": 0.01, "n_folds": 5, "n_repeats": 1, **changes})


def row(title, comparison=None, found=52.0, alarms=100.0, **changes):
    counts = Counts(found, 100.0, alarms, 900.0, "yes", "no")
    row = Row("0", "toy", "knn", title, title, (), "ok", "", {}, {}, 1.0, FOLDS, comparison)
    return dataclasses.replace(row, **{"counts": counts, "among_best": True, **changes})


def block(*rows, **changes):
    shown = [*rows, row("none")]
    values = {"baseline": "none", **changes}
    return Block("toy", "knn", "toy · knn", "", tuple(shown), **values)


EQUAL = told(0.001, half=0.004, p=0.9, chance=0.6)
OPEN = told(0.01, half=0.06, p=0.8, chance=0.6)
PROBABLE = told(0.05, half=0.06, p=0.2, chance=0.95)
WORSE = told(-0.05, chance=0.001)


def test_a_told_gain_is_taken_with_its_interval_and_what_it_means_in_counts():
    found = answer(block(row("smote", told(0.05), found=74, alarms=160)), "f1_macro")
    assert found.headline == (
        "On toy with knn: take smote. It improves macro F1 by 0.050 over doing nothing (95 % "
        "interval +0.030 to +0.070)."
    )
    assert found.details == (
        "It finds 74 of 100 yes instead of 52 (74 % instead of 52 %), with 60 more false alarms "
        "among 900 no.",
    )


def test_a_trivial_remedy_is_taken_unless_the_best_is_better_than_it():
    threshold = row("threshold", told(0.04), stages=("decision",))
    for beyond, taken in ((OPEN, "threshold"), (EQUAL, "threshold"), (told(0.03), "smote")):
        smote = row("smote", told(0.06), trivial=dataclasses.replace(beyond, gain=beyond.gain))
        found = answer(block(smote, threshold, trivial="threshold"), "f1_macro")
        assert f": take {taken}. " in found.headline
        assert "beyond threshold" in str(found)
    small = row("smote", told(0.045), trivial=told(0.005, half=0.002))  # told, and practically 0
    assert "take threshold" in str(answer(block(small, threshold, trivial="threshold"), "f1_macro"))


def test_an_equal_and_much_cheaper_strategy_is_taken():
    slow, quick = row("smote", told(0.05), fit_s=4.0), row("rose", told(0.045), fit_s=1.0)
    found = answer(block(slow, quick), "f1_macro")
    assert "take rose" in found.headline
    assert "smote gains practically the same (0.050 and 0.045) and takes 4 s" in str(found)
    poor = row("rose", told(0.03), fit_s=1.0)
    assert "take smote" in str(answer(block(slow, poor), "f1_macro"))
    outside = dataclasses.replace(quick, among_best=False)
    assert "take smote" in str(answer(block(slow, outside), "f1_macro"))


def test_probable_is_said_to_be_probable():
    found = answer(block(row("smote", PROBABLE), row("rose", WORSE)), "f1_macro")
    assert found.headline == (
        "On toy with knn: probably smote. It improves macro F1 by 0.050 over doing nothing with a "
        "probability of 0.95 (95 % interval -0.010 to +0.110). More repeats tell more: "
        "splits.n_repeats=10."
    )
    assert found.details[-1] == "Worse: rose."


def test_narrow_intervals_are_a_finding_and_wide_ones_tell_nothing():
    narrow = answer(block(row("smote", EQUAL), row("rose", WORSE)), "f1_macro")
    assert narrow.headline == (
        "On toy with knn: do nothing. No strategy improves macro F1 by more than 0.005 over doing "
        "nothing (95 % intervals)."
    )
    assert narrow.details == ("Equal: smote; worse: rose.",)
    wide = answer(block(row("smote", OPEN)), "f1_macro")
    assert wide.headline.startswith(
        "On toy with knn: too few rare rows to tell. 100 yes can show gains in macro F1 from 0.09 "
        "on; the largest is that of smote, +0.010 [-0.050, +0.070]."
    )
    many = Counts(520.0, 1000.0, 100.0, 9000.0, "yes", "no")
    rows = (row("smote", OPEN, counts=many), row("none", counts=many))
    vary = answer(Block("toy", "knn", "toy · knn", "", rows, baseline="none"), "f1_macro")
    assert vary.headline.startswith(
        "On toy with knn: nothing is told. This table can show gains in macro F1 from 0.09 on, "
        "and gains above 0.070 are ruled out; the largest is that of smote, +0.010 [-0.050, "
    )
    worse = answer(block(row("smote", WORSE)), "f1_macro")
    assert "do nothing. No strategy improves macro F1 over doing nothing." in worse.headline


def test_a_practically_empty_probable_gain_is_not_taken():
    tiny = told(0.006, half=0.007, p=0.2, chance=0.99)
    found = answer(block(row("smote", tiny)), "f1_macro")
    assert "do nothing. No strategy improves macro F1 by more than 0.013" in found.headline


@pytest.mark.parametrize(
    ("stages", "title", "rule", "words"),
    [
        (("resample",), "smote", False, "; move the threshold instead (strategy=threshold)."),
        (("resample",), "smote", True, "; move the threshold instead."),
        (("weights",), "inverse_weights", True, "; a moved threshold can do the same."),
        (("decision",), "threshold", False, "; it moves the threshold."),
    ],
)
def test_whether_it_is_only_the_threshold(stages, title, rule, words):
    profile = {"average_precision": EQUAL, "roc_auc": EQUAL, "f1_macro": told(0.05)}
    rows = [row(title, told(0.05), profile=profile, stages=stages)]
    rows += [row("cut", OPEN, stages=("decision",))] if rule else []
    details = answer(block(*rows), "f1_macro").details
    assert f"The ranking is the same: ROC AUC +0.001 [-0.003, +0.005]{words}" in details


def test_better_scores_and_spoiled_probabilities_are_said():
    profile = {
        "average_precision": told(0.04), "roc_auc": EQUAL, "f1_macro": told(0.05),
        "brier": told(-0.03), "log_loss": told(-0.1), "ece": OPEN,
    }  # fmt: skip
    details = answer(block(row("smote", told(0.05), profile=profile)), "f1_macro").details
    assert "Its ranking is better: average precision +0.040 [+0.020, +0.060]." in details
    assert "Its probabilities are worse: Brier score -0.030 [-0.050, -0.010]." in details
    mixed = {**profile, "ece": told(0.03)}
    details = answer(block(row("smote", told(0.05), profile=mixed)), "f1_macro").details
    assert any(line.startswith("Metrics of its probabilities disagree: ") for line in details)


def test_where_nothing_helps_it_is_said_who_only_moves_the_threshold():
    profile = {"average_precision": EQUAL, "roc_auc": EQUAL, "recall/yes": told(0.2)}
    moved = row("weights", WORSE, profile=profile, found=80, alarms=300)
    less = row("rose", WORSE, profile=profile, found=70, alarms=250)
    found = answer(block(moved, less), "f1_macro")
    assert found.details[0] == (
        "weights finds 80 of 100 yes instead of 52 (80 % instead of 52 %), with 200 more false "
        "alarms among 900 no, at the same ranking (ROC AUC +0.001 [-0.003, +0.005]). The same "
        "holds for rose. If more yes are worth that, move the threshold instead."
    )


def test_a_described_threshold_is_taken_and_not_moved_instead():
    profile = {"average_precision": EQUAL, "roc_auc": EQUAL, "recall/yes": told(0.2)}
    moved = row("threshold", OPEN, profile=profile, found=80, alarms=300, stages=("decision",))
    words = answer(block(moved), "f1_macro").details[0]
    assert words.endswith("If more yes are worth that, take threshold, which moves the threshold.")


def test_where_all_lie_below_the_baseline_it_is_what_to_take():
    below = told(-0.039, half=0.084, p=0.5, chance=0.3)
    base = row("threshold", stages=("decision",))
    rows = (base, row("none", below), row("rose", below))
    found = answer(Block("toy", "knn", "toy · knn", "", rows, baseline="threshold"), "f1_macro")
    assert found.headline.startswith(
        "On toy with knn: stay with threshold. No strategy is told to be better than threshold, "
        "and none has a gain: the nearest is none, -0.039 [-0.123, +0.045]. 100 yes can show "
        "gains in macro F1 from "
    )
    nothing = answer(block(row("smote", below)), "f1_macro").headline
    assert nothing.startswith("On toy with knn: do nothing. No strategy is told to be better")


def test_more_repeats_are_advised_where_they_may_tell():
    def end(*rows):
        return answer(block(*rows), "f1_macro").headline.split("]")[-1]

    unlikely = told(0.01, half=0.06, p=0.8, chance=0.6, n_repeats=3, p_told=0.02)
    likely = dataclasses.replace(unlikely, p_told=0.4)
    hopeless = row("rose", likely, stopped="hopeless after 3 repeats")
    assert end(row("smote", likely)) == ". More repeats tell more: splits.n_repeats=10."
    assert "splits.n_repeats=10" in end(row("smote", unlikely), row("rose", likely))
    for rows in ([row("smote", unlikely)], [row("smote", unlikely), hopeless]):
        assert end(*rows) == ". 10 repeats would hardly tell it: it takes more yes."
    seeds = answer(block(row("smote", unlikely), repeat_key="n_seeds"), "f1_macro").headline
    assert seeds.endswith(" 10 seeds would hardly tell it: it takes more yes.")
    assert end(row("smote", dataclasses.replace(likely, n_repeats=10))) == "."


def test_without_a_baseline_it_is_said_what_to_run():
    (alone,) = build_leaderboard([make_cell("smote", skill=3.0), make_cell("x")], OPTIONS).blocks
    assert sentence(alone, "f1_macro") == (
        "On digits with knn, smote has the best macro F1: run strategy=none too, to learn whether "
        "it helps."
    )
    (lost,) = build_leaderboard(sweep()[:2], OPTIONS, baseline="threshold").blocks
    assert sentence(lost, "f1_macro").endswith(
        "compared with nothing: baseline=threshold has no finished row here. Run "
        "strategy=threshold too, or set baseline=none."
    )
    (auto,) = build_leaderboard([make_cell("smote")], OPTIONS, baseline="auto").blocks
    assert "run strategy=none too" in sentence(auto, "f1_macro")


def test_the_baseline_alone_is_one_sentence():
    skipped = make_cell("focal", status="skipped", reason="needs a net")
    (block,) = build_leaderboard([make_cell("none"), skipped], OPTIONS).blocks
    assert sentence(block, "f1_macro").startswith("On digits with knn only none finished: run ")


def test_nothing_finished_is_one_sentence_with_the_first_reason():
    cells = [
        make_cell("none", status="failed", reason="out of memory."),
        make_cell("focal", status="skipped", reason="needs a net"),
    ]
    board = build_leaderboard(cells, OPTIONS)
    assert answers(board.blocks, "f1_macro") == [
        "On digits with knn, no strategy finished (1 skipped, 1 failed; the first: needs a net)."
    ]


def test_another_baseline_is_named():
    (block,) = build_leaderboard(sweep(), OPTIONS, baseline="threshold").blocks
    words = sentence(block, "f1_macro")
    assert "take smote. It improves macro F1 by 0.234 over threshold" in words
    (block,) = build_leaderboard([*sweep()[2:4]], OPTIONS, baseline="threshold").blocks
    assert "stay with threshold. No strategy improves macro F1 over threshold." in sentence(
        block, "f1_macro"
    )


def test_folds_without_a_common_row_are_said():
    other = make_cell("smote", skill=3.0)
    moved = tuple(dataclasses.replace(f, test_index=f.test_index + 1) for f in other.folds)
    cells = [make_cell("none"), dataclasses.replace(other, folds=moved)]
    (block,) = build_leaderboard(cells, OPTIONS).blocks
    assert sentence(block, "f1_macro") == (
        "On digits with knn: no verdict in macro F1 (no common fold). Open: smote."
    )


def test_a_metric_undefined_on_a_fold_leaves_it_out_of_the_answer():
    cells = sweep()[:2]
    first = cells[1].folds[0]
    one_class = dataclasses.replace(first, y_true=np.zeros_like(first.y_true))
    cells[1] = dataclasses.replace(cells[1], folds=(one_class, *cells[1].folds[1:]))
    (block,) = build_leaderboard(cells, MetricOptions(sort="roc_auc")).blocks
    assert "take smote. It improves ROC AUC by" in sentence(block, "roc_auc")


def test_counts_of_other_rows_are_not_compared():
    more = dataclasses.replace(row("smote", told(0.05)), counts=Counts(7.0, 10.0, 1.0, 90.0))
    assert "finds" not in str(answer(block(more), "f1_macro"))


UNTESTED = told(
    -0.06, low=math.nan, high=math.nan, p_adjusted=math.nan, p_better=math.nan,
    note="19 rare groups: no verdict below 3 repeats",
)  # fmt: skip
SAME = told(0.0, half=0.0, p_adjusted=math.nan, p_better=math.nan, note="same values")


def test_equal_predictions_beside_what_is_not_tested_are_no_verdict():
    found = answer(block(row("threshold", SAME), row("smote", UNTESTED)), "f1_macro")
    assert str(found) == (
        "On toy with knn: no verdict in macro F1 (19 rare groups: no verdict below 3 repeats). "
        "Set splits.n_repeats=3. Equal: threshold; open: smote."
    )


@pytest.mark.parametrize("first", [EQUAL, OPEN, PROBABLE, WORSE, told(0.05), SAME, UNTESTED])
@pytest.mark.parametrize("second", [None, SAME, UNTESTED])
def test_whatever_is_told_no_number_is_undefined(first, second):
    nowhere = told(math.nan, low=math.nan, high=math.nan, p_adjusted=math.nan, p_better=math.nan)
    trivial = row("threshold", second or EQUAL, stages=("decision",))
    rows = [row("smote", first, trivial=nowhere), *([trivial] if second else [])]
    assert "nan" not in str(answer(block(*rows, trivial="threshold"), "f1_macro"))


def test_no_number_in_words_is_undefined():
    nothing = told(math.nan, low=math.nan, high=math.nan, p_adjusted=math.nan, p_better=math.nan)
    assert "nan" not in str(answer(block(row("smote", nothing)), "f1_macro"))
