"""What decision rules look for: metrics by their names, bounds, weights, and notes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef, precision_score, recall_score

from imbench.data.dataset import DatasetInfo
from imbench.strategies.decision.aims import FEWEST, OF_SCORES, PLAIN, Aim, check_metric
from imbench.strategies.decision.class_thresholds import ClassThresholds
from imbench.strategies.decision.threshold import (
    TunedThreshold,
    best_threshold,
    tune_class_weights,
)
from imbench.strategies.label_metrics import LABEL_METRICS, OF_MINORITY, PER_CLASS
from tests.factories import make_labels, make_scores

NAMES = ("no", "yes")


def sample(seed=0, n=200, digits=2):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.25).astype(int)
    score = np.clip(rng.normal(0.35 + 0.25 * y, 0.2).round(digits), 0, 1)
    return score, y, rng.integers(1, 5, n).astype(float)


def confusion(y, predicted, weight):
    table = np.zeros((2, 2))
    np.add.at(table, (y, predicted), weight)
    return table


@pytest.mark.parametrize("metric", ["f1_macro", "mcc", "recall", "specificity", "expected_cost"])
@pytest.mark.parametrize("bounds", [{}, {"precision": 0.6}, {"recall/no": 0.8, "f1": 0.3}])
def test_the_threshold_is_the_best_of_all(metric, bounds):
    score, y, weight = sample()
    costs = np.array([[0.0, 1.0], [7.0, 0.0]])
    aim = Aim(metric, bounds, NAMES, 1, costs=costs)
    for w in (None, weight):
        threshold, meets = best_threshold(score, y, aim, w)
        rows = np.ones(len(y)) if w is None else w
        tried = np.unique(np.concatenate([[0.0, 1.1], score]))
        best = max(aim(confusion(y, (score >= t).astype(int), rows)) for t in tried)
        found = aim(confusion(y, (score >= threshold).astype(int), rows))
        assert found == pytest.approx(best, abs=1e-12)
        assert meets
        assert not np.isin(threshold, score)  # midway: no row lies on it


def test_a_weight_of_two_is_a_row_that_occurs_twice():
    score, y, weight = sample()
    aim = Aim("mcc", {"recall": 0.5}, NAMES, 1)
    twice = np.repeat(np.arange(len(y)), weight.astype(int))
    assert best_threshold(score, y, aim, weight) == best_threshold(score[twice], y[twice], aim)
    three = make_labels(120, 3, np.random.default_rng(0))
    scores = make_scores(three, 3, 1.0, np.random.default_rng(1))
    w = np.random.default_rng(2).integers(1, 4, 120)
    copies = np.repeat(np.arange(120), w)
    weighted = tune_class_weights(scores, three, "f1_macro", weight=w.astype(float))
    np.testing.assert_allclose(
        weighted, tune_class_weights(scores[copies], three[copies], "f1_macro")
    )


def test_a_bound_that_no_threshold_meets_is_missed_by_least_and_noted():
    score, y = np.array([0.9, 0.8, 0.6, 0.3, 0.1]), np.array([0, 1, 1, 0, 0])
    aim = Aim("recall", {"precision": 0.99}, NAMES, 1)
    threshold, meets = best_threshold(score, y, aim)
    assert threshold == pytest.approx(0.45)  # precision 2 / 3 is the largest
    assert not meets


def test_bounds_hold_for_the_rule_as_it_is_fitted():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [1500, 300])
    X = rng.normal(size=(1800, 2)) + 1.4 * y[:, None]
    rule = TunedThreshold(
        LogisticRegression(), metric="recall", subject_to={"precision": 0.8}, random_state=0
    ).fit(X, y)
    assert precision_score(y, rule.predict(X)) == pytest.approx(0.8, abs=0.03)
    assert rule.notes_ == ()
    assert recall_score(y, rule.predict(X)) > recall_score(
        y, TunedThreshold(LogisticRegression(), metric="recall", subject_to={"precision": 0.9},
                          random_state=0).fit(X, y).predict(X)
    )  # fmt: skip
    mcc = TunedThreshold(LogisticRegression(), metric="mcc", random_state=0).fit(X, y)
    assert matthews_corrcoef(y, mcc.predict(X)) >= matthews_corrcoef(y, rule.predict(X))
    impossible = TunedThreshold(LogisticRegression(), subject_to={"precision": 1.1}).fit(X, y)
    assert impossible.notes_ == (
        "threshold: none meets precision >= 1.1 on the inner folds, and the nearest was taken.",
    )


def test_many_classes_are_tuned_under_bounds():
    y = make_labels(400, 3, np.random.default_rng(0))
    scores = make_scores(y, 3, 0.7, np.random.default_rng(1))
    names = ("a", "b", "c")
    plain = scores.argmax(1)
    for metric, bounds in (("recall/c", {"precision/c": 0.4}), ("accuracy", {"recall/c": 0.6})):
        aim = Aim(metric, bounds, names, 2)
        labels = (scores * tune_class_weights(scores, y, aim)).argmax(1)
        table = np.zeros((2, 3, 3))
        np.add.at(table[0], (y, labels), 1)
        np.add.at(table[1], (y, plain), 1)
        assert aim(table[0])[0] == 0  # met
        assert aim(table[0]) >= aim(table[1])


def test_costs_of_three_classes_move_labels_to_the_dear_one():
    y = make_labels(300, 3, np.random.default_rng(0))
    X = make_scores(y, 3, 0.7, np.random.default_rng(1))
    info = DatasetInfo("toy", 3, ("a", "b", "c"), minority=2)
    for kind in (TunedThreshold, ClassThresholds):
        rule = kind(
            LogisticRegression(), metric="expected_cost", costs={"a": 20, "b": 1, "c": 1}, cv=3
        ).with_classes(info)
        labels = rule.fit(X, y).predict(X)
        assert np.mean(labels == 0) > np.mean(y == 0) + 0.1


@pytest.mark.parametrize("kind", [TunedThreshold, ClassThresholds])
def test_few_rows_are_noted(kind):
    rng = np.random.default_rng(0)
    for n, noted in ((FEWEST - 1, True), (FEWEST, False)):
        y = np.repeat([0, 1], [200, n])
        rule = kind(LogisticRegression(), random_state=0).fit(rng.normal(size=(len(y), 2)), y)
        assert bool(rule.notes_) is noted
    assert (
        "fewer than 20 rows"
        in kind(LogisticRegression(), cv=2)
        .fit(rng.normal(size=(60, 2)), np.repeat([0, 1], [50, 10]))
        .notes_[0]
    )


@pytest.mark.slow
def test_with_fewer_rows_than_the_minimum_a_tuned_threshold_gains_nothing():
    from scripts.threshold_rows import gains

    assert gains(FEWEST // 2, n_draws=1000) < 0
    assert gains(FEWEST, n_draws=1000) > 0


def test_every_metric_of_labels_has_a_value():
    table = np.array([[[60, 20], [5, 15]]])
    costs = np.array([[0.0, 1.0], [7.0, 0.0]])
    names = [*LABEL_METRICS, *OF_MINORITY, *(f"{kind}/yes" for kind in PER_CLASS)]
    for name in names:
        check_metric(name, costs)
        _, value = Aim(name, {name: 0.1}, NAMES, 1, costs=costs).values(table)
        assert np.isfinite(value).all(), name
    assert set(PLAIN) <= set(names)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        *(({"metric": name}, f"^metric={name} is a metric of scores") for name in OF_SCORES),
        ({"metric": "recal"}, r"no metric of labels \(did you mean 'recall'\?\)"),
        ({"metric": "expected_cost"}, r"^metric=expected_cost needs .*costs=\{missed"),
        ({"subject_to": {"brier": 0.1}}, r"^subject_to=brier is a metric of scores"),
        ({"subject_to": {"recall": "high"}}, r"^subject_to\.recall='high' must be a number"),
        ({"subject_to": 0.9}, r"^subject_to=0\.9 must be a mapping of metrics"),
        ({"costs": {"missed": 2}}, "lack false_alarm"),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [TunedThreshold, ClassThresholds])
def test_what_cannot_be_looked_for_is_one_sentence_before_anything_runs(kind, value, words):
    with pytest.raises(ValueError, match=words):
        kind(None, **value).check_params()


def test_a_class_that_does_not_exist_is_one_sentence():
    X, y = np.random.default_rng(0).normal(size=(80, 2)), np.resize([0, 1], 80)
    info = DatasetInfo("toy", 2, NAMES, minority=1)
    for value in ({"metric": "recall/yess"}, {"minority": "yess", "metric": "recall"}):
        rule = TunedThreshold(LogisticRegression(), **value).with_classes(info)
        with pytest.raises(ValueError, match=r"no class 'yess' \(did you mean 'yes'\?\)"):
            rule.fit(X, y)
