"""Gradients of perceptrons equal those of autograd; other nets and losses use autograd."""

import numpy as np
import pytest
import torch
from torch import nn

from imbench.models.nets import training as trainer
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.gradients import class_shares, mean_losses, perceptron_gradients
from imbench.models.nets.objective import batch_loss
from imbench.models.nets.stack import Stack
from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.loss.focal import FocalLoss
from imbench.strategies.loss.ldam import LDAMLoss


def make_stack(hidden, n_nets=3, n_in=6, n_classes=3, **options):
    torch.manual_seed(0)
    nets = []
    for _ in range(n_nets):
        body, n_out = MLP(hidden, **options).build((n_in,)) if hidden else (nn.Flatten(), n_in)
        nets.append(nn.Sequential(body, nn.Linear(n_out, n_classes)))
    return Stack(nets)


def loss_and_gradients(stack, x, y, share, n_classes=3):
    """Return the losses (M,) and the gradients of one step."""
    perceptrons = perceptron_gradients(stack)
    targets = class_shares(y, share, n_classes)
    logits, gradients = perceptrons(x, share.unsqueeze(1), targets)
    assert [g.shape for g in gradients] == [p.shape for p in perceptrons.parameters]
    assert all(g.is_contiguous() for g in gradients)
    return mean_losses(logits, targets), gradients


@pytest.mark.parametrize("hidden", [(), (5,), (7, 4), (20, 18)], ids=str)
@pytest.mark.parametrize("n_classes", [2, 17])
@pytest.mark.parametrize("n_nets", [1, 3])
def test_gradients_equal_those_of_autograd(hidden, n_classes, n_nets):
    stack = make_stack(hidden, n_nets, n_classes=n_classes).double()
    x = torch.randn(n_nets, 11, 6, dtype=torch.float64)
    y = torch.randint(n_classes, (n_nets, 11))
    weight = torch.rand(n_nets, 11, dtype=torch.float64)
    weight[-1, 8:] = 0  # padding
    share = weight / weight.sum(-1, keepdim=True)
    loss, gradients = loss_and_gradients(stack, x, y, share, n_classes)
    value = batch_loss((stack(x),), [(y, torch.ones(()))], cross_entropy, [weight])
    expected = torch.autograd.grad(value.sum(), list(stack.parameters()))
    torch.testing.assert_close(loss, value.detach())
    torch.testing.assert_close(gradients, list(expected))


def test_rows_of_share_zero_change_nothing():
    stack = make_stack((5,))
    x, y = torch.randn(3, 11, 6), torch.randint(3, (3, 11))
    share = torch.full((3, 11), 1 / 7)
    share[:, 7:] = 0
    padded = loss_and_gradients(stack, x, y, share)
    torch.testing.assert_close(padded, loss_and_gradients(stack, x[:, :7], y[:, :7], share[:, :7]))


def test_a_step_does_not_depend_on_the_steps_before():
    perceptrons = perceptron_gradients(make_stack((20, 18)))
    y, share = torch.zeros(3, 11, dtype=torch.int64), torch.full((3, 11), 1 / 11)
    one, other = torch.randn(2, 3, 11, 6)
    batch = share.unsqueeze(1), class_shares(y, share, 3)
    _, first = perceptrons(one, *batch)
    copies = [gradient.clone() for gradient in first]
    perceptrons(other, *batch)
    perceptrons(other[:, :4], batch[0][..., :4], batch[1][..., :4])
    _, again = perceptrons(one, *batch)
    torch.testing.assert_close(first, copies, rtol=0, atol=0)
    torch.testing.assert_close(again, copies, rtol=0, atol=0)


def test_large_logits_stay_finite():
    share = torch.full((3, 11), 1 / 11)
    x, y = 1e6 * torch.randn(3, 11, 6), torch.randint(3, (3, 11))
    loss, gradients = loss_and_gradients(make_stack((5,)), x, y, share)
    assert all(torch.isfinite(part).all() for part in (loss, *gradients))


def test_parameters_share_memory_with_the_stack():
    stack = make_stack((5,))
    perceptrons = perceptron_gradients(stack)
    for ours, theirs in zip(perceptrons.parameters, stack.parameters(), strict=True):
        assert ours.data_ptr() == theirs.data_ptr()


@pytest.mark.parametrize(
    "stack",
    [
        make_stack((5,), dropout=0.5),
        Stack([nn.Sequential(nn.Linear(4, 3, bias=False), nn.Linear(3, 2))]),
        Stack([nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.Tanh()), nn.Linear(3, 2))]),
        Stack([nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))]),
        Stack([nn.Sequential(nn.Flatten(), LDAMLoss().make_head(4, 2))]),
    ],
    ids=["dropout", "no bias", "tanh", "no relu", "cosine head"],
)
def test_other_nets_use_autograd(stack):
    assert perceptron_gradients(stack) is None


def make_table():
    rng = np.random.default_rng(0)
    return rng.normal(size=(130, 6)).astype(np.float32), rng.choice(3, 130, p=[0.6, 0.3, 0.1])


@pytest.mark.parametrize("kind", ["table", "pixels"])
def test_training_ends_with_the_net_that_autograd_trains(monkeypatch, kind):
    X, y = make_table()
    X = X if kind == "table" else np.clip(40 * X + 120, 0, 255).astype(np.uint8)
    shape = None if kind == "table" else (1, 2, 3)
    net = TorchClassifier(MLP((8, 8)), epochs=4, batch_size=16, random_state=0, device="cpu")
    net.set_params(input_shape=shape)
    weight = np.linspace(0, 2, len(y))
    calls, plain = [], trainer.perceptron_gradients
    monkeypatch.setattr(trainer, "perceptron_gradients", lambda s: calls.append(s) or plain(s))
    net.fit(X, y, sample_weight=weight)
    scores, history = net.predict_proba(X), net.history_
    assert len(calls) == 1
    monkeypatch.setattr(trainer, "perceptron_gradients", lambda stack: None)
    net.fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(scores, net.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(history, net.history_, atol=1e-5)


@pytest.mark.parametrize("changes", [{"loss": FocalLoss()}, {"amp": True}], ids=["focal", "amp"])
def test_other_losses_and_mixed_precision_use_autograd(monkeypatch, changes):
    def refuse(stack):
        raise AssertionError("gradients of cross-entropy were asked for")

    monkeypatch.setattr(trainer, "perceptron_gradients", refuse)
    X, y = make_table()
    net = TorchClassifier(MLP((4,)), epochs=1, random_state=0, device="cpu", **changes)
    assert net.fit(X, y).classes_.tolist() == [0, 1, 2]
