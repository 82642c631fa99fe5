"""Draws by class shares: powers, targets, without replacement, progressive."""

import math

import numpy as np
import pytest
import torch

from imbench.strategies.batches.draw import draw_rows_once, power_shares, rows_by_class
from imbench.strategies.batches.progressive import ProgressiveSampler
from imbench.strategies.batches.weighted_sampler import WeightedSampler


def labels(*sizes):
    y = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(0).permutation(y)


def draw(sampler, y, n_classes, progress=0.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return sampler(torch.as_tensor(y), n_classes, 64, progress, generator).numpy()


def assert_shares(drawn, shares):
    n = drawn.sum()
    for hits, p in zip(drawn, shares, strict=True):
        assert abs(hits - n * p) <= 4 * math.sqrt(n * p * (1 - p)), (drawn, shares)


@pytest.mark.parametrize("q", [-1.0, 0.0, 0.5, 1.0])
@pytest.mark.parametrize("sizes", [(9000, 1000), (7000, 2500, 400, 100)])
def test_classes_are_drawn_in_proportion_to_their_size_to_the_power_q(sizes, q):
    y = labels(*sizes)
    drawn = np.bincount(y[draw(WeightedSampler(q=q), y, len(sizes))], minlength=len(sizes))
    powers = [n**q for n in sizes]
    assert_shares(drawn, [p / sum(powers) for p in powers])


def test_the_default_sampler_draws_a_class_and_then_a_row_of_it():
    # As in the first release: stored results must be reproduced.
    y = torch.as_tensor(labels(900, 90, 0, 10))
    generator = torch.Generator().manual_seed(5)
    chosen = torch.multinomial(torch.tensor([1.0, 1, 0, 1]), 1000, True, generator=generator)
    u = torch.rand(1000, generator=generator, dtype=torch.float64)
    rows = [(y == k).nonzero().squeeze(1) for k in range(4)]
    expected = [int(rows[c][int(v * len(rows[c]))]) for c, v in zip(chosen, u, strict=True)]
    assert draw(WeightedSampler(), y, 4, seed=5).tolist() == expected


def test_rows_follow_a_target_distribution():
    y = labels(9000, 800, 200)
    drawn = np.bincount(y[draw(WeightedSampler(target=[0.2, 0.5, 0.3]), y, 3)], minlength=3)
    assert_shares(drawn, [0.2, 0.5, 0.3])


def test_a_class_with_target_zero_is_never_drawn():
    y = labels(90, 8, 2)
    assert set(y[draw(WeightedSampler(target=[0.5, 0, 0.5]), y, 3)]) == {0, 2}


@pytest.mark.parametrize("sizes", [(9000, 1000), (700, 250, 40, 7), (3, 1), (5, 0, 4)])
def test_without_replacement_balanced_epochs_have_every_class_as_often_as_the_rarest(sizes):
    y = labels(*sizes)
    rows = draw(WeightedSampler(replacement=False), y, len(sizes))
    assert len(set(rows)) == len(rows)
    smallest = min(n for n in sizes if n)
    expected = [smallest if n else 0 for n in sizes]
    assert np.bincount(y[rows], minlength=len(sizes)).tolist() == expected


def test_without_replacement_an_epoch_of_the_data_s_own_distribution_is_a_permutation():
    y = labels(7001, 2503, 401, 97, 1)
    rows = draw(WeightedSampler(replacement=False, q=1.0), y, 5)
    assert sorted(rows) == list(range(len(y)))
    assert list(rows) != sorted(rows)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ([0.5, 0.25, 0.25], [80, 40, 40]),  # class 2 gives all of its rows
        ([0.9, 0.1, 0.0], [900, 100, 0]),
        ([0.0, 1.0, 0.0], [0, 200, 0]),
        ([0.3, 0.3, 0.4], [30, 30, 40]),
    ],
)
def test_without_replacement_a_target_is_met_to_the_row(target, expected):
    y = labels(900, 200, 40)
    rows = draw(WeightedSampler(replacement=False, target=target), y, 3)
    assert len(set(rows)) == len(rows)
    assert np.bincount(y[rows], minlength=3).tolist() == expected


