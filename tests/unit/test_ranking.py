from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from imbench.report.latex import to_latex
from imbench.report.markdown import to_markdown
from imbench.report.statistics.random_effects import random_effects
from imbench.report.tables import build_leaderboard
from imbench.report.texts import RANKING_HEADS, ranking_notes, ranking_texts
from imbench.results.metric_options import MetricOptions
from tests.factories import make_cell

pytestmark = pytest.mark.slow  # seconds as a whole

OPTIONS = MetricOptions()
SKILLS = {"none": 1.0, "smote": 2.5, "noise": 0.3}


def cells(datasets="abcd", changes=()):
    """Three strategies on several data sets; `changes` maps (data set, strategy) to options."""
    changes = dict(changes)
    return [
        make_cell(label, dataset=d, n=200, **changes.get((d, label), {"skill": skill}))
        for d in datasets
        for label, skill in SKILLS.items()
    ]


def ranking_of(found, options=OPTIONS, baseline="none"):
    (ranking,) = build_leaderboard(found, options, baseline=baseline).rankings
    return ranking, {s.title: s for s in ranking.standings}


def test_ranks_wins_and_gains_over_data_sets():
    ranking, of = ranking_of(cells())
    assert [s.title for s in ranking.standings] == ["smote", "none", "noise"]
    assert [s.average_rank for s in ranking.standings] == [1, 2, 3]
    assert (of["smote"].win, of["smote"].tie, of["smote"].loss) == (4, 0, 0)
    assert (of["noise"].win, of["noise"].tie, of["noise"].loss) == (0, 0, 4)
    assert of["smote"].mean_gain > 0.1 > 0 > of["noise"].mean_gain
    assert math.isnan(of["none"].mean_gain)
    assert of["smote"].posterior.better > 0.9
    # Four data sets: the smallest p of a signed-rank test is 2 / 2^4, twice that by Holm.
    assert of["smote"].p_wilcoxon == pytest.approx(0.125)
    assert of["smote"].p_holm == pytest.approx(0.25)
    assert ranking.friedman.statistic == pytest.approx(8.0)  # N (k - 1): all data sets agree
    assert of["smote"].among_best
    assert not of["noise"].among_best
    assert (ranking.n_imputed, ranking.reason) == (0, "")


def test_a_lower_metric_ranks_the_other_way():
    ranking, of = ranking_of(cells(), MetricOptions(sort="brier"))
    assert ranking.standings[0].title == "smote"
    assert of["smote"].mean_gain > 0


def test_skipped_strategies_score_like_the_baseline():
    skipped = {"status": "skipped", "reason": "needs a net"}
    ranking, of = ranking_of(cells(changes={("a", "smote"): skipped}))
    assert of["smote"].n_imputed == ranking.n_imputed == 1
    assert of["smote"].average_rank == pytest.approx((1.5 + 1 + 1 + 1) / 4)
    assert of["none"].average_rank == pytest.approx((1.5 + 2 + 2 + 2) / 4)
    assert (of["smote"].win, of["smote"].tie) == (3, 1)
    notes = " ".join(ranking_notes(ranking))
    assert "1 score imputed. A strategy that was skipped scores what none scores" in notes


def test_failed_ranks_last_and_counts_as_the_lowest_score():
    failed = {"status": "failed", "reason": "out of memory"}
    found = cells(changes={("a", "smote"): failed})
    ranking, of = ranking_of(found)
    assert of["smote"].average_rank == pytest.approx((3 + 1 + 1 + 1) / 4)
    assert of["smote"].loss == 1
    assert ranking.n_imputed == 1
    means = [
        {r.label: r.mean.get("f1_macro") for r in b.rows}
        for b in build_leaderboard(found, OPTIONS).blocks
    ]
    gains = [m["smote"] - m["none"] for m in means[1:]]
    expected = np.mean([means[0]["noise"] - means[0]["none"], *gains])
    assert of["smote"].mean_gain == pytest.approx(expected)


