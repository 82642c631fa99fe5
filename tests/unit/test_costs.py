"""The key `costs`: its forms, its refusals, and the cells whose predictions depend on it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from imbench.config.compose import Composer
from imbench.config.identity import identity_of
from imbench.config.parse import check, parse
from imbench.data.dataset import DatasetInfo
from imbench.errors import ConfigError
from imbench.pipeline.build import build
from imbench.results.metric_options import check_classes, metric_options
from imbench.results.run_ids import cell_id
from imbench.strategies.costs import cheapest_error, check_costs, cost_table
from imbench.strategies.decision.objectives import UserMetric

BINARY = "costs={missed: 20, false_alarm: 1}"
COMPOSER = Composer(None)


def composed(*words):
    return COMPOSER.cells(["model=logistic_regression", *words], multirun=False)[0]


@cache
def run_id(*words):
    return cell_id(identity_of(composed(*words)))


@pytest.mark.parametrize(
    ("costs", "minority", "expected"),
    [
        ({"missed": 20, "false_alarm": 1}, 1, [[0, 1], [20, 0]]),
        ({"missed": 20, "false_alarm": 1}, 0, [[0, 20], [1, 0]]),
        ({"missed": 20, "false_alarm": 1, "minority": "no"}, 1, [[0, 20], [1, 0]]),
        ({"no": 1, "yes": 5}, None, [[0, 1], [5, 0]]),
        ([["yes", 5], ["no", 1]], None, [[0, 1], [5, 0]]),
        ({"yes": {"no": 5}, "no": {"yes": 1, "no": 0.5}}, None, [[0.5, 1], [5, 0]]),
        ([[0, 1], [5, 0]], None, [[0, 1], [5, 0]]),
    ],
)
def test_all_forms_are_one_matrix(costs, minority, expected):
    found = cost_table(costs, ("no", "yes"), minority)
    np.testing.assert_array_equal(found, expected)
    assert cheapest_error(costs) == 1


@pytest.mark.parametrize(
    ("costs", "words"),
    [
        ({"missed": 20}, "lack false_alarm: set both"),
        ({"missed": -1, "false_alarm": 1}, "finite numbers of at least 0, got -1"),
        ({"a": float("nan"), "b": 1}, "finite numbers of at least 0, got nan"),
        ({"a": float("inf"), "b": 1}, "finite numbers of at least 0, got inf"),
        ([[0, True], [1, 0]], "finite numbers of at least 0, got True"),
        ([[-1, 1], [1, 0]], "finite numbers of at least 0, got -1"),
        ({"missed": 0, "false_alarm": 0}, "no error costs anything"),
        ([[1, 0], [0, 1]], "no error costs anything"),
        ([[0, 1], [1]], "must be a square matrix"),
        ({"a": {"b": 1}, "b": 2}, "must be a square matrix"),
        ("much", "must be a square matrix"),
    ],
)
def test_a_wrong_form_is_one_sentence_before_anything_runs(costs, words):
    with pytest.raises(ValueError, match=words):
        check_costs(costs)
    with pytest.raises(ConfigError, match=words):
        metric_options({}, costs)


@pytest.mark.parametrize(
    ("costs", "words"),
    [
        ({"no": 1, "yess": 2}, r"no class 'yess' \(did you mean 'yes'\?\)"),
        ({"no": 1}, "lack class yes"),
        ({"no": {"yes": 1}, "yes": {"yes": 1}}, "costs of yes lack class no"),
        ([[0, 1, 1], [1, 0, 1], [1, 1, 0]], "is 3 x 3, but there are 2 classes, no, yes"),
    ],
)
def test_costs_that_do_not_fit_the_classes_are_one_sentence(costs, words):
    with pytest.raises(ConfigError, match=words):
        check_classes(metric_options({}, costs), ("no", "yes"))


def test_costs_of_two_classes_say_what_to_give_for_three():
    options = metric_options({}, {"missed": 2, "false_alarm": 1})
    with pytest.raises(ConfigError, match=r"there are 3: .*'costs=\{a: 1, b: 1, c: 1\}'\.$"):
        check_classes(options, ("a", "b", "c"))


def test_costs_have_one_place():
    problems = check(composed("+metrics.costs={missed: 1, false_alarm: 2}"), COMPOSER.folders)
    assert problems == [
        "metrics.costs: costs are a key beside metrics; set 'costs={missed: 20, false_alarm: 1}'."
    ]


@pytest.mark.parametrize("name", ["none", "inverse_weights", "smote", "logit_adjustment"])
def test_a_cell_that_uses_no_costs_is_found_again(name):
    assert run_id(f"strategy={name}") == run_id(f"strategy={name}", BINARY, "metrics.minority=1")


@pytest.mark.parametrize("name", ["threshold", "class_thresholds", "cost_sensitive", "cost_matrix"])
def test_a_cell_that_uses_costs_depends_on_them(name):
    ids = [
        run_id(f"strategy={name}", *words)
        for words in (
            (), (BINARY,), ("costs={missed: 9, false_alarm: 1}",), (BINARY, "metrics.minority=1")
        )
    ]  # fmt: skip
    assert len(set(ids)) == 4


@pytest.mark.parametrize(
    ("sort", "key", "metric", "held"),
    [
        ("recall_at_precision", "at_precision", "recall", "precision"),
        ("precision_at_recall", "at_recall", "precision", "recall"),
    ],
)
def test_a_threshold_looks_for_the_point_that_the_verdict_is_about(sort, key, metric, held):
    words = (f"metrics.sort={sort}", f"metrics.{key}=0.7")
    rule = parse(composed("strategy=threshold", *words), COMPOSER.folders).strategy.decision
    found = rule["threshold"](estimator=None)
    assert (found.metric, found.subject_to) == (metric, {held: 0.7})
    f1 = "strategy.decision.threshold.metric=f1_macro"
    assert run_id("strategy=threshold", f1, *words) == run_id("strategy=threshold")
    assert run_id("strategy=smote", *words) == run_id("strategy=smote")
    assert run_id("strategy=threshold", BINARY, *words) == run_id("strategy=threshold", BINARY)
    cell = parse(composed("strategy=threshold", "tuning=optuna", *words), COMPOSER.folders)
    assert "strategy.decision.threshold.metric" not in cell.tuning.space


def test_parameters_of_a_strategy_win_over_costs():
    matrix = "strategy.weights.cost_matrix.costs=[[0,1],[5,0]]"
    assert run_id("strategy=cost_matrix", matrix) == run_id("strategy=cost_matrix", matrix, BINARY)
    f1 = "strategy.decision.threshold.metric=f1_macro"
    assert run_id("strategy=threshold", f1) == run_id("strategy=threshold", f1, BINARY)
    assert run_id("strategy=threshold", f1) == run_id("strategy=threshold")


def test_the_minority_belongs_to_the_rules_that_look_for_it():
    for metric, changes in (("recall", True), ("balanced_accuracy", False)):
        words = ("strategy=threshold", f"strategy.decision.threshold.metric={metric}")
        assert (run_id(*words) != run_id(*words, "metrics.minority=a")) is changes


def test_tuning_does_not_choose_the_metric_where_costs_say_it():
    for words, is_searched in (((), True), ((BINARY,), False)):
        cell = parse(composed("strategy=threshold", "tuning=optuna", *words), COMPOSER.folders)
        key = "strategy.decision.threshold.metric"
        assert (key in cell.tuning.space) is is_searched
    costly = ("tuning=optuna", "tuning.metric=expected_cost")
    assert run_id(BINARY, *costly) != run_id("costs={missed: 2, false_alarm: 1}", *costly)


@pytest.mark.parametrize("name", ["threshold", "class_thresholds", "cost_sensitive", "cost_matrix"])
def test_dear_misses_make_every_strategy_find_more(name):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [180, 40])
    X = rng.normal(size=(220, 2)) + y[:, None]
    info = DatasetInfo("toy", 2, ("no", "yes"), minority=1)
    found = []
    for costs in ("{missed: 30, false_alarm: 1}", "{missed: 1, false_alarm: 30}"):
        cell = parse(composed(f"strategy={name}", f"costs={costs}"), COMPOSER.folders)
        fitted = build(cell.model, cell.strategy, info, seed=0).fit(X, y)
        found.append(fitted.predict(X).sum())
    assert found[0] > 100
    assert found[1] < 20


def test_costs_are_about_the_minority_that_metrics_name():
    y = np.repeat([0, 1], [180, 40])
    X = np.random.default_rng(0).normal(size=(220, 2)) + y[:, None]
    info = DatasetInfo("toy", 2, ("no", "yes"), minority=1)
    words = ("strategy=cost_sensitive", BINARY, "metrics.minority=no")
    cell = parse(composed(*words), COMPOSER.folders)
    fitted = build(cell.model, cell.strategy, info, seed=0).fit(X, y)
    np.testing.assert_array_equal(fitted.costs_, [[0, 20], [1, 0]])


def test_a_threshold_is_tuned_for_a_metric_of_the_user():
    mine = ("metrics=[default,f2]", "strategy.decision.threshold.metric=f2_minority")
    words = ("strategy=threshold", *mine, "strategy.decision.threshold.cv=2", "metrics.minority=no")
    cell = parse(composed(*words), COMPOSER.folders)
    y = np.repeat([0, 1], [150, 50])
    X = np.random.default_rng(0).normal(size=(200, 2)) + y[:, None]
    info = DatasetInfo("toy", 2, ("no", "yes"), minority=1)
    rule = build(cell.model, cell.strategy, info, seed=0)
    aim = rule.metric.about(0, 2)
    assert aim(np.array([[30, 10], [0, 10]])) == pytest.approx(5 * 30 / (5 * 30 + 4 * 10))
    assert np.mean(rule.fit(X, y).predict(X) == 0) > 0.8  # the recall of `no` counts most
    words = ("strategy=threshold", *mine)
    assert run_id(*words) != run_id(*words, "metrics.extra.f2_minority.beta=1")
    assert run_id(*words) != run_id(*words, "metrics.minority=no")
    with pytest.raises(ValueError, match="counts all rows the same, and these have weights"):
        aim(np.array([[30.5, 10], [0, 10]]))
    of_scores = UserMetric("tests.unit.test_costs.needs_scores")
    with pytest.raises(ValueError, match="is a metric of scores, which no threshold changes"):
        of_scores.about(1, 2)


def needs_scores(y_true, y_pred, y_score, minority):
    return float(y_score[y_true == minority, minority].mean())
