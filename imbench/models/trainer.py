"""The training loop: data on the device once, an epoch is a permutation, no host sync inside.

Called by :class:`imbench.models.torch_classifier.TorchClassifier`. The four in-training stages
meet here and nowhere else: `batches` gives the order of rows, `augment` changes a batch,
`loss` gives a loss a row, `weights` says how much it counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from imbench.strategies.batches.draw import draw_rows, power_shares, rows_by_class
from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.protocols import (
    Batches,
    BatchTransform,
    RowLoss,
    Target,
    Targets,
    Weights,
)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows on the device.

    Parameters
    ----------
    x : Tensor of shape (n, *input_shape)
        float32, or uint8 for images, which :func:`to_input` scales to [0, 1] a batch at a time.
    y : Tensor of shape (n,)
        int64 labels 0..K-1.
    weight : Tensor of shape (n,) or None
        What the caller says that a row counts (``sample_weight``).
    """

    x: Tensor
    y: Tensor
    weight: Tensor | None = None

    def take(self, index: Tensor) -> Rows:
        """Return the rows at an index."""
        weight = None if self.weight is None else self.weight[index]
        return Rows(self.x[index], self.y[index], weight)


@dataclass(frozen=True, eq=False)
class Stages:
    """The in-training stages, bound to the training counts; None where a stage is empty."""

    loss: RowLoss
    batches: Batches | None = None
    augment: BatchTransform | None = None
    weights: Weights | None = None
    loss_uses_features: bool = False
    augment_uses_balanced_rows: bool = False
    loss_uses_progress: bool = False


@dataclass(frozen=True)
class Settings:
    """What the loop needs to know beside data and stages; see ``TorchClassifier``."""

    n_classes: int
    epochs: int
    batch_size: int
    optimizer: str
    lr: float
    weight_decay: float
    amp: bool


@dataclass(frozen=True, eq=False)
class Training:
    """What a training run leaves beside the weights of the net.

    Parameters
    ----------
    history : ndarray of shape (n_epochs, 2)
        Mean training loss and validation score (balanced accuracy; NaN without validation
        rows) of each epoch.
    rows_seen : ndarray of shape (K,)
        Rows of each class that an epoch drew, on average.
    """

    history: NDArray[np.float64]
    rows_seen: NDArray[np.float64]


def to_input(x: Tensor) -> Tensor:
    """Return a batch as float32; uint8 pixels become [0, 1]."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x


def slices(n_rows: int, batch_size: int) -> Iterator[slice]:
    """Cut an epoch into batches; a last batch of one row joins the one before it.

    Batch normalisation has no variance to compute from a single row.
    """
    starts = list(range(0, n_rows, batch_size))
    if len(starts) > 1 and n_rows - starts[-1] == 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], n_rows], strict=True):
        yield slice(start, end)


def make_optimizer(net: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """Return the optimiser; fused, because its step is one kernel and needs no compiler."""
    decay = settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(
            net.parameters(), settings.lr, momentum=0.9, weight_decay=decay, fused=True
        )
    adam = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return adam(net.parameters(), settings.lr, weight_decay=decay, fused=True)


def batch_loss(
    outputs: tuple[Tensor, ...], targets: Targets, loss: RowLoss, row_weights: list[Tensor]
) -> Tensor:
    """Return the weighted mean of the losses of a batch.

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
    return total / norm.clamp_min(torch.finfo(norm.dtype).tiny)


