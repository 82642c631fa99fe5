from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from imbench.report.statistics.intervals import bootstrap, recall_intervals, wilson
from imbench.results.metric_options import MetricOptions, metric_options
from imbench.results.metrics import compute_folds
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


def by_hand(y, p, s):
    """F1, average precision and log loss of two classes, from their definitions."""
    f1 = [2 * ((y == c) & (p == c)).sum() / ((y == c).sum() + (p == c).sum()) for c in (0, 1)]
    # Drawn rows repeat, so that scores are tied: precision at each threshold, not at each row.
    rows = [i for i in range(len(y)) if y[i] == 1]
    precision = [(y[s[:, 1] >= s[i, 1]] == 1).mean() for i in rows]
    return np.mean(f1), np.mean(precision), -np.log(s[np.arange(len(y)), y]).mean()


def row_bootstrap(folds, n_boot, seed):
    """The textbook bootstrap: resample rows within fold and class, one draw at a time."""
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(n_boot):
        values = []
        for f in folds:
            classes = [np.flatnonzero(f.y_true == c) for c in np.unique(f.y_true)]
            rows = np.concatenate([rng.choice(c, len(c)) for c in classes])
            values.append(by_hand(f.y_true[rows], f.y_pred[rows], f.y_score[rows]))
        means.append(np.mean(values, axis=0))
    return np.percentile(means, [2.5, 97.5], axis=0).T


def test_interval_is_that_of_the_textbook_bootstrap():
    folds = make_cell("none", n_folds=3, n=150).folds
    names = ["f1_macro", "average_precision", "log_loss"]
    found = bootstrap({"a": folds}, names, OPTIONS, n_boot=2000)["a"]
    expected = row_bootstrap(folds, 400, 0)
    for name, (low, high) in zip(names, expected, strict=True):
        # Limits of 400 draws are known to about a tenth of the width.
        assert found[name].low == pytest.approx(low, abs=0.2 * (high - low))
        assert found[name].high == pytest.approx(high, abs=0.2 * (high - low))
        assert found[name].high - found[name].low == pytest.approx(high - low, rel=0.2)


def test_interval_covers_the_true_recall():
    rng = np.random.default_rng(0)
    covered, tables = 0, 200
    for seed in range(tables):
        y = np.repeat([0, 1], [60, 40])
        p = np.where(rng.random(100) < 0.8, y, 1 - y)
        fold = make_fold(n=100, y_true=y, y_pred=p, y_score=np.eye(2)[p])
        low, high = dataclasses.astuple(
            bootstrap({"a": [fold]}, ["balanced_accuracy"], OPTIONS, 300, seed)["a"][
                "balanced_accuracy"
            ]
        )
        covered += low <= 0.8 <= high
    # Two-sided 99.9 % limits of a binomial of 0.95, and 2 % for so few rows.
    assert covered / tables > 0.95 - 3.3 * math.sqrt(0.95 * 0.05 / tables) - 0.02
    assert covered < tables


def test_repeats_of_the_same_rows_do_not_narrow_the_interval():
    folds = make_cell("none", n_folds=5, n=60).folds
    again = [dataclasses.replace(f, repeat=r) for r in range(4) for f in folds]
    once = bootstrap({"a": folds}, ["f1_macro"], OPTIONS)["a"]["f1_macro"]
    four = bootstrap({"a": again}, ["f1_macro"], OPTIONS)["a"]["f1_macro"]
    assert (once.low, once.high) == pytest.approx((four.low, four.high), abs=1e-12)


def test_chunks_of_draws_give_the_same_draws(monkeypatch):
    from imbench.report.statistics import intervals

    cells = {"a": make_cell("none", n_folds=2).folds}
    whole = bootstrap(cells, ["roc_auc"], OPTIONS, 50, seed=3)
    monkeypatch.setattr(intervals, "CHUNK", 1000)
    assert bootstrap(cells, ["roc_auc"], OPTIONS, 50, seed=3) == whole


def test_every_shown_metric_has_an_interval_around_its_mean():
    cell = make_cell("none", n_folds=5, n=100, k=3)
    found = bootstrap({"a": cell.folds}, OPTIONS.shown, OPTIONS)["a"]
    assert set(found) == set(OPTIONS.shown)
    for name, interval in found.items():
        mean = np.mean([m[name] for m in compute_folds(cell, OPTIONS)])
        assert interval.low < mean < interval.high, name


def test_a_user_metric_has_an_interval_too():
    node = {"_target_": "imbench.results.metrics.fbeta_minority", "beta": 1.0}
    options = metric_options({"columns": ["f1_minority"], "extra": {"mine": node}})
    cell = make_cell("none", n_folds=2, n=100)
    found = bootstrap({"a": cell.folds}, options.shown, options)["a"]
    ours, mine = found["f1_minority"], found["mine"]  # the same metric
    assert mine.high - mine.low == pytest.approx(ours.high - ours.low, rel=0.35)
    assert (mine.low + mine.high) / 2 == pytest.approx((ours.low + ours.high) / 2, abs=0.02)


def test_undefined_folds_are_left_out_and_an_undefined_metric_has_no_interval():
    folds = make_cell("none", n_folds=3).folds
    one_class = dataclasses.replace(folds[0], y_true=np.zeros_like(folds[0].y_true))
    some = bootstrap({"a": [one_class, *folds[1:]]}, ["roc_auc"], OPTIONS)["a"]["roc_auc"]
    assert math.isfinite(some.low)
    assert bootstrap({"a": [one_class]}, ["roc_auc"], OPTIONS)["a"] == {}
    assert bootstrap({"a": []}, ["f1_macro", "ece"], OPTIONS)["a"] == {}
