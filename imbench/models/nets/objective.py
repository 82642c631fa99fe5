"""The loss of a batch: the `loss` and `weights` stages for the nets of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Tensor

from imbench.models.nets.job import Job
from imbench.models.nets.rows import Rows, pad_stack
from imbench.strategies.protocols import RowLoss, Targets, Weights

TINY = torch.finfo(torch.float32).tiny


def batch_loss(
    outputs: tuple[Tensor, ...], targets: Targets, loss: RowLoss, row_weights: list[Tensor]
) -> Tensor:
    """Return the weighted mean of the losses of a batch, for each net.

    Parameters
    ----------
    outputs : logits (..., B, K), and features (..., B, F) for a loss that uses them
    targets : sequence of (labels (..., B), shares (..., B))
    loss : callable
    row_weights : list of Tensor of shape (..., B)
        Weights of the rows, parallel to ``targets``.

    Notes
    -----
    Divided by the sum of the weights, as ``torch.nn.functional.cross_entropy(weight=...)``
    does: the scale of the weights is irrelevant, only their ratios matter.

    Examples
    --------
    >>> import torch
    >>> from imbench.strategies.loss.cross_entropy import cross_entropy
    >>> logits, y = torch.tensor([[0.0, 0.0], [9.0, 0.0]]), torch.tensor([0, 0])
    >>> weight = torch.tensor([1.0, 0.0])
    >>> round(float(batch_loss((logits,), [(y, torch.ones(2))], cross_entropy, [weight])), 4)
    0.6931
    """
    logits, *features = outputs
    total = norm = torch.zeros((), device=logits.device)
    for (labels, share, *_), weight in zip(targets, row_weights, strict=True):
        w = share * weight
        total = total + (w * loss(logits, labels, *features)).sum(-1)
        norm = norm + w.sum(-1)
    # A batch may hold nothing but rows of weight 0: its loss is 0, not NaN.
    return total / norm.clamp_min(TINY)


class StackLoss:
    """The `loss` stage for the nets of a stack.

    Parameters
    ----------
    jobs : sequence of Job
    counts : Tensor of shape (M, K)
        Training rows of each class.

    Attributes
    ----------
    joint : callable or None
        One loss for all nets, from logits (M, B, K) to losses (M, B); None if the nets need one
        call each.
    """

    def __init__(self, jobs: Sequence[Job], counts: Tensor) -> None:
        self.jobs, self.stages = jobs, jobs[0].stages
        self.joint: RowLoss | None = None
        if self.stages.stack_loss is not None and len({job.loss_kind for job in jobs}) == 1:
            self.joint = self.stages.stack_loss(counts)

    def of_batch(self, progress: float, sizes: Sequence[int], is_padded: bool) -> RowLoss:
        """Return the loss of a batch, from logits (M, B, K) to losses (M, B).

        Parameters
        ----------
        progress : float
            Share of the epochs that are done.
        sizes : sequence of int
            Rows of each net; padding comes behind them.
        is_padded : bool
            Whether the sizes differ.
        """
        more = {"progress": progress} if self.stages.loss_uses_progress else {}
        if self.joint is not None and not (is_padded and self.stages.loss_is_batch_level):
            return partial(self.joint, **more)

        def one_by_one(logits: Tensor, y: Tensor, *features: Tensor) -> Tensor:
            losses = [
                job.stages.loss(logits[m, :n], y[m, :n], *(f[m, :n] for f in features), **more)
                if n
                else logits[m, :0, 0]
                for m, (job, n) in enumerate(zip(self.jobs, sizes, strict=True))
            ]
            return pad_stack(losses, y.shape[1])

        return one_by_one


class RowWeights:
    """Weights of rows in the loss: the `weights` stage times ``sample_weight``.

    Parameters
    ----------
    jobs : sequence of Job
    rows : Rows
        Of all nets, one net after the other.
    counts : Tensor of shape (M, K)
        Training rows of each class.
    """

    def __init__(self, jobs: Sequence[Job], rows: Rows, counts: Tensor) -> None:
        self.stages = [job.stages.weights for job in jobs]
        self.rows = rows
        self.counts = counts.cpu().numpy()
        self.by_class: Tensor | None = None

    def begin_epoch(self, progress: float) -> None:
        """Compute the class weights (M, K) of an epoch."""
        if self.stages[0] is None:
            return
        pairs = zip(self.stages, self.counts, strict=True)
        by_class = np.stack([cast(Weights, stage)(own, progress) for stage, own in pairs])
        self.by_class = torch.as_tensor(by_class, dtype=torch.float32, device=self.rows.y.device)

    def of(self, labels: Tensor, index: Tensor, net: int | None = None) -> Tensor:
        """Return the weights of rows.

        Parameters
        ----------
        labels, index : Tensor of shape (..., M, B), or (B,) for one net
            Labels, and numbers in the rows of all nets.
        net : int or None
            The net that the rows are of; None for all nets.

        Returns
        -------
        Tensor of the shape of ``labels``, or of shape () if all weights are one
        """
        weight = torch.ones((), device=self.rows.y.device)
        if self.by_class is not None:
            by_class = self.by_class if net is None else self.by_class[net]
            weight = by_class.expand(*labels.shape[:-1], -1).gather(-1, labels)
        return weight if self.rows.weight is None else weight * self.rows.weight[index]
