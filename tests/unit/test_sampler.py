"""`imbench.BalancedSampler`, with bug reports about a widely used sampler as tests."""

import math
import time
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    random_split,
)

from imbench import BalancedSampler
from imbench.data.torchvision_shim import import_torchvision
from imbench.strategies.batches.labels import encode, rarest_labels, read_labels


def labels(*sizes, seed=0):
    y = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(seed).permutation(y)


def tensors(y):
    """A data set whose items are (their own number, label)."""
    return TensorDataset(torch.arange(len(y)), torch.as_tensor(y))


def assert_shares(drawn, shares):
    n = sum(drawn)
    for hits, p in zip(drawn, shares, strict=True):
        assert abs(hits - n * p) <= 4 * math.sqrt(n * p * (1 - p)) + 1e-9, (drawn, shares)


def assert_balanced(data, n_classes=2, **options):
    """The labels that a loop sees are balanced, whatever the labels of the sampler are."""
    loader = DataLoader(data, batch_size=100, sampler=BalancedSampler(data, **options))
    seen = torch.cat([y for _, y in loader])
    assert_shares(torch.bincount(seen, minlength=n_classes).tolist(), [1 / n_classes] * n_classes)


class Unloadable(Dataset):
    """Stores labels, and refuses to load an item."""

    def __init__(self, n=1000, **attributes):
        self.n = n
        vars(self).update(attributes)

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        raise AssertionError("an item was loaded")


class WithMethod(Unloadable):
    def get_labels(self):
        return list(labels(900, 100))


# --- labels of any data set, none of them loaded


def test_labels_of_a_tensor_dataset_are_its_second_tensor():
    assert_balanced(tensors(labels(900, 100)))


@pytest.mark.parametrize("n_tensors", [1, 3])
def test_a_tensor_dataset_that_does_not_say_which_are_the_labels_is_refused(n_tensors):
    data = TensorDataset(*[torch.zeros(5)] * n_tensors)
    with pytest.raises(ValueError, match=rf"^a TensorDataset of {n_tensors} tensors .*labels=\.$"):
        BalancedSampler(data)


def test_labels_of_a_subset_are_those_of_its_rows_in_its_order():
    # torchsampler takes `imgs[:][1]`, the second row, for the labels.
    y = labels(900, 100)
    index = np.random.default_rng(1).permutation(1000)[:700]  # neither sorted nor complete
    subset = Subset(tensors(y), index.tolist())
    np.testing.assert_array_equal(read_labels(subset), y[index])
    assert_balanced(subset)


def test_weights_go_to_their_own_rows_when_the_indices_are_unsorted():
    # torchsampler sorts the weights by index, and takes the indices as they came.
    y = np.array([0] * 99 + [1])
    subset = Subset(tensors(y), list(range(99, -1, -1)))
    drawn = [subset[i][1].item() for i in BalancedSampler(subset, n_samples=1000)]
    assert_shares([drawn.count(0), drawn.count(1)], [0.5, 0.5])


def test_a_k_fold_split_of_a_random_split_is_read_through_both():
    y = labels(1800, 200)
    part, _ = random_split(tensors(y), [1500, 500], torch.Generator().manual_seed(0))
    nested = Subset(part, np.arange(0, 1500, 2))
    np.testing.assert_array_equal(read_labels(nested), y[np.array(part.indices)[::2]])
    assert_balanced(nested)


def test_labels_of_a_concatenation_are_those_of_its_parts_in_turn():
    first, second = labels(600, 50), labels(300, 50, seed=1)
    data = ConcatDataset([tensors(first), Subset(tensors(second), range(350))])
    np.testing.assert_array_equal(read_labels(data), [*first, *second])
    assert_balanced(data)
    assert_balanced(Subset(ConcatDataset([data, tensors(first)]), range(100, 1600)))


@pytest.mark.parametrize("name", ["targets", "labels"])
@pytest.mark.parametrize("form", [list, np.asarray, torch.as_tensor, tuple, pd.Series])
def test_labels_stored_as_an_attribute_are_read_without_loading_an_item(name, form):
    y = labels(900, 100)
    drawn = y[list(BalancedSampler(Unloadable(**{name: form(y)})))]
    assert_shares(np.bincount(drawn).tolist(), [0.5, 0.5])


