"""Every shipped entry of `weights`, `batches` and `augment` keeps the contract of its stage."""

import numpy as np
import pytest
import torch

from imbench.strategies.augment.chain import AugmentChain
from imbench.strategies.augment.minority_augment import MinorityAugment
from imbench.strategies.augment.mixup import Mixup
from imbench.strategies.batches.weighted_sampler import WeightedSampler
from imbench.strategies.weights.cost_matrix import CostMatrixWeights
from imbench.strategies.weights.effective_number import EffectiveNumberWeights
from imbench.testing.training_stages import AugmentContract, BatchesContract, WeightsContract
from tests.shipped import shipped

WEIGHTS, BATCHES, AUGMENT = (shipped(stage) for stage in ("weights", "batches", "augment"))
TABLES = {"noise"}  # the only one that takes no images


@pytest.mark.parametrize(
    "entry",
    [
        *WEIGHTS.values(),
        EffectiveNumberWeights(0),
        CostMatrixWeights([[0, 1, 2], [10, 0, 4], [5, 7, 0]]),
    ],
    ids=str,
    scope="class",
)
class TestEveryWeights(WeightsContract):
    @pytest.fixture(autouse=True)
    def _chosen(self, entry) -> None:
        self.entry = entry

    def make(self):
        return self.entry


@pytest.mark.parametrize(
    "entry",
    [
        *BATCHES.values(),
        WeightedSampler(replacement=False),
        WeightedSampler(target=[0.2, 0.8, 0.0]),
    ],
    ids=str,
    scope="class",
)
class TestEveryBatches(BatchesContract):
    @pytest.fixture(autouse=True)
    def _chosen(self, entry) -> None:
        self.entry = entry

    def make(self):
        return self.entry


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        *AUGMENT.items(),
        ("all of an image", MinorityAugment(flip=True, crop=0.3)),
        ("chain", AugmentChain([MinorityAugment(), Mixup()])),
    ],
    scope="class",
)
class TestEveryAugment(AugmentContract):
    @pytest.fixture(autouse=True)
    def _chosen(self, name, entry) -> None:
        self.entry = entry
        self.shape = (5,) if name in TABLES else (1, 8, 8)

    def make(self):
        return self.entry


def test_all_entries_are_found() -> None:
    # Raised with every file that is added, so that one that goes missing is noticed.
    assert (len(WEIGHTS), len(BATCHES), len(AUGMENT)) == (8, 7, 6)


class TestTheContractsThemselves:
    def test_negative_weights_are_caught(self):
        class Negative(WeightsContract):
            def make(self):
                return lambda counts, progress: 1.0 - counts

        with pytest.raises(AssertionError):
            Negative().test_weights_are_positive_and_finite(0.0)

    def test_weights_that_change_the_counts_are_caught(self):
        class Changes(WeightsContract):
            def make(self):
                return lambda counts, progress: np.clip(counts, 2, None, out=counts)

        with pytest.raises(AssertionError):
            Changes().test_counts_are_left_alone_and_calls_agree()

    def test_rows_drawn_from_the_global_generator_are_caught(self):
        class Global(BatchesContract):
            def make(self):
                return lambda y, n_classes, batch_size, progress, generator: torch.randperm(len(y))

        with pytest.raises(AssertionError):
            Global().test_the_generator_alone_decides(0.0)

    def test_a_mixture_that_is_not_declared_is_caught(self):
        class Undeclared:
            def bind(self, counts):
                return Mixup().bind(counts)

        class Mixes(AugmentContract):
            def make(self):
                return Undeclared()

        Mixes().test_returns_as_many_rows_with_targets()
        with pytest.raises(AssertionError):
            Mixes().test_mixing_of_labels_is_declared()
