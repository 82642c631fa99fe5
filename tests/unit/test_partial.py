"""Unfinished cells beside finished ones: what is compared, where they stand, and what is said."""

from __future__ import annotations

import dataclasses

import pytest

from imbench.report.partial import are_partial, comparable
from imbench.report.tables import build_leaderboard
from imbench.report.words import sentence
from imbench.results.metric_options import MetricOptions
from tests.factories import make_cell, make_fold

OPTIONS = MetricOptions()


def cell(label, places, n_folds=5, **changes):
    """A cell with folds at some places (repeat, fold), paired with those of other cells."""
    found = make_cell(label, n_folds=n_folds)
    skill = changes.pop("skill", 1.5)
    folds = [
        make_fold(10 * r + f, label=label, repeat=r, fold=f, skill=skill, run_id=found.run_id)
        for r, f in places
    ]
    return dataclasses.replace(found, folds=tuple(folds), **changes)


def whole(n_repeats=1):
    return [(r, f) for r in range(n_repeats) for f in range(5)]


def block_of(*cells):
    (block,) = build_leaderboard(cells, OPTIONS).blocks
    return block


def test_a_part_of_the_only_repeat_is_shown_last_and_compared_with_nothing():
    cells = [
        cell("none", whole(), stopped="budget"),
        cell("smote", whole()[:2], skill=4.0, stopped="budget"),
        cell("rose", [], stopped="budget"),
    ]
    block = block_of(*cells)
    assert [row.title for row in block.rows] == ["none", "smote", "rose"]  # smote has the best mean
    smote = block.rows[1]
    assert smote.mean["f1_macro"] > block.rows[0].mean["f1_macro"]
    assert (smote.comparison, smote.profile, smote.among_best) == (None, {}, False)
    assert smote.reason == (
        "2 of 5 folds: run the command again to go on; until then it is not compared"
    )
    assert sentence(block, "f1_macro") == (
        "On digits with knn nothing can be compared yet: the budget ended before smote and rose. "
        "Run the same command with a larger budget to go on."
    )


def test_what_is_complete_is_compared_as_if_the_rest_were_not_there():
    cells = [cell("none", whole()), cell("smote", whole(), skill=4.0)]
    alone = block_of(*cells)
    beside = block_of(*cells, cell("rose", whole()[:2], skill=5.0))
    assert str(beside.rows[0].comparison) == str(alone.rows[0].comparison)  # NaN is in it
    assert beside.caption.endswith(alone.caption.split("per fold.")[1])
    assert sentence(beside, "f1_macro") == f"{sentence(alone, 'f1_macro')} Not complete: rose."


def test_a_baseline_in_part_is_waited_for():
    block = block_of(cell("none", whole()[:3]), cell("smote", whole()))
    assert sentence(block, "f1_macro") == (
        "On digits with knn nothing can be compared yet: the run ended before none. "
        "Run the same command again to go on."
    )


def test_numbers_of_a_row_are_of_whole_repeats():
    part = [*whole(), (1, 0), (1, 1)]
    cells = [cell("none", whole(2), 10), cell("smote", part, 10, skill=4.0)]
    shown, once = block_of(*cells), block_of(cells[0], cell("smote", whole(), skill=4.0))
    smote, same = shown.rows[0], once.rows[0]
    assert len(smote.folds) == smote.comparison.n_folds == 5
    assert (smote.mean, smote.counts) == (same.mean, same.counts)
    assert smote.comparison.gain == same.comparison.gain
    assert smote.reason == (
        "7 of 10 folds: run the command again to go on; the 5 of whole repeats are shown"
    )


@pytest.mark.parametrize(
    ("places", "n_kept", "partial"),
    [
        ([whole(), whole()[:2]], [5, 2], [False, True]),
        ([whole()[:3], whole()[1:]], [3, 4], [False, False]),  # neither is whole
        ([whole()[:2], []], [2, 0], [False, False]),
        ([[(0, 0), (1, 0), (2, 0)], [(0, 0)]], [3, 1], [False, False]),  # hold-outs
        ([[(0, 0), (1, 0)], [(0, 0), (1, 1)]], [2, 2], [False, False]),  # shuffles, and seeds
    ],
)
def test_what_is_kept(places, n_kept, partial):
    kept = comparable([cell(f"s{i}", some) for i, some in enumerate(places)])
    assert [len(c.folds) for c in kept] == n_kept
    assert are_partial(kept) == partial
    assert [len(c.folds) for c in comparable(kept)] == n_kept
