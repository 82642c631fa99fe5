"""Contributions of rows against the jackknife that computes a metric without each row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from imbench.report.statistics.contributions import contributions
from imbench.results.metric_options import MetricOptions
from imbench.results.metric_points import POINT_NAMES
from imbench.results.metrics import compute
from tests.factories import make_fold

OPTIONS = MetricOptions()
USER = MetricOptions(extra={"f2": {"_target_": "imbench.results.metrics.fbeta_minority"}})


def tied_fold(k, seed=0, n=60):
    """A fold with many equal scores, and predictions that differ from the largest score."""
    rng = np.random.default_rng(seed)
    fold = make_fold(seed, n=n, k=k)
    score = np.round(fold.y_score, 1) + 0.01
    return replace(fold, y_score=score, y_pred=rng.permuted(fold.y_pred))


def without(fold, row):
    kept = np.arange(len(fold.y_true)) != row
    weight = fold.test_weight[kept] if len(fold.test_weight) else fold.test_weight
    return replace(
        fold, y_true=fold.y_true[kept], y_pred=fold.y_pred[kept], y_score=fold.y_score[kept],
        test_weight=weight,
    )  # fmt: skip


def jackknife(fold, options=OPTIONS):
    """All metrics without each row, centred in each class and scaled: metric -> (n,)."""
    full = compute(fold, options)
    rest = [compute(without(fold, i), options) for i in range(len(fold.y_true))]
    found = {}
    for metric, value in full.items():
        change = np.array([value - other[metric] for other in rest])
        for label in np.unique(fold.y_true):
            rows = fold.y_true == label
            n = rows.sum()
            change[rows] = (
                (change[rows] - change[rows].mean()) * np.sqrt((n - 1) / n) if n > 1 else 0
            )
        found[metric] = change
    return found


@pytest.mark.parametrize("k", [2, 4])
def test_every_metric_equals_the_jackknife_row_by_row(k):
    fold = tied_fold(k)
    expected = jackknife(fold)
    assert len(expected) == len(compute(fold, OPTIONS)) > 17
    for metric, change in expected.items():
        if metric in POINT_NAMES:
            continue  # they are computed without parts of the rows
        np.testing.assert_allclose(
            contributions(fold, metric, OPTIONS), change, atol=1e-12, err_msg=metric
        )
    assert np.abs(expected["average_precision"]).max() > 1e-3


@pytest.mark.parametrize("k", [2, 3])
def test_the_expected_cost_equals_the_jackknife_row_by_row(k):
    fold = tied_fold(k)
    costs = (np.arange(k * k).reshape(k, k) * (1 - np.eye(k))).tolist()
    options = MetricOptions(costs=costs)
    h = contributions(fold, "expected_cost", options)
    np.testing.assert_allclose(h, jackknife(fold, options)["expected_cost"], atol=1e-12)
    assert np.abs(h).max() > 1e-3


@pytest.mark.parametrize("metric", POINT_NAMES)
def test_metrics_of_a_point_are_computed_without_each_part(metric):
    fold = tied_fold(2, n=70)
    fold = replace(fold, test_weight=np.random.default_rng(0).integers(0, 3, 70).astype(float))
    options = MetricOptions(at_precision=0.5, k=20)
    h = contributions(fold, metric, options)
    full = compute(fold, options)[metric]
    expected = np.zeros(70)
    for label in (0, 1):
        rows = np.flatnonzero((fold.y_true == label) & (fold.test_weight > 0))
        for part in range(10):
            members = rows[np.arange(len(rows)) * 10 // len(rows) == part]
            kept = np.setdiff1d(np.arange(70), members)
            rest = replace(
                fold, y_true=fold.y_true[kept], y_pred=fold.y_pred[kept],
                y_score=fold.y_score[kept], test_weight=fold.test_weight[kept],
            )  # fmt: skip
            change = full - compute(rest, options)[metric]
            expected[members] = change * np.sqrt(0.9 / len(members))
        expected[rows] -= expected[rows].mean()
    np.testing.assert_allclose(h, expected, atol=1e-12)
    assert (h[fold.test_weight == 0] == 0).all()
    assert np.abs(h).max() > 1e-3


def test_a_class_of_one_row_contributes_nothing_and_breaks_nothing():
    fold = tied_fold(3)
    y = np.where(fold.y_true == 2, 0, fold.y_true)
    y[7] = 2
    fold = replace(fold, y_true=y)
    for metric in compute(fold, OPTIONS):
        h = contributions(fold, metric, OPTIONS)
        assert np.isfinite(h).all(), metric
        assert h[7] == 0, metric


def test_the_sum_of_squares_is_the_variance_over_test_rows():
    rng = np.random.default_rng(1)
    values, estimates = [], []
    for _ in range(400):
        y = np.repeat([0, 1], [80, 20])
        x = rng.normal(size=100) + 1.5 * y
        p = 1 / (1 + np.exp(2 - x))
        fold = make_fold(
            n=100, y_true=y, y_score=np.stack([1 - p, p], axis=1), y_pred=(p > 0.4).astype(int)
        )
        metrics = compute(fold, OPTIONS)
        names = ("f1_macro", "roc_auc", "average_precision", "brier", "net_benefit")
        values.append([metrics[m] for m in names])
        estimates.append([(contributions(fold, m, OPTIONS) ** 2).sum() for m in names])
    ratio = np.mean(estimates, axis=0) / np.var(values, axis=0)
    # 400 tables know a variance to 7 %; the jackknife is too large by some percent.
    assert ((ratio > 0.8) & (ratio < 1.4)).all(), ratio


@pytest.mark.slow
def test_the_variance_of_a_point_of_the_ranking_is_not_too_small():
    rng = np.random.default_rng(1)
    values, estimates = [], []
    for _ in range(200):
        y = np.repeat([0, 1], [1500, 150])
        x = rng.normal(size=len(y)) + 2.0 * y
        p = 1 / (1 + np.exp(4 - 2 * x))
        fold = make_fold(n=len(y), y_true=y, y_score=np.stack([1 - p, p], axis=1), y_pred=y)
        metrics = compute(fold, OPTIONS)
        values.append([metrics[m] for m in POINT_NAMES])
        estimates.append([(contributions(fold, m, OPTIONS) ** 2).sum() for m in POINT_NAMES])
    ratio = np.mean(estimates, axis=0) / np.var(values, axis=0)
    assert ((ratio > 0.8) & (ratio < 2.2)).all(), ratio


@pytest.mark.parametrize("k", [2, 3])
def test_equal_weights_change_nothing(k):
    fold = tied_fold(k)
    weighted = replace(fold, test_weight=np.full(len(fold.y_true), 3.0))
    plain = compute(fold, OPTIONS)
    for metric, value in compute(weighted, OPTIONS).items():
        assert value == pytest.approx(plain[metric], abs=1e-12), metric
        np.testing.assert_allclose(
            contributions(weighted, metric, OPTIONS),
            contributions(fold, metric, OPTIONS),
            atol=1e-12,
            err_msg=metric,
        )


@pytest.mark.parametrize("k", [2, 3])
def test_a_weight_of_two_is_a_row_that_occurs_twice(k):
    fold = tied_fold(k, n=400)
    weight = np.random.default_rng(3).integers(1, 3, 400)
    weighted = replace(fold, test_weight=weight.astype(float))
    twice = np.repeat(np.arange(400), weight)
    copied = replace(
        fold, y_true=fold.y_true[twice], y_pred=fold.y_pred[twice], y_score=fold.y_score[twice]
    )
    expected = compute(copied, OPTIONS)
    for metric, value in compute(weighted, OPTIONS).items():
        assert value == pytest.approx(expected[metric], abs=1e-12), metric
        if metric in POINT_NAMES:
            continue  # rows that occur twice make other parts
        summed = np.bincount(twice, contributions(copied, metric, OPTIONS))
        h = contributions(weighted, metric, OPTIONS)
        # The factor n / (n - 1) counts other rows.
        np.testing.assert_allclose(h, summed, atol=0.02 * np.abs(h).max(), err_msg=metric)


@pytest.mark.parametrize("label", [None, 0, 1])
def test_rows_of_weight_zero_do_not_count(label):
    """Nor does one that stands alone at the top of the ranking."""
    fold = tied_fold(2)
    row = 3 if label is None else int(np.flatnonzero(fold.y_true == label)[0])
    if label is not None:
        score = fold.y_score.copy()
        score[row] = 0.0, 2.0
        fold = replace(fold, y_score=score / score.sum(1, keepdims=True))
    weight = np.ones(60)
    weight[row] = 0
    weighted = replace(fold, test_weight=weight)
    for metric, value in compute(weighted, OPTIONS).items():
        assert value == pytest.approx(compute(without(fold, row), OPTIONS)[metric]), metric
        h = contributions(weighted, metric, OPTIONS)
        assert h[row] == 0
        np.testing.assert_allclose(
            np.delete(h, row), contributions(without(fold, row), metric, OPTIONS), atol=1e-12
        )


@pytest.mark.slow
def test_a_user_metric_has_about_the_same_variance_as_the_metric_itself():
    node = {"_target_": "imbench.results.metrics.fbeta_minority", "beta": 1.0}
    options = MetricOptions(extra={"mine": node})
    ratios = []
    for seed in range(20):
        fold = tied_fold(2, seed, n=600)
        exact = (contributions(fold, "f1_minority", options) ** 2).sum()
        ratios.append((contributions(fold, "mine", options) ** 2).sum() / exact)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.15)


def test_a_user_metric_divides_rows_by_whole_groups():
    fold = tied_fold(2, n=300)
    grouped = replace(fold, test_group=np.arange(300) // 3)
    h = contributions(grouped, "f2", USER)
    assert np.isfinite(h).all()
    assert h.any()
    for label in (0, 1):
        assert h[fold.y_true == label].sum() == pytest.approx(0, abs=1e-12)
