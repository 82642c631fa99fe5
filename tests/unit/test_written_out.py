"""Gradients that are written out are autograd's, and serve only the nets and losses they are of."""

import numpy as np
import pytest
import torch
from torch import nn

from imbench.models.nets import training as trainer
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.gradients import written_out
from imbench.models.nets.stack import Stack
from imbench.models.nets.training import batch_loss
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


def loss_and_gradients(stack, x, y, share):
    """One step: losses (M,), and gradients by parameter, which lie as the parameters do."""
    by_hand = written_out(stack)
    (batch,) = by_hand.batches(x[None], y[None], share[None])
    logits, gradients = by_hand(*batch)
    (loss,) = by_hand.mean_losses([logits], y[None], share[None])
    assert [g.shape for g in gradients] == [p.shape for p in by_hand.parameters]
    return loss, [g if by_hand.leading else g.unsqueeze(0) for g in gradients]


@pytest.mark.parametrize("hidden", [(), (5,), (7, 4), (20, 18)], ids=str)
@pytest.mark.parametrize("n_classes", [2, 17])  # few and many outputs lie differently in memory
@pytest.mark.parametrize("shape", [(6,), (2, 3)], ids=["table", "image"])
@pytest.mark.parametrize("n_nets", [1, 3])
def test_they_are_those_of_autograd(hidden, n_classes, shape, n_nets):
    stack = make_stack(hidden, n_nets, n_classes=n_classes).double()
    x = torch.randn(n_nets, 11, *shape, dtype=torch.float64)
    y = torch.randint(n_classes, (n_nets, 11))
    weight = torch.rand(n_nets, 11, dtype=torch.float64)
    weight[-1, 8:] = 0  # padding
    loss, gradients = loss_and_gradients(stack, x, y, weight / weight.sum(-1, keepdim=True))
    value = batch_loss((stack(x),), [(y, torch.ones(()))], cross_entropy, [weight])
    expected = torch.autograd.grad(value.sum(), list(stack.parameters()))
    torch.testing.assert_close(loss, value.detach())
    torch.testing.assert_close(gradients, list(expected))


@pytest.mark.parametrize("n_nets", [1, 2])
def test_pixels_are_scaled(n_nets):
    stack = make_stack((5,), n_nets)
    pixels = torch.randint(256, (n_nets, 11, 2, 3), dtype=torch.uint8)
    y, share = torch.zeros(n_nets, 11, dtype=torch.int64), torch.full((n_nets, 11), 1 / 11)
    found = loss_and_gradients(stack, pixels, y, share)
    torch.testing.assert_close(found, loss_and_gradients(stack, pixels / 255, y, share))


@pytest.mark.parametrize("n_nets", [1, 2])
def test_a_short_batch_is_the_first_rows_of_a_long_one(n_nets):
    by_hand = written_out(make_stack((5,), n_nets))
    x, y = torch.randn(n_nets, 11, 6), torch.randint(3, (n_nets, 11))
    share = torch.full((n_nets, 11), 1 / 7)
    (long,) = by_hand.batches(x[None], y[None], share[None])
    (short,) = by_hand.batches(x[None, :, :7], y[None, :, :7], share[None, :, :7])
    torch.testing.assert_close(by_hand(*by_hand.shorter(long, 7)), by_hand(*short))


def test_large_logits_stay_finite():
    share = torch.full((3, 11), 1 / 11)
    x, y = 1e6 * torch.randn(3, 11, 6), torch.randint(3, (3, 11))
    loss, gradients = loss_and_gradients(make_stack((5,)), x, y, share)
    assert all(torch.isfinite(part).all() for part in (loss, *gradients))


@pytest.mark.parametrize("n_classes", [2, 17])
@pytest.mark.parametrize("n_nets", [1, 2])
def test_shorter_batches_count_by_their_own_rows(n_classes, n_nets):
    by_hand = written_out(make_stack((), n_nets, n_classes=n_classes))
    scores = [torch.zeros(n_nets, n_rows, n_classes) for n_rows in (3, 2)]
    scores[0][:, 0, 0] = 1.0
    if by_hand.class_axis == 1:
        scores = [one.transpose(1, 2) for one in scores]
    if n_nets == 1:
        scores = [one[0] for one in scores]
    share = torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.5, 0.0]]).unsqueeze(1).expand(2, n_nets, 3)
    losses = by_hand.mean_losses(scores, torch.zeros(2, n_nets, 3, dtype=torch.int64), share)
    first = np.log(n_classes - 1 + np.e) - 1
    expected = [0.5 * first + 0.5 * np.log(n_classes), np.log(n_classes)]
    assert [loss[-1].item() for loss in losses] == pytest.approx(expected)


@pytest.mark.parametrize("n_nets", [1, 3])
def test_a_step_uses_the_memory_of_the_step_before(n_nets):
    by_hand = written_out(make_stack((20, 18), n_nets))
    y, share = torch.zeros(2, n_nets, 11, dtype=torch.int64), torch.full((2, n_nets, 11), 1 / 11)
    one, other = by_hand.batches(torch.randn(2, n_nets, 11, 6), y, share)
    _, first = by_hand(*one)
    first = [gradient.clone() for gradient in first]
    by_hand(*other)
    _, again = by_hand(*one)
    torch.testing.assert_close(first, again, rtol=0, atol=0)


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
def test_other_nets_are_left_to_autograd(stack):
    assert written_out(stack) is None


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(130, 6)).astype(np.float32), rng.choice(3, 130, p=[0.6, 0.3, 0.1])


def test_a_net_ends_where_autograd_takes_it(monkeypatch):
    X, y = data()
    net = TorchClassifier(MLP((8, 8)), epochs=4, batch_size=16, random_state=0, device="cpu")
    weight = np.linspace(0, 2, len(y))
    asked = []
    by_hand = trainer.written_out
    monkeypatch.setattr(trainer, "written_out", lambda stack: asked.append(stack) or by_hand(stack))
    ours = net.fit(X, y, sample_weight=weight)
    scores, history = ours.predict_proba(X), ours.history_
    assert len(asked) == 1
    monkeypatch.setattr(trainer, "written_out", lambda stack: None)
    net.fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(scores, net.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(history, net.history_, atol=1e-5)


@pytest.mark.parametrize("changes", [{"loss": FocalLoss()}, {"amp": True}], ids=["focal", "amp"])
def test_other_losses_and_mixed_precision_are_left_to_autograd(monkeypatch, changes):
    def refuse(stack):
        raise AssertionError("asked for gradients of another loss")

    monkeypatch.setattr(trainer, "written_out", refuse)
    X, y = data()
    net = TorchClassifier(MLP((4,)), epochs=1, random_state=0, device="cpu", **changes)
    assert net.fit(X, y).classes_.tolist() == [0, 1, 2]
