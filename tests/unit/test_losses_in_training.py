"""Losses inside a net: heads, features, progress and probabilities."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification

from imbench.models.nets import training as trainer
from imbench.models.nets.classifier import TorchClassifier
from imbench.strategies.loss.asymmetric import AsymmetricLoss
from imbench.strategies.loss.auc_margin import AUCMarginLoss
from imbench.strategies.loss.bce import BCELoss
from imbench.strategies.loss.class_balanced_focal import ClassBalancedFocalLoss
from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.loss.focal_sigmoid import FocalSigmoidLoss
from imbench.strategies.loss.influence_balanced import InfluenceBalancedLoss
from imbench.strategies.loss.ldam import CosineHead, LDAMLoss
from imbench.strategies.weights.deferred import DeferredWeights
from imbench.strategies.weights.effective_number import EffectiveNumberWeights

SIGMOID = [
    BCELoss(),
    FocalSigmoidLoss(),
    ClassBalancedFocalLoss(),
    AsymmetricLoss(),
    AUCMarginLoss(),
]


@pytest.fixture(scope="module")
def rows():
    return make_classification(
        300, 6, n_informative=4, n_classes=3, weights=[0.7, 0.2, 0.1], random_state=0
    )


def fit(rows, **parameters):
    settings = {"epochs": 4, "device": "cpu", "random_state": 0, "lr": 0.01, **parameters}
    return TorchClassifier(**settings).fit(*rows)


class Recorder:
    """Cross-entropy that keeps what it is called with."""

    uses_features = True
    uses_progress = True

    def __init__(self):
        self.seen = []

    def bind(self, counts):
        def loss(logits, y, features, progress):
            self.seen.append((progress, features.shape[-1]))
            return cross_entropy(logits, y)

        return loss


@pytest.mark.parametrize("loss", SIGMOID, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_probabilities_are_the_sigmoids_divided_by_their_sum(loss, scale):
    logits = scale * torch.randn((20, 4), dtype=torch.float64, generator=torch.Generator())
    found = loss.probabilities(logits)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-12)
    assert found.isfinite().all()
    if scale == 1:
        sigmoids = 1 / (1 + np.exp(-logits.numpy()))
        np.testing.assert_allclose(found, sigmoids / sigmoids.sum(1, keepdims=True), rtol=1e-9)


def test_two_opposite_outputs_give_the_sigmoid_that_the_loss_fitted():
    z = torch.tensor([-3.0, 0.0, 1.0, 5.0], dtype=torch.float64)
    found = BCELoss().probabilities(torch.stack([-z, z], -1))[:, 1]
    torch.testing.assert_close(found, z.sigmoid())


def test_outputs_so_low_that_every_sigmoid_is_zero_still_have_an_order():
    found = BCELoss().probabilities(torch.tensor([-1e4, -1e4 + 3], dtype=torch.float64))
    assert found[1] == pytest.approx(1 / (1 + np.exp(-3)))


def test_predict_proba_uses_the_probabilities_of_the_loss(rows):
    X, _ = rows
    fitted = fit(rows, loss=BCELoss())
    with torch.no_grad():
        logits = fitted.net_(torch.tensor(X, dtype=torch.float32)).double().numpy()
    sigmoids = 1 / (1 + np.exp(-logits))
    expected = sigmoids / sigmoids.sum(1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, atol=1e-5)
    np.testing.assert_array_equal(fitted.predict(X), logits.argmax(1))


def test_ldam_gives_a_cosine_head_and_probabilities_of_scaled_cosines(rows):
    X, _ = rows
    fitted = fit(rows, loss=LDAMLoss())
    assert isinstance(fitted.net_[1], CosineHead)
    with torch.no_grad():
        cosines = fitted.net_(torch.tensor(X, dtype=torch.float32)).double()
    assert cosines.abs().max() <= 1 + 1e-6
    np.testing.assert_allclose(fitted.predict_proba(X), (30 * cosines).softmax(-1), atol=1e-4)
    assert fitted.predict_proba(X).max() > 0.9


def test_the_outputs_of_a_cosine_head_are_cosines():
    head = CosineHead(5, 3)
    features = torch.randn((7, 5), generator=torch.Generator())
    found = head(features).detach().numpy()
    for i in range(7):
        for k in range(3):
            a, b = features[i].numpy(), head.weight[k].detach().numpy()
            expected = (a @ b) / np.linalg.norm(a) / np.linalg.norm(b)
            assert found[i, k] == pytest.approx(expected, abs=1e-6)


def test_a_cosine_head_is_invariant_to_the_norm_of_features_and_finite_for_zeros():
    head = CosineHead(5, 3)
    features = torch.randn((2, 5), generator=torch.Generator())
    torch.testing.assert_close(head(features), head(1000 * features))
    zeros = torch.zeros((2, 5), requires_grad=True)
    out = head(zeros)
    out.sum().backward()
    assert (out == 0).all()
    assert zeros.grad.isfinite().all()


def test_a_cosine_head_keeps_single_precision_under_autocast():
    head, features = CosineHead(64, 3), torch.randn((9, 64), generator=torch.Generator())
    with torch.autocast("cpu", torch.bfloat16):
        found = head(features)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, head(features))


def test_a_loss_that_declares_them_gets_features_and_progress(rows):
    loss = Recorder()
    net = TorchClassifier(loss=loss, epochs=4, batch_size=500, device="cpu", random_state=0)
    net.fit(*rows)
    seen = net.loss.seen
    assert [progress for progress, _ in seen] == [0.0, 0.25, 0.5, 0.75]
    assert {width for _, width in seen} == {256}


def test_influence_balance_changes_nothing_before_its_start(rows, monkeypatch):
    X, _ = rows
    monkeypatch.setattr(
        trainer, "perceptron_gradients", lambda stack: None
    )  # which rounds otherwise
    plain = fit(rows)
    late = fit(rows, loss=InfluenceBalancedLoss(start=0.9))
    halfway = fit(rows, loss=InfluenceBalancedLoss(start=0.5))
    np.testing.assert_array_equal(plain.predict_proba(X), late.predict_proba(X))
    assert not np.array_equal(plain.predict_proba(X), halfway.predict_proba(X))


def test_deferred_weights_change_nothing_before_their_start(rows):
    X, _ = rows
    weights = EffectiveNumberWeights(0.99)
    plain = fit(rows)
    late = fit(rows, weights=DeferredWeights(weights, start=0.9))
    halfway = fit(rows, weights=DeferredWeights(weights, start=0.5))
    np.testing.assert_array_equal(plain.predict_proba(X), late.predict_proba(X))
    assert not np.array_equal(plain.predict_proba(X), halfway.predict_proba(X))


@pytest.mark.parametrize("loss", [*SIGMOID, LDAMLoss(), InfluenceBalancedLoss()], ids=str)
def test_mixed_precision_trains(loss, rows):
    X, _ = rows
    fitted = fit(rows, loss=loss, amp=True)
    assert np.isfinite(fitted.history_[:, 0]).all()
    np.testing.assert_allclose(fitted.predict_proba(X).sum(1), 1, rtol=1e-6)
