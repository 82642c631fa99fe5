from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from imbench.report.markdown import to_markdown
from imbench.report.tables import build_leaderboard
from imbench.report.texts import ranking_notes, ranking_texts
from imbench.results.metric_options import MetricOptions
from tests.factories import make_cell

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


def ranking_of(found, options=OPTIONS):
    (ranking,) = build_leaderboard(found, options).rankings
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
    assert ranking_texts(ranking)[0][3:6] == ["", "", ""]


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
