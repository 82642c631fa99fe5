"""The published leaderboards: pages, numbers, the order of the race and the guide from them."""

from __future__ import annotations

import doctest
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from imbench.api.recommend import CANDIDATES, CONTROLS, PUBLISHED, candidates
from imbench.report.tables import build_leaderboard
from imbench.results.metric_options import MetricOptions
from tests.conftest import ROOT
from tests.factories import make_cell

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(ROOT / "scripts"))
    import leaderboards
    import published
    import race_order
    import when_which

DATASETS = ("one", "two", "three", "four", "five")
SKILL = {"none": 0.5, "threshold": 0.9, "smote": 2.5, "random_under": 0.2}


@pytest.fixture(scope="module")
def cells():
    made = [
        make_cell(name, dataset=dataset, skill=skill + 0.05 * i, n=100 + 10 * i)
        for i, dataset in enumerate(DATASETS)
        for name, skill in SKILL.items()
    ]
    skipped = [make_cell("gan", dataset=d, status="skipped", reason="no.") for d in DATASETS]
    return [*made, *skipped]


@pytest.fixture(scope="module")
def board(cells):
    return build_leaderboard(cells, MetricOptions(columns=("f1_macro",), sort="f1_macro"))


@pytest.fixture(scope="module")
def lines(board):
    return {line.title: line for line in leaderboards.lines_of(board.rankings[0], board)}


@pytest.mark.parametrize("module", [leaderboards, race_order, when_which])
def test_the_examples_hold(module):
    found = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert (found.failed, found.attempted > 0) == (0, True)


def test_a_line_has_the_rank_the_gain_and_what_it_costs(lines):
    assert lines["smote"].rank == 1.0
    assert lines["smote"].effect.low > 0 > lines["random_under"].effect.high
    assert (lines["smote"].seconds, lines["smote"].times) == (0.5, 1.0)
    assert "gan" not in lines  # it never ran


def test_beyond_the_best_trivial_remedy_is_less_than_beyond_nothing(board, lines):
    assert {block.trivial for block in board.blocks} == {"threshold"}
    smote = lines["smote"]
    gap = smote.effect.mean - smote.beyond.mean
    assert 0 < gap == pytest.approx(lines["threshold"].effect.mean, abs=0.02)
    assert lines["threshold"].beyond is None  # it is that remedy everywhere


def test_where_nothing_is_the_best_trivial_remedy_gains_beyond_it_are_gains_over_nothing(board):
    blocks = [replace(block, trivial=block.baseline) for block in board.blocks]
    rows = [next(row for row in block.rows if row.title == "smote") for block in blocks]
    effect = leaderboards.beyond_trivial(rows, blocks)
    assert effect.n_datasets == len(DATASETS)
    assert effect.mean == pytest.approx(
        leaderboards.lines_of(board.rankings[0], board)[0].effect.mean
    )


def test_the_summary_names_what_gains_and_what_is_left(lines):
    text = leaderboards.summary(list(lines.values()), "f1_macro")
    assert text.startswith("Of 3 strategies, 2 gain in f1_macro on average over the data sets")
    assert "and 1 lose; the most: smote" in text
    assert "1 gain beyond the best trivial remedy of each data set (smote)" in text


def test_page_numbers_and_figures_are_written(cells, tmp_path, monkeypatch):
    monkeypatch.setattr(leaderboards, "read", lambda folders: cells)
    words = ["some", "--tables", str(tmp_path), "--images", str(tmp_path)]
    leaderboards.main([*words, "--metrics", "f1_macro", "brier"])
    page = (tmp_path / "some.md").read_text()
    assert "bash scripts/reproduce.sh some\npython scripts/leaderboards.py some" in page
    assert page.count("### knn, 5 data sets") == 2
    assert (tmp_path / "some-brier.png").stat().st_size > 5_000
    numbers = published.numbers(["some"], tmp_path)
    assert len(numbers) == 2 * len(DATASETS) * (len(SKILL) + 1)
    assert set(numbers.loc[numbers["strategy"] == "gan", "status"]) == {"skipped"}


def test_no_results_is_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match="no results in"):
        leaderboards.main(["some", "--runs", str(tmp_path / "runs")])


