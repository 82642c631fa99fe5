"""Adam without ``torch.optim``: its arithmetic, and what it spares."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import imbench
from imbench.strategies.nets.adam import Adam, cosine

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
def test_it_does_what_pytorchs_does(betas, weight_decay):
    x = torch.randn(20, 5, generator=torch.Generator().manual_seed(1))
    ours, theirs = make_net(), make_net()
    adam = Adam(ours.parameters(), 0.03, betas, weight_decay)
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
    adam = Adam([weight], 0.1, betas=(0.0, 0.0))
    adam.minimise((weight.T * (target - 2.5)).sum())  # a step of the sign of each gradient
    torch.testing.assert_close(weight.detach(), -0.1 * (target - 2.5).sign().T)


def test_a_parameter_that_the_loss_does_not_know_stays():
    known, unknown = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    Adam([known, unknown], 0.1).minimise(known.sum())
    assert (known < 1).all()
    assert torch.equal(unknown, torch.ones(3))


def uses(path, package, name):
    """Whether a module writes ``package.name`` or imports it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Attribute(value=ast.Name(id=found), attr=attr) if (found, attr) == (
                package,
                name,
            ):
                return True
            case ast.ImportFrom(module=str(module)) if module.startswith(f"{package}.{name}"):
                return True
            case ast.Import(names=names):
                if any(alias.name.startswith(f"{package}.{name}") for alias in names):
                    return True
    return False


def test_nothing_uses_torch_optim():
    assert uses(Path(__file__), "torch", "optim")  # what it would look like
    assert not [path for path in PACKAGE.rglob("*.py") if uses(path, "torch", "optim")]


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


def test_no_fit_imports_the_compiler():
    done = subprocess.run(
        [sys.executable, "-c", FITS], capture_output=True, text=True, cwd=PACKAGE.parent
    )
    assert done.returncode == 0, done.stderr
