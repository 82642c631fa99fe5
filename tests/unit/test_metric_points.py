"""Metrics of a point of the ranking and of cost, against scikit-learn and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn import metrics as sk

from imbench.errors import ConfigError
from imbench.results.metric_options import MetricOptions, metric_options
from imbench.results.metric_points import (
    net_benefits,
    precision_at_recall,
    ranking_of,
    recall_at_k,
    recall_at_precision,
)
from imbench.results.metrics import compute, compute_metrics
from tests.factories import make_fold


def rows(seed, n=150, digits=1):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.2
    score = np.clip(rng.normal(0.4 + 0.2 * positive, 0.2).round(digits), 0, 1)
    return positive, score, rng.integers(0, 4, n).astype(float) / 3 + 0.1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("level", [0.2, 0.5, 0.9, 1.0])
def test_points_of_the_curve_are_scikit_learns(seed, level):
    positive, score, weight = rows(seed)
    for w in (np.ones(len(score)), weight):
        curve = sk.precision_recall_curve(positive, score, sample_weight=w)
        ranking = ranking_of(positive, score, w)
        found = recall_at_precision(ranking, level)[0], precision_at_recall(ranking, level)[0]
        # Its last point has precision 1 and recall 0, whatever the scores.
        assert found[0] == pytest.approx(curve[1][curve[0] >= level - 1e-12].max(), abs=1e-12)
        assert found[1] == pytest.approx(curve[0][:-1][curve[1][:-1] >= level - 1e-12].max())


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 9, None])
def test_recall_at_k_is_the_mean_over_all_orders_of_equal_scores(k):
    positive = np.array([False, True, True, False, True, False])
    score = np.array([0.9, 0.5, 0.5, 0.5, 0.5, 0.1])
    n = 3 if k is None else k
    orders = [[0, *tied, 5] for tied in itertools.permutations((1, 2, 3, 4))]
    expected = np.mean([positive[list(order[:n])].sum() / 3 for order in orders])
    found = recall_at_k(ranking_of(positive, score, np.ones(6)), k)
    assert found[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("threshold", [0.05, 0.4, 0.5])
def test_net_benefit_is_its_definition(threshold):
    positive, score, weight = rows(0)
    treated = score >= threshold
    odds = threshold / (1 - threshold)
    expected = weight[treated & positive].sum() - odds * weight[treated & ~positive].sum()
    found = weight @ net_benefits(positive, score, threshold)
    assert found == pytest.approx(expected, abs=1e-12)


def test_where_points_are_undefined_they_are_nan():
    y, score = np.zeros(5, np.int64), np.tile([0.7, 0.3], (5, 1))
    found = compute_metrics(y, y, score, ("a", "b"), 1)
    for name in ("recall_at_precision", "precision_at_recall", "recall_at_k"):
        assert math.isnan(found[name]), name
    assert found["net_benefit"] == pytest.approx(-1 / 9)  # all are treated, and none is rare
    diverged = compute_metrics(y, y, np.full((5, 2), np.nan), ("a", "b"), 1)
    assert math.isnan(diverged["net_benefit"])
    assert math.isnan(diverged["recall_at_k"])


def test_a_precision_that_no_threshold_has_gives_a_recall_of_zero():
    positive, score = np.array([False, True, False]), np.array([0.9, 0.5, 0.1])
    assert recall_at_precision(ranking_of(positive, score, np.ones(3)), 0.9)[0] == 0


def test_the_expected_cost_is_the_mean_cost_of_a_row_by_weight():
    fold = make_fold(n=80, test_weight=np.linspace(0, 2, 80))
    options = MetricOptions(costs={"missed": 20, "false_alarm": 1.5})
    paid = np.where(fold.y_true == fold.y_pred, 0, np.where(fold.y_true == 1, 20, 1.5))
    expected = np.average(paid, weights=fold.test_weight)
    assert compute(fold, options)["expected_cost"] == pytest.approx(expected, abs=1e-12)
    assert "expected_cost" not in compute(fold, MetricOptions())
    other = MetricOptions(costs={"missed": 20, "false_alarm": 1.5}, minority="c0")
    swapped = np.where(fold.y_true == fold.y_pred, 0, np.where(fold.y_true == 0, 20, 1.5))
    expected = np.average(swapped, weights=fold.test_weight)
    assert compute(fold, other)["expected_cost"] == pytest.approx(expected, abs=1e-12)


def test_the_expected_cost_is_the_last_column_and_lower_is_better():
    options = metric_options({"columns": ["accuracy"]}, {"missed": 20, "false_alarm": 1})
    assert options.shown == ("accuracy", "expected_cost")
    assert not options.higher_is_better("expected_cost")
    assert "expected_cost" not in MetricOptions().known


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"sort": "expected_cost"}, r"^metrics\.sort: expected_cost needs .*costs=\{missed"),
        ({"columns": ["expected_cost"]}, r"^metrics\.columns: expected_cost needs"),
        ({"at_precision": 0}, r"^metrics\.at_precision=0: must be a number in \(0, 1\]\.$"),
        ({"at_recall": "all"}, r"^metrics\.at_recall='all': must be a number"),
        ({"k": 0}, r"^metrics\.k=0: must be a number of rows"),
        ({"k": 2.5}, r"^metrics\.k=2\.5: must be a number of rows"),
        ({"net_benefit_threshold": 1}, r"^metrics\.net_benefit_threshold=1: must be a number"),
    ],
)
def test_a_value_out_of_range_is_one_sentence(node, words):
    with pytest.raises(ConfigError, match=words):
        metric_options(node)
