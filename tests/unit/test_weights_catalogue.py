"""Class weights against their formulas, published tables and scikit-learn's own."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.class_weight import compute_class_weight

from imbench.models.nets.classifier import TorchClassifier
from imbench.models.weighted import WeightedClassifier
from imbench.strategies.weights.balanced_weights import BalancedWeights
from imbench.strategies.weights.cost_matrix import CostMatrixWeights
from imbench.strategies.weights.deferred import DeferredWeights
from imbench.strategies.weights.effective_number import EffectiveNumberWeights
from imbench.strategies.weights.inverse_weights import InverseWeights
from imbench.strategies.weights.sqrt_inverse import SqrtInverseWeights

CIFAR_LT = np.array([5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50])
PUBLISHED = {
    0.999: [0.1812, 0.1894, 0.2157, 0.2729, 0.3785, 0.5606, 0.8688, 1.3862, 2.2584, 3.6883],
    0.9999: [0.0506, 0.0769, 0.1211, 0.1950, 0.3188, 0.5246, 0.8683, 1.4426, 2.4092, 3.9927],
}
COSTS = [[0, 1, 2], [10, 0, 4], [5, 7, 0]]
WITHOUT_ONES = [
    BalancedWeights(),
    SqrtInverseWeights(),
    EffectiveNumberWeights(),
    EffectiveNumberWeights(0),
    CostMatrixWeights(),
]


@pytest.fixture(scope="module")
def rows():
    return make_classification(
        300, 6, n_informative=4, n_classes=3, weights=[0.8, 0.15, 0.05], flip_y=0.1, random_state=0
    )


@pytest.mark.parametrize("beta", PUBLISHED)
def test_effective_number_weights_are_the_published_ones(beta):
    found = EffectiveNumberWeights(beta)(CIFAR_LT, 0.0)
    np.testing.assert_array_equal(found.round(4), PUBLISHED[beta])
    assert found.sum() == pytest.approx(10)


@pytest.mark.parametrize("beta", [0.3, 0.9, 0.999])
def test_effective_number_weights_are_the_formula(beta):
    counts = [40, 7, 1]
    raw = [(1 - beta) / (1 - beta**n) for n in counts]
    expected = [3 * w / sum(raw) for w in raw]
    found = EffectiveNumberWeights(beta)(np.array(counts), 0.0)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_effective_number_weights_go_from_ones_to_inverse_frequencies():
    np.testing.assert_array_equal(EffectiveNumberWeights(0.0)(CIFAR_LT, 0.0), np.ones(10))
    near_one = EffectiveNumberWeights(1 - 1e-13)(CIFAR_LT, 0.0)
    np.testing.assert_allclose(near_one / 10, InverseWeights()(CIFAR_LT, 0.0), rtol=1e-3)


def test_large_classes_get_nearly_equal_weights_as_the_notes_say():
    found = EffectiveNumberWeights(0.999)(np.array([100_000, 5_000]), 0.0)
    assert 1 < found[1] / found[0] < 1.01


@pytest.mark.parametrize("counts", [[900, 100], [5000, 2997, 50, 1], [7, 7, 7]])
def test_square_root_weights_are_inversely_proportional_to_roots_and_sum_to_k(counts):
    found = SqrtInverseWeights()(np.array(counts), 0.0)
    assert found.sum() == pytest.approx(len(counts))
    np.testing.assert_allclose(found**2 * counts, found[0] ** 2 * counts[0])


@pytest.mark.parametrize("counts", [[900, 100], [5000, 2997, 50, 1], [7, 7, 7]])
def test_balanced_weights_are_scikit_learns(counts):
    y = np.repeat(np.arange(len(counts)), counts)
    expected = compute_class_weight("balanced", classes=np.unique(y), y=y)
    np.testing.assert_allclose(BalancedWeights()(np.array(counts), 0.3), expected)


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(C=0.1, max_iter=2000, tol=1e-8),
        SVC(C=0.5),
        DecisionTreeClassifier(max_depth=4, random_state=0),
        HistGradientBoostingClassifier(max_iter=10, random_state=0),
    ],
    ids=lambda e: type(e).__name__,
)
def test_balanced_weights_as_row_weights_equal_class_weight_balanced(estimator, rows):
    X, y = rows
    ours = WeightedClassifier(estimator, BalancedWeights()).fit(X, y)
    theirs = clone(estimator).set_params(class_weight="balanced").fit(X, y)
    for name in ("coef_", "dual_coef_"):  # linear model and support vectors
        if name in vars(theirs):
            np.testing.assert_allclose(
                getattr(ours.estimator_, name), getattr(theirs, name), atol=1e-7
            )
    if isinstance(estimator, SVC):
        np.testing.assert_allclose(
            ours.estimator_.decision_function(X), theirs.decision_function(X), atol=1e-6
        )
    else:
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-7)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert (clone(estimator).fit(X, y).predict(X) != ours.predict(X)).any(), "nothing changed"


def test_a_net_is_trained_the_same_by_weights_that_differ_in_scale(rows):
    X, y = rows
    nets = [
        TorchClassifier(weights=w, epochs=2, device="cpu", random_state=0).fit(X, y)
        for w in (BalancedWeights(), InverseWeights(), CostMatrixWeights())
    ]
    for other in nets[1:]:
        np.testing.assert_allclose(nets[0].predict_proba(X), other.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("progress", [0.0, 0.5, 0.799])
def test_deferred_weights_are_one_before_their_start(progress):
    found = DeferredWeights(EffectiveNumberWeights(0.9999), 0.8)(CIFAR_LT, progress)
    np.testing.assert_array_equal(found, np.ones(10))


@pytest.mark.parametrize("progress", [160 / 200, 0.9, 199 / 200])
def test_deferred_weights_are_those_inside_from_epoch_160_of_200_on(progress):
    found = DeferredWeights(EffectiveNumberWeights(0.9999))(CIFAR_LT, progress)
    np.testing.assert_array_equal(found.round(4), PUBLISHED[0.9999])


def test_weights_of_a_cost_matrix_are_the_sums_of_its_rows_scaled_to_a_mean_of_one():
    counts = np.array([80, 15, 5])
    found = CostMatrixWeights(COSTS)(counts, 0.0)
    total = 3 * 80 + 14 * 15 + 12 * 5
    np.testing.assert_allclose(found, [3 * 100 / total, 14 * 100 / total, 12 * 100 / total])
    assert (found * counts).sum() == pytest.approx(100)


def test_the_diagonal_of_a_cost_matrix_is_ignored():
    other = [[9, 1, 2], [10, 9, 4], [5, 7, 9]]
    counts = np.array([80, 15, 5])
    np.testing.assert_array_equal(
        CostMatrixWeights(COSTS)(counts, 0.0), CostMatrixWeights(other)(counts, 0.0)
    )


def test_without_costs_an_error_costs_the_size_of_the_largest_class_over_that_of_its_own():
    counts = np.array([80, 15, 5])
    rule = [[80 / n] * 3 for n in counts]
    np.testing.assert_allclose(
        CostMatrixWeights()(counts, 0.0), CostMatrixWeights(rule)(counts, 0.0)
    )


def test_two_classes_with_costs_of_one_and_ten_weigh_one_to_ten():
    found = CostMatrixWeights([[0, 1], [10, 0]])(np.array([90, 10]), 0.0)
    assert found[1] / found[0] == pytest.approx(10)


@pytest.mark.parametrize("weights", WITHOUT_ONES, ids=str)
def test_a_class_without_rows_has_weight_zero(weights):
    found = weights(np.array([30, 0, 10]), 0.9)
    assert found[1] == 0
    assert (found[[0, 2]] > 0).all()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: EffectiveNumberWeights(1.0), "beta must be a number in [0, 1), got beta=1.0."),
        (lambda: EffectiveNumberWeights(-0.1), "beta must be a number in [0, 1), got beta=-0.1."),
        (lambda: EffectiveNumberWeights("a"), "beta must be a number in [0, 1), got beta='a'."),
        (
            lambda: DeferredWeights(InverseWeights(), 1.0),
            "start must be a number in [0, 1), got start=1.0.",
        ),
        (
            lambda: DeferredWeights("inverse"),
            "weights must be an entry of the stage 'weights', {_target_: ...}, "
            "got weights='inverse'.",
        ),
        (
            lambda: CostMatrixWeights([[0, 1], [1]]),
            "costs must be a square matrix, one row and one column a class such as "
            "[[0, 1], [10, 0]], or a number for each class, or of two classes "
            "{missed: 20, false_alarm: 1}, got costs=[[0, 1], [1]].",
        ),
        (
            lambda: CostMatrixWeights([[0, 1], [-10, 0]]),
            "costs must hold finite numbers of at least 0, got -10 in costs=[[0, 1], [-10, 0]].",
        ),
        (
            lambda: CostMatrixWeights([[1, 0], [0, 1]]),
            "costs=[[1, 0], [0, 1]]: no error costs anything; set one such as "
            "'costs={missed: 20, false_alarm: 1}'.",
        ),
        (
            lambda: CostMatrixWeights([[0, 1], [10, 0]])(np.array([5, 5, 5]), 0.0),
            "strategy.weights.cost_matrix.costs is 2 x 2, but there are 3 classes, 0, 1, 2: "
            "give one row and one column a class.",
        ),
        (
            lambda: CostMatrixWeights([[0, 0], [1, 0]])(np.array([5, 0]), 0.0),
            "strategy.weights.cost_matrix.costs gives every row of this training part weight 0: "
            "let errors on some class that has rows cost something.",
        ),
    ],
)
def test_invalid_values_raise_one_sentence_with_the_parameter(make, sentence):
    with pytest.raises(ValueError) as error:
        make()
    assert str(error.value) == sentence


@pytest.mark.parametrize("costs", [5, "ab", [1, 2], [[1]], [[0, 1, 2], [1, 0, 2]]])
def test_costs_that_are_no_square_matrix_are_refused(costs):
    with pytest.raises(ValueError, match="costs must be a square matrix"):
        CostMatrixWeights(costs)
