"""Every shipped model keeps the contract; the files are discovered, their number asserted."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from imbench.config import catalogue
from imbench.models.nets.classifier import TorchClassifier
from imbench.testing.models import ModelContract

# `own` has no estimator of its own: see tests/unit/test_own_models.py.
ITEMS = [i for i in catalogue.items("model", [catalogue.conf_dir()]) if i.name != "own"]
SLOW = {"resnet18"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(i.name, marks=[pytest.mark.slow] if i.name in SLOW else []) for i in ITEMS],
    scope="class",
)
class TestEveryModel(ModelContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.name = name


def test_all_models_are_found() -> None:
    assert len(ITEMS) == 18


# A known failing check is data with its reason, and strict: a mended one is noticed.
BATCHES = "other rows make other batches, and the order of batches is part of the fit"
EXPECTED_FAILED_CHECKS = {"check_sample_weight_equivalence_on_dense_data": BATCHES}


@parametrize_with_checks(
    [TorchClassifier(epochs=40, lr=0.01, batch_size=16, device="cpu", random_state=0)],
    expected_failed_checks=lambda estimator: EXPECTED_FAILED_CHECKS,
)
def test_the_net_is_a_scikit_learn_classifier(estimator, check):
    check(estimator)
