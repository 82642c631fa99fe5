"""Nets that are trained without inputs that are always zero end as they would have with them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from imbench.models.nets import idle
from imbench.models.nets import training as trainer
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.idle import without_idle_inputs
from imbench.models.nets.job import Job, Settings, Stages
from imbench.models.nets.rows import Rows
from imbench.strategies.loss.focal import FocalLoss

WIDE = 200  # inputs, of which every third is idle


def images(n_rows=90, kind=np.uint8):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (n_rows, WIDE)).astype(kind)
    X[:, ::3] = 0
    return X, rng.choice(3, n_rows, p=[0.6, 0.3, 0.1])


def net(**options):
    options = {"epochs": 2, "batch_size": 16, "random_state": 0, "device": "cpu"} | options
    return TorchClassifier(MLP((256,)), **options)


@pytest.fixture
def widths(monkeypatch):
    """Inputs of each net that is trained."""
    seen = []
    leave_out = trainer.without_idle_inputs

    def watched(jobs):
        found = leave_out(jobs)
        seen.extend(job.rows.x.flatten(1).shape[1] for job in found[0])
        return found

    monkeypatch.setattr(trainer, "without_idle_inputs", watched)
    return seen


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("loss", [None, FocalLoss()], ids=["cross-entropy", "focal"])
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_a_net_ends_as_it_ends_with_all_inputs(monkeypatch, widths, kind, loss, optimizer):
    X, y = images(kind=kind)
    lr = 1e-3 if kind is np.uint8 else 1e-4
    narrow = net(loss=loss, optimizer=optimizer, lr=lr).fit(X, y)
    assert widths == [WIDE - len(range(0, WIDE, 3))]
    monkeypatch.setattr(idle, "MIN_SHARE", 1.0)
    wide = net(loss=loss, optimizer=optimizer, lr=lr).fit(X, y)
    assert widths[1:] == [WIDE]
    for one, other in zip(narrow.net_.parameters(), wide.net_.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(narrow.history_, wide.history_, rtol=1e-4)
    rows = np.full((5, WIDE), 7, kind)  # what was idle in training is not so for ever
    np.testing.assert_allclose(narrow.predict_proba(rows), wide.predict_proba(rows), atol=1e-4)


def jobs(*tables):
    settings = Settings(2, 1, 16, "adam", 1e-3, 0.0, False)
    found = []
    for x in tables:
        net = nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(WIDE, 256)), nn.Linear(256, 2))
        rows = Rows(x, torch.arange(len(x)) % 2)
        found.append(Job(net, rows, None, Stages(None), settings, torch.Generator()))
    return found


def table(*idle_inputs):
    x = torch.rand(20, WIDE) + 0.1
    x[:, list(idle_inputs)] = 0
    return x


def width_of(found):
    (width,) = {job.rows.x.shape[1] for job in found}
    return width


def test_inputs_that_one_net_of_a_stack_uses_are_used_by_all():
    many = range(50)
    found, _ = without_idle_inputs(jobs(table(*many), table(*many, 60)))
    assert width_of(found) == WIDE - 50
    found, _ = without_idle_inputs(jobs(table(*many, 60), table(*many, 61)))
    assert width_of(found) == WIDE - 50


def test_inputs_of_validation_rows_are_used():
    (job,) = jobs(table(*range(50)))
    held_out = table(*range(40))
    found, _ = without_idle_inputs([replace(job, validation=replace(job.rows, x=held_out))])
    assert width_of(found) == WIDE - 40
    assert found[0].validation.x.shape == (20, WIDE - 40)


def test_what_was_learnt_is_given_back():
    given = jobs(table(*range(50)), table(*range(50)))
    before = [[p.detach().clone() for p in job.net.parameters()] for job in given]
    found, give_back = without_idle_inputs(given)
    with torch.no_grad():
        for job in found:
            for parameter in job.net.parameters():
                parameter += 1
    give_back()
    for job, (weight, *others) in zip(given, before, strict=True):
        now, *others_now = job.net.parameters()
        assert torch.equal(now[:, :50], weight[:, :50])
        assert torch.equal(now[:, 50:], weight[:, 50:] + 1)
        assert all(torch.equal(p, q + 1) for p, q in zip(others_now, others, strict=True))


class Shifted(nn.Linear):
    """A layer that does something with its inputs first."""


def shifted(job):
    return replace(job, net=nn.Sequential(nn.Sequential(Shifted(WIDE, 256)), nn.Linear(256, 2)))


def small(job):
    return replace(job, net=nn.Sequential(nn.Linear(WIDE, 8), nn.Linear(8, 2)))


def augmented(job):
    return replace(job, stages=replace(job.stages, augment=lambda *args: args))


def with_settings(job, **changes):
    return replace(job, settings=replace(job.settings, **changes))


@pytest.mark.parametrize(
    ("rows", "change"),
    [
        (table(*range(50)), lambda job: with_settings(job, weight_decay=0.1)),
        (table(*range(50)), augmented),
        (table(*range(50)), small),
        (table(*range(50)), shifted),
        (table(1, 2), lambda job: job),
        (torch.zeros(20, WIDE), lambda job: job),
    ],
    ids=["weight decay", "augmented", "small", "another layer", "few", "all"],
)
def test_all_inputs_stay_where_leaving_some_out_is_wrong_or_no_gain(rows, change):
    given = [change(job) for job in jobs(rows)]
    found, _ = without_idle_inputs(given)
    assert found is given
