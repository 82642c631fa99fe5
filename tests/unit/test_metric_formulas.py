"""Weighted metrics against scikit-learn, which takes one vector of weights at a time."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from imbench.results.metric_formulas import (
    SCORE_NAMES,
    calibration_error,
    rank_metrics,
    weighted_metrics,
)
from tests.factories import make_labels, make_scores


def case(k, n=120, digits=1):
    rng = np.random.default_rng(k)
    y = make_labels(n, k, rng)
    s = make_scores(y, k, 1.0, rng).round(digits) + 0.01  # rounded: many rows share a score
    s /= s.sum(axis=1, keepdims=True)
    weights = rng.exponential(size=(4, n)) + 0.01
    return y, s.argmax(axis=1), s, weights


def by_scikit_learn(y, p, s, w, minority, rare):
    k = s.shape[1]
    labels = list(range(k))
    weighted = {"sample_weight": w}
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        y, p, labels=labels, zero_division=0.0, **weighted
    )
    classes = [minority] if k == 2 else labels
    of_class = [((y == c).astype(int), s[:, c]) for c in classes]
    brier = (
        sk.brier_score_loss(y == minority, s[:, minority], **weighted)
        if k == 2
        else sk.brier_score_loss(y, s, labels=labels, **weighted)
    )
    curve = sk.precision_recall_curve(y == 1, s[:, 1], **weighted)
    return {
        "recall_at_precision": curve[1][curve[0] >= 0.9].max(),
        "precision_at_recall": curve[0][curve[1] >= 0.8].max(),
        "precision_macro": precision.mean(),
        "balanced_accuracy": recall.mean(),
        "f1_macro": f1.mean(),
        "f1_weighted": sk.f1_score(y, p, average="weighted", **weighted),
        "f1_minority": f1[minority],
        "g_mean": np.exp(np.log(recall).mean()),
        "mcc": sk.matthews_corrcoef(y, p, **weighted),
        "accuracy": sk.accuracy_score(y, p, **weighted),
        "worst_class_recall": recall.min(),
        "roc_auc": np.mean([sk.roc_auc_score(*c, **weighted) for c in of_class]),
        "average_precision": np.mean(
            [sk.average_precision_score(*c, **weighted) for c in of_class]
        ),
        "log_loss": sk.log_loss(y, s, labels=labels, **weighted),
        "brier": brier,
        "recall/c0": recall[0],
        "recall_rare": np.mean([recall[c] for c in rare]),
        "f1_rare": sk.f1_score(y, p, labels=rare, average="macro", **weighted),
    }


@pytest.mark.parametrize("k", [2, 5])
def test_weighted_metrics_equal_scikit_learn(k):
    y, p, s, weights = case(k)
    names, rare = [f"c{i}" for i in range(k)], [1] if k == 2 else [1, 3, 4]
    found = weighted_metrics(y, p, s, weights, names, 1, rare=rare)
    for b, w in enumerate(weights):
        for name, value in by_scikit_learn(y, p, s, w, 1, rare).items():
            assert found[name][b] == pytest.approx(value, abs=1e-12), (name, b)


@pytest.mark.parametrize("k", [2, 3])
def test_integer_weights_equal_repeated_rows(k):
    y, p, s, _ = case(k)
    names = [f"c{i}" for i in range(k)]
    counts = np.random.default_rng(0).integers(1, 4, size=(2, len(y)))
    found = weighted_metrics(y, p, s, counts.astype(float), names, 1)
    for b, times in enumerate(counts):
        rows = np.repeat(np.arange(len(y)), times)
        ones = np.ones((1, len(rows)))
        expected = weighted_metrics(y[rows], p[rows], s[rows], ones, names, 1)
        assert set(found) == set(expected)
        for name in found:
            assert found[name][b] == pytest.approx(expected[name][0], abs=1e-12), name


def test_only_the_wanted_score_metrics_are_computed():
    y, p, s, weights = case(2)
    found = weighted_metrics(y, p, s, weights, ["a", "b"], 1, only=("f1_macro", "brier"))
    assert set(SCORE_NAMES) & set(found) == {"brier"}
    everything = weighted_metrics(y, p, s, weights, ["a", "b"], 1)
    np.testing.assert_array_equal(found["brier"], everything["brier"])


def test_constant_scores_have_chance_level():
    positive = np.array([True, False, False, True, False])
    auc, ap = rank_metrics(positive, np.full(5, 0.3), np.ones((2, 5)))
    np.testing.assert_allclose(auc, 0.5)
    np.testing.assert_allclose(ap, 0.4)  # the share of the positive class


def test_weighted_calibration_error_equals_its_definition():
    y, _, s, weights = case(3)
    found = calibration_error(y, s, weights, 7)
    confidence, correct = s.max(axis=1), s.argmax(axis=1) == y
    for b, w in enumerate(weights):
        total = 0.0
        for m in range(7):
            inside = (confidence > m / 7) & (confidence <= (m + 1) / 7)
            if inside.any():
                gap = np.average(correct[inside], weights=w[inside]) - np.average(
                    confidence[inside], weights=w[inside]
                )
                total += w[inside].sum() / w.sum() * abs(gap)
        assert found[b] == pytest.approx(total)
