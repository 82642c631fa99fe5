"""The contracts of class weights, batches and augmentations; see also `imbench.testing.losses`.

Inherit the one of your stage and override ``make``:

.. code-block:: python

    class TestMine(WeightsContract):
        def make(self):
            return MyWeights(beta=0.9)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import Generator, Tensor

from imbench.strategies.nets.randomness import seeded
from imbench.strategies.protocols import Augment, Batches, Target, Weights
from imbench.testing.base import EntryContract

CPU = torch.device("cpu")
in_all_parts_of_training = pytest.mark.parametrize("progress", [0.0, 0.5, 0.95])


class WeightsContract(EntryContract[Weights]):
    """What nets and ``WeightedClassifier`` rely on, checked on one entry of the stage `weights`.

    `make` and `counts` are those of :class:`imbench.testing.base.EntryContract`.

    Examples
    --------
    >>> from imbench.strategies.weights.inverse_weights import InverseWeights
    >>> class TestInverse(WeightsContract):
    ...     def make(self):
    ...         return InverseWeights()
    >>> TestInverse().test_weights_are_positive_and_finite(progress=0.0)
    """

    counts = (30, 10, 1)

    @in_all_parts_of_training
    def test_weights_are_positive_and_finite(self, progress: float) -> None:
        """One weight for each class, in every part of the training."""
        weights = self.make()(np.array(self.counts), progress)
        assert weights.shape == (len(self.counts),)
        assert np.isfinite(weights).all()
        assert (weights > 0).all()

    def test_an_empty_class_leaves_the_others_positive(self) -> None:
        """A fold may hold no row of a class."""
        counts = np.array((*self.counts[:-1], 0))
        weights = self.make()(counts, 0.95)
        assert np.isfinite(weights).all()
        assert (weights[:-1] > 0).all()
        assert weights[-1] >= 0

    def test_counts_are_left_alone_and_calls_agree(self) -> None:
        """Every epoch is called with the same array."""
        counts, entry = np.array(self.counts), self.make()
        first = entry(counts, 0.95).copy()
        np.testing.assert_array_equal(entry(counts, 0.95), first)
        np.testing.assert_array_equal(counts, self.counts)

    def test_weights_of_rows_have_a_mean_of_one_in_each_class(self) -> None:
        """For entries with ``row_weights``: repeatable, positive, and the inputs stay."""
        entry: Any = self.make()
        if not hasattr(entry, "row_weights"):
            pytest.skip("the entry weights classes alone")
        if hasattr(entry, "random_state"):
            entry = clone(entry).set_params(random_state=0)
        y = np.repeat(np.arange(len(self.counts)), self.counts)
        X = np.random.default_rng(0).normal(size=(len(y), 3))
        rows, labels = X.copy(), y.copy()
        weights = entry.row_weights(X, y)
        assert weights.shape == y.shape
        assert (weights > 0).all()
        means = np.bincount(y, weights) / np.array(self.counts)
        np.testing.assert_allclose(means, 1)
        np.testing.assert_array_equal(entry.row_weights(X, y), weights)
        np.testing.assert_array_equal(X, rows)
        np.testing.assert_array_equal(y, labels)


class BatchesContract(EntryContract[Batches]):
    """What the trainer relies on, checked on one entry of the stage `batches`.

    `make` and `counts` are those of :class:`imbench.testing.base.EntryContract`.

    Examples
    --------
    >>> from imbench.strategies.batches.balanced_batches import BalancedBatches
    >>> class TestBalanced(BatchesContract):
    ...     def make(self):
    ...         return BalancedBatches()
    >>> TestBalanced().test_draws_rows_that_exist(progress=0.0)
    """

    counts = (900, 95, 5)

    @in_all_parts_of_training
    def test_draws_rows_that_exist(self, progress: float) -> None:
        """Indices are a 1-D tensor of int64 in ``range(n)``, and there are some."""
        rows = self._draw(progress=progress)
        assert rows.ndim == 1
        assert rows.dtype == torch.int64
        assert len(rows) > 0
        assert rows.min() >= 0
        assert rows.max() < sum(self.counts)

    @pytest.mark.parametrize("progress", [0.0, 0.95])
    def test_the_generator_alone_decides(self, progress: float) -> None:
        """The same seed gives the same rows whatever the global generator does."""
        with seeded(1, CPU):
            first = self._draw(seed=3, progress=progress)
        with seeded(2, CPU):
            assert torch.equal(first, self._draw(seed=3, progress=progress))
            assert not torch.equal(first, self._draw(seed=4, progress=progress))

    def test_successive_epochs_differ(self) -> None:
        """The generator is the trainer's own, and goes on from epoch to epoch."""
        generator = Generator().manual_seed(0)
        first, second = (self._draw(generator=generator) for _ in range(2))
        assert not torch.equal(first, second)

    def test_an_empty_class_is_never_drawn(self) -> None:
        """A fold may hold no row of a class."""
        counts = (*self.counts[:-1], 0)
        y = _labels(counts)
        assert y[self._draw(counts=counts)].max() < len(counts) - 1

    def test_labels_are_left_alone(self) -> None:
        """The trainer uses them again."""
        y = _labels(self.counts)
        before = y.clone()
        self._call(y, 0.0, Generator().manual_seed(0))
        assert torch.equal(y, before)

    def _draw(
        self,
        seed: int = 0,
        progress: float = 0.0,
        generator: Generator | None = None,
        counts: tuple[int, ...] | None = None,
    ) -> Tensor:
        y = _labels(self.counts if counts is None else counts)
        return self._call(y, progress, generator or Generator().manual_seed(seed))

    def _call(self, y: Tensor, progress: float, generator: Generator) -> Tensor:
        entry: Any = self.make()
        more = {}
        if getattr(entry, "uses_losses", False):
            more["losses"] = torch.rand(len(y), generator=Generator().manual_seed(9))
        return entry(y, len(self.counts), 16, progress, generator, **more)