def test_a_data_set_of_one_s_own_may_have_a_get_labels_method():
    np.testing.assert_array_equal(read_labels(WithMethod()), labels(900, 100))


def test_a_data_set_without_labels_is_refused_and_never_loaded():
    with pytest.raises(ValueError, match=r"^the labels of Unloadable cannot be read .*labels=\.$"):
        BalancedSampler(Unloadable())
    with pytest.raises(ValueError, match="Unloadable cannot be read"):
        BalancedSampler(Subset(ConcatDataset([Unloadable(), Unloadable()]), [0]))


def test_given_labels_replace_those_of_the_data_set():
    y = labels(900, 100)
    for data in (Unloadable(), Unloadable(targets=1 - y), TensorDataset(torch.zeros(1000))):
        drawn = list(BalancedSampler(data, labels=y, replacement=False))
        assert np.bincount(y[drawn]).tolist() == [100, 100]
    with pytest.raises(ValueError, match=r"^labels has 999 rows, but the data set has 1000 items"):
        BalancedSampler(Unloadable(), labels=y[:-1])


def test_stored_labels_of_another_length_than_the_data_set_are_refused():
    with pytest.raises(ValueError, match=r"^Unloadable has 1000 items, but stores 7 labels"):
        BalancedSampler(Unloadable(targets=[0, 1] * 3 + [0]))


def test_a_target_transform_makes_stored_labels_uncertain():
    data = Unloadable(targets=labels(900, 100), target_transform=lambda y: 1 - y)
    with pytest.raises(ValueError, match=r"^Unloadable has a target_transform, .*labels= as your"):
        BalancedSampler(data)
    assert len(BalancedSampler(data, labels=data.targets)) == 1000


