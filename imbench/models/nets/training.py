"""The training loop: data on the device once, an epoch is a permutation, no host sync inside.

Called by :mod:`imbench.models.nets.schedule`. The four in-training stages meet here: `batches`
gives the order of rows, `augment` changes a batch (:mod:`imbench.models.nets.augmented`), `loss`
returns a loss for each row and `weights` its weight (:mod:`imbench.models.nets.objective`).

The loop trains M nets at once (:mod:`imbench.models.nets.stack`); a single fit is a stack of one.
Each net has its own rows, generators and learning rate, and ends with the parameters that it would
have ended with alone, up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor, nn

from imbench.models.nets.augmented import Augmentation
from imbench.models.nets.gradients import (
    PerceptronGradients,
    class_shares,
    mean_losses,
    perceptron_gradients,
)
from imbench.models.nets.job import Job, Training
from imbench.models.nets.objective import TINY, RowWeights, StackLoss, batch_loss
from imbench.models.nets.rows import EpochPlan, PaddedRows, Rows, to_input
from imbench.models.nets.stack import Stack
from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.nets.optimizer import Optimizer
from imbench.strategies.nets.randomness import seeded
from imbench.strategies.protocols import Targets

BYTES_AT_ONCE = 2**24  # of rows gathered ahead; more no longer fits into a cache


class Stopped(BaseException):
    """The training was stopped before its end."""


def train(jobs: Sequence[Job], is_stopped: Callable[[], bool] = lambda: False) -> list[Training]:
    """Train nets in place.

    Parameters
    ----------
    jobs : sequence of Job
        Nets of one architecture and kind, with equal settings but the learning rate and the
        weight decay; several only if :func:`imbench.models.nets.stack.can_stack`.
    is_stopped : callable
        Called before each step.

    Raises
    ------
    Stopped
        If ``is_stopped`` returned True. The nets have their initial parameters then, or, if they
        cannot be stacked, those of the last step.
    """
    return TrainingRun(jobs).run(is_stopped)


def forward(net: nn.Module, x: Tensor, amp: bool, batch_size: int = 1024) -> Tensor:
    """Return the outputs (n, ...) of a net in evaluation mode, without gradients."""
    net.eval()
    with torch.inference_mode(), torch.autocast(x.device.type, torch.bfloat16, enabled=amp):
        return torch.cat([net(to_input(part)) for part in x.split(batch_size)])


@dataclass(frozen=True, eq=False)
class _Epoch:
    """The rows of an epoch, in S batches of M nets.

    Parameters
    ----------
    progress : float
        Share of the epochs that are done, in [0, 1).
    plan : EpochPlan
    index : Tensor of shape (S, M, width)
        Numbers in the rows of all nets; padding repeats a row.
    labels : Tensor of shape (S, M, width)
    weight : Tensor of shape (S, M, width)
        Zero for padding.
    """

    progress: float
    plan: EpochPlan
    index: Tensor
    labels: Tensor
    weight: Tensor


class TrainingRun:
    """The training of M nets; see :func:`train`."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self.settings, self.stages = jobs[0].settings, jobs[0].stages
        self.device = jobs[0].rows.y.device
        self.stack = Stack([job.net for job in jobs])
        self.rows = Rows.concatenate([job.rows for job in jobs])
        self.first = np.cumsum([0, *(len(job.rows.y) for job in jobs)])[:-1]
        n_classes = self.settings.n_classes
        self.counts = torch.stack([torch.bincount(job.rows.y, minlength=n_classes) for job in jobs])
        self.seen = torch.zeros_like(self.counts)
        held_out = [job.validation for job in jobs if job.validation is not None]
        self.validation = PaddedRows(held_out) if held_out else None
        self.weights = RowWeights(jobs, self.rows, self.counts)
        self.augmentation: Augmentation | None = None
        if self.stages.augment is not None:
            self.augmentation = Augmentation(jobs, self.rows, self.first, self.weights)
        self.loss = StackLoss(jobs, self.counts)
        # Drawn from generators of their own, so that they do not change the order of rows.
        self.dropout_seeds = [job.generator.initial_seed() + 2 for job in jobs]
        self.dropouts = self.stack.dropouts()
        generators = [Generator(self.device).manual_seed(seed) for seed in self.dropout_seeds]
        for layer in self.dropouts:
            layer.generators = generators
        self.parameters: list[Tensor] = list(self.stack.parameters())
        self.optimizer = Optimizer(
            self.parameters,
            self.settings.optimizer,
            lr=[job.settings.lr for job in jobs],
            weight_decay=[job.settings.weight_decay for job in jobs],
        )
        self.perceptrons: PerceptronGradients | None = None
        if self.loss.joint is cross_entropy and not (self.augmentation or self.settings.amp):
            self.perceptrons = perceptron_gradients(self.stack)
        self.is_stopped: Callable[[], bool] = lambda: False
        self._plan: EpochPlan | None = None
        self._gathered_rows: Tensor | None = None

    def run(self, is_stopped: Callable[[], bool]) -> list[Training]:
        """Train all epochs, and copy the parameters into the nets.

        Raises
        ------
        Stopped
            If ``is_stopped`` returned True.
        """
        self.is_stopped = is_stopped
        losses, scores = [], []  # of each epoch, (M,)
        # Layers that cannot be stacked draw their dropout from the global generators.
        seeds = nullcontext() if self.stack.leading else seeded(self.dropout_seeds[0], self.device)
        with seeds:
            for number in range(self.settings.epochs):
                epoch = self._next_epoch(number / self.settings.epochs)
                losses.append(self._train(epoch))
                if self.validation is not None:
                    scores.append(self._balanced_accuracy(self.validation))
        self.stack.unstack()
        return self._trainings(losses, scores)

    def _trainings(self, losses: list[Tensor], scores: list[Tensor]) -> list[Training]:
        history = np.full((len(self.jobs), self.settings.epochs, 2), np.nan)
        history[..., 0] = torch.stack(losses, 1).cpu().numpy()
        if scores:
            history[..., 1] = torch.stack(scores, 1).cpu().numpy()
        seen = self.seen.cpu().numpy() / self.settings.epochs
        return [Training(*parts) for parts in zip(history, seen, strict=True)]

    def _next_epoch(self, progress: float) -> _Epoch:
        """Draw the rows of an epoch."""
        orders = self._orders(progress)
        self._count(orders)
        n_draws = [len(order) for order in orders]
        if self._plan is None or self._plan.n_draws != n_draws:  # nearly always the same
            self._plan = EpochPlan(n_draws, self.settings.batch_size, self.first, self.device)
        index = self._plan.rows(orders)  # (S, M, width)
        labels = self.rows.y.index_select(0, index.view(-1)).view(index.shape)
        self.weights.begin_epoch(progress)
        if self.augmentation is not None:
            self.augmentation.begin_epoch(orders)
        weight = self._plan.mask * self.weights.of(labels, index)
        return _Epoch(progress, self._plan, index, labels, weight)

    def _train(self, epoch: _Epoch) -> Tensor:
        """Train for one epoch and return the mean loss of each net, (M,)."""
        self.stack.train()
        if self.perceptrons is not None:
            values = self._perceptron_steps(self.perceptrons, epoch)
        else:
            values = self._autograd_steps(epoch)
        sizes = epoch.plan.sizes
        share = torch.as_tensor(sizes / sizes.sum(0), device=self.device)  # (S, M)
        return (torch.stack(values) * share).sum(0)

    def _perceptron_steps(self, perceptrons: PerceptronGradients, epoch: _Epoch) -> list[Tensor]:
        """Do the steps of an epoch without autograd, and return S mean losses (M,)."""
        share = epoch.weight / epoch.weight.sum(-1, keepdim=True).clamp_min(TINY)
        values: list[Tensor] = []
        for steps, x in self._gathered(epoch.index):
            targets = class_shares(epoch.labels[steps], share[steps], self.settings.n_classes)
            batches = zip(x, share[steps].unsqueeze(2), targets, strict=True)
            found = []
            for step, (rows, *batch) in enumerate(batches, steps.start):
                self._check_stopped()
                logits, gradients = perceptrons(to_input(rows).flatten(2), *batch)
                self.optimizer.step(gradients, active=epoch.plan.is_active[step])
                found.append(logits)
            values += mean_losses(torch.stack(found), targets)
        return values

    def _autograd_steps(self, epoch: _Epoch) -> list[Tensor]:
        """Do the steps of an epoch, and return S mean losses (M,)."""
        values: list[Tensor] = []
        for steps, x in self._gathered(epoch.index):
            for step, rows in enumerate(x, steps.start):
                self._check_stopped()
                loss = self._batch_loss(epoch, step, to_input(rows))
                gradients = torch.autograd.grad(loss.sum(), self.parameters, materialize_grads=True)
                self.optimizer.step(gradients, active=epoch.plan.is_active[step])
                values.append(loss.detach())
        return values

    def _batch_loss(self, epoch: _Epoch, step: int, x: Tensor) -> Tensor:
        """Return the loss (M,) of a batch (M, width, *input_shape)."""
        plan = epoch.plan
        width, sizes = int(plan.widths[step]), plan.sizes[step].tolist()
        # A net alone gets no padding, which would enter the statistics of batch normalisation.
        x = x[:, :width]
        targets: Targets = [(epoch.labels[step, :, :width], torch.ones((), device=self.device))]
        row_weights = [epoch.weight[step, :, :width]]
        if self.augmentation is not None:
            x, targets, row_weights = self.augmentation(x, epoch.index[step], plan, step)
        for layer in self.dropouts:
            layer.sizes = sizes
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.amp):
            features = self.stack.body(x)
            logits = self.stack.head(features)
        outputs = (logits, features) if self.stages.loss_uses_features else (logits,)
        loss = self.loss.of_batch(epoch.progress, sizes, bool(plan.is_padded[step]))
        return batch_loss(outputs, targets, loss, row_weights)

    def _check_stopped(self) -> None:
        if self.is_stopped():
            raise Stopped

    def _gathered(self, index: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Yield steps and their rows (s, M, width, *input_shape), so many as a cache may hold."""
        x, (n_steps, *shape) = self.rows.x, index.shape
        row_bytes = 4 * max(x[0].numel(), self.settings.n_classes)
        n_each = shape[0] * shape[1]
        ahead = min(n_steps, max(1, BYTES_AT_ONCE // (row_bytes * n_each)))
        # One buffer for all epochs: allocating it anew takes longer than copying the rows.
        if self._gathered_rows is None or len(self._gathered_rows) < ahead * n_each:
            self._gathered_rows = x.new_empty(ahead * n_each, *x.shape[1:])
        for start in range(0, n_steps, ahead):
            steps = slice(start, min(start + ahead, n_steps))
            numbers = index[steps].reshape(-1)
            buffer = self._gathered_rows[: len(numbers)]
            torch.index_select(x, 0, numbers, out=buffer)
            yield steps, buffer.view(-1, *shape, *x.shape[1:])

    def _orders(self, progress: float) -> list[Tensor]:
        """Return the rows that each net draws in an epoch, as numbers of its own rows."""
        losses: list[Tensor] | None = None
        if getattr(self.stages.batches, "uses_losses", False):
            losses = self._losses_of_all_rows()
        orders = []
        for m, job in enumerate(self.jobs):
            y, batches, settings = job.rows.y, job.stages.batches, job.settings
            if batches is None:
                orders.append(torch.randperm(len(y), generator=job.generator, device=y.device))
                continue
            more = {} if losses is None else {"losses": losses[m]}
            n_classes, size = settings.n_classes, settings.batch_size
            orders.append(batches(y, n_classes, size, progress, job.generator, **more))
        return orders

    def _losses_of_all_rows(self) -> list[Tensor]:
        padded = PaddedRows([job.rows for job in self.jobs])
        losses = cross_entropy(padded.forward(self.stack, self.settings.amp), padded.y)
        return [row[: len(job.rows.y)] for row, job in zip(losses, self.jobs, strict=True)]

    def _count(self, orders: Sequence[Tensor]) -> None:
        """Add the classes of the rows that each net has drawn."""
        if self.stages.batches is None:  # every row once
            self.seen += self.counts
            return
        for m, (job, order) in enumerate(zip(self.jobs, orders, strict=True)):
            self.seen[m] += torch.bincount(job.rows.y[order], minlength=self.settings.n_classes)

    def _balanced_accuracy(self, rows: PaddedRows) -> Tensor:
        """Return the mean recall of the classes present, (M,), as a tensor: no host sync."""
        hit = rows.forward(self.stack, self.settings.amp).argmax(-1) == rows.y
        zeros = torch.zeros_like(self.counts, dtype=torch.float64)
        counts = zeros.scatter_add(1, rows.y, rows.is_row.double())
        hits = zeros.scatter_add(1, rows.y, (hit & rows.is_row).double())
        return (hits / counts.clamp_min(1)).sum(1) / (counts > 0).sum(1)
