"""The tuned decision rule, against scikit-learn's and against brute force."""

import itertools

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score
from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV
from sklearn.tree import DecisionTreeClassifier

from imbench.strategies.decision import threshold
from imbench.strategies.decision.objectives import FBeta
from imbench.strategies.decision.threshold import (
    TunedThreshold,
    label_score,
    tune_class_weights,
)

METRICS = ("f1_macro", "balanced_accuracy", "g_mean")


def sklearn_score(y, predicted, metric):
    if metric == "f1_macro":
        return f1_score(y, predicted, average="macro", labels=np.unique(y))
    if metric == "balanced_accuracy":
        return balanced_accuracy_score(y, predicted)
    recalls = recall_score(y, predicted, average=None, labels=np.unique(y))
    return np.prod(recalls) ** (1 / len(recalls))


def make_rows(weights=(0.9, 0.1), n=600, seed=0, sep=0.8):
    return make_classification(
        n,
        6,
        n_informative=4,
        n_classes=len(weights),
        weights=list(weights),
        class_sep=sep,
        random_state=seed,
    )


def make_scores(y, n_classes, skill=1.0, seed=0):
    logits = np.random.default_rng(seed).normal(size=(len(y), n_classes))
    logits[np.arange(len(y)), y] += skill
    scores = np.exp(logits)
    return scores / scores.sum(1, keepdims=True)


def imbalanced_labels(*sizes, seed=0):
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_score_of_labels_is_scikit_learns(n_classes, metric):
    rng = np.random.default_rng(0)
    for n in (3, 10, 200):
        y, predicted = rng.integers(n_classes, size=(2, n))
        found = label_score(y, predicted, n_classes, metric)
        assert found == pytest.approx(sklearn_score(y, predicted, metric))


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["f1_macro", "balanced_accuracy"])
@pytest.mark.parametrize("seed", [0, 1])
def test_two_classes_are_labelled_as_scikit_learns_tuned_threshold_labels_them(metric, seed):
    X, y = make_rows(seed=seed)
    model = LogisticRegression()
    ours = TunedThreshold(model, metric=metric, random_state=seed).fit(X, y)
    theirs = TunedThresholdClassifierCV(
        model,
        scoring=metric,
        cv=StratifiedKFold(5, shuffle=True, random_state=seed),
        response_method="predict_proba",
    ).fit(X, y)
    assert ours.weights_[0] == pytest.approx(theirs.best_threshold_)
    other, _ = make_rows(seed=seed + 10)
    for rows in (X, other):
        np.testing.assert_array_equal(ours.predict(rows), theirs.predict(rows))


def test_two_classes_are_labelled_by_the_weights_it_shows():
    X, y = make_rows()
    fitted = TunedThreshold(LogisticRegression(), random_state=0).fit(X, y)
    np.testing.assert_array_equal(
        fitted.predict(X), (fitted.predict_proba(X) * fitted.weights_).argmax(1)
    )


def test_a_row_at_the_threshold_itself_is_labelled_as_scikit_learn_labels_it():
    # Trees give few distinct scores, and the tuned threshold is often one of them.
    X, y = make_rows(n=300)
    model = DecisionTreeClassifier(max_depth=2, random_state=0)
    ours = TunedThreshold(model, cv=3, random_state=0).fit(X, y)
    theirs = TunedThresholdClassifierCV(
        model,
        scoring="f1_macro",
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
        response_method="predict_proba",
    ).fit(X, y)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    theirs.best_threshold_ = ours.weights_[0] = theirs.predict_proba(X)[0, 1]
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("weights", [(0.93, 0.07), (0.8, 0.14, 0.06)])
def test_on_imbalanced_data_it_raises_f1_over_the_most_probable_class(weights):
    X, y = make_rows(weights, n=2000, sep=0.6)
    model = LogisticRegression(max_iter=500)
    tuned = TunedThreshold(model, random_state=0).fit(X, y)
    plain = clone(model).fit(X, y)
    gain = f1_score(y, tuned.predict(X), average="macro") - f1_score(
        y, plain.predict(X), average="macro"
    )
    assert gain > 0.02


