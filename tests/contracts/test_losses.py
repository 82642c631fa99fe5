"""Every shipped loss keeps the contract; the files are discovered, their number asserted."""

import pytest
import torch

from imbench.testing.losses import LossContract
from tests import own_losses
from tests.losses import OTHERS, SHIPPED


@pytest.mark.parametrize("loss", [*SHIPPED.values(), *OTHERS], ids=str, scope="class")
class TestEveryLoss(LossContract):
    @pytest.fixture(autouse=True)
    def _chosen(self, loss) -> None:
        self.loss = loss

    def make(self):
        return self.loss


class TestOwnLoss(LossContract):
    """What the recipe of docs/extending.md shows passes as well."""

    def make(self):
        return own_losses.PlainLoss()


def test_all_losses_are_found() -> None:
    # Raised with every file that is added, so that one that goes missing is noticed.
    assert len(SHIPPED) == 18


class TestTheContractItself:
    @staticmethod
    def under_contract(loss) -> LossContract:
        class Contract(LossContract):
            def make(self):
                return loss

        return Contract()

    @pytest.mark.parametrize("kind", ["ScalarLoss", "OutputLoss", "MeanLoss"])
    def test_what_is_not_one_loss_a_row_is_caught(self, kind):
        contract = self.under_contract(getattr(own_losses, kind)())
        with pytest.raises(AssertionError):
            contract.test_returns_one_loss_a_row()

    @pytest.mark.parametrize(
        "kind", ["MeanLoss", "HardestHalfLoss", "BatchCountsLoss", "LateMeanLoss"]
    )
    def test_rows_that_depend_on_each_other_are_caught(self, kind):
        contract = self.under_contract(getattr(own_losses, kind)())
        with pytest.raises(AssertionError, match="set batch_level = True if and only if"):
            contract.test_rows_are_independent_unless_batch_level()

    def test_a_batch_level_that_is_not_is_caught(self):
        class Declared(own_losses.PlainLoss):
            batch_level = True

        with pytest.raises(AssertionError, match="set batch_level = True if and only if"):
            self.under_contract(Declared()).test_rows_are_independent_unless_batch_level()

    @pytest.mark.parametrize("kind", ["FirstNetLoss", "SharedDifficultyLoss", "NoStackLoss"])
    def test_a_wrong_stacked_form_is_caught(self, kind):
        contract = self.under_contract(getattr(own_losses, kind)())
        with pytest.raises((AssertionError, RuntimeError)):
            contract.test_a_stack_of_nets_equals_net_by_net()

    def test_a_naive_softmax_is_caught(self):
        class Naive:
            def bind(self, counts):
                return lambda logits, y: -logits.softmax(-1).log().gather(-1, y[:, None])[:, 0]

        contract = self.under_contract(Naive())
        contract.test_rows_are_independent_unless_batch_level()
        with pytest.raises(AssertionError):
            contract.test_loss_and_gradient_are_finite_for_extreme_logits(torch.float32)

    def test_a_gradient_that_is_not_the_derivative_is_caught(self):
        class Halved:
            def bind(self, counts):
                def loss(logits, y):
                    rows = -logits.log_softmax(-1).gather(-1, y[:, None])[:, 0]
                    return rows / 2 + rows.detach() / 2

                return loss

        with pytest.raises(RuntimeError, match="Jacobian mismatch"):
            self.under_contract(Halved()).test_gradient_is_the_derivative_of_the_value()

    def test_a_loss_that_draws_random_numbers_is_caught(self):
        contract = self.under_contract(own_losses.DroppingLoss())
        with pytest.raises(AssertionError):
            contract.test_a_copy_is_the_same_loss_and_draws_no_random_numbers()

    def test_a_loss_that_binding_again_changes_is_caught(self):
        class Shared:
            def bind(self, counts):
                self.weights = 1 / counts.double()
                return lambda logits, y: -self.weights[y] * logits.log_softmax(-1)[:, 0]

        with pytest.raises(AssertionError):
            self.under_contract(Shared()).test_binding_again_changes_nothing()
