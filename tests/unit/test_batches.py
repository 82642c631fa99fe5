"""The weighted sampler: which rows it draws, how often, and how fast."""

import time

import numpy as np
import pytest
import torch

from imbench.strategies.batches.weighted_sampler import WeightedSampler


def draw(y, n_classes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return WeightedSampler()(torch.as_tensor(y), n_classes, 64, 0.0, generator)


def labels(*sizes):
    y = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(0).permutation(y)


def within_four_sigma(hits, n, p):
    return np.all(np.abs(np.asarray(hits) - n * p) <= 4 * np.sqrt(n * p * (1 - p)))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("sizes", [(9_000, 1_000), (9_000, 900, 90, 10), (5_000, 5_000)])
def test_every_class_is_drawn_equally_often(sizes, seed):
    y = labels(*sizes)
    drawn = np.bincount(y[draw(y, len(sizes), seed)], minlength=len(sizes))
    assert drawn.sum() == len(y), "an epoch draws as many rows as there are"
    assert within_four_sigma(drawn, len(y), 1 / len(sizes))


def test_the_rows_of_a_class_are_drawn_equally_often():
    y = labels(20_000, 4)
    index = draw(y, 2).numpy()
    rare = np.flatnonzero(y == 1)
    hits = [np.count_nonzero(index == row) for row in rare]
    assert within_four_sigma(hits, len(y), 1 / 8)


def test_only_rows_that_exist_are_drawn_and_every_rare_row_is():
    y = labels(500, 5, 1)
    index = draw(y, 3).numpy()
    assert index.min() >= 0
    assert index.max() < len(y)
    assert set(np.flatnonzero(y > 0)) <= set(index)


def test_successive_draws_are_independent_of_each_other():
    # Neighbours in the order of an epoch share their class as often as chance says.
    y = labels(9_000, 1_000)
    drawn = y[draw(y, 2)]
    assert within_four_sigma(np.sum(drawn[1:] == drawn[:-1]), len(y) - 1, 0.5)


def test_a_class_without_rows_is_never_drawn_and_the_others_share_its_part():
    y = labels(900, 0, 100)
    drawn = np.bincount(y[draw(y, 5)], minlength=5)
    assert drawn[[1, 3, 4]].tolist() == [0, 0, 0]
    assert within_four_sigma(drawn[[0, 2]], len(y), 0.5)


def test_a_million_rows_take_less_than_a_second():
    y = labels(900_000, 99_990, 10)
    started = time.perf_counter()
    drawn = np.bincount(y[draw(y, 3)], minlength=3)
    assert time.perf_counter() - started < 1
    assert within_four_sigma(drawn, len(y), 1 / 3)
