"""The check of the verdict passes the verdict and fails wrong ones."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from imbench.report import comparisons
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def check(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("verdict_check")


@pytest.fixture
def simulated(check):
    return importlib.import_module("verdict_tables")


def test_smoke_holds(check, capsys):
    assert check.smoke(n_tables=20)
    assert "of 20" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["plain t-test, no adjustment", "corrected t-test, no adjustment"])
def test_a_verdict_that_lacks_a_rule_fails_the_smoke(check, simulated, name):
    with simulated.judged_by(compare=simulated.RIVALS[name].compare):
        assert not check.smoke(n_tables=2)


def test_a_group_that_counts_only_the_pairs_of_the_best_fails_the_smoke(check, simulated):
    with simulated.judged_by(among_best=simulated.best_pairs_alone):
        assert not check.smoke(n_tables=2, n_exact=1000)


def test_tables_are_paired_null_and_of_the_wanted_size(simulated):
    condition = simulated.Condition("tree", simulated.other_seeds(simulated.tree), n_repeats=2)
    cells = condition.make(condition, 3)
    assert [c.label for c in cells] == simulated.labels_of(condition)
    assert len(cells) == 9
    for cell in cells:
        assert len(cell.folds) == 10
        first = np.concatenate([f.test_index for f in cell.folds if f.repeat == 0])
        assert sorted(first) == list(range(1000))
        assert sum(f.y_true.sum() for f in cell.folds) == 2 * 50
        for f, g in zip(cell.folds, cells[0].folds, strict=True):
            np.testing.assert_array_equal(f.test_index, g.test_index)
    assert not np.array_equal(cells[1].folds[0].y_score, cells[0].folds[0].y_score)


def test_a_planted_gain_is_a_gain_of_the_first_strategy_alone(simulated):
    condition = simulated.CONDITIONS[0]
    cells = condition.make(condition, 1)
    planted = simulated.plant(cells, 1.0, 0)
    assert planted[0] is cells[0]
    assert planted[2:] == cells[2:]
    for before, after in zip(cells[1].folds, planted[1].folds, strict=True):
        assert (after.y_pred[after.y_true == 1] == 1).all()
        np.testing.assert_array_equal(
            before.y_pred[before.y_true == 0], after.y_pred[after.y_true == 0]
        )
        np.testing.assert_allclose(after.y_score.sum(axis=1), 1.0)
    _, _, found, gain = simulated.judge(planted, "recall/rare")
    assert found
    assert gain > 0.2


def test_permuted_tables_hold_the_predictions_of_each_setting_once_a_fold(simulated):
    condition = simulated.Condition("permuted", simulated.permuted)
    cells = condition.make(condition, 2)
    for fold in range(5):
        scores = {c.folds[fold].y_pred.tobytes() + c.folds[fold].y_score.tobytes() for c in cells}
        assert len(scores) == 9


def test_replacing_the_verdict_ends_with_the_context(simulated):
    before = comparisons.compare
    with simulated.judged_by(compare=None):
        assert comparisons.compare is None
    assert comparisons.compare is before


def test_a_rate_is_shown_with_its_exact_interval(check):
    # Clopper and Pearson for 0 of 200: 1 - 0.025^(1/200).
    assert check.rate_text(0, 200) == f"0 of 200, 0.0 % [0.0, {100 * (1 - 0.025 ** (1 / 200)):.1f}]"
    assert check.too_many(11, 200)
    assert not check.too_many(10, 200)
