"""Classifiers, backbones and losses that users bring: they work, or a sentence says why not."""

import numpy as np
import pytest
import torch
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as resampling_pipeline
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from torch import nn

from imbench.data.dataset import Dataset
from imbench.errors import ConfigError, Incompatible
from imbench.models.base import Model
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.own_parts import bind_loss
from imbench.models.own import OwnClassifier, as_classifier, weight_parameter
from imbench.pipeline.build import build
from imbench.strategies.base import Strategy
from imbench.strategies.facts import facts_of
from imbench.strategies.loss.cross_entropy import CrossEntropyLoss
from imbench.testing.cells import parts
from tests.cells import cell_of

RNG = np.random.default_rng(0)
Y = np.arange(90) % 3
X = RNG.normal(Y[:, None], 1, (90, 2))


def table(n_classes=2):
    y = np.minimum(Y, n_classes - 1)
    names = ("a", "b", "c")[:n_classes]
    return Dataset("made", X, y, names, ("x1", "x2"))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_without_probabilities_keep_ranking_and_labels(n_classes):
    data = table(n_classes)
    inner = LinearSVC(random_state=0).fit(X, data.y)
    ours = as_classifier(LinearSVC(random_state=0)).fit(X, data.y)
    scores, values = ours.predict_proba(X), inner.decision_function(X)
    expected = expit(values) if n_classes == 2 else softmax(values, axis=1)[:, 1]
    np.testing.assert_allclose(scores[:, 1], expected)
    np.testing.assert_allclose(scores.sum(1), 1)
    np.testing.assert_array_equal(ours.predict(X), inner.predict(X))
    np.testing.assert_array_equal(scores.argmax(1), inner.predict(X))


def test_a_note_says_that_scores_are_no_probabilities():
    data = table()
    for strategy in ("none", "inverse_weights", "balanced_bagging"):
        model = Model("own", as_classifier(LinearSVC()))
        fitted = build(model, parts("knn", strategy)[1], data.info, 0).fit(X, data.y)
        (note,) = facts_of(fitted).notes
        assert note.startswith("LinearSVC has no predict_proba: scores are the logistic function")
        assert "decision=platt" in note


def test_weights_reach_the_last_step_of_a_pipeline():
    def pipeline():
        return make_pipeline(StandardScaler(), make_pipeline(FunctionTransformer(), Linear()))

    def model(estimator):
        return Model("own", as_classifier(estimator))

    data, weights = table(), parts("knn", "inverse_weights")[1]
    fitted = build(model(pipeline()), weights, data.info, 0).fit(X, data.y)
    counts = np.bincount(data.y)
    expected = (len(Y) / (2 * counts))[data.y]
    seen = fitted.steps[-1][1].estimator_.estimator_.steps[-1][1].steps[-1][1].weights_
    np.testing.assert_allclose(seen, expected)
    plain = build(model(pipeline()), Strategy(), data.info, 0).fit(X, data.y)
    assert plain.steps[-1][1].estimator_.steps[-1][1].steps[-1][1].weights_ is None
    knn = make_pipeline(StandardScaler(), KNeighborsClassifier())
    with pytest.raises(Incompatible, match="model=own takes no sample_weight"):
        build(model(knn), weights, data.info, 0)


class Linear(LogisticRegression):
    """Remembers its weights."""

    def fit(self, X, y, sample_weight=None):
        self.weights_ = sample_weight
        return super().fit(X, y, sample_weight)


def test_a_pipeline_with_a_resampler_takes_no_weights():
    own = resampling_pipeline(RandomOverSampler(random_state=0), LogisticRegression())
    assert weight_parameter(own) is None
    assert as_classifier(own).fit(X, table().y).predict_proba(X).shape == (90, 2)


def test_seeds_are_set_and_jobs_are_left_alone():
    inner = make_pipeline(StandardScaler(), RidgeClassifier(solver="sag"))
    estimator = build(Model("own", as_classifier(inner)), Strategy(), table().info, 7)
    found = {k.rpartition("__")[2]: v for k, v in estimator.get_params().items()}
    assert found["random_state"] == 7
    forest = cell_of(
        "model=own",
        "model.estimator._target_=sklearn.ensemble.RandomForestClassifier",
        "+model.estimator.n_jobs=1",
    ).model
    assert (forest.estimator.n_jobs, forest.name) == (1, "RandomForestClassifier")


class Scoreless(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X), int)