def test_too_few_data_sets_or_strategies_are_a_sentence():
    ranking, of = ranking_of(cells("ab"))
    assert ranking.reason == (
        "Nothing is tested across data sets: there are 2 data sets and 3 strategies run on all of "
        "them, and it takes 3 of each."
    )
    assert ranking.friedman is None
    assert math.isnan(of["smote"].average_rank)
    assert of["smote"].win == 2  # what can be shown is shown
    two = [c for c in cells() if c.label != "noise"]
    assert "4 data sets and 2 strategies" in ranking_of(two)[0].reason
    assert build_leaderboard(cells("a"), OPTIONS).rankings == ()


def test_a_strategy_that_was_not_run_everywhere_is_left_out_and_named():
    extra = make_cell("focal", dataset="a", n=200)
    ranking, of = ranking_of([*cells(), extra])
    assert "focal" not in of
    assert ranking.left_out == ("focal",)
    assert "Left out, not run on every data set: focal." in ranking_notes(ranking)


def test_without_a_baseline_there_are_ranks_but_no_gains():
    found = [dataclasses.replace(c, label="plain") if c.label == "none" else c for c in cells()]
    ranking, of = ranking_of(found)
    assert ranking.standings[0].title == "smote"
    assert of["smote"].posterior is None
    assert math.isnan(of["smote"].p_holm)
    assert ranking.standings[0].effect is None
    assert ranking_texts(ranking)[0][3:8] == ["", "", "", "", ""]


def test_models_are_ranked_apart():
    both = [*cells("abc"), *(dataclasses.replace(c, model="svm") for c in cells("abc"))]
    board = build_leaderboard(both, OPTIONS)
    assert [r.title for r in board.rankings] == ["knn", "svm"]
    assert all(len(r.datasets) == 3 for r in board.rankings)


def test_markdown_shows_the_ranking():
    text = to_markdown(build_leaderboard(cells(), OPTIONS))
    assert "## 4 data sets · knn" in text
    assert "| smote | 1.00 \\* | 4 / 0 / 0 |" in text
    assert "Nemenyi" in text


def comparisons(found, label, **options):
    """The comparisons of a strategy by data set."""
    blocks = build_leaderboard(found, OPTIONS, **options).blocks
    return [next(r.comparison for r in b.rows if r.label == label) for b in blocks]


def test_the_mean_gain_has_an_interval_from_the_errors_of_the_tables():
    found = cells()
    ranking, of = ranking_of(found)
    told = comparisons(found, "smote")
    assert all(0 < c.error < (c.high - c.low) / 2 for c in told)  # the interval is simultaneous
    assert of["smote"].effect == random_effects([c.gain for c in told], [c.error for c in told])
    assert of["smote"].effect.low > 0 > of["noise"].effect.high
    assert of["none"].effect is None
    cell = dict(zip(RANKING_HEADS, ranking_texts(ranking)[0], strict=True))
    effect = of["smote"].effect
    assert cell["mean gain"] == f"{effect.mean:+.3f} [{effect.low:+.3f}, {effect.high:+.3f}]"
    assert cell["next data set"] == f"{effect.next_low:+.3f} to {effect.next_high:+.3f}"
    assert cell["I² / tau / p"].startswith(f"{100 * effect.i2:.0f} % / {effect.tau:.3f} / ")
    notes = " ".join(ranking_notes(ranking))
    assert "Mean gain in f1_macro over none with its 95 % interval: a random-effects model" in notes


def test_a_lower_metric_gains_where_it_falls():
    _, of = ranking_of(cells(), MetricOptions(sort="brier"))
    assert of["smote"].effect.low > 0


def test_a_mean_gain_is_over_the_data_sets_where_the_strategy_was_neither_skipped_nor_failed():
    plain = comparisons(cells(), "smote")
    gains, errors = [c.gain for c in plain[1:]], [c.error for c in plain[1:]]
    skipped = {"status": "skipped", "reason": "needs a net"}
    _, of = ranking_of(cells(changes={("a", "smote"): skipped}))
    assert of["smote"].effect == random_effects(gains, errors)
    assert of["smote"].effect.n_datasets == 3
    assert of["smote"].n_imputed == 1  # its rank counts all data sets
    failed = {"status": "failed", "reason": "out of memory"}
    ranking, of = ranking_of(cells(changes={("a", "smote"): failed}))
    assert of["smote"].effect == random_effects(gains, errors)
    assert of["smote"].effect.n_datasets == 3
    _, of = ranking_of(cells("abc", changes={("a", "smote"): failed}))
    assert of["smote"].effect is None
    ranking, _ = ranking_of(cells("abc", changes={("a", "smote"): failed}))
    plain = "Plain mean gain without an interval, which takes gains with an error on 3 data sets"
    assert f"{plain}: smote." in ranking_notes(ranking)


