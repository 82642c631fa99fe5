"""Noise for tables and crops for images: which rows they change, and how much."""

import math

import pytest
import torch
from torch.nn import functional as F

from imbench.strategies.augment import minority_augment
from imbench.strategies.augment.minority_augment import MinorityAugment, random_affine, random_crop
from imbench.strategies.augment.noise import Noise

COUNTS = torch.tensor([100, 50, 2])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_noise_changes_a_row_the_more_often_the_rarer_its_class():
    n = 3000
    x, y = torch.zeros((n, 5)), torch.arange(n) % 3
    after, [(labels, weights)] = Noise(scale=0.1, probability=0.8).bind(COUNTS)(x, y, seeded())
    hit = (after != 0).any(1)
    for k, p in enumerate([0, 0.8 * 0.5, 0.8 * 0.98]):
        assert abs(hit[y == k].sum() - 1000 * p) <= 4 * math.sqrt(1000 * p * (1 - p))
    assert torch.equal(labels, y)
    assert torch.equal(weights, torch.ones(n))
    assert (after[hit] != 0).all(), "every column of a chosen row"


def test_noise_has_the_given_standard_deviation():
    x, y = torch.randn((4000, 5), generator=seeded()), torch.full((4000,), 2)
    rare = torch.tensor([10**9, 1, 1])
    difference = Noise(scale=0.3, probability=1.0).bind(rare)(x, y, seeded(1))[0] - x
    assert difference.std().item() == pytest.approx(0.3, abs=4 * 0.3 / math.sqrt(40_000))
    assert difference.mean().item() == pytest.approx(0, abs=4 * 0.3 / math.sqrt(20_000))


@pytest.mark.parametrize("values", [{"scale": 0.0}, {"probability": 0.0}])
def test_noise_of_nothing_leaves_every_row_as_it_is_to_the_bit(values):
    x, y = torch.randn((50, 5), generator=seeded()), torch.full((50,), 2)
    assert torch.equal(Noise(**values).bind(COUNTS)(x, y, seeded())[0], x)


def test_a_row_that_is_not_chosen_stays_the_same_even_if_it_is_not_finite():
    x = torch.tensor([[math.inf, -0.0]])
    after, _ = Noise(probability=1.0).bind(COUNTS)(x, torch.tensor([0]), seeded())
    assert torch.equal(after, x)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        (Noise, "scale", -0.1),
        (Noise, "scale", math.nan),
        (Noise, "probability", 1.1),
        (MinorityAugment, "crop", 1.0),
        (MinorityAugment, "crop", -0.1),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_name_and_value(part, name, value):
    with pytest.raises(ValueError, match=rf"^{name} must .*, got {value}\.$"):
        part(**{name: value})


def crop(monkeypatch, x, share, draws):
    """`random_crop` with its three uniform draws in [0, 1] given: size, x, y."""
    u = torch.tensor(draws)[:, None]
    with monkeypatch.context() as patch:
        patch.setattr(minority_augment.torch, "rand", lambda *a, **k: u.expand(3, len(x)))
        return random_crop(x, torch.ones(len(x), dtype=torch.bool), share, seeded())


@pytest.mark.parametrize(
    ("draws", "window"),
    [
        ((1.0, 0.0, 0.0), (slice(0, 8), slice(0, 6))),
        ((1.0, 1.0, 1.0), (slice(8, 16), slice(6, 12))),
        ((1.0, 0.5, 0.5), (slice(4, 12), slice(3, 9))),
        ((1.0, 1.0, 0.0), (slice(0, 8), slice(6, 12))),
        ((0.5, 0.0, 0.0), (slice(0, 12), slice(0, 9))),
    ],
)
def test_a_crop_is_the_window_resized_to_the_image(monkeypatch, draws, window):
    x = torch.rand((2, 3, 16, 12), generator=seeded())
    found = crop(monkeypatch, x, 0.5, draws)
    expected = F.interpolate(x[:, :, *window], (16, 12), mode="bilinear", align_corners=False)
    # At the rim of the window the crop sees the pixels beyond it, the cut-out cannot.
    inner = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(found[inner], expected[inner], atol=1e-5, rtol=0)


def test_a_crop_of_nothing_is_the_image(monkeypatch):
    x = torch.rand((2, 1, 8, 8), generator=seeded())
    torch.testing.assert_close(crop(monkeypatch, x, 0.5, (0.0, 0.7, 0.2)), x, atol=1e-5, rtol=0)


def test_a_crop_never_looks_outside_of_the_image():
    x = torch.ones((500, 1, 7, 9))
    cut = random_crop(x, torch.ones(500, dtype=torch.bool), 0.9, seeded())
    torch.testing.assert_close(cut, x)


def test_only_chosen_images_are_cropped():
    x = torch.rand((40, 1, 8, 8), generator=seeded())
    chosen = torch.arange(40) % 2 == 0
    cut = random_crop(x, chosen, 0.5, seeded())
    assert torch.equal(cut[~chosen], x[~chosen])
    assert (cut[chosen] != x[chosen]).flatten(1).any(1).all()


def test_without_crop_the_result_is_unchanged():
    x, y = torch.rand((60, 1, 8, 8), generator=seeded()), torch.arange(60) % 3
    found, _ = MinorityAugment().bind(COUNTS)(x, y, seeded(5))
    generator = seeded(5)
    chosen = torch.rand(60, generator=generator) < (0.9 * (1 - COUNTS / 100))[y]
    expected = random_affine(x, chosen, 10.0, 0.1, False, generator)
    noise = torch.randn(x.shape, generator=generator)
    assert torch.equal(found, expected + chosen[:, None, None, None] * 0.02 * noise)


def test_with_crop_the_rare_classes_are_cropped_and_the_largest_is_not():
    x, y = torch.rand((300, 1, 8, 8), generator=seeded()), torch.arange(300) % 3
    part = MinorityAugment(probability=1.0, degrees=0, shift=0, noise=0, crop=0.5)
    after, _ = part.bind(COUNTS)(x, y, seeded())
    moved = ((after - x).abs() > 1e-4).flatten(1).any(1)
    assert not moved[y == 0].any()
    assert moved[y == 2].sum() >= 90
