"""Stratified batches, balanced batches and the curriculum."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from imbench.models.nets.rows import slices
from imbench.strategies.batches.balanced_batches import BalancedBatches
from imbench.strategies.batches.curriculum import Curriculum
from imbench.strategies.batches.stratified_batches import StratifiedBatches

SIZES = [(900, 100), (640, 213, 40, 6), (64, 64), (7, 0, 5), (1, 1), (500, 1), (33, 0, 0)]


def labels(*sizes):
    y = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(0).permutation(y)


def draw(sampler, y, n_classes, batch_size, seed=0, progress=0.0, **more):
    generator = torch.Generator().manual_seed(seed)
    return sampler(torch.as_tensor(y), n_classes, batch_size, progress, generator, **more).numpy()


def batches(rows, batch_size):
    return [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]


@pytest.mark.parametrize("batch_size", [1, 5, 16, 64, 2000])
@pytest.mark.parametrize("sizes", SIZES)
def test_stratified_batches_take_every_row_once_and_keep_the_ratio(sizes, batch_size):
    y, k = labels(*sizes), len(sizes)
    n_full = len(y) // batch_size
    for seed in range(5):
        rows = draw(StratifiedBatches(), y, k, batch_size, seed)
        assert sorted(rows) == list(range(len(y)))
        for batch in batches(rows, batch_size):
            found = np.bincount(y[batch], minlength=k)
            exact = len(batch) * np.array(sizes) / len(y)
            assert (abs(found - exact) < 1 + 1 / max(n_full, 1) + 1e-9).all()


def test_stratified_batches_that_divide_evenly_are_all_the_same():
    y = labels(900, 90, 10)
    for batch in batches(draw(StratifiedBatches(), y, 3, 100), 100):
        assert np.bincount(y[batch]).tolist() == [90, 9, 1]


def test_stratified_batches_spread_the_rows_that_are_left_over():
    # Six rare rows over twenty batches: each batch as often as another, none has two.
    y, hits = labels(314, 6), np.zeros(20)
    for seed in range(1000):
        rare = y[draw(StratifiedBatches(), y, 2, 16, seed)].reshape(20, 16).sum(1)
        assert rare.max() == 1
        hits += rare
    assert (abs(hits - 300) < 4.5 * math.sqrt(1000 * 0.3 * 0.7)).all()


@pytest.mark.parametrize("batch_size", [1, 5, 16, 64, 2000])
@pytest.mark.parametrize("sizes", SIZES)
def test_balanced_batches_hold_every_class_equally_often(sizes, batch_size):
    y, k = labels(*sizes), len(sizes)
    present = np.array(sizes) > 0
    rows = draw(BalancedBatches(), y, k, batch_size)
    assert len(rows) == len(y)
    for batch in batches(rows, batch_size):
        found = np.bincount(y[batch], minlength=k)
        assert (found[~present] == 0).all()
        assert found[present].max() - found[present].min() <= 1


def test_balanced_batches_of_a_multiple_of_the_classes_are_exactly_equal():
    y = labels(640, 213, 40, 7)
    for batch in batches(draw(BalancedBatches(), y, 4, 20), 20):
        assert np.bincount(y[batch]).tolist() == [5, 5, 5, 5]


@pytest.mark.parametrize("sizes", SIZES)
def test_balanced_batches_repeat_the_rows_of_a_class_evenly(sizes):
    y = labels(*sizes)
    times = np.bincount(draw(BalancedBatches(), y, len(sizes), 16), minlength=len(y))
    for k, n in enumerate(sizes):
        if n:
            of_class = times[y == k]
            assert of_class.max() - of_class.min() <= 1


def test_balanced_batches_take_every_row_of_a_class_before_one_comes_again():
    y = labels(400, 7)
    rare = [row for row in draw(BalancedBatches(), y, 2, 16) if y[row] == 1]
    rounds = [rare[i : i + 7] for i in range(0, len(rare) - 6, 7)]
    assert len(rounds) == 29
    assert all(len(set(r)) == 7 for r in rounds)
    assert len({tuple(r) for r in rounds}) > 25, "each round in an order of its own"


def test_balanced_batches_see_another_part_of_a_large_class_in_each_epoch():
    y = labels(900, 100)
    generator = torch.Generator().manual_seed(0)
    seen = Counter()
    for _ in range(40):
        rows = BalancedBatches()(torch.as_tensor(y), 2, 16, 0.0, generator).numpy()
        seen.update(rows[y[rows] == 0].tolist())
    assert len(seen) == 900


def easy_first(y):
    """Losses that grow with the row number."""
    return torch.arange(len(y)) / len(y)


def test_the_curriculum_begins_balanced_with_the_easiest_rows_of_each_class():
    y = labels(900, 100)
    rows = draw(Curriculum(start=0.3), y, 2, 16, losses=easy_first(y))
    assert len(rows) == len(y)
    for k, n in enumerate((900, 100)):
        easiest = np.flatnonzero(y == k)[: int(0.3 * n)]
        drawn = rows[y[rows] == k]
        assert abs(len(drawn) - 500) <= 4 * math.sqrt(1000 / 4)
        assert set(drawn) <= set(easiest)
        assert len(set(drawn)) > 0.8 * len(easiest)


@pytest.mark.parametrize("t", [0.0, 0.2, 0.4, 0.6])
def test_the_curriculum_takes_in_a_linearly_growing_share_in_the_data_s_ratio(t):
    y, n = labels(9000, 1000), 10_000
    rows = draw(Curriculum(start=0.2, until=0.8), y, 2, 16, progress=t, losses=easy_first(y))
    s = t / 0.8
    p = (1 - s) / 2 + s * 0.1
    assert abs((y[rows] == 1).sum() - n * p) <= 4 * math.sqrt(n * p * (1 - p))
    share = 0.2 + 0.8 * s
    for k in (0, 1):
        of_class = np.flatnonzero(y == k)
        assert set(rows[y[rows] == k]) <= set(of_class[: math.ceil(share * len(of_class))])
        assert rows[y[rows] == k].max() >= of_class[int(0.95 * share * len(of_class))]


@pytest.mark.parametrize("t", [0.7, 0.9])
def test_the_curriculum_ends_with_every_row_once_an_epoch(t):
    y = labels(90, 10)
    rows = draw(Curriculum(until=0.7), y, 2, 16, progress=t, losses=easy_first(y))
    assert sorted(rows) == list(range(100))


def test_the_curriculum_orders_by_loss_and_not_by_place():
    y = labels(900, 100)
    losses = torch.rand(1000, generator=torch.Generator().manual_seed(1))
    losses[3] = math.nan  # a net that diverged: its rows are the hardest
    rows = draw(Curriculum(start=0.01), y, 2, 16, losses=losses)
    for k, n_easy in enumerate((9, 1)):
        of_class = np.flatnonzero(y == k)
        easiest = of_class[np.argsort(losses.numpy()[of_class])][:n_easy]
        assert set(rows[y[rows] == k]) == set(easiest)


def test_the_curriculum_draws_at_least_one_row_of_every_class_that_has_one():
    y = labels(997, 0, 3)
    rows = draw(Curriculum(start=0.01), y, 4, 16, losses=easy_first(y))
    assert np.bincount(y[rows], minlength=4)[2] > 400
    assert set(y[rows]) == {0, 2}


@pytest.mark.parametrize(("name", "value"), [("start", 0.0), ("start", 1.1), ("until", math.nan)])
def test_a_share_out_of_range_is_refused_by_name_and_value(name, value):
    with pytest.raises(ValueError, match=rf"^{name} must lie in \(0, 1\], got {name}={value}\.$"):
        Curriculum(**{name: value})


def test_the_trainer_cuts_the_batches_where_the_samplers_end_them():
    # 1000 = 62 * 16 + 8: the last slice is the smaller batch.
    rows = draw(StratifiedBatches(), labels(900, 100), 2, 16)
    assert [part.stop - part.start for part in slices(len(rows), 16)] == [16] * 62 + [8]
