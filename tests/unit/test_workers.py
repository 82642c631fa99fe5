"""Stacks are as large as pays, and small ones leave the other threads alone."""

import threading
import time

import numpy as np
import pytest
import torch
from torch import nn

from imbench.models.nets import schedule as workers
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.job import Job, Settings, Stages
from imbench.models.nets.rows import Rows
from imbench.models.nets.schedule import (
    crew,
    groups,
    intra_op_threads,
    pieces,
    run_works,
    step_flops,
)
from imbench.models.nets.together import train_together
from imbench.models.nets.training import Stopped, train
from imbench.strategies.loss.cross_entropy import cross_entropy


def make_job(n_in=10, hidden=64, n=800, layers=(), batch_size=64):
    net = nn.Sequential(nn.Sequential(nn.Linear(n_in, hidden), *layers), nn.Linear(hidden, 2))
    rows = Rows(torch.zeros(n, n_in), torch.zeros(n, dtype=torch.int64))
    settings = Settings(2, 1, batch_size, "adam", 1e-3, 0.0, False)
    return Job(net, rows, None, Stages(None), settings, torch.Generator())


def test_the_work_of_a_step_counts_weights_rows_and_gradients():
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
    assert crew(stacks, n_cores) == expected


@pytest.mark.parametrize(
    ("n_parts", "n_workers", "expected"),
    [
        ([4, 4, 4], 2, [[(0, 0, 4), (1, 2, 4)], [(1, 0, 2), (2, 0, 4)]]),
        ([4, 4], 2, [[(0, 0, 4)], [(1, 0, 4)]]),
        ([1, 1, 1], 2, [[(0, 0, 1), (1, 0, 1)], [(2, 0, 1)]]),
        (
            [4] * 5,
            4,
            [
                [(0, 0, 4), (1, 3, 4)],
                [(1, 0, 3), (2, 2, 4)],
                [(2, 0, 2), (3, 1, 4)],
                [(3, 0, 1), (4, 0, 4)],
            ],
        ),
    ],
    ids=["one left", "even", "one epoch", "a quarter each"],
)
def test_the_last_works_are_cut_so_that_nobody_waits(n_parts, n_workers, expected):
    assert [[tuple(piece) for piece in own] for own in pieces(n_parts, n_workers)] == expected


@pytest.mark.parametrize("n_works", range(3, 12))
@pytest.mark.parametrize("n_workers", [2, 3])
@pytest.mark.parametrize("epochs", [1, 2, 5, 20])
def test_every_part_is_done_once_and_no_worker_does_more_than_its_share(n_works, n_workers, epochs):
    shares = pieces([epochs] * n_works, n_workers)
    parts = [(p.work, i) for own in shares for p in own for i in range(p.start, p.stop)]
    assert sorted(parts) == [(work, i) for work in range(n_works) for i in range(epochs)]
    most = max(sum(p.stop - p.start for p in own) for own in shares)
    assert most == -(-n_works * epochs // n_workers)


@pytest.mark.parametrize("n_parts", [[10, 1, 1], [1, 10, 1], [1, 1, 10], [3, 7, 5], [2, 9, 9]])
def test_works_of_other_lengths_are_shared_out_too(n_parts):
    shares = pieces(n_parts, 2)
    parts = [(p.work, i) for own in shares for p in own for i in range(p.start, p.stop)]
    assert sorted(parts) == [(work, i) for work, n in enumerate(n_parts) for i in range(n)]
    most = max(sum(p.stop - p.start for p in own) for own in shares)
    assert most <= max(-(-sum(n_parts) // 2), *n_parts)
    for own in shares:
        assert all(p.start == 0 for p in own[:-1])  # only a worker's last piece may wait


class Parts:
    """A work of several parts that notes what was done, and calls a function at each."""

    def __init__(self, n_parts=1, each=lambda is_stopped: None):
        self.n_parts, self.each, self.done = n_parts, each, []

    def go_on(self, until, is_stopped):
        for part in range(len(self.done), until):
            self.each(is_stopped)
            self.done.append(part)


@pytest.mark.parametrize("n_works", [2, 3, 5, 8])
def test_parts_are_done_in_their_order(n_works):
    works = [Parts(4, lambda is_stopped: time.sleep(0.002)) for _ in range(n_works)]
    run_works(works, 2, 1)
    assert [work.done for work in works] == [[0, 1, 2, 3]] * n_works


def test_an_error_in_the_first_piece_ends_the_wait_for_the_second():
    def fails(is_stopped):
        raise ValueError("no")

    works = [Parts(4), Parts(4, fails), Parts(4)]
    with pytest.raises(ValueError, match="no"):
        run_works(works, 2, 1)
    assert works[1].done == []


def test_works_run_at_the_same_time_with_their_threads():
    meet = threading.Barrier(2, timeout=20)
    seen = []

    def work(is_stopped):
        meet.wait()  # breaks unless both are on their way
        seen.append(torch.get_num_threads())

    before = torch.get_num_threads()
    run_works([Parts(1, work), Parts(1, work)], 2, 1)
    assert seen == [1, 1]
    assert torch.get_num_threads() == before


def test_an_interrupt_ends_the_works_that_are_on_their_way():
    ended, begun = [], threading.Event()

    def waits(is_stopped):
        begun.set()
        while not is_stopped():
            time.sleep(0.001)
        ended.append(True)
        raise Stopped

    def interrupted(is_stopped):
        begun.wait()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_works([Parts(1, interrupted), Parts(1, waits)], 2, 1)
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
    monkeypatch.setattr(workers, "MAX_NETS", {"cpu": 2})
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)  # three stacks at a time
    before = threading.active_count()
    cut = scores()
    assert threading.active_count() == before
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
