"""The contract of a data set. Inherit it to test a source of your own."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from imbench.data.dataset import Dataset


class DatasetContract:
    """Check that a source returns a valid `Dataset`.

    Override the fixture `load` to return a function without arguments that loads the data. pytest
    runs the ``test_`` methods of every subclass; they get the fixture `dataset`, which is loaded
    once a class.

    Examples
    --------
    >>> from imbench.data.digits import load_digits

    >>> class TestMine(DatasetContract):
    ...     @pytest.fixture(scope="class")
    ...     @classmethod
    ...     def load(cls):
    ...         return load_digits
    """

    @pytest.fixture(scope="class")
    @classmethod
    def load(cls) -> Callable[[], Dataset]:
        """Return a function that loads the data; every subclass overrides this."""
        raise NotImplementedError("override the fixture `load` in your test class.")

    @pytest.fixture(scope="class")
    @classmethod
    def dataset(cls, load: Callable[[], Dataset]) -> Dataset:
        """Return the data set under test."""
        return load()

    def test_arrays_have_the_documented_types_and_shapes(self, dataset: Dataset) -> None:
        """X is 2-D, float64 for tables and uint8 for images; y is int64, one label a row."""
        assert isinstance(dataset, Dataset)
        assert dataset.X.ndim == 2
        assert dataset.X.dtype == (np.float64 if dataset.input_shape is None else np.uint8)
        assert dataset.y.shape == (len(dataset.X),)
        assert dataset.y.dtype == np.int64

    def test_images_fill_their_shape(self, dataset: Dataset) -> None:
        """Images have channels x height x width columns; tables name every column."""
        if dataset.input_shape is None:
            assert len(dataset.feature_names) == dataset.X.shape[1]
        else:
            assert len(dataset.input_shape) == 3
            assert np.prod(dataset.input_shape) == dataset.X.shape[1]
            assert not dataset.categories

    def test_every_class_has_rows_to_train_on(self, dataset: Dataset) -> None:
        """Labels are 0..K-1, and every class has training rows."""
        assert set(dataset.y.tolist()) <= set(range(len(dataset.class_names)))
        assert dataset.counts.min() > 0
        assert dataset.counts.sum() == len(dataset.pool_index)

    def test_class_names_are_distinct_text(self, dataset: Dataset) -> None:
        """Class names are part of metric and file names."""
        assert all(isinstance(name, str) and name for name in dataset.class_names)
        assert len(set(dataset.class_names)) == len(dataset.class_names) >= 2

    def test_info_agrees_with_the_arrays(self, dataset: Dataset) -> None:
        """`build` only gets this summary of the data."""
        info = dataset.info
        assert info.n_features == dataset.X.shape[1]
        assert info.n_classes == len(dataset.class_names)
        assert dataset.counts[info.minority] == dataset.counts.min()
        missing = np.isnan(dataset.X.astype(np.float64)).any()
        assert info.has_missing == missing

    def test_values_are_finite_or_missing(self, dataset: Dataset) -> None:
        """NaN means missing; infinite values are not supported."""
        if dataset.X.dtype.kind == "f":
            assert not np.isinf(dataset.X).any()

    def test_categorical_columns_hold_codes(self, dataset: Dataset) -> None:
        """Codes are integers below the number of categories, or missing."""
        for column, names in dataset.categories.items():
            values = dataset.X[:, column]
            codes = values[~np.isnan(values)]
            assert set(codes.tolist()) <= set(range(len(names)))
            assert len(set(names)) == len(names)

    def test_pool_and_official_test_set_divide_the_rows(self, dataset: Dataset) -> None:
        """Every row is in exactly one of them."""
        test = np.empty(0, np.int64) if dataset.test_index is None else dataset.test_index
        both = np.concatenate([dataset.pool_index, test])
        assert np.array_equal(np.sort(both), np.arange(len(dataset.y)))

    def test_loading_again_gives_the_same_bits(
        self, dataset: Dataset, load: Callable[[], Dataset]
    ) -> None:
        """The fingerprint identifies the data in stored results."""
        again = load()
        assert again.fingerprint == dataset.fingerprint
        assert again.name == dataset.name
        assert not np.shares_memory(again.X, dataset.X)
        assert not np.shares_memory(again.y, dataset.y)

    def test_a_changed_value_changes_the_fingerprint(self, dataset: Dataset) -> None:
        """Changing one value, one label or one name changes it."""
        X, y = dataset.X.copy(), dataset.y.copy()
        X[0, 0] = 1 if np.isnan(float(X[0, 0])) or X[0, 0] == 0 else 0
        first, second = np.flatnonzero(y != y[0])[0], 0
        y[[first, second]] = y[[second, first]]
        changed = [
            replace(dataset, X=X),
            replace(dataset, y=y),
            replace(dataset, class_names=(*dataset.class_names[:-1], "another name")),
        ]
        prints = {dataset.fingerprint, *(d.fingerprint for d in changed)}
        assert len(prints) == 4

    def test_nothing_can_be_changed_in_place(self, dataset: Dataset) -> None:
        """Arrays are read-only, because all strategies share one data set."""
        for array in (dataset.X, dataset.y, dataset.test_index):
            if array is not None:
                with pytest.raises(ValueError, match="read-only"):
                    array[0] = 0
        with pytest.raises(FrozenInstanceError):
            dataset.name = "other"  # type: ignore[misc]

    def test_a_copy_sent_to_a_worker_is_equal(self, dataset: Dataset) -> None:
        """Data sets are pickled for parallel folds."""
        assert pickle.loads(pickle.dumps(dataset)).fingerprint == dataset.fingerprint
