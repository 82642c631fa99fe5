from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score, roc_curve

from imbench.report.curves import MAX_POINTS, classes_shown, confusion, curve, curves
from tests.factories import make_cell


@pytest.fixture(params=[0, 1, 2])
def labelled(request):
    rng = np.random.default_rng(request.param)
    truth = rng.random(5_000) < 0.04
    score = 1 / (1 + np.exp(-(rng.normal(size=5_000) + 1.5 * truth - 2)))
    return truth, np.round(score, 3) if request.param == 2 else score  # with ties


def test_areas_are_those_of_scikit_learn(labelled):
    truth, score = labelled
    found = curve(truth, score, 1)
    assert found.average_precision == pytest.approx(average_precision_score(truth, score))
    assert found.roc_auc == pytest.approx(roc_auc_score(truth, score))


def test_points_are_thresholds_of_the_full_curve(labelled):
    truth, score = labelled
    found = curve(truth, score, 1)
    assert 20 < len(found.true_positives) <= MAX_POINTS
    fall_out, recall, _ = roc_curve(truth, score, drop_intermediate=False)
    full = set(zip(np.rint(fall_out * (~truth).sum()), np.rint(recall * truth.sum()), strict=True))
    kept = list(zip(found.false_positives, found.true_positives, strict=True))
    assert set(kept) <= full
    assert kept[0] == (0, 0)
    assert kept[-1] == ((~truth).sum(), truth.sum())
    assert kept == sorted(kept)


def test_thinning_loses_little_area_and_little_cost(labelled):
    truth, score = labelled
    found = curve(truth, score, 1)
    recall = found.true_positives / found.n_positive
    fall_out = found.false_positives / found.n_negative
    assert np.trapezoid(recall, fall_out) == pytest.approx(found.roc_auc, abs=0.01)
    all_fall_out, all_recall, _ = roc_curve(truth, score)
    for pc in np.linspace(0.02, 0.98, 25):
        best = np.min((1 - all_recall) * pc + all_fall_out * (1 - pc))
        kept = np.min((1 - recall) * pc + fall_out * (1 - pc))
        assert best <= kept + 1e-12
        assert kept <= best + 0.006


def test_bins_hold_every_row_once(labelled):
    truth, score = labelled
    rows, true_rows, mean = curve(truth, score, 1).bins.T
    assert rows.sum() == len(truth)
    assert true_rows.sum() == truth.sum()
    first = score < 0.1
    assert rows[0] == first.sum()
    assert mean[0] == pytest.approx(score[first].mean())


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_constant_scores_have_two_points(score):
    truth = np.array([True, False, False])
    found = curve(truth, np.full(3, score), 0)
    assert found.true_positives.tolist() == [0, 1]
    assert found.false_positives.tolist() == [0, 2]
    assert found.roc_auc == 0.5


def test_one_class_and_diverged_scores_have_no_curve():
    assert curve(np.zeros(5, bool), np.linspace(0, 1, 5), 0) is None
    assert curve(np.ones(5, bool), np.linspace(0, 1, 5), 0) is None
    assert curve(np.array([True, False]), np.full(2, np.nan), 0) is None


def test_two_classes_have_the_curve_of_the_minority_alone():
    assert [c.label for c in curves(make_cell("none").folds, 1, 10)] == [1]
    assert [c.label for c in curves(make_cell("none").folds, 0, 10)] == [0]


def test_of_many_classes_the_minority_and_the_rarest_are_kept():
    folds = make_cell("none", k=6, n=400).folds
    counts = np.bincount(np.concatenate([f.y_true for f in folds]))
    found = [c.label for c in curves(folds, 0, 3)]
    assert found[0] == 0
    rarest = [k for k in np.argsort(counts, kind="stable") if k != 0][:2]
    assert found[1:] == rarest


def test_confusion_counts_pooled_folds():
    folds = make_cell("none", k=3).folds
    y = np.concatenate([f.y_true for f in folds])
    p = np.concatenate([f.y_pred for f in folds])
    found = confusion(folds, np.arange(3))
    np.testing.assert_array_equal(found, confusion_matrix(y, p))


def test_frequent_classes_are_joined_where_there_are_many():
    folds = make_cell("none", k=30, n=600).folds
    counts = np.bincount(np.concatenate([f.y_true for f in folds]), minlength=30)
    shown = classes_shown(counts)
    assert len(shown) == 19
    assert counts[shown].max() <= np.delete(counts, shown).min()
    found = confusion(folds, shown)
    assert found.shape == (20, 20)
    assert found.sum() == counts.sum()
    assert found[-1].sum() == np.delete(counts, shown).sum()
    assert classes_shown(counts[:20]).tolist() == list(range(20))
