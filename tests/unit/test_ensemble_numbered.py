"""Bags of row numbers give the members that bags of rows give."""

import tracemalloc

import numpy as np
import pytest
from imblearn.ensemble import BalancedBaggingClassifier
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import BaggingClassifier
from sklearn.tree import DecisionTreeClassifier

from imbench.strategies.ensemble.bagging import Bagging
from imbench.strategies.ensemble.balanced_bagging import BalancedBagging
from imbench.strategies.ensemble.numbered import RowsOf

PAIRS = [(Bagging, BaggingClassifier), (BalancedBagging, BalancedBaggingClassifier)]


def table(n_rows=300, n_columns=5):
    rng = np.random.default_rng(0)
    y = (rng.random(n_rows) < 0.2).astype(int)
    return rng.normal(size=(n_rows, n_columns)) + y[:, None], y


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_members_and_scores_are_those_of_bags_of_rows(ours, theirs):
    X, y = table()
    tree = DecisionTreeClassifier(max_features=2)  # its seed is drawn by the ensemble
    found = ours(tree, n_estimators=4, random_state=1).fit(X, y)
    expected = theirs(tree, n_estimators=4, random_state=1).fit(X, y)
    assert found.predict_proba(X).tobytes() == expected.predict_proba(X).tobytes()
    assert found.n_features_in_ == 5
    with pytest.raises(ValueError, match="4 features"):
        found.predict(X[:, :4])


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_nothing_of_the_table_stays_and_parameters_are_as_they_were(ours, theirs):
    X, y = table()
    tree = DecisionTreeClassifier()
    fitted = ours(tree, n_estimators=3).fit(X, y)
    assert fitted.estimator is tree
    inside = [fitted.estimator_, *fitted.estimators_]
    inside += [m.steps[-1][1] for m in inside if hasattr(m, "steps")]
    assert not any(isinstance(member, RowsOf) for member in inside)
    assert clone(fitted).get_params()["estimator"].get_params() == tree.get_params()


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_a_member_that_fails_leaves_the_parameters_as_they_were(ours, theirs):
    X, y = table()
    tree = DecisionTreeClassifier(max_depth=-1)
    ensemble = ours(tree, n_estimators=3)
    with pytest.raises(ValueError, match="max_depth"):
        ensemble.fit(X, y)
    assert ensemble.estimator is tree


class Nothing(ClassifierMixin, BaseEstimator):
    """Learns nothing, and so holds nothing."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self


def test_balanced_bags_copy_no_more_rows_than_they_keep():
    X, y = table(100_000, 30)
    y[:] = np.arange(len(y)) % 500 == 0
    tracemalloc.start()
    try:
        BalancedBagging(Nothing(), n_estimators=3).fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.5 * X.nbytes