@pytest.mark.parametrize("weights", [(0.9, 0.1), (0.8, 0.14, 0.06)])
def test_probabilities_are_those_of_the_model_fitted_on_all_rows(weights):
    X, y = make_rows(weights)
    model = LogisticRegression(max_iter=500)
    fitted = TunedThreshold(model, random_state=0).fit(X, y)
    np.testing.assert_allclose(fitted.predict_proba(X), clone(model).fit(X, y).predict_proba(X))


@pytest.mark.parametrize("weights", [(0.9, 0.1), (0.8, 0.14, 0.06)])
def test_labels_may_be_words_and_come_back(weights):
    X, y = make_rows(weights)
    words = np.array(["a", "b", "c"])[y]
    fitted = TunedThreshold(LogisticRegression(max_iter=500), random_state=0).fit(X, words)
    numbers = TunedThreshold(LogisticRegression(max_iter=500), random_state=0).fit(X, y)
    assert fitted.classes_.tolist() == ["a", "b", "c"][: len(weights)]
    np.testing.assert_array_equal(fitted.predict(X), np.array(["a", "b", "c"])[numbers.predict(X)])


@pytest.mark.parametrize(("weights", "n_fits"), [((0.9, 0.1), 4), ((0.8, 0.14, 0.06), 4)])
def test_it_fits_once_an_inner_fold_and_once_on_all_rows(weights, n_fits):
    fits = []

    class Counting(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            fits.append(len(X))
            return super().fit(X, y)

    X, y = make_rows(weights, n=300)
    fitted = TunedThreshold(Counting(max_iter=500), cv=3, random_state=0).fit(X, y)
    assert len(fits) == fitted.n_fits_ == n_fits
    assert sorted(fits) == [200, 200, 200, 300]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seed", range(4))
def test_tuned_class_weights_are_never_worse_than_argmax_on_the_rows_they_got(seed, metric):
    y = imbalanced_labels(200, 40, 10, 5, seed=seed)
    scores = make_scores(y, 4, skill=0.7, seed=seed)
    tuned = (scores * tune_class_weights(scores, y, metric)).argmax(1)
    assert sklearn_score(y, tuned, metric) >= sklearn_score(y, scores.argmax(1), metric)


def test_tuned_class_weights_are_never_worse_where_scores_are_tied():
    y = imbalanced_labels(60, 20, 10)
    scores = np.random.default_rng(0).integers(1, 4, (90, 3)).astype(float)
    scores /= scores.sum(1, keepdims=True)
    tuned = (scores * tune_class_weights(scores, y, "f1_macro")).argmax(1)
    before = sklearn_score(y, scores.argmax(1), "f1_macro")
    assert sklearn_score(y, tuned, "f1_macro") >= before


def test_class_weights_are_ones_where_argmax_is_perfect():
    y = imbalanced_labels(30, 10, 5)
    np.testing.assert_allclose(tune_class_weights(np.eye(3)[y], y, "f1_macro"), 1)


@pytest.mark.parametrize("metric", METRICS)
def test_a_shift_of_the_scores_by_class_is_found_and_undone(metric):
    y = imbalanced_labels(300, 300, 300)
    clean = make_scores(y, 3, skill=4.0)
    shifted = clean * np.array([30.0, 1.0, 0.05])
    shifted /= shifted.sum(1, keepdims=True)
    weights = tune_class_weights(shifted, y, metric)
    assert np.prod(weights) == pytest.approx(1)
    found = sklearn_score(y, (shifted * weights).argmax(1), metric)
    assert sklearn_score(y, shifted.argmax(1), metric) < 0.8
    assert found >= sklearn_score(y, clean.argmax(1), metric) - 0.005


def test_class_weights_come_near_the_best_of_a_fine_grid():
    y = imbalanced_labels(150, 40, 12)
    scores = make_scores(y, 3, skill=0.8)
    found = sklearn_score(
        y, (scores * tune_class_weights(scores, y, "f1_macro")).argmax(1), "f1_macro"
    )
    grid = np.exp(np.linspace(-3, 3, 31))
    best = max(
        label_score(y, (scores * [1, b, c]).argmax(1), 3, "f1_macro")
        for b, c in itertools.product(grid, grid)
    )
    assert found >= best - 0.01


def test_inner_folds_are_clipped_to_the_smallest_class_with_a_note():
    X, y = make_rows(n=100)
    y[:] = 0
    y[:3] = 1
    clipped = TunedThreshold(LogisticRegression(), random_state=0).fit(X, y)
    why = "a class has 3 rows in this training part"
    assert f"strategy.decision.threshold.cv=5 was clipped to 3: {why}." in clipped.notes_
    asked = TunedThreshold(LogisticRegression(), cv=3, random_state=0).fit(X, y)
    assert clipped.weights_.tolist() == asked.weights_.tolist()
    assert not any("clipped" in note for note in asked.notes_)


def test_a_single_row_of_a_class_is_a_sentence_that_names_cv():
    X, y = make_rows(n=100)
    y[:] = 0
    y[0] = 1
    words = r"^strategy\.decision\.threshold\.cv=5 needs two rows .* has 1 .*leave threshold out\.$"
    with pytest.raises(ValueError, match=words):
        TunedThreshold(LogisticRegression()).fit(X, y)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"metric": "f2"}, r"^metric='f2' is no metric of labels: it must be "),
        ({"cv": 1}, r"^cv must be an integer of at least 2, got 1\.$"),
        ({"cv": 2.5}, r"^cv must be an integer of at least 2, got 2\.5\.$"),
    ],
    ids=str,
)
def test_a_value_out_of_range_is_refused_before_anything_runs(value, sentence):
    with pytest.raises(ValueError, match=sentence):
        TunedThreshold(LogisticRegression(), **value).check_params()


