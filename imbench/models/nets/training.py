"""The training loop: data on the device once, an epoch is a permutation, no host sync inside.

Called by :class:`imbench.models.nets.classifier.TorchClassifier`. The four in-training stages
meet here and nowhere else: `batches` gives the order of rows, `augment` changes a batch,
`loss` gives a loss a row, `weights` says how much it counts.

The loop takes M nets at once (:mod:`imbench.models.nets.stack`); a single fit is a stack of one.
Each net has its own rows, generators and learning rate, and ends with the parameters that it would
have ended with alone, up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor, nn

from imbench.models.nets.gradients import (
    PerceptronGradients,
    class_shares,
    mean_losses,
    perceptron_gradients,
)
from imbench.models.nets.job import Job, Training
from imbench.models.nets.rows import EpochPlan, PaddedRows, Rows, pad_stack, to_input
from imbench.models.nets.stack import Stack
from imbench.strategies.batches.draw import draw_rows, power_shares, rows_by_class
from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.nets.optimizer import Optimizer
from imbench.strategies.nets.randomness import seeded
from imbench.strategies.protocols import (
    BatchTransform,
    RowLoss,
    Target,
    Targets,
    Weights,
)

TINY = torch.finfo(torch.float32).tiny


BYTES_AT_ONCE = 2**24  # of rows gathered ahead; more no longer fits into a cache


def batch_loss(
    outputs: tuple[Tensor, ...], targets: Targets, loss: RowLoss, row_weights: list[Tensor]
) -> Tensor:
    """Return the weighted mean of the losses of a batch, of each net.

    Parameters
    ----------
    outputs : logits (..., B, K), and features (..., B, F) for a loss that uses them
    targets : sequence of (labels (..., B), shares (..., B))
    loss : callable
    row_weights : list of Tensor of shape (..., B)
        What a row of each target counts; parallel to ``targets``.

    Notes
    -----
    Divided by the sum of the weights, as ``torch.nn.functional.cross_entropy(weight=...)``
    does: the scale of the weights is irrelevant, only their ratios matter.
    """
    logits, *features = outputs
    total = norm = torch.zeros((), device=logits.device)
    for (labels, share, *_), weight in zip(targets, row_weights, strict=True):
        w = share * weight
        total = total + (w * loss(logits, labels, *features)).sum(-1)
        norm = norm + w.sum(-1)
    # A batch may hold nothing but rows of weight 0: its loss is 0, not NaN.
    return total / norm.clamp_min(TINY)


class Stopped(BaseException):
    """Training was called off."""


def train(jobs: Sequence[Job], is_stopped: Callable[[], bool] = lambda: False) -> list[Training]:
    """Train nets in place.

    Parameters
    ----------
    jobs : sequence of Job
        Nets of one architecture and kind, with equal settings but the learning rate and the
        weight decay; several only if :func:`imbench.models.nets.stack.can_stack`.
    is_stopped : callable
        Asked before each step.

    Raises
    ------
    Stopped
        If ``is_stopped`` said so; the nets are then of no use.
    """
    run = TrainingRun(jobs)
    run.go_on(run.settings.epochs, is_stopped)
    return run.trainings()


def forward(net: nn.Module, x: Tensor, amp: bool, batch_size: int = 1024) -> Tensor:
    """Return the outputs (n, ...) of a net in evaluation mode, without gradients."""
    net.eval()
    with torch.inference_mode(), torch.autocast(x.device.type, torch.bfloat16, enabled=amp):
        return torch.cat([net(to_input(part)) for part in x.split(batch_size)])


class TrainingRun:
    """The training of M nets, as far as it has come; see :func:`train`."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self.is_stopped: Callable[[], bool] = lambda: False
        self.epoch = 0
        self.losses: list[Tensor] = []  # of each epoch, (M,)
        self.scores: list[Tensor] = []
        self.settings, self.stages = jobs[0].settings, jobs[0].stages
        self.device = jobs[0].rows.y.device
        self.stack = Stack([job.net for job in jobs])
        self.rows = Rows.concatenate([job.rows for job in jobs])
        self.first = np.cumsum([0, *(len(job.rows.y) for job in jobs)])[:-1]
        seeds = [job.generator.initial_seed() for job in jobs]
        self.for_augment = [Generator(self.device).manual_seed(seed + 1) for seed in seeds]
        self.dropouts = self.stack.dropouts()
        for_dropout = [Generator(self.device).manual_seed(seed + 2) for seed in seeds]
        for layer in self.dropouts:
            layer.generators = for_dropout
        self.counts = torch.stack(
            [torch.bincount(job.rows.y, minlength=self.settings.n_classes) for job in jobs]
        )
        self.counts_on_host = self.counts.cpu().numpy()
        self.seen = torch.zeros_like(self.counts)
        self.plan: EpochPlan | None = None
        self._gathered_rows: Tensor | None = None
        held_out = [job.validation for job in jobs if job.validation is not None]
        self.validation = PaddedRows(held_out) if held_out else None
        self.stack_loss = None
        if self.stages.stack_loss is not None and len({job.loss_kind for job in jobs}) == 1:
            self.stack_loss = self.stages.stack_loss(self.counts)
        plain = self.stack_loss is cross_entropy and self.stages.augment is None
        is_plain = plain and not self.settings.amp
        self.perceptrons = perceptron_gradients(self.stack) if is_plain else None
        self.parameters: list[Tensor] = list(self.stack.parameters())
        self.optimizer = Optimizer(
            self.parameters,
            self.settings.optimizer,
            lr=[job.settings.lr for job in jobs],
            weight_decay=[job.settings.weight_decay for job in jobs],
        )

    def go_on(self, until: int, is_stopped: Callable[[], bool]) -> None:
        """Train until so many epochs are done.

        Raises
        ------
        Stopped
            If ``is_stopped`` said so.
        """
        self.is_stopped = is_stopped
        if self.stack.leading:
            self._epochs(until)
            return
        # Layers that cannot be stacked draw their dropout from the global generators.
        with seeded(self.jobs[0].generator.initial_seed() + 2, self.device):
            self._epochs(until)

    def _epochs(self, until: int) -> None:
        while self.epoch < until:
            self.losses.append(self._epoch(self.epoch / self.settings.epochs))
            if self.validation is not None:
                self.scores.append(self._balanced_accuracy(self.validation))
            self.epoch += 1

    def trainings(self) -> list[Training]:
        """Give the nets their parameters, and return what else the training leaves."""
        self.stack.unstack()
        history = np.full((len(self.jobs), self.settings.epochs, 2), np.nan)
        history[..., 0] = torch.stack(self.losses, 1).cpu().numpy()
        if self.scores:
            history[..., 1] = torch.stack(self.scores, 1).cpu().numpy()
        seen = self.seen.cpu().numpy() / self.settings.epochs
        return [Training(*parts) for parts in zip(history, seen, strict=True)]

    def _epoch(self, progress: float) -> Tensor:
        """Train for one epoch and return the mean loss of each net, (M,)."""
        orders = self._orders(progress)
        plan = self._plan([len(order) for order in orders])
        index = plan.rows(orders)  # (S, M, B)
        labels = self.rows.y.index_select(0, index.view(-1)).view(index.shape)
        class_weights = self._class_weights(progress)
        weight = plan.mask * self._weights_of(labels, index, class_weights)
        self.stack.train()
        if self.perceptrons is not None:
            values = self._perceptron_steps(self.perceptrons, plan, index, labels, weight)
        else:
            balanced = self._balanced_orders(orders)
            values = self._steps(progress, plan, index, labels, weight, balanced, class_weights)
        self._count(orders)
        part = plan.sizes / plan.sizes.sum(0)  # (S, M)
        return (torch.stack(values) * torch.as_tensor(part, device=self.device)).sum(0)

    def _perceptron_steps(
        self,
        perceptrons: PerceptronGradients,
        plan: EpochPlan,
        index: Tensor,
        labels: Tensor,
        weight: Tensor,
    ) -> list[Tensor]:
        """Do the steps of an epoch without autograd.

        Parameters
        ----------
        index, labels, weight : Tensor of shape (S, M, B)

        Returns
        -------
        list of S tensors of shape (M,)
            The mean losses.
        """
        share = weight / weight.sum(-1, keepdim=True).clamp_min(TINY)
        values: list[Tensor] = []
        for steps, x in self._gathered(index):
            targets = class_shares(labels[steps], share[steps], self.settings.n_classes)
            batches = zip(x, share[steps].unsqueeze(2), targets, strict=True)
            found = []
            for step, (rows, *batch) in enumerate(batches, steps.start):
                if self.is_stopped():
                    raise Stopped
                logits, gradients = perceptrons(to_input(rows).flatten(2), *batch)
                self.optimizer.step(gradients, active=plan.is_active[step])
                found.append(logits)
            values += mean_losses(torch.stack(found), targets)
        return values

    def _steps(
        self,
        progress: float,
        plan: EpochPlan,
        index: Tensor,
        labels: Tensor,
        weight: Tensor,
        balanced: Sequence[Tensor] | None,
        class_weights: Tensor | None,
    ) -> list[Tensor]:
        """Do the steps of an epoch through autograd; see :meth:`_perceptron_steps`."""
        one = torch.ones((), device=self.device)
        values = []
        for step, x in self._inputs(index):
            if self.is_stopped():
                raise Stopped
            width = int(plan.widths[step])
            y = labels[step]
            if width < y.shape[1]:  # a net alone has no padding: it would enter batch statistics
                x, y = x[:, :width], y[:, :width]
            sizes = plan.sizes[step].tolist()
            for layer in self.dropouts:
                layer.sizes = sizes
            targets: Targets = [(y, one)]
            row_weights = [weight[step][:, :width]]
            if self.stages.augment is not None:
                extra = None
                if balanced is not None:
                    extra = [b[o:] for b, o in zip(balanced, plan.offsets[step], strict=True)]
                x, targets, row_weights = self._augmented(
                    x, index[step], sizes, extra, class_weights
                )
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.amp):
                features = self.stack.body(x)
                logits = self.stack.head(features)
            outputs = (logits, features) if self.stages.loss_uses_features else (logits,)
            loss = self._loss(progress, sizes, bool(plan.is_padded[step]))
            value = batch_loss(outputs, targets, loss, row_weights)  # (M,)
            found = torch.autograd.grad(value.sum(), self.parameters, materialize_grads=True)
            self.optimizer.step(found, active=plan.is_active[step])
            values.append(value.detach())
        return values

    def _plan(self, n_draws: list[int]) -> EpochPlan:
        """Return how the epoch is cut into batches: nearly always as the one before."""
        if self.plan is None or self.plan.n_draws != n_draws:
            self.plan = EpochPlan(n_draws, self.settings.batch_size, self.first, self.device)
        return self.plan

    def _inputs(self, index: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yield the number and the input (M, B, *input_shape) of each batch."""
        for steps, batches in self._gathered(index):
            for step, rows in zip(range(steps.start, steps.stop), batches, strict=True):
                yield step, to_input(rows)

    def _gathered(self, index: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Yield steps and their rows (s, M, B, *input_shape), so many as a cache may hold."""
        x, (n_steps, *shape) = self.rows.x, index.shape
        row_bytes = 4 * max(x[0].numel(), self.settings.n_classes)
        n_each = shape[0] * shape[1]
        ahead = min(n_steps, max(1, BYTES_AT_ONCE // (row_bytes * n_each)))
        if self._gathered_rows is None or len(self._gathered_rows) < ahead * n_each:
            self._gathered_rows = x.new_empty(ahead * n_each, *x.shape[1:])
        for start in range(0, n_steps, ahead):
            steps = slice(start, min(start + ahead, n_steps))
            numbers = index[steps].reshape(-1)
            # Memory that is new in every epoch is slower to get than the rows are to copy.
            room = self._gathered_rows[: len(numbers)]
            torch.index_select(x, 0, numbers, out=room)
            yield steps, room.view(-1, *shape, *x.shape[1:])

    def _orders(self, progress: float) -> list[Tensor]:
        """Return what each net draws in an epoch, as numbers of its own rows."""
        uses_losses = getattr(self.stages.batches, "uses_losses", False)
        losses = self._losses_of_all_rows() if uses_losses else None
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
        every = PaddedRows([job.rows for job in self.jobs])
        losses = cross_entropy(every.forward(self.stack, self.settings.amp), every.y)
        return [row[: len(job.rows.y)] for row, job in zip(losses, self.jobs, strict=True)]

    def _class_weights(self, progress: float) -> Tensor | None:
        """Return the class weights of each net, (M, K)."""
        if self.stages.weights is None:
            return None
        stage = [cast(Weights, job.stages.weights) for job in self.jobs]
        pairs = zip(stage, self.counts_on_host, strict=True)
        by_class = np.stack([weights(counts, progress) for weights, counts in pairs])
        return torch.as_tensor(by_class, dtype=torch.float32, device=self.device)

    def _weights_of(self, labels: Tensor, index: Tensor, class_weights: Tensor | None) -> Tensor:
        """Return what rows count, for labels and row numbers (..., M, B)."""
        weight = torch.ones((), device=self.device)
        if class_weights is not None:
            weight = class_weights.expand(*labels.shape[:-1], -1).gather(-1, labels)
        return weight if self.rows.weight is None else weight * self.rows.weight[index]

    def _balanced_orders(self, orders: Sequence[Tensor]) -> list[Tensor] | None:
        """Return as many class-balanced rows again, for augmentations that use them."""
        if not self.stages.augment_uses_balanced_rows:
            return None
        groups = [rows_by_class(job.rows.y, self.settings.n_classes) for job in self.jobs]
        return [
            draw_rows(g, power_shares(g.counts, 0.0), len(order), generator)
            for g, order, generator in zip(groups, orders, self.for_augment, strict=True)
        ]

    def _augmented(
        self,
        x: Tensor,
        index: Tensor,
        sizes: Sequence[int],
        extra: Sequence[Tensor] | None,
        class_weights: Tensor | None,
    ) -> tuple[Tensor, Targets, list[Tensor]]:
        """Change the batch of each net on its own, without padding.

        Returns
        -------
        x : Tensor of shape (M, B, *input_shape)
        targets : pairs of labels and shares, (M, B)
        row_weights : list of Tensor of shape (M, B)
        """
        changed: list[Tensor] = []
        targets: list[list[list[Tensor]] | None] = []
        for m, (job, size) in enumerate(zip(self.jobs, sizes, strict=True)):
            rows, own = index[m, :size], x[m, :size]
            if extra is not None:
                more = extra[m][:size] + int(self.first[m])
                rows, own = torch.cat([rows, more]), torch.cat([own, to_input(self.rows.x[more])])
            if not size:
                changed.append(own)
                targets.append(None)
                continue
            transform = cast(BatchTransform, job.stages.augment)
            own, found = transform(own, self.rows.y[rows], self.for_augment[m])
            changed.append(own)
            targets.append([self._weighted(Target(*t), rows, m, class_weights) for t in found])
        # A net without a batch: nothing of each kind.
        model = next(t for t in targets if t is not None)
        nothing = [[part[:0] for part in target] for target in model]
        columns = zip(*(nothing if t is None else t for t in targets), strict=True)
        width = x.shape[1]
        padded = [[pad_stack(p, width) for p in zip(*column, strict=True)] for column in columns]
        return (
            pad_stack(changed, width),
            [(labels, share) for labels, share, _ in padded],
            [weight for _, _, weight in padded],
        )

    def _weighted(
        self, target: Target, rows: Tensor, m: int, class_weights: Tensor | None
    ) -> list[Tensor]:
        """Return labels, shares and weights of a target of the net ``m``, (B,)."""
        own = rows[: len(target.labels)] if target.rows is None else rows[target.rows]
        by_class = None if class_weights is None else class_weights[m]
        weight = self._weights_of(target.labels, own, by_class).expand(target.labels.shape)
        return [target.labels, target.share, weight]

    def _loss(self, progress: float, sizes: Sequence[int], is_padded: bool) -> RowLoss:
        """Return the loss of a step, from (M, B, K) to (M, B)."""
        more = {"progress": progress} if self.stages.loss_uses_progress else {}
        if self.stack_loss is not None and not (is_padded and self.stages.loss_is_batch_level):
            return partial(self.stack_loss, **more)

        def one_by_one(logits: Tensor, y: Tensor, *features: Tensor) -> Tensor:
            losses = [
                job.stages.loss(logits[m, :n], y[m, :n], *(f[m, :n] for f in features), **more)
                if n
                else logits[m, :0, 0]
                for m, (job, n) in enumerate(zip(self.jobs, sizes, strict=True))
            ]
            return pad_stack(losses, y.shape[1])

        return one_by_one

    def _count(self, orders: Sequence[Tensor]) -> None:
        """Add the classes of the rows that the nets have drawn."""
        if self.stages.batches is None:  # every row once
            self.seen += self.counts
            return
        for m, (job, order) in enumerate(zip(self.jobs, orders, strict=True)):
            self.seen[m] += torch.bincount(job.rows.y[order], minlength=self.settings.n_classes)

    def _balanced_accuracy(self, rows: PaddedRows) -> Tensor:
        """Mean recall of the classes present, (M,), a tensor: reading it would wait."""
        hit = rows.forward(self.stack, self.settings.amp).argmax(-1) == rows.y
        zeros = torch.zeros_like(self.counts, dtype=torch.float64)
        counts = zeros.scatter_add(1, rows.y, rows.is_row.double())
        hits = zeros.scatter_add(1, rows.y, (hit & rows.is_row).double())
        return (hits / counts.clamp_min(1)).sum(1) / (counts > 0).sum(1)
