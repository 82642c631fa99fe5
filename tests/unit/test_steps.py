"""The checked sampler, the row counter, and facts of fitted estimators."""

from functools import cache

import numpy as np
import pytest
import yaml
from imblearn.combine import SMOTEENN, SMOTETomek
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, KMeansSMOTE, RandomOverSampler
from imblearn.under_sampling import EditedNearestNeighbours, NearMiss
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from imbench.config import catalogue
from imbench.data.dataset import DatasetInfo
from imbench.errors import DataError
from imbench.pipeline.build import build
from imbench.pipeline.fitted import labels_for
from imbench.pipeline.steps import CheckedSampler, RowCounter
from imbench.strategies import fitted as scoring
from imbench.strategies.facts import facts_of
from imbench.strategies.resample.prowsyn import ProWSyn
from imbench.strategies.resample.smote_ipf import SMOTEIPF
from imbench.testing.cells import parts

N_EPOCHS = 3
ENSEMBLES = sorted(
    path.stem
    for path in (catalogue.conf_dir() / "strategy").glob("*.yaml")
    if yaml.safe_load(path.read_text(encoding="utf-8")).get("ensemble")
)


def make_rows(sizes=(60, 20), seed=0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return rng.normal(size=(len(y), 4)) + y[:, None], y


@cache
def fitted(name, selection, sizes=(60, 20)):
    X, y = make_rows(sizes)
    info = DatasetInfo("table", 4, tuple(f"c{k}" for k in range(len(sizes))), 1)
    model, strategy = parts(name, selection)
    if name == "mlp":
        model.estimator.set_params(epochs=N_EPOCHS)
    return build(model, strategy, info, seed=0).fit(X, y)


def checked(sampler, names=("many", "some", "few")):
    return CheckedSampler(sampler, "strategy.resample.x", names)


# 10 members a bag, 5 inner folds and the final fit.
@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("none", 1),
        ("random_over", 1),
        ("balanced_bagging", 4),
        ("threshold", 6),
        ("[balanced_bagging,threshold]", 24),
        ("[random_over,threshold]", 6),
    ],
)
def test_fits_count_members_and_inner_folds(strategy, expected):
    assert facts_of(fitted("logistic_regression", strategy)).n_fits == expected


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("none", (60, 20)),
        ("random_over", (60, 60)),
        ("inverse_weights", (60, 20)),
        ("threshold", (60, 20)),
        ("[random_over,threshold]", (60, 60)),
    ],
)
@pytest.mark.parametrize("model", ["logistic_regression", "random_forest"])
def test_counts_are_the_rows_that_reached_the_model(model, strategy, expected):
    assert facts_of(fitted(model, strategy)).counts_after == expected


def test_counts_of_a_bag_are_the_mean_over_its_members():
    found = facts_of(fitted("logistic_regression", "balanced_bagging")).counts_after
    assert found[0] == found[1], "every bag is balanced"
    assert 15 < found[0] < 25, "as many rows as the rare class has, give or take the bootstrap"


def test_counts_of_a_net_are_the_rows_drawn_in_an_epoch_without_validation_rows():
    assert facts_of(fitted("mlp", "none")).counts_after == (54, 18)
    assert facts_of(fitted("mlp", "random_over")).counts_after == (54, 54)
    drawn = facts_of(fitted("mlp", "weighted_sampler")).counts_after
    assert sum(drawn) == pytest.approx(72)
    assert abs(drawn[0] - 36) <= 4 * np.sqrt(72 / 4 / N_EPOCHS), "a mean over the epochs"


@pytest.mark.parametrize("model", ["logistic_regression", "mlp"])
def test_counts_keep_a_place_for_a_class_without_training_rows(model):
    found = facts_of(fitted(model, "none", (40, 0, 20))).counts_after
    assert len(found) == 3
    assert found[1] == 0
    assert found[0] > found[2] > 0


def test_history_is_that_of_a_single_net_and_otherwise_empty():
    assert facts_of(fitted("mlp", "threshold")).history.shape == (N_EPOCHS, 2)
    assert facts_of(fitted("mlp", "balanced_bagging")).history.shape == (0, 2)
    assert facts_of(fitted("logistic_regression", "none")).history.shape == (0, 2)


def test_device_is_that_of_a_net_and_otherwise_cpu():
    assert facts_of(fitted("mlp", "balanced_bagging")).device == "cpu"
    assert facts_of(fitted("random_forest", "none")).device == "cpu"


