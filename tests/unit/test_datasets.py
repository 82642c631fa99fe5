import doctest

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from imbench.data import frame, synthetic
from imbench.data.dataset import Dataset
from imbench.data.load import load_dataset
from imbench.data.synthetic import load_synthetic
from imbench.errors import ConfigError, DataError
from tests.dataset_files import dataset_node


def dataset(**changes):
    values = {
        "name": "small",
        "X": np.zeros((4, 2)),
        "y": np.array([0, 1, 0, 1]),
        "class_names": ("a", "b"),
    }
    return Dataset(**{**values, **changes})


def test_synthetic_is_8_to_2_with_1000_rows_and_10_features():
    data = load_dataset(dataset_node("dataset=synthetic"))
    assert data.X.shape == (1000, 10)
    assert data.counts.tolist() == [800, 200]


def test_synthetic_data_can_be_learned():
    data = load_synthetic()
    score = cross_val_score(LogisticRegression(), data.X, data.y, scoring="roc_auc").mean()
    shuffled = np.random.default_rng(0).permutation(data.y)
    chance = cross_val_score(LogisticRegression(), data.X, shuffled, scoring="roc_auc").mean()
    assert score > 0.8
    assert chance < 0.6


def test_class_sep_makes_it_harder():
    easy, hard = (load_synthetic(class_sep=s) for s in (2.0, 0.2))
    scores = [
        cross_val_score(LogisticRegression(), d.X, d.y, scoring="roc_auc").mean()
        for d in (easy, hard)
    ]
    assert scores[0] > scores[1] + 0.1


@pytest.mark.parametrize(("n_classes", "ratio"), [(2, 1), (2, 50), (3, 10), (6, 20)])
def test_ratio_is_largest_to_rarest_and_sizes_decrease(n_classes, ratio):
    counts = load_synthetic(ratio=ratio, n_classes=n_classes, n_rows=6000).counts
    assert len(counts) == n_classes
    assert counts.sum() == 6000
    assert (np.diff(counts) <= 1).all()
    assert counts[0] / counts[-1] == pytest.approx(ratio, rel=0.03)


def test_weights_replace_the_ratio():
    assert load_synthetic(weights=[1, 2, 1], n_classes=3, n_rows=400).counts.tolist() == [
        100,
        200,
        100,
    ]


def test_label_noise_keeps_class_sizes_and_features_and_is_nested():
    clean, little, much = (load_synthetic(label_noise=s) for s in (0.0, 0.1, 0.5))
    assert clean.counts.tolist() == little.counts.tolist() == much.counts.tolist()
    assert np.array_equal(clean.X, much.X)
    wrong = [np.flatnonzero(clean.y != d.y) for d in (little, much)]
    assert 0 < len(wrong[0]) < len(wrong[1]) <= 500
    noisy = np.random.default_rng(0).permutation(1000)
    assert set(wrong[0]) <= set(noisy[:100])
    assert set(wrong[1]) <= set(noisy[:500])


def test_the_seed_of_synthetic_changes_the_data():
    assert load_synthetic(seed=1).fingerprint != load_synthetic(seed=2).fingerprint


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("ratio=0.5", "ratio must be at least 1"),
        ("n_classes=1", "n_classes must be at least 2, got n_classes=1"),
        ("n_rows=3", "n_rows must be at least twice n_classes=2, got n_rows=3"),
        ("n_features=1", "n_features must be at least 2 for n_classes=2, got n_features=1"),
        ("weights=[1]", "weights must hold a share above 0 for each of n_classes=2"),
        ("weights=[1,0]", "weights must hold a share above 0"),
        ("class_sep=0", "class_sep must be above 0"),
        ("label_noise=1.5", "label_noise must be a share of the rows in 0..1"),
    ],
)
def test_synthetic_rejects_values_out_of_range(override, sentence):
    with pytest.raises(ConfigError, match=f"^dataset: {sentence}"):
        load_dataset(dataset_node("dataset=synthetic", f"dataset.{override}"))


