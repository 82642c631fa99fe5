"""Products of linear layers are those of autograd, whatever routine computes them."""

import numpy as np
import pytest
import torch
from torch import nn

from imbench.models.nets import products
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.gradients import written_out
from imbench.models.nets.stack import Stack, StackedLinear
from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.loss.focal import FocalLoss

needs_onednn = pytest.mark.skipif(
    not products.has_onednn(), reason="oneDNN's products are not used on this processor"
)


def layers(n_nets, n_in, n_out):
    torch.manual_seed(0)
    return [nn.Linear(n_in, n_out) for _ in range(n_nets)]


@pytest.mark.parametrize(
    ("n_nets", "n_in", "n_out", "outputs_first"),
    [
        (3, 10, 64, False),
        (3, 64, 2, True),
        (1, 64, 15, True),
        (1, 784, 256, True),
        (1, 30, 16, False),
    ],
)
def test_weights_lie_as_their_products_are_fast(n_nets, n_in, n_out, outputs_first):
    own = layers(n_nets, n_in, n_out)
    layer = StackedLinear(own)
    assert layer.outputs_first is outputs_first
    shape = (n_nets, n_out, n_in) if outputs_first else (n_nets, n_in, n_out)
    assert layer.weight.shape == shape
    x = torch.randn(n_nets, 7, n_in)
    expected = torch.stack([net(rows) for net, rows in zip(own, x, strict=True)])
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize(("n_nets", "n_in", "n_out"), [(3, 6, 2), (1, 6, 5), (1, 200, 200)])
@pytest.mark.parametrize("n_rows", [5, 64])
def test_gradients_are_those_of_linear(n_nets, n_in, n_out, n_rows):
    own = layers(n_nets, n_in, n_out)
    layer = StackedLinear(own)
    assert layer.outputs_first
    x = torch.randn(n_nets, n_rows, n_in, requires_grad=True)
    factor = torch.randn(n_nets, n_rows, n_out)
    found = torch.autograd.grad((layer(x) * factor).sum(), [x, layer.weight, layer.bias])
    single = [net(rows) for net, rows in zip(own, x, strict=True)]
    wanted = [x, *(net.weight for net in own), *(net.bias for net in own)]
    of_x, *others = torch.autograd.grad((torch.stack(single) * factor).sum(), wanted)
    weights, biases = torch.stack(others[:n_nets]), torch.stack(others[n_nets:])
    for one, other in zip(found, (of_x, weights, biases), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_inputs_that_need_no_gradient_get_none():
    layer = StackedLinear(layers(2, 6, 3))
    layer(torch.randn(2, 5, 6)).sum().backward()
    assert layer.weight.grad.shape == (2, 3, 6)


@needs_onednn
def test_large_products_of_a_net_alone_are_left_to_onednn(monkeypatch):
    asked = []
    by_onednn = products.onednn
    monkeypatch.setattr(products, "onednn", lambda *args: asked.append(args) or by_onednn(*args))
    layer = StackedLinear(layers(1, 300, 200))
    layer(torch.randn(1, 64, 300)).sum().backward()
    assert len(asked) == 2  # the outputs, and the gradient of the weights
    layer(torch.randn(1, 8, 300))
    StackedLinear(layers(2, 300, 200))(torch.randn(2, 64, 300))
    assert len(asked) == 2


def images():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (150, 256), dtype=np.uint8)
    return X, (X[:, :40].mean(1) > 127).astype(np.int64)


@needs_onednn
@pytest.mark.parametrize("loss", [None, FocalLoss()], ids=["written out", "autograd"])
def test_a_net_ends_where_mkl_takes_it(monkeypatch, loss):
    X, y = images()
    net = TorchClassifier(MLP((256, 128)), loss=loss, epochs=3, random_state=0, device="cpu")
    scores, history = net.fit(X, y).predict_proba(X), net.history_
    monkeypatch.setattr(products, "has_onednn", lambda: False)
    net.fit(X, y)
    np.testing.assert_allclose(scores, net.predict_proba(X), atol=1e-4)
    np.testing.assert_allclose(history, net.history_, atol=1e-4)


@needs_onednn
def test_written_out_gradients_of_a_large_net_are_those_of_autograd():
    torch.manual_seed(0)
    body, n_out = MLP((256, 256)).build((256,))
    stack = Stack([nn.Sequential(body, nn.Linear(n_out, 10))])
    x, y = torch.randn(1, 64, 256), torch.randint(10, (1, 64))
    by_hand = written_out(stack)
    (batch,) = by_hand.batches(x[None], y[None], torch.full((1, 1, 64), 1 / 64))
    _, gradients = by_hand(*batch)
    loss = nn.functional.cross_entropy(stack(x)[0], y[0])
    expected = [g[0] for g in torch.autograd.grad(loss, list(stack.parameters()))]
    torch.testing.assert_close(gradients, expected, rtol=1e-4, atol=1e-6)


def test_a_processor_without_avx512_keeps_to_mkl(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    products.has_onednn.cache_clear()
    try:
        assert not products.has_onednn()
    finally:
        products.has_onednn.cache_clear()


def test_cross_entropy_is_the_same_for_logits_that_lie_class_by_class():
    by_class = torch.randn(3, 4, 11, dtype=torch.float64, requires_grad=True)
    y = torch.randint(4, (3, 11))
    turned = by_class.transpose(1, 2)
    one, other = cross_entropy(turned, y), cross_entropy(turned.contiguous(), y)
    torch.testing.assert_close(one, other)
    gradients = [torch.autograd.grad(loss.sum(), by_class)[0] for loss in (one, other)]
    torch.testing.assert_close(*gradients)