def test_classes_unknown_to_the_classifier_score_zero():
    X = np.array([[0.0], [1.0], [2.0]])
    model = LogisticRegression().fit(X, [0, 2, 2])
    scores = scoring.scores_for(model, X, np.array([0, 1, 2]))
    np.testing.assert_array_equal(scores[:, [0, 2]], model.predict_proba(X))
    assert (scores[:, 1] == 0).all()


def test_the_counter_counts_classes_without_rows_and_changes_nothing():
    X, y = make_rows()
    counter = RowCounter(4)
    same_X, same_y = counter.fit_resample(X, y)
    assert same_X is X
    assert same_y is y
    assert counter.class_counts_.tolist() == [60, 20, 0, 0]


def test_the_counter_counts_string_labels():
    counter = RowCounter(3)
    counter.fit_resample(np.zeros((4, 1)), np.array(["yes", "no", "no", "no"]))
    assert counter.classes_.tolist() == ["no", "yes"]
    assert counter.class_counts_.tolist() == [3, 1]


@pytest.mark.parametrize("model", ["logistic_regression", "mlp"])
def test_counts_after_are_the_same_for_string_labels(model):
    X, y = make_rows((60, 20))
    info = DatasetInfo("table", 4, ("c0", "c1"), 1)
    words = np.array(["no", "yes"])[y]
    found = [build(*parts(model, "none"), info, seed=0).fit(X, labels) for labels in (y, words)]
    assert facts_of(found[1]).counts_after == facts_of(found[0]).counts_after


@pytest.mark.parametrize(
    ("sampler", "sentence"),
    [
        (SMOTE(), "class 'rare' has 1 in this training part: use random_over."),
        (
            EditedNearestNeighbours(sampling_strategy="all"),
            "strategy.resample.x leaves no row of class 'rare': ",
        ),
    ],
    ids=lambda v: type(v).__name__,
)
def test_a_string_label_is_its_own_class_name(sampler, sentence):
    X, y = make_rows((60, 1))
    X[y == 1] = X[y == 0][0] + 1e-6
    with pytest.raises(DataError) as caught:
        checked(sampler).fit_resample(X, np.array(["common", "rare"])[y])
    assert sentence in str(caught.value)


def test_notes_name_string_labels():
    X, y = make_rows((60, 4))
    wrapper = checked(KMeansSMOTE(k_neighbors=9, kmeans_estimator=1, random_state=0))
    wrapper.fit_resample(X, np.array(["common", "rare"])[y])
    assert "k_neighbors=9 was clipped to 3: class 'rare' has 4 in " in wrapper.notes_[0]
    wrapper = checked(RandomOverSampler(sampling_strategy={1: 9}))
    wrapper.fit_resample(np.zeros((13, 1)), np.repeat(["a", "b", "c"], [9, 2, 2]))
    assert wrapper.notes_ == ("strategy.resample.x made no row of class 'c'.",)


@pytest.mark.parametrize(
    ("sampler", "parameter", "asked", "possible"),
    [
        (SMOTE(random_state=0), "k_neighbors", 5, 3),
        (ADASYN(n_neighbors=9, random_state=0), "n_neighbors", 9, 3),
        (BorderlineSMOTE(k_neighbors=7, random_state=0), "k_neighbors", 7, 3),
        (SMOTEENN(smote=SMOTE(k_neighbors=4, random_state=0)), "smote__k_neighbors", 4, 3),
        (SMOTETomek(smote=SMOTE(k_neighbors=4, random_state=0)), "smote__k_neighbors", 4, 3),
        (SMOTEIPF(k_neighbors=6, random_state=0), "k_neighbors", 6, 3),
        (ProWSyn(n_neighbors=4, random_state=0), "n_neighbors", 4, 3),
        (NearMiss(n_neighbors=5), "n_neighbors", 5, 4),
    ],
    ids=lambda v: type(v).__name__ if hasattr(v, "get_params") else str(v),
)
def test_more_neighbours_than_rows_are_clipped_and_that_is_noted(
    sampler, parameter, asked, possible
):
    X, y = make_rows((60, 20, 4))
    wrapper = checked(sampler)
    rows, labels = wrapper.fit_resample(X, y)
    assert wrapper.notes_[0] == (
        f"strategy.resample.x.{parameter.replace('__', '.')}={asked} was clipped to {possible}: "
        "class 'few' has 4 in this training part."
    )
    assert len([note for note in wrapper.notes_ if "clipped" in note]) == 1
    # The same as if the user had asked for what is possible, and the sampler given stays.
    expected = clone(sampler).set_params(**{parameter: possible}).fit_resample(X, y)
    np.testing.assert_array_equal(rows, expected[0])
    np.testing.assert_array_equal(labels, expected[1])
    assert sampler.get_params()[parameter] == asked


