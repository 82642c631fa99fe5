"""Small data sets for contract tests, one for each kind of data that has broken a component."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits, make_classification

from imbench.data.dataset import Dataset
from imbench.data.splits import Fold


def _table(name: str, sizes: list[int], seed: int = 0) -> Dataset:
    """Return a separable table with classes of the given sizes, rows shuffled."""
    n_classes = len(sizes)
    X, y = make_classification(
        20 * max(sizes) * n_classes // 10,
        8,
        n_informative=5,
        n_classes=n_classes,
        class_sep=0.8,
        random_state=seed,
    )
    rows = np.concatenate([np.flatnonzero(y == k)[:n] for k, n in enumerate(sizes)])
    rows = np.random.default_rng(seed).permutation(rows)
    names = tuple(f"class {k}" for k in range(n_classes))
    columns = tuple(f"x{i}" for i in range(8))
    return Dataset(name, X[rows].astype(np.float64), y[rows].astype(np.int64), names, columns)


def binary_five_percent() -> Dataset:
    """Return 400 rows, 20 of them positive."""
    return _table("binary_five_percent", [380, 20])


def three_classes() -> Dataset:
    """Return 240, 80 and 30 rows."""
    return _table("three_classes", [240, 80, 30])


def class_of_six() -> Dataset:
    """Return 200 and 8 rows; :func:`one_fold` leaves six of the eight for training."""
    return _table("class_of_six", [200, 8])


def images() -> Dataset:
    """Return 8 x 8 images of three digits, 120, 40 and 20 rows."""
    digits = load_digits()
    sizes = [120, 40, 20]
    rows = np.concatenate([np.flatnonzero(digits.target == k)[:n] for k, n in enumerate(sizes)])
    rows = np.random.default_rng(0).permutation(rows)
    pixels = (digits.data[rows] * (255 / 16)).astype(np.uint8)
    labels = digits.target[rows].astype(np.int64)
    return Dataset("images", pixels, labels, ("0", "1", "2"), input_shape=(1, 8, 8))


def mixed_table() -> Dataset:
    """Return a table with a categorical column and missing values, 300 and 40 rows."""
    data = _table("mixed_table", [300, 40])
    rng = np.random.default_rng(0)
    X = data.X.astype(np.float64)
    X[:, 7] = np.digitize(X[:, 7], [-1.0, 0.0, 1.0])
    X[rng.random(len(X)) < 0.1, 0] = np.nan
    X[rng.random(len(X)) < 0.05, 7] = np.nan
    return Dataset(
        "mixed_table",
        X,
        data.y,
        data.class_names,
        data.feature_names,
        categories={7: ("low", "medium", "high", "top")},
    )


def only_categories() -> Dataset:
    """Return a table of categorical columns only, some missing, 300 and 40 rows."""
    data = _table("only_categories", [300, 40])
    X = np.digitize(data.X.astype(np.float64), [-1.0, 0.0, 1.0]).astype(np.float64)
    X[np.random.default_rng(0).random(len(X)) < 0.05, 0] = np.nan
    names = ("low", "medium", "high", "top")
    return Dataset(
        "only_categories",
        X,
        data.y,
        data.class_names,
        data.feature_names,
        categories=dict.fromkeys(range(X.shape[1]), names),
    )


# A data set is made once: its arrays are read-only.
CASES: dict[str, Callable[[], Dataset]] = {
    case.__name__: functools.cache(case)
    for case in (
        binary_five_percent,
        three_classes,
        class_of_six,
        images,
        mixed_table,
        only_categories,
    )
}


def one_fold(data: Dataset) -> Fold:
    """Return a fold whose test rows are a quarter of each class, rounded down."""
    test = [np.flatnonzero(data.y == k) for k in range(data.info.n_classes)]
    test_index: NDArray[np.int64] = np.sort(np.concatenate([t[: len(t) // 4] for t in test]))
    train_index = np.setdiff1d(np.arange(len(data.y)), test_index)
    return Fold(0, 0, train_index, test_index)


def with_other_test_rows(data: Dataset, fold: Fold) -> Dataset:
    """Return the data with other values and labels in every test row."""
    rng = np.random.default_rng(1)
    X, y = data.X.copy(), data.y.copy()
    X[fold.test_index] = rng.permuted(data.X[fold.test_index], axis=0)[::-1]
    if X.dtype.kind == "f":
        numeric = [i for i in range(X.shape[1]) if i not in data.categories]
        for column in numeric:
            X[fold.test_index, column] = 1e3 * X[fold.test_index, column] + 1
        X[fold.test_index[0], 0] = np.nan
    else:
        X[fold.test_index] = 255 - X[fold.test_index]
    y[fold.test_index] = (y[fold.test_index] + 1) % data.info.n_classes
    return Dataset(
        data.name,
        X,
        y,
        data.class_names,
        data.feature_names,
        data.input_shape,
        data.categories,
    )