class AugmentContract(EntryContract[Augment]):
    """What the trainer relies on, checked on one entry of the stage `augment`.

    `make` and `counts` are those of :class:`imbench.testing.base.EntryContract`.

    Attributes
    ----------
    shape : tuple of int
        Shape of one row: (d,) for tables, (C, H, W) for images.

    Examples
    --------
    >>> from imbench.strategies.augment.noise import Noise
    >>> class TestNoise(AugmentContract):
    ...     shape = (4,)
    ...     def make(self):
    ...         return Noise(scale=0.1)
    >>> TestNoise().test_the_batch_is_left_alone()
    """

    counts = (900, 95, 5)
    shape: tuple[int, ...] = (1, 8, 8)

    def test_returns_as_many_rows_with_targets(self) -> None:
        """Rows keep shape and type; the shares of a row's targets sum to one."""
        x, y = self._batch()
        n_rows = 16
        changed, targets = self._call(x, y)
        assert changed.shape == (n_rows, *self.shape)
        assert changed.dtype == x.dtype
        assert changed.isfinite().all()
        total = torch.zeros(n_rows)
        for target in targets:
            labels, share, rows = Target(*target)
            assert labels.shape == share.shape == (n_rows,)
            assert set(labels.tolist()) <= set(range(len(self.counts)))
            assert share.min() >= 0
            if rows is not None:
                assert torch.equal(labels, y[rows])
            total += share
        torch.testing.assert_close(total, torch.ones(n_rows))

    def test_mixing_of_labels_is_declared(self) -> None:
        """``mixes_labels = True`` if and only if a row comes back with several labels."""
        _, targets = self._call(*self._batch())
        assert (len(targets) > 1) == getattr(self.make(), "mixes_labels", False)

    def test_the_generator_alone_decides(self) -> None:
        """The same seed gives the same batch whatever the global generator does."""
        x, y = self._batch()
        with seeded(1, CPU):
            first, targets = self._call(x, y, seed=3)
        with seeded(2, CPU):
            again, same = self._call(x, y, seed=3)
            assert torch.equal(first, again)
            assert all(torch.equal(a[1], b[1]) for a, b in zip(targets, same, strict=True))
            assert not torch.equal(first, self._call(x, y, seed=4)[0])

    def test_the_batch_is_left_alone(self) -> None:
        """Rows and labels are used again in the next epoch."""
        x, y = self._batch()
        rows, labels = x.clone(), y.clone()
        self._call(x, y)
        assert torch.equal(x, rows)
        assert torch.equal(y, labels)

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Return 16 rows, or twice as many for an entry with ``uses_balanced_rows``."""
        n_rows = 32 if getattr(self.make(), "uses_balanced_rows", False) else 16
        x = torch.rand((n_rows, *self.shape), generator=Generator().manual_seed(0))
        return x, torch.arange(n_rows) % len(self.counts)

    def _call(self, x: Tensor, y: Tensor, seed: int = 0) -> Any:
        transform = self.make().bind(torch.tensor(self.counts))
        return transform(x, y, Generator().manual_seed(seed))


def _labels(counts: tuple[int, ...]) -> Tensor:
    """Return the labels of a training part in random order."""
    y = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return y[torch.randperm(len(y), generator=Generator().manual_seed(0))]
