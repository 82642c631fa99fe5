"""Groups, times and weights of rows: how folds keep them apart, and where they arrive."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain
from typing import ClassVar

import numpy as np
import pytest
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score
from sklearn.neighbors import KNeighborsClassifier

from imbench.data.dataset import Dataset
from imbench.data.notices import Notice
from imbench.data.splits import Fold, GroupKFold, Holdout, RepeatedKFold
from imbench.data.time_splits import GroupTimeSplit, TimeSplit
from imbench.errors import ConfigError, DataError, Incompatible
from imbench.models.base import Model
from imbench.models.preprocessing import Preprocessing
from imbench.models.validation import validation_rows
from imbench.pipeline.row_weights import weights_after
from imbench.results.metric_options import MetricOptions
from imbench.results.metrics import compute
from imbench.run.folds import Task, fit_fold, run_folds
from imbench.run.roles import role_arrays
from imbench.strategies.base import Strategy
from imbench.strategies.decision.calibration import IsotonicCalibration, PlattScaling
from imbench.strategies.decision.class_thresholds import ClassThresholds
from imbench.strategies.decision.priors import trained_shares
from imbench.strategies.decision.temperature import TemperatureScaling
from imbench.strategies.decision.threshold import TunedThreshold
from imbench.strategies.facts import ModelFacts, facts_of
from tests import cells

N_GROUPS = 40
ORDER = np.arange(240) / 1e4


def table(n: int = 240, n_rare: int = 48, **roles: object) -> Dataset:
    """Return rows of two classes that overlap."""
    rng = np.random.default_rng(0)
    y = np.zeros(n, np.int64)
    y[rng.permutation(n)[:n_rare]] = 1
    X = rng.normal(size=(n, 3)) + y[:, None]
    return Dataset("toy", X, y, ("common", "rare"), ("a", "b", "c"), **roles)


def with_roles() -> Dataset:
    rng = np.random.default_rng(1)
    groups = rng.integers(N_GROUPS, size=240)
    return table(groups=groups, weight=rng.uniform(0.5, 3.0, 240), time=rng.uniform(0, 100, 240))


class Spy(ClassifierMixin, BaseEstimator):
    """A classifier that records the rows, weights and validation rows of every fit."""

    seen: ClassVar[list[dict[str, object]]] = []

    def __init__(self, validation_fraction=0.0, random_state=None):
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None, validation=None):
        self.seen.append({"X": X, "y": y, "weight": sample_weight, "validation": validation})
        self.classes_ = np.unique(y)
        self.inner_ = LogisticRegression().fit(X, y, sample_weight)
        return self

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)

    def predict(self, X):
        return self.inner_.predict(X)


@pytest.fixture
def spied(monkeypatch):
    monkeypatch.setattr(Spy, "seen", [])
    return Spy.seen


def everything(data: Dataset) -> Fold:
    rows = np.arange(len(data.y))
    return Fold(0, 0, rows, rows)


@pytest.mark.parametrize(
    "splitter",
    [RepeatedKFold(4, 2), GroupKFold(4), Holdout(0.25, 2), Holdout(0.7), GroupTimeSplit()],
)
def test_no_group_stands_on_both_sides(splitter):
    data = with_roles()
    folds = splitter.split(data, seed=0)
    assert [(f.repeat, f.fold) for f in folds] == splitter.places
    for fold in folds:
        assert not np.isin(data.groups[fold.test_index], data.groups[fold.train_index]).any()
        assert not np.isin(fold.test_index, fold.train_index).any()
        assert len(np.unique(data.y[fold.train_index])) == 2


def test_folds_of_groups_test_each_row_once_and_are_stratified():
    data = with_roles()
    folds = RepeatedKFold(4).split(data, seed=0)
    assert np.sort(np.concatenate([f.test_index for f in folds])).tolist() == list(range(240))
    shares = [data.y[f.test_index].mean() for f in folds]
    assert max(shares) - min(shares) < 0.1


@pytest.mark.parametrize("test_size", [0.1, 0.25, 0.5, 0.75])
def test_a_holdout_of_groups_has_about_the_size_that_was_asked_for(test_size):
    data = replace(with_roles(), groups=np.arange(240) // 2)
    (fold,) = Holdout(test_size).split(data, seed=0)
    assert len(fold.test_index) / 240 == pytest.approx(test_size, abs=0.03)


@pytest.mark.parametrize("splitter", [TimeSplit(4), TimeSplit(4, window=1), TimeSplit(3, gap=7)])
def test_time_splits_train_on_the_past(splitter):
    data = with_roles()
    folds = splitter.split(data, seed=0)
    assert len(folds) == splitter.n_folds
    tested = np.concatenate([fold.test_index for fold in folds])
    assert len(np.unique(tested)) == len(tested)
    for fold in folds:
        start = data.time[fold.test_index].min()
        assert data.time[fold.train_index].max() <= start - splitter.gap
        assert data.time[fold.train_index].max() < start


@pytest.mark.parametrize("splitter", [TimeSplit, GroupTimeSplit])
def test_a_gap_that_leaves_no_training_row_is_named_with_the_span(splitter):
    data = replace(with_roles(), time=np.arange(240) // 8 * 1.0)
    words = "splits.gap=30 leaves the training part .* times span 29; set a .*or splits.gap=0"
    with pytest.raises(DataError, match=words):
        splitter(2, gap=30).split(data, seed=0)
    dated = replace(data, notices=(Notice("date", "a date.", "when"),))
    with pytest.raises(DataError, match="span 29 days"):
        splitter(2, gap=30).split(dated, seed=0)
    assert splitter(2, gap=0).split(data, seed=0)
    late = replace(data, time=np.where(data.y == 1, 200.0 + data.time, data.time))
    with pytest.raises(DataError, match=r"splits\.n_splits=2 (leaves|makes)"):
        splitter(2, gap=1).split(late, seed=0)


def test_a_rolling_window_forgets_and_an_expanding_one_does_not():
    data = with_roles()
    expanding, rolling = (TimeSplit(4, window=w).split(data, 0) for w in ("expanding", 1))
    assert [len(f.train_index) for f in expanding] == [48, 96, 144, 192]
    assert [len(f.train_index) for f in rolling] == [48, 48, 48, 48]


def test_rows_of_one_time_are_never_parted():
    data = table(time=np.repeat(np.arange(6.0), [60, 5, 100, 5, 30, 40]))
    folds = TimeSplit(3).split(data, seed=0)
    times = list(chain(*(np.unique(data.time[fold.test_index]).tolist() for fold in folds)))
    assert times == [1, 2, 3, 4, 5]
    assert [len(fold.test_index) for fold in folds] == [105, 35, 40]
    for fold in folds:
        assert not np.isin(data.time[fold.test_index], data.time[fold.train_index]).any()


def test_group_time_folds_train_on_the_past_of_other_groups():
    data = with_roles()
    folds = GroupTimeSplit(n_splits=2, n_group_splits=3).split(data, seed=0)
    assert len(folds) == 6
    for fold in folds:
        assert data.time[fold.train_index].max() < data.time[fold.test_index].min()
    tested = np.concatenate([fold.test_index for fold in folds])
    assert len(np.unique(tested)) == len(tested) == 160


@pytest.mark.parametrize(
    ("splitter", "data", "words"),
    [
        (GroupKFold(), table(), r"splits=group: .* no groups; .* dataset\.groups=COLUMN, "),
        (TimeSplit(), table(), r"splits=time: .* no time; .* dataset\.time=COLUMN, "),
        (GroupTimeSplit(), table(time=np.arange(240.0)), r"splits=group_time: .* no groups; "),
        (TimeSplit(), table(time=np.arange(240) % 4.0), r"allow 4 periods .*n_splits=3\.$"),
        (TimeSplit(), table(time=np.zeros(240)), r"allow 1 periods .*: set splits=kfold\."),
        (RepeatedKFold(), table(groups=np.arange(240) % 3), r"class 'common' has 3 groups, .*=3"),
        (TimeSplit(2), table(time=ORDER - table().y), "fewer than two classes"),
        (TimeSplit(2), table(time=ORDER + table().y), r"leaves the training part"),
    ],
)  # fmt: skip
def test_what_cannot_be_split_is_one_sentence(splitter, data, words):
    with pytest.raises((ConfigError, DataError), match=words) as caught:
        splitter.split(data, seed=0)
    assert "\n" not in str(caught.value)


def test_tiny_classes_run_if_the_user_insists():
    data = table(n_rare=3)
    with pytest.raises(DataError, match=r"set splits\.min_per_class=3"):
        RepeatedKFold(5).split(data, seed=0)
    folds = RepeatedKFold(5, min_per_class=3).split(data, seed=0)
    assert sorted(int(data.y[f.test_index].sum()) for f in folds) == [0, 0, 1, 1, 1]


def test_weights_are_those_of_scikit_learn():
    data = with_roles()
    model = Model("lr", LogisticRegression(), Preprocessing(scale=False))
    fitted, _ = fit_fold(data, model, Strategy(), everything(data), 0)
    expected = LogisticRegression().fit(data.X, data.y, data.weight / data.weight.mean())
    step = fitted.named_steps["model"]
    np.testing.assert_allclose(step.coef_, expected.coef_, atol=1e-9)


def test_rows_that_a_sampler_keeps_keep_their_weight_and_made_ones_have_the_mean():
    X = np.array([[0.0], [1.0], [1.0], [2.0], [0.0]])
    y, weight = np.array([0, 0, 0, 1, 1]), np.array([1.0, 2.0, 4.0, 5.0, 7.0])
    after = weights_after(
        X, y, weight, np.array([[1.0], [0.0], [0.0], [9.0], [9.0]]), np.array([0, 0, 1, 1, 0])
    )
    assert after.tolist() == [3.0, 1.0, 7.0, 6.0, pytest.approx(7 / 3)]


RULES = {
    "threshold": TunedThreshold, "class_thresholds": ClassThresholds, "platt": PlattScaling,
    "isotonic": IsotonicCalibration, "temperature": TemperatureScaling,
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_inner_folds_of_a_rule_keep_groups_together_and_weights_with_their_rows(rule, spied):
    data = with_roles()
    strategy = Strategy(decision={"rule": rule})
    fit_fold(data, Model("spy", Spy(), Preprocessing(scale=False)), strategy, everything(data), 0)
    assert len(spied) == 6
    group_of, weight_of = (
        {row.tobytes(): value for row, value in zip(data.X, values, strict=True)}
        for values in (data.groups, data.weight / data.weight.mean())
    )
    fitted_groups = []
    for fit in spied:
        rows = [row.tobytes() for row in np.ascontiguousarray(fit["X"])]
        np.testing.assert_allclose(fit["weight"], [weight_of[row] for row in rows])
        fitted_groups.append({group_of[row] for row in rows})
    held_out = [fitted_groups[0] - inner for inner in fitted_groups[1:]]
    assert set().union(*held_out) == fitted_groups[0]
    assert sum(map(len, held_out)) == len(fitted_groups[0])


def test_validation_rows_are_whole_groups_with_their_weights(spied):
    data = with_roles()
    model = Model("spy", Spy(validation_fraction=0.3), Preprocessing(scale=False))
    fit_fold(data, model, Strategy(), everything(data), 0)
    (fit,) = spied
    X, y, weight = fit["validation"]
    group_of = {row.tobytes(): g for row, g in zip(data.X, data.groups, strict=True)}
    kept, held_out = (
        {group_of[row.tobytes()] for row in np.ascontiguousarray(rows)} for rows in (fit["X"], X)
    )
    assert held_out
    assert not kept & held_out
    assert len(X) == len(y) == len(weight) == 240 - len(fit["X"])
    assert (np.bincount(y) <= 0.3 * np.bincount(data.y)).all()


@pytest.mark.parametrize("under", [False, True])
def test_groups_that_are_held_out_do_not_look_resampled(under):
    data = replace(with_roles(), weight=None)
    model = Model("spy", Spy(validation_fraction=0.3))
    resample = {"under": RandomUnderSampler()} if under else {}
    fitted, _ = fit_fold(data, model, Strategy(resample=resample), everything(data), 0)
    assert trained_shares(fitted, np.arange(2), data.y)[1] == under
    (facts,) = facts_of(fitted).models
    again = ModelFacts.from_plain(json.loads(json.dumps(facts.to_plain(with_history=True))))
    assert again.held_out.tolist() == facts.held_out.tolist()


def test_no_made_row_is_held_out():
    y, groups = np.repeat([0, 1], [60, 60]), np.r_[np.arange(60), np.full(60, -1)]
    chosen = validation_rows(y, 0.5, np.random.default_rng(0), groups)
    assert chosen.sum() == 30
    assert not chosen[60:].any()


def test_a_model_without_sample_weight_says_so():
    data, model = with_roles(), Model("knn", KNeighborsClassifier())
    words = "model=knn takes no sample_weight, but the rows of dataset=toy have weights: leave"
    with pytest.raises(Incompatible, match=words):
        fit_fold(data, model, Strategy(), everything(data), 0)
    fit_fold(replace(data, weight=None), model, Strategy(), everything(data), 0)


def test_a_fold_stores_groups_and_weights_and_metrics_use_them(tmp_path):
    data = with_roles()
    cell = cells.cell_of("model=logistic_regression", "strategy=none", "tuning=none")
    task = Task(
        cell, cell.key("toy", data.fingerprint), data, GroupKFold(4).split(data, 0), tmp_path
    )
    for result, fold in zip(run_folds(task, task.folds), task.folds, strict=True):
        assert result.status == "ok", result.reason
        assert result.test_group.tolist() == data.groups[fold.test_index].tolist()
        weight = data.weight[fold.test_index]
        metrics = compute(result, MetricOptions())
        expected = average_precision_score(
            result.y_true, result.y_score[:, 1], sample_weight=weight
        )
        assert metrics["average_precision"] == pytest.approx(expected, abs=1e-12)
        expected = f1_score(result.y_true, result.y_pred, average="macro", sample_weight=weight)
        assert metrics["f1_macro"] == pytest.approx(expected, abs=1e-12)
        assert result.audit["straddling_groups"] == 0


def test_the_unit_of_weights_does_not_matter():
    data = with_roles()
    found = [
        role_arrays(replace(data, weight=unit * data.weight), np.arange(9))["sample_weight"]
        for unit in (1.0, 1000.0)
    ]
    np.testing.assert_allclose(*found)
    assert found[0].mean() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ({"groups": np.zeros(239, np.int64)}, "groups must be int64 of shape"),
        ({"groups": np.zeros(240)}, "groups must be int64 of shape"),
        ({"time": np.full(240, np.nan)}, "240 of 240 rows have no time"),
        ({"weight": np.r_[-1.0, np.ones(239)]}, "1 weights are below 0"),
        ({"weight": np.where(table().y == 1, 0.0, 1.0)}, "all rows of class 'rare' have weight 0"),
    ],
)
def test_unusable_roles_are_one_sentence(roles, words):
    with pytest.raises(DataError, match=words):
        table(**roles)


def test_roles_change_the_fingerprint_and_their_absence_does_not():
    plain, data = table(), with_roles()
    prints = {data.fingerprint, plain.fingerprint}
    for name in ("groups", "time", "weight"):
        prints.add(replace(data, **{name: None}).fingerprint)
    assert len(prints) == 5
    assert replace(data, groups=None, time=None, weight=None).fingerprint == plain.fingerprint
