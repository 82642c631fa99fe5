"""Strategies compared with decision rules on the same folds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from imbench.report.crossing import crossing_sentence
from imbench.report.tables import build_leaderboard
from imbench.results.metric_options import metric_options
from tests.factories import make_cell

CUT = 0.85  # of the scores of the rare class; at 0.5 too many rows are predicted as rare


def at_half(label, skill, cut=0.5):
    """A cell whose scores are distorted, with labels by a threshold."""
    cell = make_cell(label, skill=skill, n=200)
    folds = []
    for fold in cell.folds:
        rare = fold.y_score[:, 1] ** 0.25
        score = np.column_stack([1 - rare, rare])
        y_pred = (rare > cut).astype(np.int64)
        folds.append(dataclasses.replace(fold, y_score=score, y_pred=y_pred))
    stages = ("resample", "decision") if "+" in label else ()
    stages = ("decision",) if label == "threshold" else stages
    return dataclasses.replace(cell, folds=tuple(folds), stages=stages)


def cells():
    """Two strategies: `smote` moves the threshold and no more, `clever` finds better scores."""
    return [
        at_half("none", 1.0),
        at_half("threshold", 1.0, CUT),
        at_half("smote", 1.0, 0.8),
        at_half("smote+threshold", 1.0, CUT + 0.001),
        at_half("clever", 2.5),
        at_half("clever+threshold", 2.5, CUT),
        at_half("alone", 1.0),
        make_cell("broken", status="failed", reason="out of memory"),
        at_half("broken+threshold", 1.0),
    ]


def block_of(found, **options):
    return build_leaderboard(found, metric_options(options)).blocks[0]


def test_what_a_strategy_gains_beyond_the_rule_is_the_gain_between_the_two_ruled_cells():
    block = block_of(cells())
    means = {row.title: row.mean["f1_macro"] for row in block.rows if row.status == "ok"}
    found = {c.strategy: c for c in block.crossings}
    assert set(found) == {"smote", "clever"}
    for name, crossed in found.items():
        assert crossed.as_is.gain == pytest.approx(means[name] - means["none"])
        assert crossed.rule_alone.gain == pytest.approx(means["threshold"] - means["none"])
        ruled = means[f"{name}+threshold"] - means["threshold"]
        assert crossed.beyond.gain == pytest.approx(ruled)
        assert crossed.beyond.baseline == "threshold"
        assert crossed.beyond.low < crossed.beyond.gain < crossed.beyond.high


def test_a_gain_that_is_only_a_moved_threshold_is_said_to_be_one():
    smote, clever = sorted(block_of(cells()).crossings, key=lambda c: c.beyond.gain)
    assert smote.as_is.verdict == clever.as_is.verdict == "better"
    assert (smote.beyond.verdict, clever.beyond.verdict) == ("equal", "better")
    words = crossing_sentence(smote)
    assert words.startswith(
        f"smote: {smote.as_is.gain:+.3f} f1_macro over doing nothing, threshold"
    )
    assert words.endswith("] (equal).")
    assert crossing_sentence(clever).endswith("] (better).")


def test_gains_are_positive_if_lower_is_better():
    (crossed,) = [c for c in block_of(cells(), sort="brier").crossings if c.strategy == "clever"]
    rows = {row.title: row.mean["brier"] for row in block_of(cells()).rows if row.status == "ok"}
    gain = rows["threshold"] - rows["clever+threshold"]
    assert crossed.beyond.gain == pytest.approx(gain)
    assert gain > 0


def test_there_are_no_crossings_without_the_baseline_or_the_rule_alone():
    found = cells()
    assert block_of(found[1:]).crossings == ()
    assert block_of([cell for cell in found if cell.label != "threshold"]).crossings == ()
