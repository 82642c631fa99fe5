"""Rules that change labels: class weights, costs, logit adjustment; and what they maximise."""

import itertools

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, fbeta_score
from sklearn.tree import DecisionTreeClassifier

from imbench.components.seeding import seed_estimator
from imbench.strategies.decision.base import DecisionRule, TunedRule, normalised
from imbench.strategies.decision.class_thresholds import ClassThresholds
from imbench.strategies.decision.cost_sensitive import CostSensitive
from imbench.strategies.decision.logit_adjustment import LogitAdjustment
from imbench.strategies.decision.objectives import FBeta, NegativeCost
from imbench.strategies.decision.threshold import TunedThreshold, label_score

RULES = (ClassThresholds, CostSensitive, LogitAdjustment)


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose scores are the rows themselves."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.asarray(X)


def make_rows(weights=(0.9, 0.1), n=900, seed=0):
    return make_classification(
        n,
        6,
        n_informative=4,
        n_classes=len(weights),
        weights=list(weights),
        class_sep=0.6,
        random_state=seed,
    )


def make_scores(n, n_classes, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(n_classes), n)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("weights", [(0.92, 0.08), (0.8, 0.14, 0.06)])
def test_it_finds_more_of_the_rare_classes_and_leaves_the_scores_alone(rule, weights):
    X, y = make_rows(weights)
    model = LogisticRegression(max_iter=500)
    plain = clone(model).fit(X, y)
    fitted = rule(model).fit(X, y)
    assert balanced_accuracy_score(y, fitted.predict(X)) > 0.02 + balanced_accuracy_score(
        y, plain.predict(X)
    )
    np.testing.assert_array_equal(fitted.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("rule", RULES)
def test_labels_may_be_words_and_come_back(rule):
    X, y = make_rows((0.8, 0.14, 0.06))
    words = np.array(["a", "b", "c"])
    model = rule(DecisionTreeClassifier(max_depth=3))
    fitted = seed_estimator(model, 0).fit(X, words[y])
    assert fitted.classes_.tolist() == ["a", "b", "c"]
    numbers = clone(fitted).fit(X, y)
    np.testing.assert_array_equal(fitted.predict(X), words[numbers.predict(X)])


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_the_label_has_the_smallest_expected_cost_of_all(n_classes):
    rng = np.random.default_rng(n_classes)
    costs = rng.uniform(0, 5, (n_classes, n_classes))
    scores = make_scores(200, n_classes)
    y = np.resize(np.arange(n_classes), 200)
    labels = CostSensitive(Given(), costs=costs.tolist()).fit(scores, y).predict(scores)
    for p, label in zip(scores, labels, strict=True):
        expected = [
            sum(p[true] * costs[true, said] for true in range(n_classes))
            for said in range(n_classes)
        ]
        assert expected[label] == min(expected)


def test_two_classes_are_cut_at_the_false_alarms_share_of_the_costs():
    scores = np.linspace(0.001, 0.999, 500)
    X = np.stack([1 - scores, scores], axis=1)
    fitted = CostSensitive(Given(), costs=[[0, 1], [9, 0]]).fit(X, np.resize([0, 1], 500))
    np.testing.assert_array_equal(fitted.predict(X), scores > 1 / (1 + 9))


def test_default_costs_are_logit_adjustment_with_tau_one():
    scores = make_scores(500, 4)
    y = np.repeat(np.arange(4), [350, 100, 40, 10])
    by_cost = CostSensitive(Given()).fit(scores, y)
    np.testing.assert_allclose(by_cost.costs_[3], [35, 35, 35, 0])
    np.testing.assert_array_equal(
        by_cost.predict(scores), LogitAdjustment(Given()).fit(scores, y).predict(scores)
    )


@pytest.mark.parametrize(
    "costs",
    [[1, 2], [[0, 1]], [[0, 1], [1]], [[0, "x"], [1, 0]], [[0]], "no", [[[0, 1], [1, 0]]]],
    ids=str,
)
def test_costs_that_are_no_square_matrix_are_refused_before_anything_runs(costs):
    with pytest.raises(ValueError, match=r"^costs must (be a square matrix|hold finite).* got"):
        CostSensitive(None, costs=costs).check_params()


@pytest.mark.parametrize("value", [-1, float("inf"), float("nan")])
def test_costs_below_zero_or_infinite_are_refused(value):
    with pytest.raises(ValueError, match=r"^costs must hold finite numbers of at least 0, got"):
        CostSensitive(None, costs=[[0, value], [1, 0]]).check_params()


def test_costs_for_another_number_of_classes_are_a_sentence():
    scores = make_scores(30, 3)
    words = r"^strategy\.decision\.cost_sensitive\.costs is 2 x 2, but there are 3 classes, .*\.$"
    with pytest.raises(ValueError, match=words):
        CostSensitive(Given(), costs=[[0, 1], [1, 0]]).fit(scores, np.resize([0, 1, 2], 30))


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 2.0])
def test_logit_adjustment_divides_by_the_shares_to_the_power_tau(tau):
    scores = make_scores(300, 3)
    y = np.repeat(np.arange(3), [240, 45, 15])
    fitted = LogitAdjustment(Given(), tau=tau).fit(scores, y)
    expected = (scores / np.array([0.8, 0.15, 0.05]) ** tau).argmax(1)
    np.testing.assert_array_equal(fitted.predict(scores), expected)
    np.testing.assert_allclose(fitted.shares_, [0.8, 0.15, 0.05])