def test_an_iterable_data_set_is_refused():
    class Stream(IterableDataset):
        def __iter__(self):
            raise AssertionError("an item was loaded")

    with pytest.raises(ValueError, match=r"^Stream is an IterableDataset"):
        BalancedSampler(Stream())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of images for ImageFolder: 30 cats and 3 dogs."""
    from PIL import Image

    root = tmp_path_factory.mktemp("images")
    for name, n in (("cat", 30), ("dog", 3)):
        (root / name).mkdir()
        for i in range(n):
            Image.new("L", (4, 4), i).save(root / name / f"{i:02}.png")
    return root


def refuse(path):
    raise AssertionError(f"{path} was loaded")


def test_labels_of_an_image_folder_are_read_without_opening_a_file(folder):
    # torchsampler's `samples[:][1]` is the second sample.
    data = import_torchvision().datasets.ImageFolder(folder, loader=refuse)
    assert read_labels(data).tolist() == [0] * 30 + [1] * 3
    part = Subset(data, [32, 0, 31, 5])
    assert read_labels(part).tolist() == [1, 0, 1, 0]
    drawn = list(BalancedSampler(data, replacement=False))
    assert Counter(data.targets[i] for i in drawn) == {0: 3, 1: 3}


def test_labels_of_an_image_folder_are_those_that_its_items_are_loaded_with(folder):
    data = import_torchvision().datasets.ImageFolder(folder, loader=refuse)
    data.samples = data.samples[20:]  # `targets` is now out of date
    assert read_labels(data).tolist() == [0] * 10 + [1] * 3


def test_labels_of_torchvision_s_data_sets_are_their_targets(tmp_path):
    class MNIST(import_torchvision().datasets.MNIST):
        def _check_exists(self):
            return True

        def _load_data(self):
            y = torch.as_tensor(labels(900, 100))
            return torch.zeros((1000, 28, 28), dtype=torch.uint8), y

    data = MNIST(tmp_path)
    np.testing.assert_array_equal(read_labels(data), labels(900, 100))
    transformed = MNIST(tmp_path, target_transform=lambda y: y % 2)
    with pytest.raises(ValueError, match=r"^MNIST has a target_transform"):
        read_labels(transformed)


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 0, 0],
        (0, 1, 0, 0),
        [-5, 700, -5, -5],
        [10**15, -(10**15), 10**15, 10**15],
        [False, True, False, False],
        ["no", "yes", "no", "no"],
        pd.Series(["no", "yes", "no", "no"]),
        pd.Series([0, 1, 0, 0], dtype="category"),
        torch.tensor([0.0, 1.0, 0.0, 0.0]),
        torch.tensor([[0.0], [1.0], [0.0], [0.0]]),
        torch.tensor([0, 1, 0, 0], dtype=torch.uint8),
        np.array([0, 1, 0, 0], np.uint64),
    ],
    ids=repr,
)
def test_labels_may_be_numbers_or_strings_in_any_container(y):
    drawn = list(BalancedSampler(y, n_samples=3000))
    assert_shares(np.bincount(drawn, minlength=4), [1 / 6, 1 / 2, 1 / 6, 1 / 6])


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        ([], r"^labels must be of shape \(n,\)"),
        (np.zeros((3, 2, 2)), r"^labels must be of shape .* got shape \(3, 2, 2\)\.$"),
        ([0.5, 1.0], "^labels must be classes, but these are fractions or hold NaN"),
        ([math.nan, 1.0], "^labels must be classes, but these are fractions or hold NaN"),
        ([math.inf, 1.0], "^labels must be classes, but these are fractions or hold NaN"),
        (["a", None], "^labels must be all strings or all whole numbers"),
        ([[0], [1, 1]], "^labels must be classes, one a row"),
        ([[0, 2], [1, 1]], "^a matrix of labels must hold nothing but 0 and 1"),
        (np.array(["2020-01-01"], "datetime64[D]"), "^labels must be whole numbers or strings"),
    ],
)
def test_labels_that_are_no_classes_are_refused(y, sentence):
    with pytest.raises(ValueError, match=sentence):
        BalancedSampler(y)


@pytest.mark.parametrize("seed", range(5))
def test_classes_are_numbered_as_numpy_does_it(seed):
    rng = np.random.default_rng(seed)
    for y in (rng.integers(-5, 9, 50), rng.integers(-(10**12), 10**12, 50), rng.integers(0, 2, 9)):
        for found, expected in zip(encode(y), np.unique(y, return_inverse=True), strict=True):
            np.testing.assert_array_equal(found, expected)


# --- which rows are drawn


@pytest.mark.parametrize("sizes", [(900, 100), (7000, 2500, 400, 100)])  # binary, and more
@pytest.mark.parametrize("q", [0.0, 0.5, 1.0])
def test_classes_are_drawn_in_proportion_to_their_size_to_the_power_q(sizes, q):
    y = labels(*sizes)
    drawn = np.bincount(y[list(BalancedSampler(y, q=q, n_samples=20_000))])
    powers = [n**q for n in sizes]
    assert_shares(drawn, [p / sum(powers) for p in powers])


def test_balanced_data_stay_balanced_and_every_row_is_as_likely():
    y = labels(50, 50)
    assert_shares(np.bincount(list(BalancedSampler(y, n_samples=50_000))), [0.01] * 100)


@pytest.mark.parametrize(
    "target",
    [[0.2, 0.5, 0.3], {"b": 0.5, "c": 0.3, "a": 0.2}, np.array([0.2, 0.5, 0.3])],
    ids=repr,
)
def test_any_target_distribution_by_name_or_in_sorted_order(target):
    y = np.array(["c", "a", "b"])[labels(900, 80, 20)]
    drawn = Counter(y[list(BalancedSampler(y, target=target, n_samples=5000))])
    assert_shares([drawn[k] for k in "abc"], [0.2, 0.5, 0.3])


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ([0.5, 0.6], "^target must sum to one, but .* sums to 1.1"),
        ({0: 0.5, 1: 0.4}, "^target must sum to one"),
        ([0.2, 0.3, 0.5], "^target has 3 shares, but there are 2 classes"),
        ({0: 1.0}, r"^target has no share for class 1: add it; 0 leaves it out\.$"),
        ({0: 0.5, 1: 0.3, 7: 0.2}, "^target has a share for 7, which is not a label"),
        ([1.5, -0.5], "^target must be a list of numbers of at least 0"),
    ],
)
def test_a_target_that_is_no_distribution_over_the_classes_is_refused(target, sentence):
    with pytest.raises(ValueError, match=sentence):
        BalancedSampler(labels(9, 1), target=target)


def test_without_replacement_no_row_comes_twice_in_an_epoch():
    y = labels(900, 90, 10)
    for options, expected in (
        ({}, [10, 10, 10]),
        ({"target": [0.5, 0.5, 0.0]}, [90, 90, 0]),
        ({"q": 1.0}, [900, 90, 10]),
        ({"n_samples": 15}, [5, 5, 5]),
        ({"q": 1.0, "n_samples": 100}, [90, 9, 1]),
    ):
        sampler = BalancedSampler(y, replacement=False, **options)
        drawn = list(sampler)
        assert len(drawn) == len(set(drawn)) == len(sampler)
        assert np.bincount(y[drawn], minlength=3).tolist() == expected


def test_without_replacement_epochs_see_other_rows_of_a_large_class():
    y = labels(90, 10)
    sampler = BalancedSampler(y, replacement=False)
    seen = {i for _ in range(100) for i in sampler}
    assert len(seen) == 100


@pytest.mark.parametrize("n_samples", range(1, 31))
def test_without_replacement_an_epoch_has_n_samples_rows(n_samples):
    y = labels(50, 11, 10)
    drawn = list(BalancedSampler(y, replacement=False, n_samples=n_samples))
    found = np.bincount(y[drawn], minlength=3)
    assert len(set(drawn)) == n_samples
    assert found.max() - found.min() <= 1


def test_more_rows_than_there_can_be_without_replacement_are_refused():
    with pytest.raises(ValueError, match=r"^n_samples=21 is more than the 20 rows"):
        BalancedSampler(labels(90, 10), replacement=False, n_samples=21)


def test_with_replacement_an_epoch_has_n_samples_rows():
    y = labels(90, 10)
    assert len(BalancedSampler(y)) == len(list(BalancedSampler(y))) == 100
    assert len(BalancedSampler(y, n_samples=1234)) == 1234


# --- seeds, epochs, ranks


def test_the_seed_alone_decides():
    y = labels(900, 100)
    torch.manual_seed(1)
    first = list(BalancedSampler(y, seed=3))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert list(BalancedSampler(y, seed=3)) == first
    assert list(BalancedSampler(y, seed=4)) != first
    assert torch.equal(torch.get_rng_state(), state), "no global generator is touched"


def test_every_epoch_differs_and_set_epoch_brings_one_back():
    y = labels(900, 100)
    sampler = BalancedSampler(y, seed=3)
    epochs = [list(sampler) for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    for k in (2, 0, 1):
        sampler.set_epoch(k)
        assert list(sampler) == epochs[k]
    resumed = BalancedSampler(y, seed=3)
    resumed.set_epoch(2)
    assert list(resumed) == epochs[2]


def test_the_next_epoch_is_not_the_next_seed():
    y = labels(900, 100)
    other = BalancedSampler(y, seed=0)
    other.set_epoch(1)
    assert list(other) != list(BalancedSampler(y, seed=1))


@pytest.mark.parametrize("world_size", [1, 2, 3, 7])
@pytest.mark.parametrize("replacement", [True, False])
def test_ranks_share_one_sequence_in_equal_parts(world_size, replacement):
    y = labels(913, 100)
    options = {"replacement": replacement, "seed": 5}
    parts = [
        list(BalancedSampler(y, rank=rank, world_size=world_size, **options))
        for rank in range(world_size)
    ]
    alone = list(BalancedSampler(y, **options))
    sizes = {len(part) for part in parts}
    assert sizes == {len(BalancedSampler(y, rank=0, world_size=world_size, **options))}
    together = [i for step in zip(*parts, strict=True) for i in step]
    if replacement:  # longer, so that every rank has as many
        assert len(together) == math.ceil(1013 / world_size) * world_size
        if 1013 % world_size == 0:
            assert together == alone
    else:  # shorter
        assert together == alone[: 200 // world_size * world_size]
        assert len(set(together)) == len(together)


def test_ranks_go_through_the_epochs_together():
    y = labels(900, 100)
    first, second = (
        BalancedSampler(y, q=1.0, replacement=False, rank=r, world_size=2) for r in (0, 1)
    )
    for epoch in (0, 1, 5):
        first.set_epoch(epoch)
        second.set_epoch(epoch)
        assert sorted([*first, *second]) == list(range(1000))


def test_rank_and_world_size_are_those_of_torch_distributed_where_it_runs(monkeypatch):
    for name, value in (("is_initialized", True), ("get_rank", 2), ("get_world_size", 4)):
        monkeypatch.setattr(torch.distributed, name, lambda value=value: value)
    sampler = BalancedSampler(labels(900, 100))
    assert (sampler.rank, sampler.world_size, len(sampler)) == (2, 4, 250)
    assert list(sampler) == list(BalancedSampler(labels(900, 100), rank=2, world_size=4))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rank": 2, "world_size": 2}, r"^rank must lie in \[0, world_size\), got rank=2"),
        ({"rank": 0}, "^give both rank and world_size, or neither"),
        ({"seed": -1}, "^seed must be an integer of at least 0, got -1"),
        ({"n_samples": 0}, "^n_samples must be an integer of at least 1, got 0"),
        ({"q": 2}, "^q must lie in"),
        ({"q": 0.5, "target": [0.5, 0.5]}, "^give target or q, not both"),
        (
            {"replacement": False, "rank": 0, "world_size": 5},
            "^2 rows without replacement are too few for world_size=5",
        ),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        BalancedSampler(labels(9, 1), **options)


# --- several labels a row

MATRIX = np.array([[1, 0, 0]] * 800 + [[1, 1, 0]] * 150 + [[1, 1, 1]] * 10 + [[0, 0, 0]] * 40)


def test_a_row_of_several_labels_belongs_to_its_rarest():
    rarest, counts = rarest_labels(MATRIX)
    assert counts.tolist() == [960, 160, 10, 40]
    assert np.bincount(rarest).tolist() == [800, 150, 10, 40]


@pytest.mark.parametrize("q", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("form", [np.asarray, torch.as_tensor, lambda m: m.tolist()])
def test_a_row_of_several_labels_is_drawn_by_the_count_of_its_rarest(q, form):
    weight = [n ** (q - 1) for n in (960, 160, 10, 40)]  # of a row, by its rarest label
    rows = [800, 150, 10, 40]
    mass = [w * n for w, n in zip(weight, rows, strict=True)]
    sampler = BalancedSampler(form(MATRIX), q=q, n_samples=20_000)
    drawn = np.bincount(rarest_labels(MATRIX)[0][list(sampler)])
    assert_shares(drawn, [m / sum(mass) for m in mass])
    assert sampler.classes.tolist() == [0, 1, 2]


def test_one_hot_rows_are_drawn_as_their_classes_are():
    y = labels(900, 80, 20)
    assert list(BalancedSampler(np.eye(3)[y], seed=2)) == list(BalancedSampler(y, seed=2))


def test_several_labels_are_read_from_a_data_set_and_drawn_without_replacement():
    data = TensorDataset(torch.arange(1000), torch.as_tensor(MATRIX, dtype=torch.float32))
    drawn = list(BalancedSampler(Subset(data, range(1000)), replacement=False))
    assert len(set(drawn)) == len(drawn)
    assert set(range(950, 960)) <= set(drawn), "the rarest label gives all of its rows"


def test_a_target_for_several_labels_is_refused():
    with pytest.raises(ValueError, match=r"^target needs one label a row: use q with a matrix"):
        BalancedSampler(MATRIX, target=[0.2, 0.3, 0.5])


# --- in use


def test_a_data_loader_takes_it_and_draws_anew_in_each_epoch():
    data = tensors(labels(900, 100))
    sampler = BalancedSampler(data, seed=1)
    loader = DataLoader(data, batch_size=32, sampler=sampler, drop_last=True)
    epochs = [torch.cat([rows for rows, _ in loader]).tolist() for _ in range(2)]
    assert [len(rows) for rows in epochs] == [992, 992]
    assert epochs[0] == list(BalancedSampler(data, seed=1))[:992]
    assert epochs[1] != epochs[0]


@pytest.mark.slow
def test_a_million_labels_are_read_and_drawn_in_less_than_two_seconds():
    y = labels(900_000, 99_000, 1000)
    data = Subset(ConcatDataset([Unloadable(500_000, targets=y[:500_000].tolist()),
                                 Unloadable(500_000, targets=y[500_000:].tolist())]),
                  range(1_000_000))  # fmt: skip
    started = time.perf_counter()
    drawn = list(BalancedSampler(data))
    assert time.perf_counter() - started < 2
    assert_shares(np.bincount(y[drawn]), [1 / 3] * 3)