def test_a_strategy_that_changes_nothing_gains_nothing_without_a_number_that_is_undefined():
    same = [dataclasses.replace(c, label="twin") for c in cells() if c.label == "none"]
    ranking, of = ranking_of([*cells(), *same])
    assert of["twin"].effect is None
    assert (of["twin"].mean_gain, of["twin"].tie) == (0.0, 4)
    assert "nan" not in "".join(map("".join, ranking_texts(ranking)))


def test_one_strategy_beside_the_baseline_has_an_interval_but_no_rank():
    ranking, of = ranking_of([c for c in cells() if c.label != "noise"])
    assert of["smote"].effect.low > 0
    assert ranking.friedman is None
    few, _ = ranking_of(cells("ab"))
    assert any(
        "takes gains with an error on 3 data sets: smote, noise" in n for n in ranking_notes(few)
    )


def test_probable_and_open_verdicts_are_ties():
    found = [
        make_cell(label, dataset=d, n=60, skill=skill)
        for d in "abc"
        for label, skill in {"none": 1.0, "nearly": 1.02, "noise": 0.9}.items()
    ]
    verdicts = [c.verdict for c in comparisons(found, "nearly")]
    assert not {"better", "worse"} & set(verdicts)
    _, of = ranking_of(found)
    assert (of["nearly"].win, of["nearly"].tie, of["nearly"].loss) == (0, 3, 0)


def test_gains_are_over_the_chosen_baseline():
    found = [dataclasses.replace(c, label=c.label.replace("noise", "threshold")) for c in cells()]
    ranking, of = ranking_of(found, baseline="threshold")
    assert ranking.baseline == "threshold"
    assert of["threshold"].effect is None
    assert of["none"].mean_gain > 0
    assert (of["none"].win, of["smote"].win) == (4, 4)
    assert any("over threshold" in note for note in ranking_notes(ranking))


def test_with_the_best_trivial_remedy_of_each_data_set_as_baseline_gains_are_over_it():
    def one(dataset, label, skill):
        return make_cell(label, dataset=dataset, n=200, skill=skill)

    found = [
        one(d, label, skill)
        for i, d in enumerate("abcd")
        for label, skill in {
            "none": 1.0,
            "threshold": 2.0 if i % 2 else 0.5,
            "smote": 3.0,
        }.items()
    ]
    board = build_leaderboard(found, OPTIONS, baseline="auto")
    assert {b.baseline for b in board.blocks} == {"none", "threshold"}
    (ranking,) = board.rankings
    of = {s.title: s for s in ranking.standings}
    assert ranking.baseline == "the baseline"
    assert of["smote"].win == 4
    means = [{r.label: r.mean["f1_macro"] for r in b.rows} for b in board.blocks]
    gains = [m["smote"] - max(m["none"], m["threshold"]) for m in means]
    assert of["smote"].mean_gain == pytest.approx(np.mean(gains))
    assert of["none"].mean_gain < 0  # 0 where it is the baseline itself


def test_a_baseline_that_failed_on_one_data_set_scores_the_lowest_there():
    failed = {"status": "failed", "reason": "out of memory"}
    ranking, of = ranking_of(cells(changes={("a", "none"): failed}))
    assert ranking.baseline == "none"
    assert of["none"].average_rank == pytest.approx((3 + 2 + 2 + 2) / 4)
    assert of["smote"].mean_gain > 0
    assert of["smote"].effect.n_datasets == 3


def test_latex_shows_the_ranking_in_ascii():
    board = build_leaderboard(cells(), OPTIONS)
    text = to_latex(dataclasses.replace(board, blocks=()))
    assert text.isascii()
    assert r"I$^2$ / tau / p" in text
    assert text.count(r"\\") == 1 + len(SKILLS)