def test_logit_adjustment_takes_scores_of_zero():
    scores = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    y = np.array([0, 0, 1])
    assert LogitAdjustment(Given()).fit(scores, y).predict(scores).tolist() == [0, 1, 1]


@pytest.mark.parametrize("tau", [-1, float("nan"), "1", None])
def test_a_tau_out_of_range_is_refused(tau):
    with pytest.raises(ValueError, match=r"^tau must be a number of at least 0, got tau="):
        LogitAdjustment(None, tau=tau).check_params()


def test_class_thresholds_of_two_classes_come_near_the_best_threshold():
    X, y = make_rows((0.9, 0.1), n=1500)
    ours = ClassThresholds(LogisticRegression(), random_state=0).fit(X, y)
    theirs = TunedThreshold(LogisticRegression(), random_state=0).fit(X, y)
    found, best = (label_score(y, rule.predict(X), 2, "f1_macro") for rule in (ours, theirs))
    assert found == pytest.approx(best, abs=0.02)
    np.testing.assert_array_equal(
        ours.predict(X), (ours.predict_proba(X) * ours.weights_).argmax(1)
    )
    assert ours.n_fits_ == 6


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_f_beta_of_a_confusion_matrix_is_scikit_learns(beta):
    rng = np.random.default_rng(0)
    y, predicted = rng.integers(3, size=(2, 100))
    for label in range(3):
        found = label_score(y, predicted, 3, FBeta(beta, label))
        expected = fbeta_score(y, predicted, beta=beta, labels=[label], average="macro")
        assert found == pytest.approx(expected)
    assert FBeta()(np.array([[5, 0], [0, 0]])) == 0


def test_the_negative_cost_sums_the_costs_row_by_row():
    rng = np.random.default_rng(0)
    y, predicted = rng.integers(3, size=(2, 50))
    costs = rng.uniform(0, 4, (3, 3))
    expected = -np.mean([costs[t, p] for t, p in zip(y, predicted, strict=True)])
    found = label_score(y, predicted, 3, NegativeCost(costs.tolist()))
    assert found == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"is 2 x 2, but there are 3 classes"):
        NegativeCost([[0, 1], [1, 0]])(np.eye(3, dtype=int))


@pytest.mark.parametrize("rule", [TunedThreshold, ClassThresholds])
def test_any_objective_may_be_maximised(rule):
    X, y = make_rows((0.85, 0.15))
    objective = NegativeCost([[0, 1], [20, 0]])
    dear = rule(LogisticRegression(), metric=objective, random_state=0).fit(X, y)
    cheap = rule(LogisticRegression(), metric=NegativeCost([[0, 20], [1, 0]]), random_state=0)
    assert dear.predict(X).mean() > 0.3 > 0.1 > cheap.fit(X, y).predict(X).mean()
    # Near the best of all thresholds for these costs.
    scores = dear.predict_proba(X)[:, 1]
    best = max(label_score(y, (scores >= t).astype(int), 2, objective) for t in scores)
    assert label_score(y, dear.predict(X), 2, objective) >= best - 0.05


@pytest.mark.parametrize("beta", [0, -1, float("inf")])
def test_a_beta_out_of_range_is_refused(beta):
    with pytest.raises(ValueError, match=r"^beta must be a number above 0"):
        FBeta(beta)


@pytest.mark.parametrize("rule", [TunedThreshold, ClassThresholds])
def test_a_metric_without_a_name_is_refused(rule):
    with pytest.raises(ValueError, match=r"^metric='auc' is no metric of labels.* it must be "):
        rule(None, metric="auc").check_params()


@pytest.mark.parametrize("cv", [1, 2.5, "3"])
def test_a_number_of_folds_out_of_range_is_refused(cv):
    with pytest.raises(ValueError, match=r"^cv must be an integer of at least 2"):
        TunedRule(None, cv=cv).check_params()


def test_a_single_row_of_a_class_is_a_sentence_that_names_the_rule():
    X, y = make_rows(n=100)
    y[:] = 0
    y[0] = 1
    words = r"^strategy\.decision\.class_thresholds\.cv=5 needs two rows .* has 1 .*\.$"
    with pytest.raises(ValueError, match=words):
        ClassThresholds(LogisticRegression()).fit(X, y)


def test_rows_of_zeros_are_normalised_to_equal_shares():
    found = normalised(np.array([[0.0, 0.0], [1.0, 3.0]]))
    np.testing.assert_allclose(found, [[0.5, 0.5], [0.25, 0.75]])


def test_every_rule_hands_its_estimator_to_clone_and_set_params():
    for rule, model in itertools.product(RULES, [LogisticRegression(C=2.0)]):
        assert isinstance(rule(model), DecisionRule)
        assert clone(rule(model)).set_params(estimator__C=3.0).estimator.C == 3.0
