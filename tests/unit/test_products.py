"""Products of linear layers are those of autograd, whatever routine computes them."""

import pytest
import torch
from torch import nn

from imbench.models.nets.stack import StackedLinear
from imbench.strategies.loss.cross_entropy import cross_entropy


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


def test_cross_entropy_is_the_same_for_logits_that_lie_class_by_class():
    by_class = torch.randn(3, 4, 11, dtype=torch.float64, requires_grad=True)
    y = torch.randint(4, (3, 11))
    turned = by_class.transpose(1, 2)
    one, other = cross_entropy(turned, y), cross_entropy(turned.contiguous(), y)
    torch.testing.assert_close(one, other)
    gradients = [torch.autograd.grad(loss.sum(), by_class)[0] for loss in (one, other)]
    torch.testing.assert_close(*gradients)
