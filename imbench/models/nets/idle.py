"""Inputs that are zero in every row: their weights stay as they are, and need no arithmetic.

Pixels at the border of MNIST's images are black in all of them. The gradient of a weight is a sum
over rows of products with its input, here zero, and Adam, AdamW and SGD leave a weight alone that
never had another gradient and does not decay: training without such inputs leaves the same net, up
to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from imbench.models.nets.rows import Rows
from imbench.models.nets.stack import can_stack

if TYPE_CHECKING:
    from imbench.models.nets.job import Job

MANY_WEIGHTS = 2**15  # of the first layer; with fewer there is little to gain
MIN_SHARE = 1 / 16  # of the inputs
MAX_BYTES = 2**28  # of rows, which are copied


def without_idle_inputs(jobs: Sequence[Job]) -> tuple[Sequence[Job], Callable[[], None]]:
    """Return jobs that train the same nets without inputs that are zero in all of their rows.

    Parameters
    ----------
    jobs : sequence of Job
        Of one stack.

    Returns
    -------
    jobs : sequence of Job
        Those given, where nothing can be left out.
    give_back : callable
        Called after the training, gives the nets of the jobs that were given what was learnt.
    """
    used = _used_inputs(jobs)
    if used is None:
        return jobs, lambda: None
    narrow = [
        replace(
            job,
            net=_narrowed(job.net, used),
            rows=_columns(job.rows, used),
            validation=None if job.validation is None else _columns(job.validation, used),
        )
        for job in jobs
    ]

    @torch.no_grad()
    def give_back() -> None:
        for job, other in zip(jobs, narrow, strict=True):
            for ours, theirs in zip(job.net.parameters(), other.net.parameters(), strict=True):
                if ours.shape == theirs.shape:
                    ours.copy_(theirs)
                else:
                    ours[:, used] = theirs

    return narrow, give_back


def _used_inputs(jobs: Sequence[Job]) -> NDArray[np.int64] | None:
    """Return the numbers of the inputs that some row uses; None if the others are not worth it."""
    first = _first_layer(jobs[0].net)
    if first is None or first.weight.numel() < MANY_WEIGHTS or not can_stack(jobs[0].net):
        return None
    n_bytes = sum(job.rows.x.numel() * job.rows.x.element_size() for job in jobs)
    # Augmentations fill rows.
    if (
        n_bytes > MAX_BYTES
        or any(job.rows.x.device.type != "cpu" or job.settings.weight_decay for job in jobs)
        or jobs[0].stages.augment is not None
    ):
        return None
    is_used = np.zeros(first.in_features, bool)
    for rows in [rows for job in jobs for rows in (job.rows, job.validation) if rows is not None]:
        is_used |= np.any(rows.x.flatten(1).numpy(), axis=0)
    used = np.flatnonzero(is_used)
    return used if 0 < len(used) <= (1 - MIN_SHARE) * len(is_used) else None


def _first_layer(net: nn.Module) -> nn.Linear | None:
    """Return the layer that meets the inputs first, if it is linear and nothing else meets them."""
    while isinstance(net, nn.Sequential) and len(net):
        net = net[1] if type(net[0]) is nn.Flatten and len(net) > 1 else net[0]
    return net if type(net) is nn.Linear else None


def _narrowed(net: nn.Sequential, used: NDArray[np.int64]) -> nn.Sequential:
    """Return a copy of a net that takes some of the inputs."""
    copy = deepcopy(net)
    first = _first_layer(copy)
    assert first is not None
    first.weight = nn.Parameter(first.weight.detach()[:, used])
    first.in_features = len(used)
    return copy


def _columns(rows: Rows, used: NDArray[np.int64]) -> Rows:
    return replace(rows, x=torch.from_numpy(rows.x.flatten(1).numpy().take(used, axis=1)))
