"""Boosting by draws, against the formulas of the papers written out, and rows made by SMOTE."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from imbench.errors import Incompatible
from imbench.strategies.ensemble.adacost import AdaCost, cost_adjustment
from imbench.strategies.ensemble.boosting import BoostedM2, draw_by_weight, pseudo_losses
from imbench.strategies.ensemble.rusboost import RUSBoost
from imbench.strategies.ensemble.smote_bagging import SMOTEBagging, share_of_copies
from imbench.strategies.ensemble.smoteboost import SMOTEBoost
from imbench.strategies.ensemble.synthetic import clip_neighbours, new_rows

SIZES = (60, 20, 8)


def make_rows(sizes=SIZES, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    X = rng.normal(size=(len(y), 3)) + y[:, None]
    return X, y


class Recording(DecisionTreeClassifier):
    """A small tree that keeps what it was fitted on."""

    def __init__(self, random_state=None):
        super().__init__(max_depth=2, random_state=random_state)

    def fit(self, X, y):
        self.seen_ = X, y
        return super().fit(X, y)


class Fixed(ClassifierMixin, BaseEstimator):
    """A classifier with the scores that it was told, whatever it is fitted on."""

    def __init__(self, scores=(0.5, 0.5), random_state=None):
        self.scores = scores
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.tile(self.scores, (len(X), 1))


@pytest.mark.parametrize("seed", range(3))
def test_rounds_are_weighted_as_adaboost_m2_weights_them(seed):
    X, y = make_rows(seed=seed)
    n, n_classes = len(y), 3
    fitted = BoostedM2(Recording(), n_estimators=6, random_state=seed).fit(X, y)
    mislabels = {(i, k): 1 / (n * 2) for i in range(n) for k in range(n_classes) if k != y[i]}
    votes = []
    for member in fitted.estimators_:
        h = member.predict_proba(X)
        error = 0.5 * sum(d * (1 - h[i, y[i]] + h[i, k]) for (i, k), d in mislabels.items())
        beta = error / (1 - error)
        votes.append(np.log(1 / beta))
        for i, k in mislabels:
            mislabels[i, k] *= beta ** (0.5 * (1 + h[i, y[i]] - h[i, k]))
        total = sum(mislabels.values())
        mislabels = {key: d / total for key, d in mislabels.items()}
    np.testing.assert_allclose(fitted.estimator_weights_, votes)
    shares = fitted.estimator_weights_ / fitted.estimator_weights_.sum()
    expected = sum(w * m.predict_proba(X) for w, m in zip(shares, fitted.estimators_, strict=True))
    np.testing.assert_allclose(fitted.predict_proba(X), expected)


def test_for_two_classes_the_pseudo_loss_is_the_probability_of_the_wrong_one():
    scores = np.array([[0.9, 0.1], [0.3, 0.7]])
    losses = pseudo_losses(scores, np.array([0, 0]))
    np.testing.assert_allclose(losses[:, 1], [0.1, 0.7])


def test_boosting_ends_at_a_member_that_is_no_better_than_a_guess_and_keeps_the_first():
    X, y = make_rows((30, 20))
    fitted = BoostedM2(Fixed(), n_estimators=5, random_state=0).fit(X, y)
    assert len(fitted.estimators_) == 1
    np.testing.assert_allclose(fitted.predict_proba(X), 0.5)


def test_members_without_an_error_have_a_finite_vote():
    X = np.repeat([[0.0], [1.0]], 20, axis=0)
    y = np.repeat([0, 1], 20)
    for ensemble in (BoostedM2, AdaCost):
        fitted = ensemble(DecisionTreeClassifier(), n_estimators=5, random_state=0).fit(X, y)
        assert np.isfinite(fitted.estimator_weights_).all()
        np.testing.assert_array_equal(fitted.predict(X), y)


def test_draws_follow_the_weights():
    weights = np.array([1.0, 2, 3, 4])
    labels = np.zeros(4, int)
    rng = np.random.default_rng(0)
    drawn = np.concatenate([draw_by_weight(weights, labels, rng) for _ in range(5000)])
    np.testing.assert_allclose(np.bincount(drawn) / len(drawn), weights / 10, atol=0.01)


def test_a_class_that_no_draw_met_keeps_its_heaviest_row():
    weights = np.array([1.0, 1, 1e-12, 1e-9, 1e-12])
    labels = np.array([0, 0, 1, 1, 1])
    drawn = draw_by_weight(weights, labels, np.random.default_rng(0))
    assert len(drawn) == 6
    assert drawn[-1] == 3


def test_rounds_of_rusboost_see_a_balanced_sample():
    X, y = make_rows()
    known = {tuple(row) for row in X}
    counts = []
    for seed in range(100):  # in the first round weights are equal within a class
        fitted = RUSBoost(Recording(), n_estimators=1, random_state=seed).fit(X, y)
        X_seen, y_seen = fitted.estimators_[0].seen_
        assert {tuple(row) for row in X_seen} <= known
        counts.append(np.bincount(y_seen))
    np.testing.assert_allclose(np.mean(counts, axis=0), 8, atol=0.7)


def test_rounds_of_smoteboost_add_rows_of_the_rarer_classes_only():
    X, y = make_rows()
    fitted = SMOTEBoost(Recording(), n_estimators=3, random_state=0).fit(X, y)
    known = {tuple(row) for row in X}
    made = set()
    for member in fitted.estimators_:
        X_seen, y_seen = member.seen_
        new = np.array([tuple(row) not in known for row in X_seen])
        assert np.bincount(y_seen[new], minlength=3).tolist() == [0, 40, 52]
        assert len(y_seen) == 88 + 92
        made |= {tuple(row) for row in X_seen[new]}
    assert len(made) == 92 * len(fitted.estimators_)  # made anew each round


def test_bags_of_smote_bagging_hold_the_share_of_copies_of_the_paper():
    assert [share_of_copies(i) for i in (0, 4, 9, 10)] == [0.1, 0.5, 1.0, 0.1]
    X, y = make_rows()
    fitted = SMOTEBagging(Recording(), n_estimators=10, random_state=0).fit(X, y)
    known = {tuple(row) for row in X}
    for i, member in enumerate(fitted.estimators_):
        X_seen, y_seen = member.seen_
        assert np.bincount(y_seen).tolist() == [60, 60, 60]
        new = np.array([tuple(row) not in known for row in X_seen])
        n_new = 60 - round(60 * (i + 1) / 10)
        assert np.bincount(y_seen[new], minlength=3).tolist() == [0, n_new, n_new]


def test_new_rows_lie_between_two_rows_of_their_class():
    X, y = make_rows((30, 6))
    made, labels = new_rows(X, y, np.array([0, 50]), 5, np.random.default_rng(0))
    assert labels.tolist() == [1] * 50
    rare = X[y == 1]
    for row in made:
        detours = [
            np.linalg.norm(row - a) + np.linalg.norm(row - b) - np.linalg.norm(a - b)
            for i, a in enumerate(rare)
            for b in rare[:i]
        ]
        assert min(detours) < 1e-9


def test_neighbours_do_not_depend_on_the_scale_of_a_column():
    X, y = make_rows((30, 10))
    scale = np.array([1e6, 1.0, 1e-6])
    plain, _ = new_rows(X, y, np.array([0, 20]), 2, np.random.default_rng(0))
    scaled, _ = new_rows(X * scale, y, np.array([0, 20]), 2, np.random.default_rng(0))
    np.testing.assert_allclose(scaled, plain * scale)


def test_new_pixels_stay_pixels_and_do_not_wrap_around():
    X = np.array([[0, 255], [250, 5], [3, 3], [4, 4]], np.uint8)
    made, _ = new_rows(X, np.array([1, 1, 0, 0]), np.array([0, 100]), 1, np.random.default_rng(0))
    assert made.dtype == np.uint8
    assert np.abs(made.sum(1, dtype=int) - 255).max() <= 1
    assert len(np.unique(made[:, 0])) > 20


def test_neighbours_are_clipped_to_the_smallest_class_and_that_is_noted():
    X, y = make_rows((30, 4))
    for ensemble in (SMOTEBoost, SMOTEBagging):
        fitted = ensemble(Recording(), n_estimators=2, random_state=0).fit(X, y)
        assert fitted.notes_ == (
            f"strategy.ensemble.{ensemble.name}.k_neighbors=5 was clipped to 3: a class has 4 in "
            "this training part.",
        )
    assert clip_neighbours(5, np.repeat([0, 1], [20, 6]), "x") == (5, ())


def test_a_class_of_one_row_is_a_sentence():
    X, y = make_rows((30, 1))
    for ensemble in (SMOTEBoost, SMOTEBagging):
        with pytest.raises(ValueError, match=rf"^strategy\.ensemble\.{ensemble.name} .* one row"):
            ensemble(Recording()).fit(X, y)


def test_missing_values_are_incompatible_with_rows_between():
    X, y = make_rows()
    X[0, 0] = np.nan
    for ensemble in (SMOTEBoost, SMOTEBagging):
        with pytest.raises(Incompatible, match=rf"^strategy={ensemble.name} .* missing values"):
            ensemble(Recording()).fit(X, y)


def test_adacost_weights_its_rounds_as_the_paper_does():
    X, y = make_rows((60, 20))
    X += 2 * y[:, None]
    fitted = AdaCost(Recording(), n_estimators=5, costs=[1.0, 2.0], random_state=0).fit(X, y)
    np.testing.assert_allclose(fitted.costs_, [0.5, 1.0])
    c = np.where(y == 1, 1.0, 0.5)
    weights, votes = c / c.sum(), []
    for member in fitted.estimators_:
        u = np.where(member.predict(X) == y, 1.0, -1.0)  # y_i h(x_i)
        beta = np.where(u > 0, -0.5 * c + 0.5, 0.5 * c + 0.5)
        r = np.sum(weights * u * beta)
        votes.append(0.5 * np.log((1 + r) / (1 - r)))
        weights = weights * np.exp(-votes[-1] * u * beta)
        weights /= weights.sum()
    np.testing.assert_allclose(fitted.estimator_weights_, votes)
    assert len(votes) > 1


def test_a_dear_row_gains_more_weight_when_wrong_and_loses_less_when_right():
    right = np.array([True, True, False, False])
    adjusted = cost_adjustment(np.array([0.2, 0.8, 0.2, 0.8]), right)
    np.testing.assert_allclose(adjusted, [0.4, 0.1, 0.6, 0.9])


def test_without_costs_adacost_takes_inverse_frequencies():
    X, y = make_rows((60, 20))
    fitted = AdaCost(LogisticRegression(), random_state=0).fit(X, y)
    np.testing.assert_allclose(fitted.costs_, [1 / 3, 1.0])


@pytest.mark.parametrize("costs", [[1, -1], [1, 0], 3, ["a", "b"], [1, float("inf")]])
def test_costs_that_are_no_positive_numbers_are_refused(costs):
    with pytest.raises(ValueError, match=r"^costs must be null or a list of numbers above 0, got"):
        AdaCost(None, costs=costs).check_params()


def test_costs_for_another_number_of_classes_are_a_sentence():
    X, y = make_rows()
    with pytest.raises(ValueError, match=r"adacost\.costs=\[1, 2\] has 2 values, .* 3 classes"):
        AdaCost(LogisticRegression(), costs=[1, 2]).fit(X, y)


def test_neighbours_out_of_range_are_refused():
    for ensemble in (SMOTEBoost, SMOTEBagging):
        with pytest.raises(ValueError, match=r"^k_neighbors must be an integer of at least 1"):
            ensemble(None, k_neighbors=0).check_params()