def test_of_a_block_on_two_pages_the_first_counts(tmp_path):
    cell = {"metric": "brier", "dataset": "one", "model": "knn", "tuned": False}
    pd.DataFrame([cell | {"strategy": "none", "value": 1.0}]).to_csv(tmp_path / "a.csv")
    other = [cell | {"strategy": name, "value": 2.0} for name in ("none", "smote")]
    further = cell | {"dataset": "two", "strategy": "none", "value": 2.0}
    pd.DataFrame([*other, further]).to_csv(tmp_path / "b.csv")
    found = published.numbers(["a", "b"], tmp_path)
    assert found[["dataset", "strategy", "value"]].to_numpy().tolist() == [
        ["one", "none", 1.0],
        ["two", "none", 2.0],
    ]


def test_ranks_run_from_best_to_worst_and_a_skipped_strategy_does_nothing():
    lines = pd.DataFrame(
        {
            "status": ["ok", "ok", "ok", "skipped", "failed"],
            "value": [0.7, 0.8, 0.6, np.nan, np.nan],
        },
        index=["none", "smote", "random_over", "smotenc", "random_under"],
    )
    found = race_order.places(lines, "f1_macro").round(2).to_dict()
    assert found == {"smote": 0, "smotenc": 0.33, "random_over": 0.67, "random_under": 1}
    found = race_order.places(lines, "brier").round(2).to_dict()
    assert found == {"random_over": 0, "smotenc": 0.33, "smote": 0.67, "random_under": 1}


def test_the_shipped_order_and_the_guide_are_those_of_the_tables():
    assert json.loads(PUBLISHED.read_text()) == race_order.order()
    assert when_which.TARGET.read_text() == when_which.page(published.numbers())


def test_the_figures_of_the_front_page_are_those_of_the_published_pages():
    text = (ROOT / "README.md").read_text()
    part = text.partition("## What the published results say")[2].partition("\n## ")[0]
    guide = when_which.TARGET.read_text()
    gains = re.findall(r"(\d\.\d{3}) \[(\d\.\d{3}), (\d\.\d{3})\]", part)
    assert len(gains) == 3
    for gain in gains:
        assert "+{} \\[+{}, +{}\\]".format(*gain) in guide
    (n_datasets, epochs) = re.findall(r"On (\d+) data sets|it is (\S+ after one epoch)", part)
    assert f": {n_datasets[0]} data sets" in guide
    table = (ROOT / "results" / "tables" / "tutorial_mnist.md").read_text()
    assert f"+{epochs[1].split()[0]} after 1 to +0.1 after 40 at 9:1" in table
    assert part.count("0.1 after 40") == 1


def test_every_candidate_has_its_place_in_the_published_tables():
    orders = json.loads(PUBLISHED.read_text())["orders"]
    assert all(set(order) == set(CANDIDATES) for order in orders.values())


def test_a_goal_starts_in_its_order_and_a_metric_without_one_in_that_of_the_module():
    orders = json.loads(PUBLISHED.read_text())["orders"]
    assert candidates("brier") == orders["brier"]
    assert candidates("expected_cost") == orders["f1_macro"]
    assert not set(candidates("brier")) & set(CONTROLS)
    assert candidates("kappa") == list(CANDIDATES)


def test_the_guide_takes_gains_over_data_sets(cells, board):
    numbers = leaderboards.frame(board, "f1_macro")
    found = {entry.remedy: entry for entry in when_which.entries(numbers, "f1_macro")}
    assert set(found) == {"threshold", "smote", "random_under"}
    lines = {line.title: line for line in leaderboards.lines_of(board.rankings[0], board)}
    assert found["smote"].effect.mean == pytest.approx(lines["smote"].effect.mean)
    assert found["smote"].beyond == lines["smote"].beyond
    assert (numbers.query("strategy == 'threshold'")["gain_beyond_trivial"] == 0).all()
    text = when_which.words("knn", list(found.values()), "f1_macro")
    assert text.startswith("- **knn**: try smote first")
    assert text.endswith("On average random_under loses.")


def test_the_guide_says_that_nothing_gains():
    numbers = pd.DataFrame(
        {
            "metric": "brier", "dataset": name, "model": "knn", "tuned": False,
            "strategy": strategy, "status": "ok", "value": 0.1, "gain": gain, "error": 0.01,
            "verdict": "open",
            "trivial": "none", "gain_beyond_trivial": np.nan, "error_beyond_trivial": np.nan,
            "fit_s": 1.0,
        }
        for name, sign in zip(DATASETS, (1, -1, 1, -1, 0), strict=True)
        for strategy, gain in (("none", np.nan), ("smote", sign * 0.02))
    )  # fmt: skip
    text = when_which.words("knn", when_which.entries(numbers, "brier"), "brier")
    assert text.startswith(
        "- **knn**: no remedy gains on average; the largest mean is that of smote"
    )
