"""The optimizer takes the steps of ``torch.optim``, and does not import the compiler."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import imbench
from imbench.strategies.nets.optimizer import Optimizer, cosine

PACKAGE = Path(imbench.__file__).parent


def make_net():
    generator = torch.Generator().manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, generator=generator)
    return net


@pytest.mark.parametrize(
    ("betas", "weight_decay"), [((0.9, 0.999), 0.0), ((0.9, 0.999), 0.1), ((0.0, 0.9), 0.0)]
)
def test_steps_on_one_net_equal_those_of_torch_adam(betas, weight_decay):
    x = torch.randn(20, 5, generator=torch.Generator().manual_seed(1))
    ours, theirs = make_net(), make_net()
    adam = Optimizer(ours.parameters(), lr=0.03, betas=betas, weight_decay=weight_decay)
    reference = torch.optim.Adam(
        theirs.parameters(), 0.03, betas, weight_decay=weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(reference, 30)
    for step in range(30):
        adam.minimise(ours(x).square().mean(), cosine(step, 30))
        reference.zero_grad()
        theirs(x).square().mean().backward()
        reference.step()
        schedule.step()
    for mine, other, start in zip(
        ours.parameters(), theirs.parameters(), make_net().parameters(), strict=True
    ):
        torch.testing.assert_close(mine, other)
        assert (mine - start).abs().min() > 0.01


def test_a_gradient_that_is_transposed_in_memory_is_read_in_its_own_order():
    weight = torch.zeros(2, 3, requires_grad=True)
    target = torch.arange(6.0).reshape(3, 2)
    adam = Optimizer([weight], lr=0.1, betas=(0.0, 0.0))
    adam.minimise((weight.T * (target - 2.5)).sum())  # a step of the sign of each gradient
    torch.testing.assert_close(weight.detach(), -0.1 * (target - 2.5).sign().T)


def test_a_parameter_that_the_loss_does_not_depend_on_stays():
    known, unknown = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    Optimizer([known, unknown], lr=0.1).minimise(known.sum())
    assert (known < 1).all()
    assert torch.equal(unknown, torch.ones(3))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("adam", lambda p: torch.optim.Adam(p, 0.03, weight_decay=0.02)),
        ("adamw", lambda p: torch.optim.AdamW(p, 0.03, weight_decay=0.02)),
        ("sgd", lambda p: torch.optim.SGD(p, 0.03, momentum=0.9, weight_decay=0.02)),
    ],
)
def test_steps_on_a_stack_equal_those_of_torch_on_each_net(name, reference):
    torch.manual_seed(0)
    values = torch.randn(3, 4)
    ours = values.clone().requires_grad_()
    theirs = [row.clone().requires_grad_() for row in values]
    optimizers = [reference([p]) for p in theirs]
    optimizer = Optimizer([ours], name, lr=[0.03] * 3, weight_decay=[0.02] * 3)
    for n_steps in ([4, 4, 2], [3, 4, 4]):
        for step in range(4):
            active = np.array([step < n for n in n_steps])
            gradient = torch.randn(3, 4)
            # A transposed copy, whose memory is in another order.
            optimizer.step([gradient.T.contiguous().T], active=active)
            for i in np.flatnonzero(active):
                theirs[i].grad = gradient[i]
                optimizers[i].step()
    torch.testing.assert_close(ours.detach(), torch.stack(theirs).detach())


def test_each_net_of_a_stack_has_its_own_learning_rate():
    values = torch.zeros(3, 2)
    optimizer = Optimizer([values], lr=[0.1, 0.2, 0.4])
    optimizer.step([torch.ones(3, 2)])
    torch.testing.assert_close(values[:, 0], torch.tensor([-0.1, -0.2, -0.4]))


FITS = """
import sys
import numpy as np
from imbench.data.dataset import Dataset
from imbench.run.folds import fit_fold
from imbench.data.splits import Fold
from imbench.testing import cells

y = np.repeat([0, 1], [60, 15])
X = np.random.default_rng(0).normal(size=(75, 3)) + y[:, None]
data = Dataset("rows", X, y, ("a", "b"), ("p", "q", "r"))
rows = np.arange(75)
for model, strategy in [
    ("mlp", "none"), ("mlp", "crt"), ("mlp", "lws"), ("mlp", "tau_norm"), ("mlp", "vae"),
    ("mlp", "gan"), ("autoencoder", "none"),
]:
    estimator, _ = fit_fold(data, *cells.parts(model, strategy), Fold(0, 0, rows, rows), 0)
    estimator.predict(X)
    assert "torch" in sys.modules
    assert "torch._dynamo" not in sys.modules, (model, strategy)
"""


@pytest.mark.process
def test_no_fit_imports_the_compiler():
    done = subprocess.run(
        [sys.executable, "-c", FITS], capture_output=True, text=True, cwd=PACKAGE.parent
    )
    assert done.returncode == 0, done.stderr
