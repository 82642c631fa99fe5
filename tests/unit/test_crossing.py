"""Strategies compared with decision rules on the same folds."""

import numpy as np
import pytest

from imbench.report.board import FoldRow, Row
from imbench.report.crossing import crossing_sentence, crossings
from imbench.report.statistics import corrected_t_test, holm

NOISE = np.random.default_rng(0).normal(scale=0.01, size=(8, 10))


def make_row(title, values, status="ok"):
    folds = tuple(FoldRow(0, i, 80, 20, 1.0, 0.1, {"f1": v}) for i, v in enumerate(values))
    stages = ("decision",) if title == "threshold" else ()
    stages = ("resample", "decision") if title.endswith("+threshold") else stages
    return Row("id", "data", "model", title, title, stages, status, "", {"f1": 0.0}, {}, 1.0, folds)


def board():
    """Two strategies: `smote` moves the threshold and no more, `clever` does both."""
    base = 0.6 + NOISE[0]
    return [
        make_row("none", base),
        make_row("threshold", base + 0.1 + NOISE[1] / 10),
        make_row("smote", base + 0.09 + NOISE[2] / 10),
        make_row("smote+threshold", base + 0.1 + NOISE[3] / 10),
        make_row("clever", base + 0.15 + NOISE[4] / 10),
        make_row("clever+threshold", base + 0.2 + NOISE[5] / 10),
        make_row("alone", base + 0.1),
        make_row("broken", base, status="failed"),
        make_row("broken+threshold", base),
    ]


def test_what_a_strategy_gains_beyond_the_rule_is_tested_between_the_two_ruled_cells():
    rows = {row.title: row for row in board()}
    found = {c.strategy: c for c in crossings([*rows.values()], "f1", True)}
    assert set(found) == {"smote", "clever"}

    def gains(title, against):
        pairs = zip(rows[title].folds, rows[against].folds, strict=True)
        return [a.metrics["f1"] - b.metrics["f1"] for a, b in pairs]

    for name, crossed in found.items():
        assert crossed.as_is == corrected_t_test(gains(name, "none"), 0.25)
        assert crossed.rule_alone == corrected_t_test(gains("threshold", "none"), 0.25)
        assert crossed.beyond == corrected_t_test(gains(f"{name}+threshold", "threshold"), 0.25)
    adjusted = holm([c.beyond.p_value for c in found.values()])
    np.testing.assert_allclose([c.p_holm for c in found.values()], adjusted)


def test_a_gain_that_is_only_a_moved_threshold_is_said_to_be_one():
    smote, clever = crossings(board(), "f1", True)
    assert crossing_sentence(smote).startswith(
        "smote: +0.090 f1 over doing nothing, threshold alone +0.100; with threshold on both it "
        "gains +0.00"
    )
    assert crossing_sentence(smote).endswith("], which cannot be told from nothing.")
    assert crossing_sentence(clever).endswith("].")
    assert "it gains +0.10" in crossing_sentence(clever)


def test_gains_are_positive_if_lower_is_better():
    up, down = crossings(board(), "f1", True), crossings(board(), "f1", False)
    assert [c.beyond.mean for c in up] == pytest.approx([-c.beyond.mean for c in down])


def test_there_are_no_crossings_without_the_baseline_or_the_rule_alone():
    rows = board()
    assert crossings(rows[1:], "f1", True) == ()
    assert crossings([row for row in rows if row.title != "threshold"], "f1", True) == ()
