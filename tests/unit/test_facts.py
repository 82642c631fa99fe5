"""Facts of fitted estimators: what the pipelines inside say, and what is stored of it."""

import json

import numpy as np
import pytest
from imblearn.ensemble import BalancedBaggingClassifier
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import TunedThresholdClassifierCV

from imbench.errors import Incompatible
from imbench.pipeline.build import build
from imbench.strategies.base import Strategy
from imbench.strategies.decision.prior_correction import PriorCorrection
from imbench.strategies.facts import ModelFacts, TrainingFacts, facts_of, fitted_models
from imbench.testing.cells import parts
from imbench.testing.data import CASES


def fitted(model, strategy, case="binary_five_percent"):
    data = CASES[case]()
    return build(*parts(model, strategy), data.info, seed=0).fit(data.X, data.y)


@pytest.mark.parametrize("model", ["mlp", "logistic_regression"])
@pytest.mark.parametrize(
    "strategy",
    ["none", "weighted_sampler", "[random_under,bagging]", "sqrt_inverse", "anomaly_weights"],
)
def test_what_is_stored_of_a_model_gives_its_facts_back(model, strategy):
    if model != "mlp" and strategy == "weighted_sampler":
        strategy = "random_over"
    facts = facts_of(fitted(model, strategy))
    assert len(facts.trained) == len(facts.models) >= 1
    for stored, own in zip(json.loads(json.dumps(facts.trained)), facts.models, strict=True):
        again = ModelFacts.from_plain(stored)
        np.testing.assert_array_equal(again.trained_counts, own.trained_counts)
        np.testing.assert_array_equal(again.class_counts, own.class_counts)
        np.testing.assert_array_equal(again.weighted_counts, own.weighted_counts)
        for name in ("device", "validation_fraction", "has_batches", "weights_change"):
            assert getattr(again.training, name) == getattr(own.training, name)
        if len(facts.models) == 1 and model == "mlp":
            np.testing.assert_array_equal(again.training.history, own.training.history)


def test_weights_that_change_are_stored_as_such_and_without_the_key_there_are_none():
    (facts,) = facts_of(fitted("mlp", "deferred")).models
    stored = facts.to_plain(with_history=False)
    assert ModelFacts.from_plain(stored).training.weights_change
    np.testing.assert_array_equal(
        ModelFacts.from_plain(stored).training.class_weights, facts.training.class_weights
    )
    del stored["model"]["class_weights_"], stored["model"]["weights_change"]  # of a version before
    older = ModelFacts.from_plain(stored)
    assert older.training.class_weights is None
    assert not older.training.weights_change
    np.testing.assert_array_equal(older.weighted_counts, older.trained_counts)


def test_weighted_counts_are_counts_times_weights_with_the_same_sum():
    weights = np.array([3.0, 1.0])
    training = TrainingFacts(np.array([0, 2]), class_weights=weights)
    facts = ModelFacts(np.arange(3), np.array([10, 0, 30]), training)
    np.testing.assert_allclose(facts.weighted_counts, [20, 0, 20])


@pytest.mark.parametrize(
    ("wrap", "n_models"),
    [
        (lambda e: BaggingClassifier(e, n_estimators=3), 3),
        (lambda e: BalancedBaggingClassifier(e, n_estimators=3), 3),
        (lambda e: TunedThresholdClassifierCV(e, cv=2), 1),
        (lambda e: TunedThresholdClassifierCV(BaggingClassifier(e, n_estimators=2), cv=2), 2),
    ],
    ids=["bagging", "balanced bagging", "threshold", "threshold of bagging"],
)
def test_pipelines_inside_a_users_meta_estimator_are_found(wrap, n_models):
    data = CASES["binary_five_percent"]()
    inner = build(*parts("logistic_regression", "random_over"), data.info, seed=0)
    estimator = wrap(inner).fit(data.X, data.y)
    facts = facts_of(estimator)
    assert len(facts.models) == len(list(fitted_models(estimator))) == n_models
    assert facts.counts_after[0] == facts.counts_after[1]


def test_a_validation_fraction_of_scikit_learns_models_is_none_of_ours():
    # HistGradientBoostingClassifier has a parameter of that name and holds nothing out.
    data = CASES["binary_five_percent"]()
    model, _ = parts("hist_gradient_boosting", "none")
    assert model.estimator.validation_fraction
    strategy = Strategy(decision={"prior_correction": PriorCorrection})
    with pytest.raises(Incompatible, match="prior_correction corrects what"):
        build(model, strategy, data.info, seed=0).fit(data.X, data.y)
    stored = {
        "rows": {"classes_": [0, 1], "class_counts_": [90, 10]},
        "model": {"classes_": [0, 1], "validation_fraction": 0.1},
    }
    assert ModelFacts.from_plain(stored).training.validation_fraction == 0


def test_notes_of_wrappers_come_before_those_of_steps_and_each_once():
    estimator = fitted("logistic_regression", "[smote,bagging]", "three_classes")
    member = facts_of(estimator).models[0].notes
    estimator.notes_ = ("a bag was small.",)
    notes = facts_of(estimator).notes
    assert notes[0] == "a bag was small."
    assert set(member) < set(notes)
    assert len(set(notes)) == len(notes)