def test_digits_are_images_of_the_full_range_thinned_as_in_the_tutorial():
    data = load_dataset(dataset_node("dataset=digits"))
    assert data.input_shape == (1, 8, 8)
    assert data.X.min() == 0
    assert data.X.max() == 255
    assert data.counts.tolist() == [160, 18, 17, 18, 18, 18, 18, 17, 17, 18]


def test_digits_are_scikit_learns_scaled_to_bytes():
    from sklearn.datasets import load_digits

    data = load_dataset(dataset_node("dataset=digits", "dataset/imbalance=none"))
    X, y = load_digits(return_X_y=True)
    assert np.abs(data.X / 255 - X / 16).max() < 0.5 / 255 + 1e-9
    assert np.array_equal(data.y, y)


def test_reserved_keys_rename_and_are_no_parameters():
    data = load_dataset(dataset_node("dataset=synthetic", "dataset.name=mine"))
    assert data.name == "mine"
    assert data.fingerprint == load_synthetic().fingerprint


@pytest.mark.parametrize("name", ["a/b", "..", " ", "'a\\\\b'"])
def test_a_name_that_cannot_be_a_folder_is_rejected(name):
    node = {**dataset_node("dataset=synthetic"), "name": name}
    with pytest.raises(ConfigError, match=r"^dataset\.name="):
        load_dataset(node)


def test_a_misspelt_parameter_is_named_with_its_nearest():
    with pytest.raises(ConfigError, match=r"^dataset\.n_row: .*did you mean 'n_rows'"):
        load_dataset(dataset_node("dataset=synthetic", "+dataset.n_row=5"))
    node = dataset_node(
        "dataset=digits", "dataset/imbalance=step", "+dataset.imbalance.minority_part=0.5"
    )
    with pytest.raises(ConfigError, match=r"^dataset\.imbalance\.minority_part: .*did you mean"):
        load_dataset(node)


def test_a_node_without_a_target_says_so():
    with pytest.raises(ConfigError, match=r"^dataset has no _target_, only \['path'\]"):
        load_dataset({"name": "x", "path": "y"})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"y": np.zeros(3, np.int64)}, "got \\(4, 2\\) and \\(3,\\)"),
        ({"X": np.zeros((4, 0))}, "has 4 rows and 0 feature columns"),
        ({"y": np.array([0.0, 1, 0, 1])}, "y must be int64, got float64"),
        ({"y": np.array([0, 2, 0, 1])}, "labels must lie in 0..1, got 0..2"),
        ({"y": np.zeros(4, np.int64)}, "the target has one class \\('a'\\)"),
        ({"X": np.full((4, 2), np.inf)}, "column '0' has infinite values \\(4 of 4\\)"),
        ({"input_shape": (1, 2, 2)}, "do not fill images of input_shape=\\(1, 2, 2\\)"),
        ({"feature_names": ("a",)}, "1 feature names for 2 columns"),
        ({"class_names": ("a", "a")}, "two classes share a name"),
        ({"test_index": np.array([1, 3])}, "the target has one class \\('a'\\)"),
        ({"test_index": np.array([3, 4])}, "test_index must hold rows in 0..3, got 3..4"),
        ({"test_index": np.array([-1, 0])}, "test_index must hold rows in 0..3, got -1..0"),
    ],
)
def test_inconsistent_arrays_are_rejected(changes, sentence):
    with pytest.raises(DataError, match=f"^dataset=small.*{sentence}"):
        dataset(**changes)


def test_a_data_set_does_not_change_the_callers_arrays():
    X = np.zeros((4, 2))
    data = dataset(X=X)
    X[0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        data.X[0, 0] = 2.0


@pytest.mark.parametrize("module", [frame, synthetic])
def test_examples_in_docstrings_hold(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
