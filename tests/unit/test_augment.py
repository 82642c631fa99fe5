"""Augmentation of images, against PyTorch's own rotations, shifts and flips."""

import math

import numpy as np
import pytest
import torch

from imbench.strategies.augment import minority_augment
from imbench.strategies.augment.chain import AugmentChain
from imbench.strategies.augment.minority_augment import MinorityAugment, random_affine

COUNTS = torch.tensor([100, 50, 2])
MOVES = {"degrees": 30.0, "shift": 0.2, "flip": True, "noise": 0.1}


def make_images(n=40, size=(8, 8), border=0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand((n, 2, *size), generator=generator)
    if border:
        empty = torch.zeros_like(x)
        inner = (..., slice(border, -border), slice(border, -border))
        empty[inner] = x[inner]
        return empty
    return x


def affine(monkeypatch, x, degrees=0.0, shift=0.0, flip=False, draws=(0.0, 0.0, 0.0, 1.0)):
    """`random_affine` with its four uniform draws in [-1, 1] given: angle, x, y, mirror."""
    u = (torch.tensor(draws)[:, None] + 1) / 2

    def rand(shape, generator=None, device=None):
        assert tuple(shape) == (4, len(x))
        return u.expand(4, len(x))

    with monkeypatch.context() as patch:
        patch.setattr(minority_augment.torch, "rand", rand)
        chosen = torch.ones(len(x), dtype=torch.bool)
        return random_affine(x, chosen, degrees, shift, flip, torch.Generator())


def augment(x, y, seed=0, counts=COUNTS, **parameters):
    bound = MinorityAugment(**parameters).bind(counts)
    return bound(x, y, torch.Generator().manual_seed(seed))


def changed(before, after):
    return (before != after).flatten(1).any(1)


def test_probability_zero_leaves_every_image_as_it_is_to_the_bit():
    x, y = make_images(), torch.full((40,), 2)
    after, _ = augment(x, y, probability=0.0, **MOVES)
    assert torch.equal(after, x)


def test_the_largest_class_is_never_changed():
    x, y = make_images(400), torch.zeros(400, dtype=torch.int64)
    after, _ = augment(x, y, probability=1.0, **MOVES)
    assert torch.equal(after, x)


def test_the_chance_of_a_change_grows_as_a_class_becomes_rare():
    n = 3000
    x, y = make_images(n), torch.arange(n) % 3
    hit = changed(x, augment(x, y, probability=0.8, **MOVES)[0])
    for k, p in enumerate([0, 0.8 * 0.5, 0.8 * 0.98]):
        assert abs(hit[y == k].sum() - 1000 * p) <= 4 * math.sqrt(1000 * p * (1 - p))


def test_labels_and_weights_are_those_that_came_in():
    x, y = make_images(), torch.arange(40) % 3
    _, targets = augment(x, y)
    (labels, weights), *rest = targets
    assert not rest
    assert torch.equal(labels, y)
    assert torch.equal(weights, torch.ones(40))


@pytest.mark.parametrize(("draw", "turns"), [(1.0, 1), (-1.0, -1)])
def test_a_rotation_by_ninety_degrees_is_rot90(monkeypatch, draw, turns):
    x = make_images(3)
    found = affine(monkeypatch, x, degrees=90, draws=(draw, 0, 0, 1))
    torch.testing.assert_close(found, torch.rot90(x, turns, (2, 3)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(9, 9), (9, 17), (17, 9)])
def test_a_rotation_keeps_distances_also_in_images_that_are_not_square(monkeypatch, size):
    # A spot three pixels right of the centre lies, a quarter turn later, three above or below.
    middle, centre = size[0] // 2, size[1] // 2
    x = torch.zeros((1, 1, *size))
    x[0, 0, middle, centre + 3] = 1
    found = affine(monkeypatch, x, degrees=90, draws=(1, 0, 0, 1))[0, 0]
    expected = torch.zeros(size)
    expected[middle - 3, centre] = 1
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [(8, 8), (8, 16)])
@pytest.mark.parametrize(("draws", "pixels"), [((0, 1, 0, 1), (0, -1)), ((0, 0, -1, 1), (1, 0))])
def test_a_shift_is_a_roll_where_the_border_is_empty(monkeypatch, size, draws, pixels):
    x = make_images(3, size, border=2)
    share = 1 / (size[1] if pixels[1] else size[0])  # one pixel
    found = affine(monkeypatch, x, shift=share, draws=draws)
    torch.testing.assert_close(found, torch.roll(x, pixels, (2, 3)), atol=1e-5, rtol=0)


