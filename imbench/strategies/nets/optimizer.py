"""Adam, AdamW and SGD for one net, or for a stack of nets with a learning rate each.

The updates are PyTorch's fused kernels, called directly. An optimizer object of ``torch.optim``
imports PyTorch's compiler at its first step: 1.2 s of processor time in every process. Its
functions (``torch.optim.adam.adam``) do not, but take 24 us around a kernel of 5 us (five nets of
10-64-2): the five folds of a small net took 107 ms with them and 93 ms without. Measured with
PyTorch 2.13 on a CPU. Neither has a learning rate for each net of a stack.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BETAS, EPSILON, MOMENTUM = (0.9, 0.999), 1e-8, 0.9
ALL = slice(None)


def cosine(step: int, n_steps: int) -> float:
    """Return a factor of the learning rate that falls from 1 to 0 along half a cosine.

    Examples
    --------
    >>> [round(cosine(step, 4), 3) for step in range(4)]
    [1.0, 0.854, 0.5, 0.146]
    """
    return 0.5 * (1 + math.cos(math.pi * step / n_steps))


@dataclass(frozen=True, eq=False)
class _Part:
    """Neighbouring nets that one call updates.

    Parameters
    ----------
    nets : slice
        ``slice(None)`` for all of them.
    lr, weight_decay : float
    values, first, second : list of Tensor
        Views of parameters and moments. SGD has the momentum as its first moment, and no second.
    count : Tensor of shape ()
        Steps that the nets have done; a tensor because the kernels want one.
    """

    nets: slice
    lr: float
    weight_decay: float
    values: list[Tensor]
    first: list[Tensor]
    second: list[Tensor]
    count: Tensor


class Optimizer:
    """Update parameters in place.

    Parameters
    ----------
    parameters : iterable of Tensor
        Of one net; or of M nets, with a leading axis of M.
    name : {"adam", "adamw", "sgd"}, default="adam"
        SGD has momentum 0.9.
    lr, weight_decay : float or sequence of M floats
        A sequence if and only if the parameters have the leading axis. The weight decay is
        added to the gradient, and decoupled for "adamw".
    betas : pair of float, default=(0.9, 0.999)
        Of Adam and AdamW.

    References
    ----------
    Kingma and Ba 2015, arXiv 1412.6980, algorithm 1; Loshchilov and Hutter 2019, arXiv
    1711.05101, algorithm 2.

    Examples
    --------
    >>> import torch
    >>> weight = torch.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = Optimizer([weight], lr=0.5)
    >>> optimizer.minimise(weight.square().sum())
    >>> weight.tolist()
    [2.5, -1.5]
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        name: str = "adam",
        *,
        lr: float | Sequence[float],
        weight_decay: float | Sequence[float] = 0.0,
        betas: tuple[float, float] = BETAS,
    ) -> None:
        self.parameters = list(parameters)
        self.name, self.betas = name, betas
        self.lrs: list[float] = np.atleast_1d(lr).tolist()
        self.weight_decays: list[float] = np.broadcast_to(weight_decay, len(self.lrs)).tolist()
        self._values = [p.detach() for p in self.parameters]  # share memory with the parameters
        self._first = [torch.zeros_like(p) for p in self._values]  # moment; SGD: momentum
        self._second = [] if name == "sgd" else [torch.zeros_like(p) for p in self._values]
        self._n_done = np.zeros(len(self.lrs), np.int64)  # steps of each net
        self._active: NDArray[np.bool_] | None = None
        self._parts: list[_Part] = []

    def minimise(self, loss: Tensor, factor: float = 1.0) -> None:
        """Take a step along the gradient of a loss.

        Parameters
        ----------
        loss : Tensor of shape ()
            A parameter that it does not depend on has a gradient of zero.
        factor : float
            Of the learning rate.
        """
        self.step(torch.autograd.grad(loss, self.parameters, materialize_grads=True), factor)

    def step(
        self,
        gradients: Sequence[Tensor],
        factor: float = 1.0,
        active: NDArray[np.bool_] | None = None,
    ) -> None:
        """Take a step along given gradients.

        Parameters
        ----------
        gradients : sequence of Tensor
            Parallel to the parameters.
        factor : float
            Of the learning rate.
        active : ndarray of shape (M,), default=all
            Nets that take part. Others keep their parameters, moments and number of steps.
        """
        if active is None:
            active = np.ones(len(self.lrs), bool)
        # As long as the same nets take part, the cut into parts stays right.
        if self._active is None or not np.array_equal(active, self._active):
            self._active, self._parts = active, self._cut(active)
        self._n_done += active
        # Kernels ignore strides: a transposed gradient would be read in the wrong order.
        gradients = [g.contiguous() for g in gradients]
        for part in self._parts:
            own = gradients if part.nets == ALL else [g[part.nets] for g in gradients]
            self._update(part, own, part.lr * factor)

    def _cut(self, active: NDArray[np.bool_]) -> list[_Part]:
        """Return runs of active nets that have equal settings and did as many steps."""
        keys = [*zip(self.lrs, self.weight_decays, self._n_done, active, strict=True)]
        starts = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
        stops = [*starts[1:], len(keys)]
        if len(starts) == 1:
            return [self._part(ALL, 0)]
        runs = zip(starts, stops, strict=True)
        return [self._part(slice(i, j), i) for i, j in runs if active[i]]

    def _part(self, nets: slice, first_net: int) -> _Part:
        def views(tensors: list[Tensor]) -> list[Tensor]:
            return tensors if nets == ALL else [t[nets] for t in tensors]

        n_done = float(self._n_done[first_net])
        return _Part(
            nets,
            self.lrs[first_net],
            self.weight_decays[first_net],
            views(self._values),
            views(self._first),
            views(self._second),
            torch.full((), n_done, device=self._values[0].device),
        )

    def _update(self, part: _Part, gradients: list[Tensor], lr: float) -> None:
        if self.name == "sgd":
            torch._fused_sgd_(
                part.values,
                gradients,
                part.first,
                lr=lr,
                weight_decay=part.weight_decay,
                momentum=MOMENTUM,
                dampening=0.0,
                nesterov=False,
                maximize=False,
                is_first_step=False,  # the momentum starts at zero, which has the same effect
            )
            return
        part.count.add_(1)
        kernel = torch._fused_adamw_ if self.name == "adamw" else torch._fused_adam_
        kernel(
            part.values,
            gradients,
            part.first,
            part.second,
            [],
            [part.count] * len(gradients),
            lr=lr,
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=part.weight_decay,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )
