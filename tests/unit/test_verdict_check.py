"""The check of the verdict passes the verdict and fails wrong ones."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest

from imbench.report.statistics import joint
from imbench.results.fold import CellKey
from imbench.results.store import Store
from tests.conftest import ROOT
from tests.factories import make_fold


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module


@pytest.mark.slow
def test_smoke_holds(module, capsys):
    assert module("verdict_check").smoke(n_tables=4)
    assert "0 of 4" in capsys.readouterr().out


@pytest.mark.slow
def test_a_verdict_that_takes_errors_for_half_as_large_fails_the_smoke(module, monkeypatch, capsys):
    monkeypatch.setattr(joint, "CAUTION", 0.1)
    assert not module("verdict_check").smoke(n_tables=6)
    assert "false 'better'" in capsys.readouterr().out


def test_tables_are_paired_null_and_of_the_wanted_size(module):
    tables = module("verdict_tables")
    condition = tables.Condition("tree", tables.TREES, n_repeats=2, n_strategies=2)
    table = condition.make(condition, 3)
    assert len(table) == 3
    for folds in table:
        assert len(folds) == 10
        first = np.concatenate([f.test_index for f in folds if f.repeat == 0])
        assert sorted(first) == list(range(1000))
        assert sum(f.y_true.sum() for f in folds) == 2 * 50
        for f, g in zip(folds, table[0], strict=True):
            np.testing.assert_array_equal(f.test_index, g.test_index)
    assert not np.array_equal(table[1][0].y_score, table[0][0].y_score)


@pytest.mark.slow
def test_every_condition_makes_its_table(module):
    tables = module("verdict_tables")
    for condition in tables.CONDITIONS:
        small = replace(condition, n_strategies=2, n_repeats=min(condition.n_repeats, 2))
        table = small.make(small, 1)
        assert len(table) == 3
        fold = table[0][0]
        assert len(fold.class_names) == condition.n_classes
        assert bool(len(fold.test_group)) == (condition.rows_in_group > 1)
        assert bool(len(fold.test_weight)) == condition.weighted
        if condition.n_splits == 1:
            assert {len(folds) for folds in table} == {small.n_repeats}
            for f in table[1]:
                np.testing.assert_array_equal(f.test_index, fold.test_index)
        if condition.rows_in_group > 1:
            train = set(range(condition.n_rows // condition.rows_in_group)) - set(fold.test_group)
            assert len(train) * condition.rows_in_group == fold.n_train


def test_permuted_tables_hold_each_setting_once(module):
    tables = module("verdict_tables")
    settings = tables.Condition("permuted", tables.permuted)
    folds = [own[2] for own in settings.make(settings, 2)]
    assert len({f.y_pred.tobytes() + f.y_score.tobytes() for f in folds}) == 9
    rows = tables.Condition("rows", tables.permuted_rows, n_splits=1)
    scores = np.stack([own[0].y_score[:, 1] for own in rows.make(rows, 2)])
    assert len({tuple(sorted(column)) for column in scores.T}) > 400
    assert len({own.tobytes() for own in scores}) == 9


def test_a_planted_gain_is_a_gain_of_the_first_strategy_alone(module):
    tables, judges = module("verdict_tables"), module("verdict_judges")
    condition = tables.CONDITIONS[0]
    table = condition.make(condition, 1)
    planted = tables.plant(table, 1.0, 0)
    assert planted[0] is table[0]
    assert planted[2:] == table[2:]
    for before, after in zip(table[1], planted[1], strict=True):
        assert (after.y_pred[after.y_true == 1] == 1).all()
        common = before.y_true == 0
        np.testing.assert_array_equal(before.y_pred[common], after.y_pred[common])
        np.testing.assert_allclose(after.y_score.sum(axis=1), 1.0)
    told = judges.told_of(judges.evidence_of(planted, judges.values_of(planted), "recall_rare"))
    assert told[0].verdict == "better"
    assert told[0].gain > 0.2


def test_looks_stop_strategies_that_were_told(module):
    tables, judges = module("verdict_tables"), module("verdict_judges")
    condition = replace(tables.CONDITIONS[2], n_strategies=3)
    table = tables.plant(condition.make(condition, 1), 1.0, 0)
    told = judges.after_looks(table, judges.values_of(table), "recall_rare")
    assert told[0].verdict == "better"
    assert told[0].n_repeats < 10
    assert {c.n_repeats for c in told[1:]} <= {1, 3, 10}


def test_the_old_test_is_that_of_its_definition(module):
    from scipy import stats

    judges = module("verdict_judges")
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 5)) * 0.02 + np.array([[0.5], [0.7], [0.5]])
    parts = [joint.TestPart(0, np.arange(1), column, np.zeros((3, 1))) for column in values.T]
    found = judges.old_better(joint.Evidence(tuple(parts), 3, 1, 1), 0.25)
    d = values[1:] - values[0]
    t = d.mean(axis=1) / np.sqrt((1 / 5 + 0.25) * d.var(axis=1, ddof=1))
    p = 2 * stats.t.sf(abs(t), 4)
    assert found == [p[0] * 2 < 0.05, False]
    assert found[0]
    few = joint.Evidence(tuple(parts[:4]), 3, 1, 1)
    assert judges.old_better(few, 0.25) == [False, False]


def test_a_rate_is_shown_with_its_exact_interval_and_fails_above_it(module):
    rates = module("verdict_rates")
    # Clopper and Pearson for 0 of 200: 1 - 0.025^(1/200).
    limit = 100 * (1 - 0.025 ** (1 / 200))
    assert rates.rate_text(0, 200) == f"0 of 200, 0.0 % [0.0, {limit:.1f}]"
    assert rates.rate_text(0, 0) == "-"
    assert not rates.too_many(10, 200)
    assert not rates.too_many(16, 200)
    assert rates.too_many(18, 200)


def test_wrong_calls_on_populations_are_counted_and_fail(module):
    rates, populations = module("verdict_rates"), module("verdict_populations")

    def call(verdict, truth, strategy="smote", metric="f1_macro"):
        return populations.Call("p", "tree", strategy, metric, 1, verdict, True, truth, truth > 0)

    calls = [call("better", 0.1), call("better", -0.1), call("worse", -0.1), call("open", 0.1),
             call("probably better", 0.1), call("equal", 0.005),
             call("equal", 0.0, "threshold", "roc_auc")]  # fmt: skip
    lines, reasons = rates.population_lines(calls)
    everything = lines[0]
    assert everything[:3] == ["5 x 1", "all", "6"]
    assert everything[3:] == ["50.0 %", "1 / 1", "1 / 0", "100.0 %", "4 / 2", "66.7 %"]
    assert not reasons  # one of six may be chance
    _, reasons = rates.population_lines(calls * 10)
    assert len(reasons) == 1
    new, old = rates.target_lines(calls)[:2]
    assert new[2] == "2"
    assert new[3].startswith("1 of 2")
    assert old[2] == "6"


def test_power_below_the_reach_fails(module):
    rates, judges, tables = (module(f"verdict_{n}") for n in ("rates", "judges", "tables"))
    gain = np.linspace(0.02, 0.2, len(tables.PLANTED))
    looks = [judges.Look({}, np.stack([gain, gain > 0.1, gain > 0.1, 0 * gain], axis=1))]
    _, curves, reasons = rates.power_lines({tables.CONDITIONS[1]: looks})
    assert len(reasons) == 1
    assert "0.08" in reasons[0]
    assert rates.told_at(next(iter(curves.values())), 0.2) == 1
    assert len(rates.at_gains(curves)) == 2


def test_a_population_is_judged_with_its_rest_as_the_truth(module, tmp_path, monkeypatch):
    populations = module("verdict_populations")
    rng = np.random.default_rng(0)
    y = (rng.random(6000) < 0.1).astype(int)
    x = rng.normal(size=6000) + 2 * y
    (tmp_path / "csv").mkdir()
    lines = [f"{a:.4f},{b:.4f},{'Yes' if c else 'No'}"
             for a, b, c in zip(x, rng.normal(size=6000), y, strict=True)]  # fmt: skip
    path = tmp_path / "csv" / "telco-customer-churn.csv"
    path.write_text("\n".join(["a,b,Churn", *lines]))
    assert populations.available(tmp_path) == ["telco_churn"]
    first = dict(list(populations.models().items())[:1])
    monkeypatch.setattr(populations, "models", lambda: first)
    calls = populations.judge_sample("telco_churn", tmp_path, 0)
    assert len(calls) == 5 * 2 * len(populations.METRICS)
    moved = [c for c in calls if c.strategy == "threshold" and c.metric == "recall_rare"]
    assert all(c.truth > 0.2 and c.verdict == "better" for c in moved)


def test_without_data_the_page_says_so(module, tmp_path, capsys):
    check, page = module("verdict_check"), module("verdict_page")
    real = check.check_populations(tmp_path, 1, 1)
    assert "Left out" in capsys.readouterr().out
    assert real["names"] == []
    empty = {key: [] for key in ("nulls", "looks", "power", "at_gains", "coverage", "effects")}
    text = page.page(empty | real, 1, 1, [])
    assert "IMBENCH_DATA" in text
    assert "every reach is met" in text


def test_what_is_told_on_stored_results_is_counted_by_both_tests(module, tmp_path):
    store, skills = Store(tmp_path), {"none": 1.0, "same": 1.0, "better": 4.0, "worse": 0.0}
    for label, skill in skills.items():
        ids = {"run_id": label, "dataset": "toy", "model": "knn", "label": label}
        key = CellKey(**ids, stages=(), n_folds=5, config={})
        store.write_cell(key)
        for f in range(5):
            store.write_fold(key, make_fold(f, n=400, skill=skill, fold=f, **ids))
    lines = list(module("verdict_told").count(store.runs))
    assert [line[:3] for line in lines] == [
        [tmp_path.name, metric, "3"] for metric in module("verdict_told").METRICS
    ]
    heads = module("verdict_told").HEADS
    first = dict(zip(heads, lines[0], strict=True))
    assert (first["better"], first["equal"], first["old test: better"]) == ("1", "1", "1")
    assert int(first["untold"]) + int(first["worse"]) == 2
