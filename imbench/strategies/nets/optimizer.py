"""Adam, AdamW and SGD on stacked parameters: PyTorch's fused kernels, called directly.

``torch.optim`` imports the compiler at its first step (2 s a process), keeps one learning rate
for the whole of a parameter, and updates every slice of it. Here every net of a stack has a
learning rate and a weight decay, and a net that has no batch left in an epoch stands still,
momentum included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

BETAS, EPSILON, MOMENTUM = (0.9, 0.999), 1e-8, 0.9


@dataclass(frozen=True, eq=False)
class _Group:
    """Neighbouring nets that have done, and are about to do, the same number of steps.

    Parameters
    ----------
    nets : slice
    n_steps : int
        Of this epoch.
    lr, weight_decay : float
    parameters, first, second : list of Tensor
        Views; the moments (SGD: the momentum, and nothing).
    counts : sequence of Tensor of shape ()
        Steps done after each of the epoch's; the kernels want them as tensors.
    """

    nets: slice
    n_steps: int
    lr: float
    weight_decay: float
    parameters: list[Tensor]
    first: list[Tensor]
    second: list[Tensor]
    counts: Sequence[Tensor]


class StackOptimizer:
    """Updates the parameters of M nets in place.

    Parameters
    ----------
    parameters : sequence of Tensor
        With a leading axis of M, unless M is one.
    name : {"adam", "adamw", "sgd"}
        SGD has momentum 0.9.
    lrs : sequence of float
        A learning rate a net.
    weight_decays : sequence of float
        A net's; added to the gradient, decoupled for "adamw".
    leading : bool
        Whether the parameters have the leading axis.

    References
    ----------
    Kingma and Ba 2015, arXiv 1412.6980, algorithm 1; Loshchilov and Hutter 2019, arXiv
    1711.05101, algorithm 2.
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        name: str,
        lrs: Sequence[float],
        weight_decays: Sequence[float],
        leading: bool = True,
    ) -> None:
        self.parameters = list(parameters)
        self.name, self.leading = name, leading
        self.lrs, self.weight_decays = lrs, weight_decays
        self._first = [torch.zeros_like(p) for p in self.parameters]
        self._second = [] if name == "sgd" else [torch.zeros_like(p) for p in self.parameters]
        self._done = [0] * len(lrs)
        self._groups: list[_Group] = []

    def begin_epoch(self, n_steps: Sequence[int]) -> None:
        """Say how many batches each net has in the epoch that begins; shape (M,)."""
        keys = [*zip(self.lrs, self.weight_decays, self._done, n_steps, strict=True)]
        starts = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
        stops = [*starts[1:], len(keys)]
        self._groups = [
            self._group(slice(i, j), n_steps[i]) for i, j in zip(starts, stops, strict=True)
        ]
        self._done = [done + new for done, new in zip(self._done, n_steps, strict=True)]

    def _group(self, nets: slice, n_steps: int) -> _Group:
        def views(tensors: list[Tensor]) -> list[Tensor]:
            return [t.detach()[nets] if self.leading else t.detach() for t in tensors]

        done, device = self._done[nets.start], self.parameters[0].device
        counts = torch.arange(done + 1.0, done + n_steps + 1.0, device=device).unbind()
        values, first, second = map(views, (self.parameters, self._first, self._second))
        own = self.lrs[nets.start], self.weight_decays[nets.start]
        return _Group(nets, n_steps, *own, values, first, second, counts)

    def step(self, gradients: Sequence[Tensor], index: int) -> None:
        """Update the nets that have a batch of this index in the epoch.

        Parameters
        ----------
        gradients : sequence of Tensor
            Parallel to the parameters.
        index : int
            Of the batch, from 0.
        """
        for group in self._groups:
            if index >= group.n_steps:
                continue
            whole = not self.leading or len(self._groups) == 1
            own = [g if whole else g[group.nets] for g in gradients]
            own = in_order(own)
            if self.name == "sgd":
                torch._fused_sgd_(
                    group.parameters,
                    own,
                    group.first,
                    lr=group.lr,
                    momentum=MOMENTUM,
                    weight_decay=group.weight_decay,
                    dampening=0.0,
                    nesterov=False,
                    maximize=False,
                    is_first_step=False,  # the momentum begins at zero, which is the same
                )
                continue
            adam_step(
                torch._fused_adamw_ if self.name == "adamw" else torch._fused_adam_,
                group.parameters,
                own,
                group.first,
                group.second,
                group.counts[index],
                lr=group.lr,
                weight_decay=group.weight_decay,
            )


def in_order(gradients: Sequence[Tensor]) -> list[Tensor]:
    """Return gradients as the kernels read them: in the order of memory, whatever their strides."""
    return [g if g.is_contiguous() else g.contiguous() for g in gradients]


def adam_step(
    kernel: Callable[..., None],
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    first: Sequence[Tensor],
    second: Sequence[Tensor],
    count: Tensor,
    *,
    lr: float,
    betas: tuple[float, float] = BETAS,
    weight_decay: float = 0.0,
) -> None:
    """Do one step in place with a fused kernel of PyTorch.

    Parameters
    ----------
    kernel : callable
        ``torch._fused_adam_`` or ``torch._fused_adamw_``.
    parameters, gradients, first, second : sequence of Tensor
        Parallel to each other; gradients :func:`in_order`. The last two are the moments.
    count : Tensor of shape ()
        Steps done, this one included.
    """
    kernel(
        parameters,
        gradients,
        first,
        second,
        [],
        [count] * len(gradients),
        lr=lr,
        beta1=betas[0],
        beta2=betas[1],
        weight_decay=weight_decay,
        eps=EPSILON,
        amsgrad=False,
        maximize=False,
    )
