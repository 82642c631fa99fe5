"""What an answer advises to run next: only what the command takes."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from imbench.config.catalogue import conf_dir
from imbench.report.advice import repeat_key
from imbench.report.tables import build_leaderboard
from imbench.report.words import sentence
from imbench.results.metric_options import MetricOptions
from imbench.results.run_ids import without_repeats
from tests.factories import make_cell, make_fold

OPTIONS = MetricOptions()
SPLITS = {
    "kfold": "n_repeats", "group": "n_repeats", "official": "n_seeds", "time": "", "group_time": "",
}  # fmt: skip


def node_of(splits):
    return yaml.safe_load((conf_dir() / "splits" / f"{splits}.yaml").read_text(encoding="utf-8"))


def stored(splits):
    """The configuration of a cell as it is stored: without numbers of repeats."""
    return {"splits": without_repeats(node_of(splits))}


def cell(label, config, places, skill=1.5, n=60):
    """A cell with paired folds at some places (repeat, fold)."""
    folds = [
        make_fold(10 * r + f, repeat=r, fold=f, skill=skill, label=label, run_id=label, n=n)
        for r, f in places
    ]
    made = make_cell(label, n_folds=len(folds), config=config)
    return dataclasses.replace(made, run_id=label, folds=tuple(folds))


FOLDS = tuple((0, f) for f in range(5))
SHUFFLES, SEEDS = ((0, 0), (1, 0)), ((0, 0), (1, 1))


def answer_of(config, places=FOLDS, n=60, skill=1.6, **changes):
    """The answer on a strategy whose gain is open, or not judged on few rows."""
    cells = [cell("none", config, places, n=n), cell("smote", config, places, skill=skill, n=n)]
    cells = [dataclasses.replace(cell, **changes) for cell in cells]
    (block,) = build_leaderboard(cells, OPTIONS).blocks
    return sentence(block, "f1_macro")


def few_rows(config, places=FOLDS, **changes):
    return answer_of(config, places, n=8, skill=4.0, **changes)


@pytest.mark.parametrize("splits", SPLITS)
def test_every_splitter_is_advised_what_it_has(splits):
    config, key = stored(splits), SPLITS[splits]
    assert repeat_key([cell("none", config, [(0, 0)])]) == key
    taken = {"n_repeats", "n_seeds"} & node_of(splits).keys()  # another one is refused
    assert taken == ({key} if key else set())
    few, open_ = few_rows(config), answer_of(config)
    assert "no verdict in macro F1" in few
    assert "too few rare rows to tell" in open_
    if key:
        assert f"no verdict below 3 repeats). Set splits.{key}=3." in few
        assert f"tell more: splits.{key}=10." in open_
    else:
        assert "splits." not in few + open_
        assert "rare rows: too few for a verdict)" in few
        no_repeats = "This split has no repeats: more rows of c1, or a longer test period, would"
        assert no_repeats in few
        assert no_repeats in open_


def test_seeds_and_shuffles_of_a_hold_out_exclude_each_other():
    config = stored("holdout")
    seeds = answer_of(config, SEEDS, n=120)
    shuffles = answer_of(config, SHUFFLES, skill=1.8)
    assert "More seeds tell more: splits.n_seeds=10." in seeds
    assert "More repeats tell more: splits.n_repeats=10." in shuffles
    assert repeat_key([cell("none", config, SEEDS)]) == "n_seeds"
    assert repeat_key([cell("none", config, SHUFFLES)]) == "n_repeats"


@pytest.mark.parametrize(
    ("node", "key"),
    [
        (
            {"_target_": "imbench.splits.RepeatedKFold", "n_splits": 5},
            "n_repeats",
        ),  # of old results
        ({"_target_": "mine.RepeatedKFold", "n_splits": 5}, ""),
        ({"_target_": "mine.Splits", "n_repeats": 3}, "n_repeats"),
    ],
)
def test_splitters_of_others_are_advised_what_they_take(node, key):
    assert repeat_key([cell("none", {"splits": node}, [(0, 0)])]) == key


def test_a_spent_budget_goes_on_by_the_same_command():
    config = stored("kfold")
    for words in (few_rows(config, stopped="budget"), answer_of(config, stopped="budget")):
        assert "The budget has ended: the same command with a larger one tells more." in words
        assert "splits." not in words
