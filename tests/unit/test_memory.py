"""Rows are held as seldom as can be: what a fold takes is what limits the size of a table."""

import tracemalloc

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from imbench.data.dataset import Dataset
from imbench.data.splits import Fold
from imbench.models.base import Model
from imbench.models.cleaner import Cleaner
from imbench.models.preprocessing import scale_pixels
from imbench.run.folds import fit_fold
from imbench.strategies.base import Strategy
from imbench.strategies.fitting import run

N_TRAIN = 50_000


class Weighing(ClassifierMixin, BaseEstimator):
    """Notes how much memory is held while it is fitted."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.held_ = tracemalloc.get_traced_memory()[0]
        return self


class WeighingNet(Weighing):
    """The same, with validation rows, once it has let go of those it trains on."""

    validation_fraction = 0.1

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, validation=None):
        return run(self.fitting(X, y, validation))

    def fitting(self, X, y, validation=None):
        del X
        return super().fit(validation[0], y)
        yield


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    n = N_TRAIN + 10
    return Dataset("large", rng.normal(size=(n, 30)), rng.integers(0, 2, n), ("a", "b"))


@pytest.mark.parametrize(("estimator", "share"), [(Weighing(), 1.0), (WeighingNet(), 0.1)])
def test_a_model_is_fitted_beside_its_own_rows_and_no_others(data, estimator, share):
    rows = np.arange(len(data.y))
    fold = Fold(0, 0, rows[:N_TRAIN], rows[N_TRAIN:])
    n_bytes = data.X[:N_TRAIN].nbytes
    assert data.contents.n_distinct == len(rows)  # hashed before anything is weighed
    tracemalloc.start()
    try:
        fitted, _ = fit_fold(data, Model("weighing", estimator), Strategy(), fold, 0)
    finally:
        tracemalloc.stop()
    held = fitted.named_steps["model"].held_
    assert share * n_bytes < held < (share + 0.1) * n_bytes


def test_cleaning_holds_one_copy_of_the_rows_and_little_more():
    X = np.random.default_rng(0).normal(size=(200_000, 30))
    tracemalloc.start()
    try:
        Cleaner(list(range(30))).fit_transform(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.4 * X.nbytes


def test_scaling_pixels_holds_one_copy_of_them():
    pixels = np.random.default_rng(0).integers(0, 256, (5_000, 784), dtype=np.uint8)
    tracemalloc.start()
    try:
        scaled = scale_pixels(pixels)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.1 * scaled.nbytes
    np.testing.assert_array_equal(scaled, pixels / np.float32(255))