def test_a_flip_mirrors_left_to_right(monkeypatch):
    x = make_images(3)
    found = affine(monkeypatch, x, flip=True, draws=(0, 0, 0, -0.5))
    torch.testing.assert_close(found, torch.flip(x, (3,)), atol=1e-5, rtol=0)
    kept = affine(monkeypatch, x, flip=True, draws=(0, 0, 0, 0.5))
    torch.testing.assert_close(kept, x, atol=1e-5, rtol=0)


def test_without_flip_nothing_is_mirrored(monkeypatch):
    x = make_images(3)
    found = affine(monkeypatch, x, flip=False, draws=(0, 0, 0, -0.5))
    torch.testing.assert_close(found, x, atol=1e-5, rtol=0)


def test_noise_has_the_given_standard_deviation():
    x, y = make_images(200), torch.full((200,), 2)
    after, _ = augment(
        x, y, counts=torch.tensor([10**9, 1, 1]), probability=1.0, degrees=0, shift=0, noise=0.05
    )
    difference = after - x
    n = difference.numel()
    assert abs(difference.std().item() - 0.05) < 4 * 0.05 / math.sqrt(2 * n)
    assert abs(difference.mean().item()) < 4 * 0.05 / math.sqrt(n)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("probability", 1.1),
        ("probability", -0.1),
        ("probability", math.nan),
        ("degrees", -1.0),
        ("shift", math.nan),
        ("noise", math.inf),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_name_and_value(name, value):
    with pytest.raises(ValueError, match=rf"^{name} must .*, got {value}\.$"):
        MinorityAugment(**{name: value})


class Add:
    """Adds a number to every pixel."""

    def __init__(self, number):
        self.number = number

    def bind(self, counts):
        return lambda x, y, generator: (x + self.number, [(y, torch.ones(len(y)))])


class Double:
    def bind(self, counts):
        return lambda x, y, generator: (2 * x, [(y, torch.ones(len(y)))])


class Mix:
    """Half of each row, half of the one before it."""

    def bind(self, counts):
        half = 0.5

        def mix(x, y, generator):
            share = torch.full((len(y),), half)
            return half * (x + x.roll(1, 0)), [(y, share), (y.roll(1), share)]

        return mix


def run_chain(*parts):
    x, y = torch.ones((2, 1, 1, 1)), torch.tensor([0, 1])
    return AugmentChain(parts).bind(COUNTS)(x, y, torch.Generator())


def test_a_chain_applies_its_parts_in_the_order_of_selection():
    assert run_chain(Add(3), Double())[0].flatten().tolist() == [8, 8]
    assert run_chain(Double(), Add(3))[0].flatten().tolist() == [5, 5]


def test_a_mixture_at_the_end_of_a_chain_keeps_its_targets():
    _, targets = run_chain(Double(), Mix())
    assert [labels.tolist() for labels, _ in targets] == [[0, 1], [1, 0]]
    np.testing.assert_allclose([w.tolist() for _, w in targets], 0.5)


def test_a_mixture_that_is_not_last_is_refused():
    with pytest.raises(ValueError, match=r"^an augmentation that mixes labels must be the last"):
        run_chain(Mix(), Double())
