"""Intervals of metrics and of recalls."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from imbench.report.statistics.evidence import collect
from imbench.report.statistics.intervals import metric_intervals, recall_intervals, wilson
from imbench.results.metric_options import MetricOptions, metric_options
from imbench.results.metrics import compute
from tests.factories import make_cell, make_fold

OPTIONS = MetricOptions()


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (10, 10), (7, 50), (1, 1), (499, 500)])
def test_wilson_equals_scipy(hits, n):
    expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
    found = wilson(hits, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.low <= hits / n <= found.high


def test_no_rows_have_no_interval():
    assert math.isnan(wilson(0, 0).low)


def test_recall_pools_the_folds_of_a_repeat_and_repeats_add_no_rows():
    folds = make_cell("none", n_folds=5, n=40, k=3).folds
    found = recall_intervals(folds)
    y = np.concatenate([f.y_true for f in folds])
    p = np.concatenate([f.y_pred for f in folds])
    for c in range(3):
        assert found[f"c{c}"].n == (y == c).sum()
        assert found[f"c{c}"].hits == ((y == c) & (p == c)).sum()
    again = [dataclasses.replace(f, repeat=1) for f in folds]
    assert recall_intervals([*folds, *again]) == found
    assert recall_intervals([]) == {}


def intervals(folds, metric, options=OPTIONS):
    """The interval of one strategy."""
    values = [[compute(f, options)[metric] for f in folds]]
    return metric_intervals(collect([folds], values, metric, options), metric)[0]


def mean_of(folds, metric):
    return np.nanmean([compute(f, OPTIONS)[metric] for f in folds])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "n_rare"),
    [("balanced_accuracy", 3), ("f1_macro", 3), ("recall/c1", 3), ("log_loss", 5), ("mcc", 20)],
)
def test_intervals_cover_the_truth(metric, n_rare):
    rng = np.random.default_rng(0)
    found, means = [], []
    for _ in range(150):
        folds = []
        for f in range(5):
            y = np.repeat([0, 1], [10 * n_rare, n_rare])
            x = rng.normal(size=len(y)) + 2 * y
            p = 1 / (1 + np.exp(2 - x))
            folds.append(
                make_fold(n=len(y), fold=f, y_true=y, y_score=np.stack([1 - p, p], axis=1),
                          y_pred=(p > 0.4).astype(int))
            )  # fmt: skip
        found.append(intervals(folds, metric))
        means.append(mean_of(folds, metric))
    truth = np.mean(means)
    covered = sum(i.low <= truth <= i.high for i in found)
    assert covered >= 132  # 99.9 % of a binomial of 95 % in 150
    widths = [i.high - i.low for i in found]
    assert np.mean(widths) < 7 * np.std(means)  # 3.9 if all were known


def test_repeats_of_the_same_predictions_do_not_narrow_the_interval():
    folds = make_cell("none", n_folds=5, n=60).folds
    again = [dataclasses.replace(f, repeat=r) for r in range(4) for f in folds]
    once, four = intervals(folds, "f1_macro"), intervals(again, "f1_macro")
    # The rows part stays; what folds vary beyond it is taken for fits, of which there are more.
    assert four.high - four.low > 0.75 * (once.high - once.low)


@pytest.mark.parametrize("k", [2, 3])
def test_every_shown_metric_has_an_interval_around_its_mean(k):
    folds = make_cell("none", n_folds=5, n=100, k=k).folds
    for name in (*OPTIONS.shown, "mcc", "recall/c0", "precision/c1", "accuracy"):
        interval = intervals(folds, name)
        assert interval.low < mean_of(folds, name) < interval.high, name
        least = -1 if name == "mcc" else 0
        assert interval.low >= least, name
        assert interval.high <= 1 or name in ("log_loss", "brier"), name


def test_a_metric_at_its_bound_has_wilsons_interval_of_the_rarest_class():
    folds = make_cell("none", n_folds=5, n=60).folds
    right = [dataclasses.replace(f, y_pred=f.y_true) for f in folds]
    n = sum(int((f.y_true == 1).sum()) for f in folds)
    found = intervals(right, "f1_macro")
    assert (found.low, found.high) == pytest.approx((wilson(n, n).low, 1.0), abs=1e-6)
    wrong = [dataclasses.replace(f, y_pred=np.zeros_like(f.y_true)) for f in folds]
    found = intervals(wrong, "recall/c1")
    assert (found.low, found.high) == pytest.approx((0.0, wilson(0, n).high), abs=1e-6)
    assert (intervals(wrong, "mcc").low, intervals(wrong, "mcc").high) != (0, 0)


def test_a_recall_has_about_wilsons_interval():
    folds = make_cell("none", n_folds=5, n=400, skill=0.5).folds
    pooled = recall_intervals(folds)["c1"]
    found = intervals(folds, "recall/c1")
    assert found.high - found.low == pytest.approx(pooled.high - pooled.low, rel=0.4)
    assert found.low == pytest.approx(pooled.low, abs=0.02)


def test_a_user_metric_has_an_interval_too():
    node = {"_target_": "imbench.results.metrics.fbeta_minority", "beta": 1.0}
    options = metric_options({"columns": ["f1_minority"], "extra": {"mine": node}})
    folds = make_cell("none", n_folds=2, n=100).folds
    ours, mine = (intervals(folds, name, options) for name in ("f1_minority", "mine"))
    assert mine.high - mine.low == pytest.approx(ours.high - ours.low, rel=0.35)
    assert (mine.low + mine.high) / 2 == pytest.approx((ours.low + ours.high) / 2, abs=0.03)


def test_undefined_folds_are_left_out_and_an_undefined_metric_has_no_interval():
    folds = make_cell("none", n_folds=3).folds
    one_class = dataclasses.replace(folds[0], y_true=np.zeros_like(folds[0].y_true))
    assert math.isfinite(intervals([one_class, *folds[1:]], "roc_auc").low)
    assert intervals([one_class], "roc_auc") is None
    assert intervals([], "f1_macro") is None


def test_one_fold_has_an_interval_by_its_rows():
    fold = make_fold(n=300)
    found = intervals([fold], "f1_macro")
    assert 0.02 < found.high - found.low < 0.3
