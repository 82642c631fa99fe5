"""How nets are grouped into stacks, and how stacks are trained side by side."""

import threading
import time

import numpy as np
import pytest
import torch
from torch import nn

from imbench.models.nets import schedule
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.job import Job, Settings, Stages
from imbench.models.nets.rows import Rows
from imbench.models.nets.schedule import (
    groups,
    intra_op_threads,
    step_flops,
    train_all,
    workers_and_threads,
)
from imbench.models.nets.together import train_together
from imbench.models.nets.training import Stopped, train
from imbench.strategies.loss.cross_entropy import cross_entropy


def make_job(n_in=10, hidden=64, n=800, layers=(), batch_size=64, lr=1e-3):
    net = nn.Sequential(nn.Sequential(nn.Linear(n_in, hidden), *layers), nn.Linear(hidden, 2))
    rows = Rows(torch.zeros(n, n_in), torch.zeros(n, dtype=torch.int64))
    settings = Settings(2, 1, batch_size, "adam", lr, 0.0, False)
    return Job(net, rows, None, Stages(None), settings, torch.Generator())


def test_operations_of_a_step_count_weights_rows_and_gradients():
    n_weights = 10 * 64 + 64 + 64 * 2 + 2
    assert step_flops(make_job()) == 6 * 64 * n_weights
    assert step_flops(make_job(n=40)) == 6 * 40 * n_weights  # no batch is larger than the data


def test_stacks_of_small_nets_are_cut_evenly_and_large_nets_are_barely_stacked():
    small = [len(g) for g in groups([make_job() for _ in range(101)])]
    assert small == [34, 34, 33]
    large = [len(g) for g in groups([make_job(784, 256) for _ in range(5)])]
    assert large == [1] * 5
    assert [len(g) for g in groups([make_job(784, 2048) for _ in range(3)])] == [1, 1, 1]


def test_every_job_is_in_one_stack():
    found = groups([make_job(hidden=8 + i % 3) for i in range(120)])
    assert sorted(i for group in found for i in group) == list(range(120))


@pytest.mark.parametrize(
    ("stacks", "n_cores", "expected"),
    [
        ([[make_job()]], 8, (1, 1)),  # a step too short for a second thread
        ([[make_job()] * 50, [make_job()] * 50], 8, (2, 1)),
        ([[make_job(784, 256)]], 8, (1, 1)),
        ([[make_job(784, 1024)]], 8, (1, 8)),
        ([[make_job(784, 1024)] * 3, [make_job(784, 1024)] * 2], 2, (2, 1)),
        ([[make_job(784, 1024)] * 3, [make_job(784, 1024)] * 2], 8, (2, 4)),
        ([[make_job()], [make_job(layers=[nn.BatchNorm1d(64)])]], 8, (1, 8)),
    ],
    ids=["one", "two", "medium", "large", "side by side", "shared", "global generators"],
)
def test_threads_go_to_stacks_first(stacks, n_cores, expected):
    assert workers_and_threads(stacks, n_cores) == expected


def test_answers_are_in_the_order_of_the_jobs(monkeypatch):
    def named(jobs, is_stopped):
        return [job.settings.lr for job in jobs]

    monkeypatch.setattr(schedule, "train", named)
    jobs = [make_job(hidden=8 + i % 2, lr=i + 1.0) for i in range(7)]
    assert len(groups(jobs)) == 2
    assert train_all(jobs) == [1, 2, 3, 4, 5, 6, 7]


def test_stacks_are_trained_at_the_same_time_with_their_threads(monkeypatch):
    both = threading.Barrier(2, timeout=20)
    seen = []

    def waits(jobs, is_stopped):
        both.wait()  # raises unless both stacks are being trained
        seen.append(torch.get_num_threads())
        return ["trained"]

    monkeypatch.setattr(schedule, "train", waits)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert train_all([make_job(hidden=8), make_job(hidden=9)]) == ["trained"] * 2
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 1]


def test_nets_of_a_stack_that_fails_are_trained_one_by_one(monkeypatch):
    def fails(jobs, is_stopped):
        if any(job.settings.lr == 2 for job in jobs):
            raise ValueError(f"{len(jobs)} nets")
        return ["trained"] * len(jobs)

    monkeypatch.setattr(schedule, "train", fails)
    first, error, last = train_all([make_job(lr=lr) for lr in (1.0, 2.0, 3.0)])
    assert first == last == "trained"
    assert str(error) == "1 nets"


def test_an_interrupt_ends_the_training_of_all_stacks(monkeypatch):
    ended, started = [], threading.Event()

    def interrupted(jobs, is_stopped):
        if jobs[0].settings.lr == 1:
            assert started.wait(20)
            raise KeyboardInterrupt
        started.set()
        stop_by = time.monotonic() + 20
        while not is_stopped():
            assert time.monotonic() < stop_by
            time.sleep(0.001)
        ended.append(True)
        raise Stopped

    monkeypatch.setattr(schedule, "train", interrupted)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    with pytest.raises(KeyboardInterrupt):
        train_all([make_job(hidden=8, lr=1.0), make_job(hidden=9, lr=2.0)])
    assert ended == [True]


def test_training_ends_at_the_next_step_when_it_is_stopped():
    asked = []

    def is_stopped():
        asked.append(True)
        return len(asked) > 3

    job = make_job()
    job = Job(job.net, job.rows, None, Stages(cross_entropy), job.settings, job.generator)
    with pytest.raises(Stopped):
        train([job], is_stopped)
    assert len(asked) == 4


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with intra_op_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_the_cut_into_stacks_changes_nothing_but_rounding(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 4)), rng.integers(0, 2, 120)

    def scores():
        nets = [
            TorchClassifier(MLP((8,)), epochs=3, batch_size=16, random_state=i) for i in range(7)
        ]
        fitted = train_together(net.fitting(X[i:], y[i:]) for i, net in enumerate(nets))
        return [net.predict_proba(X) for net in fitted]

    whole = scores()
    monkeypatch.setattr(schedule, "MAX_NETS", {"cpu": 2})
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)  # three stacks at a time
    before = threading.active_count()
    cut = scores()
    assert threading.active_count() == before
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
