"""What all ensembles share, the bags that are under-sampled, and the vote."""

import itertools
import re
import tracemalloc

import numpy as np
import pytest
from imblearn.ensemble import BalancedBaggingClassifier
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.tree import DecisionTreeClassifier

from imbench.config import catalogue
from imbench.strategies.ensemble import bagging, balanced_bagging
from imbench.strategies.ensemble.adacost import AdaCost
from imbench.strategies.ensemble.bagging import Bagging
from imbench.strategies.ensemble.balance_cascade import BalanceCascade, n_kept
from imbench.strategies.ensemble.balanced_bagging import BalancedBagging
from imbench.strategies.ensemble.base import balanced_rows
from imbench.strategies.ensemble.easy_ensemble import EasyEnsemble
from imbench.strategies.ensemble.rusboost import RUSBoost
from imbench.strategies.ensemble.self_paced import (
    SelfPacedEnsemble,
    row_chances,
    self_paced_factor,
)
from imbench.strategies.ensemble.smote_bagging import SMOTEBagging
from imbench.strategies.ensemble.smoteboost import SMOTEBoost
from imbench.strategies.ensemble.under_bagging import UnderBagging

ALL = (
    AdaCost,
    BalanceCascade,
    EasyEnsemble,
    RUSBoost,
    SelfPacedEnsemble,
    SMOTEBagging,
    SMOTEBoost,
    UnderBagging,
)
EVERY = (*ALL, Bagging, BalancedBagging)
UNDER_SAMPLING = (BalanceCascade, SelfPacedEnsemble, UnderBagging)


