"""Outlier detectors as classifiers, and the autoencoder among them."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from imbench.models.autoencoder import Autoencoder, mirrored
from imbench.models.outlier import OutlierClassifier, PrincipalEnvelope

pytestmark = pytest.mark.slow  # seconds as a whole

DETECTORS = {
    "forest": IsolationForest(n_estimators=50, random_state=0),
    "svm": OneClassSVM(nu=0.1),
    "lof": LocalOutlierFactor(novelty=True),
    "envelope": PrincipalEnvelope(random_state=0),
    "autoencoder": Autoencoder(hidden=(8, 1), epochs=30, device="cpu", random_state=0),
}


def make_rows(n=400, n_rare=20, distance=6.0, seed=0):
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(n, 4)) * [1, 1, 1, 0.1]
    rare = rng.normal(size=(n_rare, 4)) * [1, 1, 1, 0.1]
    rare[:, 1] += distance
    return np.concatenate([normal, rare]), np.repeat([0, 1], [n, n_rare])


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS)
def test_rows_far_from_the_larger_class_are_found(detector):
    X, y = make_rows()
    fitted = OutlierClassifier(clone(detector), random_state=0).fit(X, y)
    X_test, y_test = make_rows(seed=1)
    scores = fitted.predict_proba(X_test)
    np.testing.assert_allclose(scores.sum(1), 1)
    assert roc_auc_score(y_test, scores[:, 1]) > 0.9
    assert brier_score_loss(y_test, scores[:, 1]) < 0.9 * (20 / 420) * (400 / 420)
    np.testing.assert_array_equal(fitted.predict(X_test), scores[:, 1] > 0.5)


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS)
def test_the_detector_sees_no_row_of_the_rare_class(detector):
    X, y = make_rows()
    fitted = OutlierClassifier(clone(detector), random_state=0).fit(X, y)
    alone = clone(detector).fit(X[y == 0])
    np.testing.assert_array_equal(
        fitted.estimator_.decision_function(X), alone.decision_function(X)
    )


def test_the_probabilities_keep_the_order_of_the_scores():
    X, y = make_rows(distance=2.0)
    fitted = OutlierClassifier(IsolationForest(random_state=0), random_state=0).fit(X, y)
    order = np.argsort(-fitted.estimator_.decision_function(X), kind="stable")
    assert (np.diff(fitted.predict_proba(X)[order, 1]) >= 0).all()
    assert fitted.predict_proba(X)[:, 1].mean() == pytest.approx(20 / 420, rel=0.3)


def test_rare_rows_that_look_more_normal_than_the_others_do_not_turn_the_order_round():
    X, y = make_rows()
    X[y == 1] = 0.0
    fitted = OutlierClassifier(IsolationForest(random_state=0), random_state=0).fit(X, y)
    assert fitted.curve_ is None
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], 20 / 420)


def test_the_larger_class_may_be_the_second_and_labels_may_be_words():
    X, y = make_rows()
    numbers = OutlierClassifier(OneClassSVM(nu=0.1), random_state=0).fit(X, y)
    words = np.array(["z", "a"])[y]
    spoken = OutlierClassifier(OneClassSVM(nu=0.1), random_state=0).fit(X, words)
    assert spoken.classes_.tolist() == ["a", "z"]
    assert spoken.rare_ == 0
    np.testing.assert_array_equal(spoken.predict(X), np.array(["z", "a"])[numbers.predict(X)])
    np.testing.assert_array_equal(spoken.predict_proba(X), numbers.predict_proba(X)[:, ::-1])


def test_three_classes_and_too_few_rows_are_sentences():
    X, _ = make_rows()
    with pytest.raises(ValueError, match=r"tells two classes apart, got 3 in y\.$"):
        OutlierClassifier(OneClassSVM()).fit(X[:9], np.resize([0, 1, 2], 9))
    with pytest.raises(ValueError, match=r"^model\.estimator\.cv=3 is more than the 2 rows"):
        OutlierClassifier(OneClassSVM()).fit(X[-4:], np.array([0, 0, 1, 1]))
    with pytest.raises(ValueError, match=r"^cv must be an integer of at least 2, got 1\.$"):
        OutlierClassifier(OneClassSVM(), cv=1).check_params()
    with pytest.raises(ValueError, match=r"^variance must lie in"):
        OutlierClassifier(PrincipalEnvelope(variance=2.0)).check_params()


def test_an_envelope_on_all_components_is_scikit_learns():
    X, y = make_rows()
    ours = PrincipalEnvelope(variance=1.0, random_state=0).fit(X[y == 0])
    theirs = EllipticEnvelope(random_state=0).fit(X[y == 0])
    # The same ellipse up to the random subsets of the search.
    found, expected = (e.decision_function(X[y == 1]) for e in (ours, theirs))
    assert np.corrcoef(found, expected)[0, 1] > 0.99


def test_an_envelope_takes_constant_and_repeated_columns():
    X, y = make_rows()
    X = np.concatenate([X, X[:, :2], np.ones((len(X), 3))], axis=1)
    fitted = PrincipalEnvelope(random_state=0).fit(X[y == 0])
    assert fitted.components_.n_components_ <= 4
    assert roc_auc_score(y, -fitted.decision_function(X)) > 0.99
    assert set(fitted.predict(X)) == {-1, 1}


def test_an_envelope_has_five_rows_a_component():
    X = np.random.default_rng(0).normal(size=(20, 12))
    assert PrincipalEnvelope(variance=1.0, random_state=0).fit(X).components_.n_components_ == 4


def test_an_autoencoder_is_a_mirror():
    widths = [m.out_features for m in mirrored(10, [6, 2]) if isinstance(m, torch.nn.Linear)]
    assert widths == [6, 2, 6, 10]
    assert [m.out_features for m in mirrored(5, [2]) if isinstance(m, torch.nn.Linear)] == [2, 5]


def test_an_autoencoder_scores_by_the_error_of_what_it_rebuilds():
    X, y = make_rows()
    fitted = Autoencoder(hidden=[3], epochs=5, device="cpu", random_state=0).fit(X[y == 0])
    with torch.inference_mode():
        rebuilt = fitted.net_(torch.tensor(X, dtype=torch.float32)).numpy()
    expected = -np.square(rebuilt - X).mean(1)
    np.testing.assert_allclose(fitted.decision_function(X), expected, rtol=1e-4)
    assert (fitted.predict(X[y == 0]) == 1).all()


def test_an_autoencoder_is_seeded_and_leaves_pytorchs_generator_alone():
    X, _ = make_rows()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, same, other = (
        Autoencoder(epochs=2, device="cpu", random_state=s).fit(X).decision_function(X)
        for s in (0, 0, 1)
    )
    assert torch.equal(torch.rand(1), expected)
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"epochs": 0}, r"^epochs must be an integer of at least 1, got 0\.$"),
        ({"hidden": []}, r"^hidden must be a list of widths above 0, got \[\]\.$"),
        ({"hidden": [4, 0]}, r"^hidden must be a list of widths above 0"),
        ({"lr": 0}, r"^lr must be a number above 0, got lr=0\.$"),
        ({"device": "tpu"}, r"^device must be auto, cpu or cuda"),
    ],
    ids=str,
)
def test_a_value_out_of_range_is_refused_before_anything_runs(value, sentence):
    with pytest.raises(ValueError, match=sentence):
        OutlierClassifier(Autoencoder(**value)).check_params()