def test_a_number_clipped_twice_is_noted_once_with_the_configured_value():
    # More neighbours than there are rows at all, and then more than the class has.
    X, y = make_rows((20, 10, 4))
    wrapper = checked(ADASYN(n_neighbors=90, random_state=0))
    wrapper.fit_resample(X, y)
    (note,) = (note for note in wrapper.notes_ if "clipped" in note)
    assert note.startswith("strategy.resample.x.n_neighbors=90 was clipped to 3: class 'few'")


def test_nothing_is_clipped_or_noted_in_large_classes():
    X, y = make_rows((60, 20, 6))
    wrapper = checked(SMOTE(k_neighbors=5, random_state=0))
    rows, _ = wrapper.fit_resample(X, y)
    np.testing.assert_array_equal(rows, SMOTE(k_neighbors=5, random_state=0).fit_resample(X, y)[0])
    assert wrapper.notes_ == ()


def test_a_class_of_one_row_is_refused_with_a_fix():
    X, y = make_rows((60, 20, 1))
    with pytest.raises(DataError, match=r"'few' has 1 in this training part: use random_over\.$"):
        checked(SMOTE(k_neighbors=5)).fit_resample(X, y)


@pytest.mark.parametrize(
    "sampler", [SMOTE(sampling_strategy={1: 60}), SMOTE(sampling_strategy="not minority")]
)
def test_a_small_class_that_is_not_resampled_needs_no_neighbours(sampler):
    X, y = make_rows((60, 20, 4))
    _, labels = checked(sampler).fit_resample(X, y)
    assert np.bincount(labels).tolist() == [60, 60, 4]


def test_small_classes_that_are_balanced_already_need_no_neighbours():
    X, y = make_rows((4, 4))
    _, labels = checked(SMOTE(k_neighbors=5)).fit_resample(X, y)
    assert np.bincount(labels).tolist() == [4, 4]


@pytest.mark.parametrize(
    "sampler", [SMOTE(k_neighbors=0), RandomOverSampler(sampling_strategy={0: 1})]
)
def test_an_error_of_any_sampler_names_its_key(sampler):
    X, y = make_rows((60, 20, 4))
    with pytest.raises(DataError, match=r"^strategy\.resample\.x"):
        checked(sampler).fit_resample(X, y)


def test_a_sampler_that_removes_a_class_is_refused_by_name():
    X, y = make_rows((60, 20, 4))
    X[y == 2] = X[y == 0][:4] + 1e-6  # alone among another class
    with pytest.raises(DataError, match=r"^strategy\.resample\.x leaves no row of class 'few': "):
        checked(EditedNearestNeighbours(sampling_strategy="all")).fit_resample(X, y)


def test_the_configured_sampler_is_not_fitted():
    X, y = make_rows()
    sampler = RandomOverSampler(random_state=0)
    checked(sampler).fit_resample(X, y)
    assert not hasattr(sampler, "sampling_strategy_")


def test_the_rows_are_those_of_the_sampler_alone():
    X, y = make_rows()
    found = checked(SMOTE(random_state=3)).fit_resample(X, y)
    expected = SMOTE(random_state=3).fit_resample(X, y)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_all_ensembles_are_found():
    assert len(ENSEMBLES) == 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "strategy"),
    [("mlp", name) for name in ("none", "focal", "threshold", "tau_norm", *ENSEMBLES)]
    + [("decision_tree", name) for name in ENSEMBLES],
)
def test_labels_are_what_the_estimator_predicts(model, strategy):
    estimator = fitted(model, strategy)
    X, _ = make_rows(seed=1)
    scores = scoring.scores_for(estimator, X, np.arange(2))
    np.testing.assert_array_equal(labels_for(estimator, X, scores), estimator.predict(X))


@pytest.mark.parametrize("strategy", ["none", "bagging", "easy_ensemble"])
def test_a_net_and_an_ensemble_predict_once(strategy, monkeypatch):
    estimator = fitted("mlp", strategy)
    X, _ = make_rows(seed=1)
    scores = scoring.scores_for(estimator, X, np.arange(2))
    monkeypatch.setattr(type(estimator), "predict", None)
    assert labels_for(estimator, X, scores).dtype == np.int64
    ruled = fitted("mlp", "threshold")
    labels = labels_for(ruled, X, scores)
    assert (labels != scores.argmax(1)).any()  # the rule decides, not the likeliest class
