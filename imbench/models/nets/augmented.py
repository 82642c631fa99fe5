"""The `augment` stage for a stack: each net has its batch changed alone, without padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Generator, Tensor, cat

from imbench.models.nets.job import Job
from imbench.models.nets.objective import RowWeights
from imbench.models.nets.rows import EpochPlan, Rows, pad_stack, to_input
from imbench.strategies.batches.draw import draw_rows, power_shares, rows_by_class
from imbench.strategies.protocols import BatchTransform, Target, Targets


class Augmentation:
    """Apply the augmentation of each net to its batches.

    Parameters
    ----------
    jobs : sequence of Job
        Their stages have an augmentation.
    rows : Rows
        Of all nets, one net after the other.
    first : ndarray of shape (M,)
        Number of the first row of each net.
    weights : RowWeights
    """

    def __init__(
        self, jobs: Sequence[Job], rows: Rows, first: NDArray[np.int64], weights: RowWeights
    ) -> None:
        self.jobs, self.rows, self.first, self.weights = jobs, rows, first, weights
        device = rows.y.device
        seeds = [job.generator.initial_seed() + 1 for job in jobs]
        self.generators = [Generator(device).manual_seed(seed) for seed in seeds]
        self.balanced: list[Tensor] | None = None

    def begin_epoch(self, orders: Sequence[Tensor]) -> None:
        """Draw as many class-balanced rows again, for augmentations that use them.

        Parameters
        ----------
        orders : sequence of Tensor of shape (n_draws,)
            Rows that each net trains on, as numbers of its own rows.
        """
        if not self.jobs[0].stages.augment_uses_balanced_rows:
            return
        by_class = [rows_by_class(job.rows.y, job.settings.n_classes) for job in self.jobs]
        self.balanced = [
            draw_rows(own, power_shares(own.counts, 0.0), len(order), generator)
            for own, order, generator in zip(by_class, orders, self.generators, strict=True)
        ]

    def __call__(
        self, x: Tensor, index: Tensor, plan: EpochPlan, step: int
    ) -> tuple[Tensor, Targets, list[Tensor]]:
        """Return the changed batches of a step, padded again.

        Parameters
        ----------
        x : Tensor of shape (M, B, *input_shape)
        index : Tensor of shape (M, width)
            Numbers in the rows of all nets.
        plan : EpochPlan
        step : int
            In the epoch.

        Returns
        -------
        x : Tensor of shape (M, B, *input_shape)
        targets : pairs of labels and shares, (M, B)
        row_weights : list of Tensor of shape (M, B)
        """
        changed: list[Tensor] = []
        targets: list[list[list[Tensor]] | None] = []
        for m, size in enumerate(plan.sizes[step].tolist()):
            own, found = self._of_net(m, x[m, :size], index[m, :size], int(plan.offsets[step, m]))
            changed.append(own)
            targets.append(found if size else None)
        # A net without a batch has an empty target for each target of the others.
        model = next(t for t in targets if t is not None)
        empty = [[part[:0] for part in target] for target in model]
        columns = zip(*(empty if t is None else t for t in targets), strict=True)
        width = x.shape[1]
        padded = [[pad_stack(p, width) for p in zip(*column, strict=True)] for column in columns]
        return (
            pad_stack(changed, width),
            [(labels, share) for labels, share, _ in padded],
            [weight for _, _, weight in padded],
        )

    def _of_net(
        self, m: int, x: Tensor, rows: Tensor, offset: int
    ) -> tuple[Tensor, list[list[Tensor]]]:
        """Return the changed batch of a net, and labels, shares and weights of its targets.

        Parameters
        ----------
        m : int
            Number of the net.
        x : Tensor of shape (B, *input_shape)
        rows : Tensor of shape (B,)
        offset : int
            Of the batch in the order of the net.
        """
        if not len(rows):
            return x, []
        if self.balanced is not None:
            more = self.balanced[m][offset:][: len(rows)] + int(self.first[m])
            rows, x = cat([rows, more]), cat([x, to_input(self.rows.x[more])])
        transform = cast(BatchTransform, self.jobs[m].stages.augment)
        x, found = transform(x, self.rows.y[rows], self.generators[m])
        return x, [self._weighted(Target(*target), rows, m) for target in found]

    def _weighted(self, target: Target, rows: Tensor, m: int) -> list[Tensor]:
        own = rows[: len(target.labels)] if target.rows is None else rows[target.rows]
        weight = self.weights.of(target.labels, own, m).expand(target.labels.shape)
        return [target.labels, target.share, weight]