class PairScores(Scoreless):
    def decision_function(self, X):
        return np.zeros((len(X), 2))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("sklearn.linear_model.Ridge", "Ridge is a regressor: name a classifier"),
        ("sklearn.ensemble.IsolationForest", "imbench.models.outlier.OutlierClassifier"),
        ("sklearn.cluster.KMeans", "KMeans is a clusterer"),
        ("sklearn.mixture.GaussianMixture", "GaussianMixture is a density estimator"),
        ("fractions.Fraction", "Fraction is no classifier of scikit-learn but without get_params"),
        ("tests.unit.test_own_models.Scoreless", "neither predict_proba nor decision_function"),
        ("sklearn.svm.SVC", "'ovo': set +model.estimator.decision_function_shape=ovr"),
    ],
)
def test_what_is_no_classifier_is_refused_in_a_sentence(target, words):
    more = ["+model.estimator.decision_function_shape=ovo"] if target.endswith("SVC") else []
    with pytest.raises(ConfigError) as caught:
        cell_of("model=own", f"model.estimator._target_={target}", *more)
    message = str(caught.value)
    assert message.startswith(f"model.estimator._target_={target}: ")
    assert words in message
    assert message.endswith(".")
    assert "\n" not in message


def test_without_a_class_the_key_is_named():
    with pytest.raises(ConfigError) as caught:
        cell_of("model=own")
    assert str(caught.value).startswith("model.estimator._target_ is not set: name your class")
    assert "\n" not in str(caught.value)


def test_scores_of_pairs_of_classes_are_refused():
    fitted = OwnClassifier(PairScores()).fit(X, Y)
    with pytest.raises(ValueError, match=r"returns shape \(90, 2\) for 3 classes"):
        fitted.predict_proba(X)


def test_classifiers_that_lack_nothing_are_left_as_they_are():
    net, linear = TorchClassifier(), LogisticRegression()
    assert as_classifier(net) is net
    assert as_classifier(linear) is linear


def net(**changes):
    return TorchClassifier(epochs=2, batch_size=32, device="cpu", random_state=0, **changes)


def test_a_plain_module_is_a_loss():
    y = table().y
    plain = net(loss=nn.CrossEntropyLoss(reduction="none")).fit(X, y)
    bound = net(loss=CrossEntropyLoss()).fit(X, y)
    np.testing.assert_allclose(plain.predict_proba(X), bound.predict_proba(X), atol=1e-5)
    with pytest.raises(ValueError, match=r"returns shape \(\) for a batch .* reduction='none'"):
        net(loss=nn.CrossEntropyLoss()).fit(X, y)


def test_a_module_that_is_bound_is_not_changed():
    loss = nn.CrossEntropyLoss(torch.tensor([1.0, 2.0]), reduction="none")
    bound = bind_loss(loss, torch.tensor([9, 1]))
    assert bound is not loss
    assert bound.weight.data_ptr() != loss.weight.data_ptr()


def test_a_loss_that_cannot_be_called_is_refused_before_anything_runs():
    words = "+strategy.loss.mine._target_=fractions.Fraction"
    with pytest.raises(AssertionError, match=r"bind\(counts\).*see docs/own_models\.md"):
        cell_of("model=mlp", words)


class Returns:
    """A backbone that returns what it is told."""

    def __init__(self, *built):
        self.built = built

    def build(self, input_shape):
        return self.built if len(self.built) > 1 else self.built[0]


@pytest.mark.parametrize(
    ("built", "words"),
    [
        (
            (nn.Linear(2, 5),),
            "must return a torch.nn.Module and the number of its outputs, got Lin",
        ),
        ((nn.Linear(2, 5), "5"), r"got \(Linear, str\)"),
        ((nn.Linear(2, 5), 7), r"returns shape \(2, 5\) for 2 rows, but build says \(2, 7\)"),
        ((nn.Linear(3, 5), 5), r"cannot take rows of shape \(2,\), float32 \(mat1 and mat2"),
        ((nn.LSTM(2, 5), 5), "returns tuple for 2 rows"),
    ],
)
def test_what_is_wrong_with_a_backbone_is_said(built, words):
    with pytest.raises(ValueError, match=f"backbone Returns: .*{words}.*see docs/own_models.md"):
        net(backbone=Returns(*built)).fit(X, table().y)


@pytest.mark.parametrize("backbone", [nn.Sequential(nn.Linear(2, 5)), object()])
def test_a_backbone_without_build_is_refused_before_anything_runs(backbone):
    with pytest.raises(ValueError, match=r"has no method build\(input_shape\) .*own_models.md"):
        net(backbone=backbone).check_params()


class Own:
    """A sound backbone with everything that a trial call could change."""

    def build(self, input_shape):
        return nn.Sequential(nn.Linear(*input_shape, 5), nn.BatchNorm1d(5), nn.Dropout(0.2)), 5


def test_the_trial_call_changes_nothing(monkeypatch):
    tried = net(backbone=Own()).fit(X, table().y).predict_proba(X)
    monkeypatch.setattr("imbench.models.nets.own_parts._try", lambda *args: None)
    untried = net(backbone=Own()).fit(X, table().y).predict_proba(X)
    np.testing.assert_array_equal(tried, untried)