def test_it_refuses_to_predict_before_fit():
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(TunedThreshold(LogisticRegression()), method)(np.zeros((1, 2)))


def test_scores_that_are_all_alike_in_an_inner_fold_leave_the_threshold_where_it_is():
    X = np.zeros((120, 2))
    y = np.array([0] * 100 + [1] * 20)
    rule = TunedThreshold(DecisionTreeClassifier(), cv=3, random_state=0).fit(X, y)
    assert rule.weights_.tolist() == [0.5, 0.5]
    assert rule.notes_ == (
        "threshold: the scores of an inner fold are all alike, so it stays at 0.5.",
    )
    np.testing.assert_array_equal(rule.predict(X), 0)
    with pytest.raises(ValueError, match="NaN"):
        TunedThreshold(LogisticRegression(), cv=3).fit(np.full((120, 2), np.nan), y)


def naive_class_weights(scores, y, metric, n_steps=25):
    """The search as it is defined, an argmax over all classes at every step."""
    logs = np.log(np.maximum(scores, 1e-12))
    shifts, n_classes = np.zeros(scores.shape[1]), scores.shape[1]
    best = label_score(y, logs.argmax(1), n_classes, metric)
    width = np.log(max(len(y) / np.bincount(y, minlength=n_classes).clip(1).min(), 2.0))
    while width > 0.05:
        for k in range(n_classes):
            for step in np.linspace(-width, width, n_steps):
                trial = shifts.copy()
                trial[k] += step
                found = label_score(y, (logs + trial).argmax(1), n_classes, metric)
                if found > best:
                    best, shifts = found, trial
        width /= 4
    return np.exp(shifts - shifts.mean())


@pytest.mark.parametrize("metric", ["f1_macro", "balanced_accuracy", "g_mean", FBeta(2.0)])
@pytest.mark.parametrize("decimals", [16, 1, 0])  # few decimals: classes with equal scores
@pytest.mark.parametrize("n_classes", [2, 3, 9])
def test_the_search_over_classes_takes_the_steps_of_its_definition(
    monkeypatch, n_classes, decimals, metric
):
    monkeypatch.setattr(threshold, "AT_ONCE", 64)
    rng = np.random.default_rng(n_classes)
    y = np.minimum(rng.geometric(0.4, 300) - 1, n_classes - 1)
    scores = rng.dirichlet(np.full(n_classes, 0.3), 300) + 0.4 * np.eye(n_classes)[y]
    scores = np.round(scores / scores.sum(1, keepdims=True), decimals)
    found = tune_class_weights(scores, y, metric)
    assert found.tobytes() == naive_class_weights(scores, y, metric).tobytes()
