"""The contract of a metric. Inherit it to test one of your own.

.. code-block:: python

    class TestCost(MetricContract):
        higher_is_better = False

        def value(self, y_true, y_pred, y_score, minority):
            return cost(y_true, y_pred, y_score, minority, false_alarm=1, miss=10)
"""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray


class MetricContract:
    """Check that a metric is defined, bounded by its direction and free of warnings.

    Override :meth:`value`; pytest runs the ``test_`` methods of every subclass.

    Attributes
    ----------
    higher_is_better : bool
        Whether larger values are better.
    n_classes : tuple of int
        Numbers of classes that the metric is defined for.

    Examples
    --------
    >>> from sklearn.metrics import balanced_accuracy_score
    >>> class TestBalancedAccuracy(MetricContract):
    ...     def value(self, y_true, y_pred, y_score, minority):
    ...         return float(balanced_accuracy_score(y_true, y_pred))
    >>> TestBalancedAccuracy().test_better_predictions_score_better()
    """

    higher_is_better: bool = True
    n_classes: tuple[int, ...] = (2, 4)

    def value(
        self,
        y_true: NDArray[np.int64],
        y_pred: NDArray[np.int64],
        y_score: NDArray[np.float64],
        minority: int,
    ) -> float:
        """Return the metric; arrays are of shape (n,), (n,) and (n, K)."""
        raise NotImplementedError

    def test_is_a_finite_float_on_perfect_predictions(self) -> None:
        """Perfect predictions give a finite value."""
        for k in self.n_classes:
            y, _ = _example(k, skill=0.0)
            value = self._quiet_value(y, y, np.eye(k)[y], k - 1)
            assert isinstance(value, float)
            assert math.isfinite(value)

    def test_does_not_depend_on_the_order_of_rows(self) -> None:
        """Shuffled rows give the same value."""
        for k in self.n_classes:
            y, score = _example(k, skill=1.0)
            order = np.random.default_rng(1).permutation(len(y))
            pred = score.argmax(axis=1)
            expected = self._quiet_value(y, pred, score, k - 1)
            shuffled = self._quiet_value(y[order], pred[order], score[order], k - 1)
            np.testing.assert_allclose(shuffled, expected, rtol=1e-12)

    def test_better_predictions_score_better(self) -> None:
        """``higher_is_better`` is right."""
        for k in self.n_classes:
            values = []
            for skill in (0.0, 1.5, 5.0):
                y, score = _example(k, skill)
                values.append(self._quiet_value(y, score.argmax(axis=1), score, k - 1))
            expected = sorted(values, reverse=not self.higher_is_better)
            assert values == expected
            assert values[0] != values[-1]

    def test_an_empty_fold_is_nan(self) -> None:
        """Without rows the value is NaN."""
        for k in self.n_classes:
            empty = np.empty(0, np.int64)
            assert math.isnan(self._quiet_value(empty, empty, np.empty((0, k)), k - 1))

    def test_a_fold_of_one_class_neither_raises_nor_warns(self) -> None:
        """The value is finite or NaN if a class is missing."""
        for k in self.n_classes:
            y, score = _example(k, skill=1.0)
            y = np.zeros_like(y)
            value = self._quiet_value(y, score.argmax(axis=1), score, k - 1)
            assert math.isnan(value) or math.isfinite(value)

    def test_does_not_change_its_arguments(self) -> None:
        """Metrics share their input arrays."""
        for k in self.n_classes:
            y, score = _example(k, skill=1.0)
            arrays = (y, score.argmax(axis=1), score)
            for array in arrays:
                array.flags.writeable = False
            self._quiet_value(*arrays, k - 1)

    def _quiet_value(
        self,
        y_true: NDArray[np.int64],
        y_pred: NDArray[np.int64],
        y_score: NDArray[np.float64],
        minority: int,
    ) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return self.value(y_true, y_pred, y_score, minority)


def _example(k: int, skill: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return labels, and scores that favor the true class; the last class is the rarest."""
    rng = np.random.default_rng(0)
    share = np.arange(k, 0, -1) / np.arange(k, 0, -1).sum()
    y = rng.choice(k, size=400, p=share).astype(np.int64)
    logits = rng.normal(size=(len(y), k))
    logits[np.arange(len(y)), y] += skill
    score = np.exp(logits)
    return y, score / score.sum(axis=1, keepdims=True)
