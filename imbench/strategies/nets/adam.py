"""Adam for one net outside of the trainer: PyTorch's fused kernel, called directly.

``torch.optim`` imports the compiler at its first step, 2 s a process. Nets that train in stacks
have :class:`imbench.strategies.nets.optimizer.StackOptimizer`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from imbench.strategies.nets.optimizer import BETAS, adam_step, in_order


def cosine(step: int, n_steps: int) -> float:
    """Return the factor of the learning rate that falls from 1 to 0 along half a cosine.

    >>> [round(cosine(step, 4), 3) for step in range(4)]
    [1.0, 0.854, 0.5, 0.146]
    """
    return 0.5 * (1 + math.cos(math.pi * step / n_steps))


class Adam:
    """Updates parameters in place, as ``torch.optim.Adam(fused=True)`` does.

    Parameters
    ----------
    parameters : iterable of Tensor
    lr : float
    betas : pair of float
    weight_decay : float
        Added to the gradient.

    References
    ----------
    Kingma and Ba 2015, arXiv 1412.6980, algorithm 1.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        betas: tuple[float, float] = BETAS,
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters = list(parameters)
        self.lr, self.betas, self.weight_decay = lr, betas, weight_decay
        self._first = [torch.zeros_like(p) for p in self.parameters]
        self._second = [torch.zeros_like(p) for p in self.parameters]
        self._count = torch.zeros((), device=self.parameters[0].device)

    def minimise(self, loss: Tensor, factor: float = 1.0) -> None:
        """Do one step.

        Parameters
        ----------
        loss : Tensor of shape ()
            A parameter that it does not depend on has a gradient of zero.
        factor : float
            Of the learning rate.
        """
        gradients = torch.autograd.grad(loss, self.parameters, materialize_grads=True)
        self._count.add_(1)
        with torch.no_grad():
            adam_step(
                torch._fused_adam_,
                self.parameters,
                in_order(gradients),
                self._first,
                self._second,
                self._count,
                lr=self.lr * factor,
                betas=self.betas,
                weight_decay=self.weight_decay,
            )