def train(
    net: nn.Sequential,
    rows: Rows,
    validation: Rows | None,
    stages: Stages,
    settings: Settings,
    generator: Generator,
) -> Training:
    """Train a net in place.

    Parameters
    ----------
    net : Sequential
        Body and head, from (B, *input_shape) to logits (B, K); on the device of ``rows``.
    rows, validation : Rows
        Validation rows are only ever scored.
    stages : Stages
    settings : Settings
    generator : torch.Generator
        Of the same device; with dropout the only source of randomness. It gives the order of
        rows; what augmentations draw comes from a second one, so that they do not change the
        order and two strategies stay paired.
    """
    device, n_classes = rows.y.device, settings.n_classes
    for_augment = Generator(device).manual_seed(generator.initial_seed() + 1)
    counts = torch.bincount(rows.y, minlength=n_classes)
    counts_on_host = counts.cpu().numpy()
    optimizer = make_optimizer(net, settings)
    seen = torch.zeros(n_classes, dtype=torch.int64, device=device)
    losses, scores = [], []
    for epoch in range(settings.epochs):
        progress = epoch / settings.epochs
        order = _epoch_order(net, rows, stages, settings, progress, generator)
        seen += torch.bincount(rows.y[order], minlength=n_classes)
        class_weights = _class_weights(stages, counts_on_host, progress, device)
        loss = partial(stages.loss, progress=progress) if stages.loss_uses_progress else stages.loss
        net.train()
        total = torch.zeros((), device=device)
        balanced = None
        if stages.augment_uses_balanced_rows:
            balanced = _balanced_order(rows.y, len(order), settings, for_augment)
        for part in slices(len(order), settings.batch_size):
            index = order[part]  # (B,)
            n_rows = len(index)
            batch = rows.take(index if balanced is None else torch.cat([index, balanced[part]]))
            x = to_input(batch.x)
            targets: Targets = [(batch.y, torch.ones(n_rows, device=device))]
            if stages.augment is not None:
                x, targets = stages.augment(x, batch.y, for_augment)
            row_weights = [_row_weights(Target(*t), class_weights, batch.weight) for t in targets]
            with torch.autocast(device.type, torch.bfloat16, enabled=settings.amp):
                features = net[0](x)
                logits = net[1](features)
            outputs = (logits, features) if stages.loss_uses_features else (logits,)
            value = batch_loss(outputs, targets, loss, row_weights)
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
            total += value.detach() * n_rows / len(order)
        losses.append(total)
        if validation is not None:
            scores.append(_balanced_accuracy(net, validation, settings))
    history = np.full((settings.epochs, 2), np.nan)
    history[:, 0] = torch.stack(losses).cpu().numpy()
    if scores:
        history[:, 1] = torch.stack(scores).cpu().numpy()
    return Training(history, seen.cpu().numpy() / settings.epochs)


def forward(net: nn.Module, x: Tensor, amp: bool, batch_size: int = 4096) -> Tensor:
    """Return the outputs (n, ...) of a net in evaluation mode, without gradients."""
    net.eval()
    with torch.inference_mode(), torch.autocast(x.device.type, torch.bfloat16, enabled=amp):
        return torch.cat([net(to_input(part)) for part in x.split(batch_size)])


def _epoch_order(
    net: nn.Module,
    rows: Rows,
    stages: Stages,
    settings: Settings,
    progress: float,
    generator: Generator,
) -> Tensor:
    y = rows.y
    if stages.batches is None:
        return torch.randperm(len(y), generator=generator, device=y.device)
    more = {}
    if getattr(stages.batches, "uses_losses", False):
        more["losses"] = cross_entropy(forward(net, rows.x, settings.amp), y)
    return stages.batches(y, settings.n_classes, settings.batch_size, progress, generator, **more)


def _balanced_order(y: Tensor, n_draws: int, settings: Settings, generator: Generator) -> Tensor:
    groups = rows_by_class(y, settings.n_classes)
    return draw_rows(groups, power_shares(groups.counts, 0.0), n_draws, generator)


def _class_weights(
    stages: Stages, counts: NDArray[np.int64], progress: float, device: torch.device
) -> Tensor | None:
    if stages.weights is None:
        return None
    weights = stages.weights(counts, progress)
    return torch.as_tensor(weights, dtype=torch.float32, device=device)


def _row_weights(
    target: Target, class_weights: Tensor | None, sample_weight: Tensor | None
) -> Tensor:
    y = target.labels
    weight = torch.ones(len(y), device=y.device) if class_weights is None else class_weights[y]
    if sample_weight is None:
        return weight
    return weight * (sample_weight[: len(y)] if target.rows is None else sample_weight[target.rows])


def _balanced_accuracy(net: nn.Module, rows: Rows, settings: Settings) -> Tensor:
    """Mean recall of the classes present, as a tensor: reading it would wait for the device."""
    hit = forward(net, rows.x, settings.amp).argmax(-1) == rows.y
    counts = torch.bincount(rows.y, minlength=settings.n_classes)
    hits = torch.bincount(rows.y, weights=hit.double(), minlength=settings.n_classes)
    return (hits / counts.clamp_min(1)).sum() / (counts > 0).sum()
