"""The contract of a loss. Inherit it to test one of your own.

.. code-block:: python

    class TestMine(LossContract):
        def make(self):
            return MyLoss(gamma=2.0)
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from imbench.strategies.loss.boosting import kinds_of
from imbench.strategies.nets.randomness import seeded
from imbench.strategies.protocols import Loss, RowLoss
from imbench.testing.base import EntryContract

N_FEATURES = 6
PROGRESS = (0.0, 0.9)  # for losses that change during training
EXTREME = (
    (1e4, -1e4, 0, 0),
    (-1e4, 1e4, 0, 0),
    (1e4, 1e4, 1e4, 1e4),
    (-1e4, -1e4, -1e4, -1e4),
    (0, 0, 0, 0),
    (20, 0, 0, 0),
    (-1e4, -1e4, -1e4, 1e4),
)


class LossContract(EntryContract[Loss]):
    """What the training of a net relies on, checked on one loss with four classes.

    `make` and `counts` are those of :class:`imbench.testing.base.EntryContract`. Override a
    ``test_`` method where a loss differs on purpose, and say why.

    Examples
    --------
    >>> from imbench.strategies.loss.focal import FocalLoss
    >>> class TestFocal(LossContract):
    ...     def make(self):
    ...         return FocalLoss(gamma=2.0)
    >>> TestFocal().test_returns_one_loss_a_row()
    """

    counts = (50, 10, 5, 1)

    def test_returns_one_loss_a_row(self) -> None:
        """The trainer weights rows and takes the mean itself: use ``reduction="none"``."""
        logits, y = self._batch(16)
        for loss in self._bound(16):
            losses = loss(logits, y)
            assert losses.shape == y.shape
            assert losses.isfinite().all()
            assert losses.unique().numel() > 1 or self._is_batch_level(), (
                "every row has the same loss: is it a mean over the batch?"
            )

    def test_rows_are_independent_unless_batch_level(self) -> None:
        """Changing one row changes its own loss only; otherwise rows cannot be weighted."""
        logits, y = self._batch(8)
        depends = []
        for loss in self._bound(8):
            before = loss(logits, y)
            for i, factor in itertools.product(range(8), (-5, 5)):  # easier or harder rows
                changed, labels = logits.clone(), y.clone()
                changed[i], labels[i] = factor * logits[i], (y[i] + 1) % len(self.counts)
                others = torch.arange(8) != i
                after = loss(changed, labels)
                depends.append(not torch.allclose(before[others], after[others], rtol=1e-9))
        assert any(depends) == self._is_batch_level(), (
            "set batch_level = True if and only if the loss of a row depends on the other rows"
        )

    def test_a_stack_of_nets_equals_net_by_net(self) -> None:
        """Bound to counts (M, K), logits (M, B, K) give what each net gives alone."""
        if not getattr(self.make(), "stacks", False):
            pytest.skip("the loss does not declare stacks = True")
        first = torch.tensor(self.counts)
        counts = torch.stack([first, first.flip(0), first + torch.tensor([0, 40, 0, 7])])
        logits, y = self._batch(7, leading=(3,))
        features = self._features(7, leading=(3,))
        stacks = self._bound_to(self.make(), counts, features)
        for i, stack in enumerate(stacks):
            together = stack(logits, y)
            assert together.shape == (3, 7)
            for m in range(3):
                alone = list(self._bound_to(self.make(), counts[m], features[m]))[i]
                expected = alone(logits[m], y[m])
                torch.testing.assert_close(together[m], expected, rtol=1e-9, atol=1e-12)

    def test_gradient_is_the_derivative_of_the_value(self) -> None:
        """``torch.autograd.gradcheck`` in float64."""
        logits, y = self._batch(6, scale=0.7)
        for loss in self._bound(6):
            values = partial(_of_logits, loss, y)
            assert torch.autograd.gradcheck(values, logits.requires_grad_())

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
    def test_loss_and_gradient_are_finite_for_extreme_logits(self, dtype: torch.dtype) -> None:
        """At 1e4 a softmax or sigmoid rounds to 0 and 1; one infinite gradient ends a training."""
        for label in range(len(self.counts)):
            y = torch.full((len(EXTREME),), label)
            for loss in self._bound(len(EXTREME), dtype):
                logits = torch.tensor(EXTREME, dtype=dtype, requires_grad=True)
                losses = loss(logits, y)
                losses.sum().backward()
                assert losses.isfinite().all()
                assert logits.grad is not None
                assert logits.grad.isfinite().all()

    @pytest.mark.parametrize("counts", [(50, 0, 5, 1), (9, 9, 9, 9)], ids=["empty", "equal"])
    @pytest.mark.parametrize("n_rows", [1, 8])
    def test_empty_and_equal_classes_are_finite(self, counts: tuple[int, ...], n_rows: int) -> None:
        """A fold may hold no row of a class, and a last batch a single row."""
        logits, y = self._batch(n_rows)
        for loss in self._bound(n_rows, counts=counts):
            z = logits.clone().requires_grad_()
            losses = loss(z, y.clamp_max(0))
            losses.sum().backward()
            assert losses.isfinite().all()
            assert z.grad is not None
            assert z.grad.isfinite().all()

    def test_leaves_its_arguments_alone(self) -> None:
        """Logits, labels and counts are used again by the trainer."""
        logits, y = self._batch(8)
        counts, z, labels = torch.tensor(self.counts), logits.clone(), y.clone()
        for loss in self._bound_to(self.make(), counts, self._features(8)):
            loss(z, labels)
        assert torch.equal(z, logits)
        assert torch.equal(labels, y)
        assert counts.tolist() == list(self.counts)

    def test_binding_again_changes_nothing(self) -> None:
        """The trainer binds a loss twice, to a net's counts and to those of a stack."""
        made, (logits, y) = self.make(), self._batch(8)
        features = self._features(8)
        for i, loss in enumerate(self._bound_to(made, torch.tensor(self.counts), features)):
            before = loss(logits, y)
            list(self._bound_to(made, torch.tensor(self.counts[::-1]), features))[i](logits, y)
            assert torch.equal(loss(logits, y), before)

    def test_a_copy_is_the_same_loss_and_draws_no_random_numbers(self) -> None:
        """Each fold trains with a copy, and a fit is a function of data and seed."""
        logits, y = self._batch(8)
        found = []
        for seed, made in enumerate((loss := self.make(), copy.deepcopy(loss))):
            with seeded(seed, torch.device("cpu")):
                bound = self._bound_to(made, torch.tensor(self.counts), self._features(8))
                found.append([one(logits, y).tolist() for one in bound])
        assert found[0] == found[1]

    def test_boosting_minimises_the_same_loss(self) -> None:
        """For losses with ``bind_boosting``: the gradient is that of the net's loss."""
        made = self.make()
        if kinds_of(made) != ("net", "boosting"):
            pytest.skip("the loss is not for nets and boosting")
        logits, y = self._batch(16)
        z = logits.clone().requires_grad_()
        made.bind(torch.tensor(self.counts))(z, y).sum().backward()
        bound = made.bind_boosting(np.array(self.counts))  # type: ignore[attr-defined]
        gradient, hessian = bound.derivatives(logits.numpy(), y.numpy())
        assert z.grad is not None
        np.testing.assert_allclose(gradient, z.grad.numpy(), rtol=1e-9, atol=1e-12)
        assert (hessian > 0).all(), "leaves divide by the second derivatives"
        start = bound.start(np.array(self.counts) / sum(self.counts))
        np.testing.assert_allclose(bound.probabilities(start[None]).sum(1), 1)

    def test_probabilities_are_a_distribution(self) -> None:
        """For losses with ``probabilities``: rows sum to one, also at extreme logits."""
        probabilities = getattr(self.make(), "probabilities", None)
        if probabilities is None:
            pytest.skip("the loss has no probabilities of its own: the net uses a softmax")
        for logits in (self._batch(16)[0], torch.tensor(EXTREME, dtype=torch.float64)):
            found = probabilities(logits)
            assert found.shape == logits.shape
            assert found.min() >= 0
            torch.testing.assert_close(found.sum(-1), torch.ones(len(found)).double())

    def _is_batch_level(self) -> bool:
        return bool(getattr(self.make(), "batch_level", False))

    def _batch(
        self, n_rows: int, scale: float = 3.0, leading: tuple[int, ...] = ()
    ) -> tuple[Tensor, Tensor]:
        """Return random logits (..., B, K) in float64 and labels (..., B)."""
        generator = torch.Generator().manual_seed(0)
        shape = (*leading, n_rows, len(self.counts))
        logits = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
        return logits, torch.randint(len(self.counts), shape[:-1], generator=generator)

    def _features(
        self, n_rows: int, dtype: torch.dtype = torch.float64, leading: tuple[int, ...] = ()
    ) -> Tensor:
        """Return random features (..., B, F)."""
        generator = torch.Generator().manual_seed(1)
        shape = (*leading, n_rows, N_FEATURES)
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    def _bound(
        self,
        n_rows: int,
        dtype: torch.dtype = torch.float64,
        counts: tuple[int, ...] | None = None,
    ) -> Iterator[RowLoss]:
        """Yield the loss as a function of logits and labels alone; see :meth:`_bound_to`."""
        of_net = torch.tensor(self.counts if counts is None else counts)
        return self._bound_to(self.make(), of_net, self._features(n_rows, dtype))

    @staticmethod
    def _bound_to(loss: Loss, counts: Tensor, features: Tensor) -> Iterator[RowLoss]:
        """Yield the bound loss, once for each part of the training if it uses the progress."""
        bound = loss.bind(counts)
        if getattr(loss, "uses_features", False):
            bound = partial(_with_features, bound, features)
        if not getattr(loss, "uses_progress", False):
            yield bound
            return
        for progress in PROGRESS:
            yield partial(bound, progress=progress)


def _of_logits(loss: RowLoss, y: Tensor, logits: Tensor) -> Tensor:
    return loss(logits, y)


def _with_features(
    loss: RowLoss, features: Tensor, logits: Tensor, y: Tensor, **keywords: float
) -> Tensor:
    return loss(logits, y, features, **keywords)