class Remembering(ClassifierMixin, BaseEstimator):
    """A classifier that keeps what it was fitted on; scores fall with the distance to row 0."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.X_, self.y_, self.classes_ = X, y, np.unique(y)
        return self

    def predict_proba(self, X):
        means = np.stack([self.X_[self.y_ == k].mean(0) for k in self.classes_])
        scores = np.exp(-np.square(X[:, None].astype(float) - means).sum(2).clip(0, 50))
        return scores / scores.sum(1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


def make_rows(sizes=(200, 40, 12), seed=0):
    X, y = make_classification(
        3000, 5, n_informative=4, n_redundant=0, n_classes=len(sizes), random_state=seed
    )
    rows = np.concatenate([np.flatnonzero(y == k)[:n] for k, n in enumerate(sizes)])
    rows = np.random.default_rng(seed).permutation(rows)
    return X[rows], y[rows]


@pytest.mark.parametrize("ensemble", ALL)
@pytest.mark.parametrize("sizes", [(200, 12), (200, 40, 12)])
def test_it_finds_rare_rows_that_the_model_alone_misses(ensemble, sizes):
    X, y = make_rows(sizes)
    X_test, y_test = make_rows((300,) * len(sizes), seed=0)
    model = LogisticRegression()
    plain = balanced_accuracy_score(y_test, clone(model).fit(X, y).predict(X_test))
    fitted = ensemble(model, random_state=0).fit(X, y)
    assert balanced_accuracy_score(y_test, fitted.predict(X_test)) > plain
    scores = fitted.predict_proba(X_test)
    assert scores.shape == (len(X_test), len(sizes))
    np.testing.assert_allclose(scores.sum(1), 1)
    np.testing.assert_array_equal(fitted.predict(X_test), scores.argmax(1))


@pytest.mark.parametrize("ensemble", ALL)
def test_labels_may_be_words_and_come_back(ensemble):
    X, y = make_rows()
    words = np.array(["a", "b", "c"])
    numbers = ensemble(DecisionTreeClassifier(max_depth=3), n_estimators=3, random_state=0)
    spoken = clone(numbers).fit(X, words[y])
    assert spoken.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(spoken.predict(X), words[numbers.fit(X, y).predict(X)])


@pytest.mark.parametrize("ensemble", ALL)
def test_the_seed_decides_the_rows_and_members_have_seeds_of_their_own(ensemble):
    X, y = make_rows()
    fits = [
        ensemble(DecisionTreeClassifier(max_features=1), n_estimators=4, random_state=s).fit(X, y)
        for s in (0, 0, 1)
    ]
    same, other = (
        np.array_equal(fits[0].predict_proba(X), fit.predict_proba(X)) for fit in fits[1:]
    )
    assert same
    assert not other
    seeds = [member.random_state for member in fits[0].estimators_]
    assert len(set(seeds)) == len(seeds) == 4 or ensemble in (AdaCost, RUSBoost)


@pytest.mark.parametrize("ensemble", ALL)
def test_the_model_that_was_passed_in_stays_as_it_was(ensemble):
    X, y = make_rows()
    model = DecisionTreeClassifier()
    ensemble(model, n_estimators=2, random_state=0).fit(X, y)
    assert model.random_state is None
    assert not hasattr(model, "tree_")


@pytest.mark.parametrize("ensemble", EVERY)
def test_more_members_than_rows_is_a_sentence_that_names_the_key(ensemble):
    X, y = make_rows((20, 10))
    words = rf"^strategy\.ensemble\.{ensemble.name}\.n_estimators=31 is more than the 30 rows .*\.$"
    with pytest.raises(ValueError, match=words):
        ensemble(LogisticRegression(), n_estimators=31).fit(X, y)


@pytest.mark.parametrize("ensemble", EVERY)
@pytest.mark.parametrize("value", [0, 2.5, True, None])
def test_a_number_of_members_out_of_range_is_refused_before_anything_runs(ensemble, value):
    with pytest.raises(ValueError, match=r"^n_estimators must be an integer of at least 1"):
        ensemble(None, n_estimators=value).check_params()


@pytest.mark.parametrize("ensemble", ALL)
def test_one_class_is_a_sentence(ensemble):
    with pytest.raises(ValueError, match=r"^y has one class"):
        ensemble(LogisticRegression()).fit(np.zeros((20, 2)), np.zeros(20))


@pytest.mark.parametrize("ensemble", UNDER_SAMPLING)
def test_every_bag_holds_all_rows_of_the_smallest_class_and_as_many_of_the_others(ensemble):
    X, y = make_rows()
    fitted = ensemble(Remembering(), n_estimators=5, random_state=0).fit(X, y)
    rare = X[y == 2]
    for member in fitted.estimators_:
        assert np.bincount(member.y_).tolist() == [12, 12, 12]
        assert {tuple(row) for row in member.X_[member.y_ == 2]} == {tuple(row) for row in rare}
        assert len({tuple(row) for row in member.X_}) == 36  # none of them twice


def test_the_rows_of_a_balanced_bag_are_drawn_evenly():
    labels = np.repeat([0, 1], [20, 5])
    drawn = [balanced_rows(labels, np.random.default_rng(seed)) for seed in range(2000)]
    counts = np.bincount(np.concatenate(drawn), minlength=25)
    assert (counts[20:] == 2000).all()
    np.testing.assert_allclose(counts[:20] / 2000, 5 / 20, atol=0.05)


def test_a_self_paced_ensemble_starts_with_equal_hardness_and_ends_with_equal_numbers():
    assert self_paced_factor(0, 10) == 0
    assert self_paced_factor(3, 7) == pytest.approx(np.tan(np.pi / 4))
    assert self_paced_factor(9, 10) > 1e9
    rng = np.random.default_rng(0)
    hardness = np.concatenate([rng.uniform(0.01, 0.1, 900), rng.uniform(0.9, 0.99, 100)])
    # What each bin adds to the hardness of a bag is the same at alpha = 0 ...
    bins = np.digitize(hardness, np.linspace(hardness.min(), hardness.max(), 6)[1:-1])
    chances = row_chances(hardness, 0.0, 5)
    added = np.bincount(bins, chances * hardness)
    np.testing.assert_allclose(added[[0, 4]], added[0])
    # ... and the number of rows is at the end.
    rows = np.bincount(bins, row_chances(hardness, 1e16, 5))
    np.testing.assert_allclose(rows[[0, 4]], 0.5)


def test_the_chances_of_rows_are_those_of_the_paper_written_as_a_loop():
    hardness = np.random.default_rng(1).random(50)
    n_bins, alpha = 4, 0.3
    edges = np.linspace(hardness.min(), hardness.max(), n_bins + 1)
    edges[-1] += 1
    expected = np.zeros(50)
    for low, high in itertools.pairwise(edges):
        inside = (hardness >= low) & (hardness < high)
        if inside.any():
            expected[inside] = 1 / (hardness[inside].mean() + alpha) / inside.sum()
    np.testing.assert_allclose(row_chances(hardness, alpha, n_bins), expected / expected.sum())


@pytest.mark.parametrize("hardness", [np.zeros(5), np.full(5, 0.3), np.array([0.0, 0, 0, 0, 1])])
def test_rows_that_are_all_equally_hard_or_not_hard_at_all_have_a_chance(hardness):
    chances = row_chances(hardness, 0.0, 20)
    assert chances.sum() == pytest.approx(1)
    assert (chances > 0).all()


def test_a_cascade_keeps_the_numbers_of_the_paper():
    # 1000 rows against 10 and five members: a factor of 100 ** (1/4) each, 3.16.
    assert [n_kept(1000, 10, i, 5) for i in range(6)] == [1000, 316, 100, 32, 10, 10]
    assert n_kept(50, 50, 1, 5) == 50
    assert n_kept(1000, 10, 1, 1) == 10  # a single member: nothing follows


def test_a_cascade_drops_the_rows_that_are_easiest_for_the_member_just_fitted():
    # One column; class 1 sits at 10, class 0 from 0 to 8: the nearer to 10 the harder.
    X = np.concatenate([np.linspace(0, 8, 81), np.full(9, 10.0)])[:, None]
    y = np.repeat([0, 1], [81, 9])
    fitted = BalanceCascade(Remembering(), n_estimators=3, random_state=0).fit(X, y)
    largest = [member.X_[member.y_ == 0].min() for member in fitted.estimators_]
    assert largest[0] < largest[1] < largest[2]
    np.testing.assert_allclose(
        fitted.estimators_[2].X_[fitted.estimators_[2].y_ == 0][:, 0], X[72:81, 0]
    )


def test_an_easy_ensemble_boosts_inside_balanced_bags():
    X, y = make_rows()
    fitted = EasyEnsemble(Remembering(), n_estimators=3, n_rounds=2, random_state=0).fit(X, y)
    for bag in fitted.estimators_:
        rows = {tuple(row) for member in bag.estimators_ for row in member.X_}
        assert len(rows) <= 36
        assert 1 <= len(bag.estimators_) <= 2
    with pytest.raises(ValueError, match=r"n_rounds=37 is more than the 36 rows of a balanced"):
        EasyEnsemble(Remembering(), n_rounds=37).fit(X, y)


def class_counts(members):
    """Return the rows of each class that members were fitted on, (n_members, K)."""
    return np.array([np.bincount(member.y_, minlength=3) for member in members])


def compared(counts, expected):
    """Check that bags differ from other bags by chance alone, given 400 of each."""
    error = np.sqrt((counts.var(0) + expected.var(0)) / len(counts))
    assert (np.abs(counts.mean(0) - expected.mean(0)) < 4 * error + 1e-9).all()
    np.testing.assert_allclose(counts.std(0), expected.std(0), rtol=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("values", [{}, {"replacement": True}, {"sampling_strategy": "majority"}])
def test_balanced_bags_are_drawn_as_imbalanced_learn_draws_them(values):
    X, y = make_rows((200, 90, 60))
    ours = BalancedBagging(Remembering(), n_estimators=300, random_state=0, **values)
    theirs = BalancedBaggingClassifier(Remembering(), n_estimators=300, random_state=0, **values)
    found, expected = ours.fit(X, y), theirs.fit(X, y)
    members = [pipeline[-1] for pipeline in expected.estimators_]
    compared(class_counts(found.estimators_), class_counts(members))
    distinct = [[len(np.unique(m.X_, axis=0)) for m in ms] for ms in (found.estimators_, members)]
    compared(*(np.array(n)[:, None] for n in distinct))


def test_a_soft_vote_of_balanced_bagging_is_the_mean_of_the_members():
    X, y = make_rows()
    fitted = BalancedBagging(DecisionTreeClassifier(max_depth=3), random_state=0).fit(X, y)
    mean = np.mean([member.predict_proba(X) for member in fitted.estimators_], axis=0)
    np.testing.assert_allclose(fitted.predict_proba(X), mean)


def test_bags_of_one_class_are_drawn_again_and_a_note_says_how_many():
    X, y = make_rows((300, 2))  # a draw misses both rows with a chance of 13 %
    fitted = BalancedBagging(Remembering(), n_estimators=50, random_state=0).fit(X, y)
    assert all(len(np.unique(member.y_)) == 2 for member in fitted.estimators_)
    (note,) = fitted.notes_
    found = re.fullmatch(
        r"strategy\.ensemble\.balanced_bagging: (\d+) of 50 bags were drawn again, .*\.", note
    )
    assert 1 <= int(found[1]) <= 20


def test_where_no_bag_is_drawn_again_no_number_is_drawn_more_and_nothing_is_noted():
    X, y = make_rows((60, 20))
    fitted = BalancedBagging(Remembering(), n_estimators=3, random_state=0).fit(X, y)
    rng = np.random.default_rng(0)
    for member in fitted.estimators_:
        bag = rng.integers(80, size=80)
        sampler = RandomUnderSampler(random_state=int(rng.integers(2**31)))
        rows, _ = sampler.fit_resample(bag[:, None], y[bag])
        np.testing.assert_array_equal(member.X_, X[rows[:, 0]])
        assert member.random_state == rng.integers(2**31)
    assert fitted.notes_ == ()


@pytest.mark.parametrize("module", [bagging, balanced_bagging])
def test_a_hundred_bags_of_one_class_are_a_sentence(module, monkeypatch):
    monkeypatch.setattr(module, "MAX_DRAWS", 1)
    ensemble = {bagging: Bagging, balanced_bagging: BalancedBagging}[module]
    X, y = make_rows((300, 2))
    words = rf"^strategy={ensemble.name}: 1 bags in a row hold rows of one .*under_bagging.*\.$"
    with pytest.raises(ValueError, match=words):
        ensemble(LogisticRegression(), n_estimators=50, random_state=0).fit(X, y)


def test_bagging_draws_a_bag_of_one_class_again_for_models_that_refuse_it():
    X, y = make_rows((300, 2))
    refusing = Bagging(LogisticRegression(), n_estimators=30, random_state=0).fit(X, y)
    assert all(len(member.classes_) == 2 for member in refusing.estimators_)
    assert re.search(r"bagging: \d+ of 30 bags were drawn again", refusing.notes_[0])
    taking = Bagging(DecisionTreeClassifier(), n_estimators=30, random_state=0).fit(X, y)
    assert {len(member.classes_) for member in taking.estimators_} == {1, 2}
    assert taking.notes_ == ()


def test_an_error_of_a_model_that_has_two_classes_comes_out_of_bagging_as_it_is():
    X, y = make_rows((60, 20))
    with pytest.raises(ValueError, match=r"NaN"):
        Bagging(LogisticRegression(), random_state=0).fit(np.where(X > 1, np.nan, X), y)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"sampling_strategy": 1.5}, r"^sampling_strategy must be a ratio in .*, got 1\.5\.$"),
        ({"sampling_strategy": "minor"}, r"^sampling_strategy must be .*, got 'minor'\.$"),
        ({"replacement": "no"}, r"^replacement must be true or false, got 'no'\.$"),
    ],
    ids=str,
)
def test_a_value_of_the_under_sampling_is_checked_before_anything_runs(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        BalancedBagging(None, **values).check_params()


def test_a_hard_vote_counts_the_labels_of_the_members():
    X, y = make_rows()
    words = np.array(["a", "b", "c"])
    model = DecisionTreeClassifier(max_depth=3)
    fitted = BalancedBagging(model, n_estimators=7, voting="hard", random_state=0)
    fitted.fit(X, words[y])
    votes = np.zeros((len(X), 3))
    for member in fitted.estimators_:
        votes[np.arange(len(X)), np.searchsorted(words, member.predict(X))] += 1
    np.testing.assert_allclose(fitted.predict_proba(X), votes / 7)
    np.testing.assert_array_equal(fitted.predict(X), words[votes.argmax(1)])


def test_a_vote_with_another_name_is_refused():
    with pytest.raises(ValueError, match=r"^voting must be soft or hard, got voting='both'\.$"):
        BalancedBagging(None, voting="both").check_params()


@pytest.mark.parametrize("max_samples", [1.0, 0.5, 40])
def test_bags_are_drawn_as_scikit_learn_draws_them(max_samples):
    X, y = make_rows()
    values = {"n_estimators": 250, "max_samples": max_samples, "random_state": 0}
    found = Bagging(Remembering(), **values).fit(X, y).estimators_
    expected = BaggingClassifier(Remembering(), **values).fit(X, y).estimators_
    assert {len(member.y_) for member in found} == {len(member.y_) for member in expected}
    compared(class_counts(found), class_counts(expected))


def test_a_bag_of_more_rows_than_there_are_is_a_sentence():
    X, y = make_rows((20, 10))
    words = r"^strategy\.ensemble\.bagging\.max_samples=31 is more than the 30 rows .*\.$"
    with pytest.raises(ValueError, match=words):
        Bagging(LogisticRegression(), max_samples=31).fit(X, y)
    for value in (0.0, 1.5, 0, True, "all"):
        with pytest.raises(ValueError, match=r"^max_samples must be a share in \(0\.0, 1\.0\]"):
            Bagging(None, max_samples=value).check_params()


class Nothing(ClassifierMixin, BaseEstimator):
    """Learns nothing, and so holds nothing."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self


def test_balanced_bags_copy_no_more_rows_than_they_keep():
    X = np.random.default_rng(0).normal(size=(100_000, 30))
    y = (np.arange(len(X)) % 500 == 0).astype(int)
    tracemalloc.start()
    try:
        BalancedBagging(Nothing(), n_estimators=3).fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.5 * X.nbytes


def test_one_bag_is_in_memory_at_a_time_where_nothing_waits_for_training():
    X = np.random.default_rng(0).normal(size=(50_000, 30))
    y = np.arange(len(X)) % 2
    tracemalloc.start()
    try:
        Bagging(Nothing(), n_estimators=6).fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * X.nbytes


def test_every_ensemble_of_the_catalogue_refuses_more_members_than_rows():
    items = catalogue.items("strategy", [catalogue.conf_dir()])
    names = {item.name for item in items if "ensemble" in item.stages}
    assert names == {ensemble.name for ensemble in EVERY}