def test_without_replacement_every_row_of_a_class_has_the_same_chance_and_place():
    y, n_epochs = labels(20, 5), 2000
    generator = torch.Generator().manual_seed(0)
    hits, rare_places = np.zeros(25), np.zeros(10)
    for _ in range(n_epochs):
        rows = WeightedSampler(replacement=False)(torch.as_tensor(y), 2, 64, 0.0, generator).numpy()
        hits[rows] += 1
        rare_places[y[rows] == 1] += 1
    assert (hits[y == 1] == n_epochs).all()
    sigma = math.sqrt(n_epochs * 0.25 * 0.75)
    assert (abs(hits[y == 0] - n_epochs / 4) < 4.5 * sigma).all()
    assert (abs(rare_places - n_epochs / 2) < 4.5 * math.sqrt(n_epochs / 4)).all()


def test_draw_rows_once_returns_the_wanted_number_of_rows_of_each_class():
    y = torch.as_tensor(labels(50, 30, 20))
    rows = draw_rows_once(y, torch.tensor([0, 30, 7]), torch.Generator().manual_seed(0))
    assert torch.bincount(y[rows], minlength=3).tolist() == [0, 30, 7]
    assert len(rows.unique()) == 37


def test_groups_hold_the_rows_of_a_class_in_the_order_that_was_given():
    y = torch.tensor([1, 0, 1, 3, 0])
    groups = rows_by_class(y, 4, torch.tensor([4, 3, 2, 1, 0]))
    assert groups.rows.tolist() == [4, 1, 2, 0, 3]
    assert groups.counts.tolist() == [2, 2, 0, 1]
    assert groups.first.tolist() == [0, 2, 4, 4]


def test_shares_of_enormous_classes_do_not_overflow():
    shares = power_shares(torch.tensor([2**40, 1, 0]), 1.0)
    assert shares.tolist() == [1.0, 2.0**-40, 0.0]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"q": 1.5}, r"^q must lie in \[-1, 1\] .*got q=1.5\.$"),
        ({"q": math.nan}, "got q=nan"),
        ({"target": [0.5, 0.6]}, r"^target must sum to one, but \[0.5, 0.6\] sums to 1.1"),
        ({"target": [0.5, -0.5, 1.0]}, "^target must be a list of numbers of at least 0"),
        ({"target": [0.5, math.nan]}, "^target must be a list of numbers of at least 0"),
        ({"target": []}, "^target must be a list"),
        ({"target": "even"}, r"^target must be a list .* got target='even'\.$"),
        ({"target": 1.0}, "^target must be a list"),
        ({"target": [1, [2]]}, "^target must be a list"),
        ({"target": [0.5, 0.5], "q": 0.5}, "^give target or q, not both"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_a_sentence(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        WeightedSampler(**values)


def test_a_target_that_does_not_fit_the_labels_is_refused_when_they_are_known():
    sampler = WeightedSampler(target=[0.5, 0.25, 0.25])
    with pytest.raises(
        ValueError, match=r"_sampler\.target has 3 shares, but .* 2 classes: give one"
    ):
        draw(sampler, labels(9, 1), 2)
    with pytest.raises(ValueError, match=r"_sampler\.target asks for rows of class 1, which has"):
        draw(sampler, labels(9, 0, 1), 3)


@pytest.mark.parametrize("t", [0.0, 0.25, 0.5, 0.9])
def test_progressive_draws_are_a_blend_of_natural_and_balanced(t):
    y = labels(8000, 1900, 100)
    drawn = np.bincount(y[draw(ProgressiveSampler(), y, 3, progress=t)], minlength=3)
    assert drawn.sum() == len(y)
    assert_shares(drawn, [(1 - t) * n / 10_000 + t / 3 for n in (8000, 1900, 100)])


def test_progressive_draws_leave_out_a_class_without_rows():
    y = labels(900, 0, 100)
    drawn = np.bincount(y[draw(ProgressiveSampler(), y, 4, progress=1 - 1e-9)], minlength=4)
    assert drawn[[1, 3]].tolist() == [0, 0]
    assert_shares(drawn[[0, 2]], [0.5, 0.5])
