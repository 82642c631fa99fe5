"""Inverse class weights, and `WeightedClassifier`, which passes them to scikit-learn models."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.class_weight import compute_class_weight

from imbench.models.weighted import WeightedClassifier
from imbench.strategies.weights.inverse_weights import InverseWeights
from tests.cells import cells_of


class Scaled:
    """Inverse weights times a constant."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, counts, progress):
        return self.factor * InverseWeights()(counts, progress)


@pytest.fixture(scope="module")
def rows():
    return make_classification(
        300, 6, n_informative=4, n_classes=3, weights=[0.8, 0.15, 0.05], flip_y=0.1, random_state=0
    )


@pytest.mark.parametrize("counts", [[900, 100], [5000, 2997, 50, 1], [7, 7, 7]])
def test_inverse_weights_sum_to_one_and_are_inversely_proportional(counts):
    weights = InverseWeights()(np.array(counts), 0.0)
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights * counts, weights[0] * counts[0])


def test_inverse_weights_are_scikit_learns_balanced_ones_up_to_scale():
    y = np.repeat([0, 1, 2], [60, 30, 10])
    balanced = compute_class_weight("balanced", classes=np.arange(3), y=y)
    found = InverseWeights()(np.bincount(y), 0.5)
    np.testing.assert_allclose(found, balanced / balanced.sum())


@pytest.mark.parametrize("power", [0.0, 0.3, 0.5, 1.0])
def test_a_power_makes_inverse_weights_milder(power):
    counts = np.array([5000, 2997, 50, 1, 0])
    expected = [n**-power if n else 0 for n in counts.tolist()]
    found = InverseWeights(power)(counts, 0.0)
    np.testing.assert_allclose(found, np.divide(expected, sum(expected)), rtol=1e-12)


def test_a_power_of_one_is_bit_for_bit_the_plain_inverse():
    counts = np.random.default_rng(0).integers(1, 10**6, 1000)
    inverse = 1.0 / counts
    np.testing.assert_array_equal(InverseWeights()(counts, 0.0), inverse / inverse.sum())


@pytest.mark.parametrize("power", [-0.1, 1.1, "a", None])
def test_a_power_out_of_range_is_a_sentence(power):
    with pytest.raises(ValueError, match=r"^power must be a number in \[0, 1\], got power="):
        InverseWeights(power)


def test_the_key_of_the_power_leaves_run_ids_as_they_were_and_another_power_is_another_cell():
    words = ["dataset=digits", "model=decision_tree", "strategy=inverse_weights"]
    power = "strategy.weights.inverse_weights.power="
    plain, one, half = (
        cells_of(*words, *more)[0] for more in ([], [f"{power}1.0"], [f"{power}0.5"])
    )
    ids = [cell.key("digits", "f").run_id for cell in (plain, one, half)]
    assert ids[0] == ids[1] == "63e26b56cb92c724"  # of a version without the key
    assert ids[2] != ids[0]
    assert half.strategy.weights["inverse_weights"] == InverseWeights(0.5)


def test_a_class_without_rows_has_weight_zero_and_leaves_the_others_as_they_were():
    weights = InverseWeights()(np.array([30, 0, 10]), 0.0)
    np.testing.assert_allclose(weights, [0.25, 0, 0.75])


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(C=0.1, max_iter=2000, tol=1e-8),
        SVC(C=0.5),
        DecisionTreeClassifier(max_depth=4, random_state=0),
        RandomForestClassifier(5, max_depth=4, bootstrap=False, random_state=0),
        HistGradientBoostingClassifier(max_iter=10, random_state=0),
    ],
    ids=lambda e: type(e).__name__,
)
def test_a_weighted_classifier_equals_class_weight_balanced(estimator, rows):
    X, y = rows
    ours = WeightedClassifier(estimator, InverseWeights()).fit(X, y)
    theirs = clone(estimator).set_params(class_weight="balanced").fit(X, y)
    if isinstance(estimator, LogisticRegression):
        np.testing.assert_allclose(ours.estimator_.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    plain = clone(estimator).fit(X, y)
    assert (plain.predict(X) != ours.predict(X)).any(), "the weights changed nothing"


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_scale_of_the_weights_has_no_effect(factor, rows):
    X, y = rows
    model = LogisticRegression(C=0.1, max_iter=2000)
    one = WeightedClassifier(model, InverseWeights()).fit(X, y)
    other = WeightedClassifier(model, Scaled(factor)).fit(X, y)
    np.testing.assert_allclose(one.class_weights_, other.class_weights_)
    np.testing.assert_allclose(one.estimator_.coef_, other.estimator_.coef_)


def test_row_weights_have_a_mean_of_one(rows):
    X, y = rows
    fitted = WeightedClassifier(DecisionTreeClassifier(), InverseWeights()).fit(X, y)
    assert fitted.class_weights_[y].mean() == pytest.approx(1)


def test_labels_may_be_words(rows):
    X, y = rows
    words = np.array(["few", "none", "some"])[y]
    fitted = WeightedClassifier(LogisticRegression(max_iter=2000), InverseWeights()).fit(X, words)
    assert fitted.classes_.tolist() == ["few", "none", "some"]
    assert set(fitted.predict(X)) <= set(words)


def test_it_is_cloned_with_its_parameters_and_refuses_to_predict_before_fit(rows):
    model = clone(WeightedClassifier(LogisticRegression(C=3.0), InverseWeights()))
    assert model.get_params()["estimator__C"] == 3.0
    for method in (model.predict, model.predict_proba):
        with pytest.raises(NotFittedError):
            method(rows[0])
