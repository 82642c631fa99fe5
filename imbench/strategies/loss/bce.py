"""Binary cross-entropy of each class against the rest, with weighted positives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from imbench.strategies.loss.outputs import (
    at_least_float32,
    by_output,
    class_sizes,
    is_true_class,
    sigmoid_probabilities,
)
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class BCELoss:
    """-sum_k [pos_weight_k y_k log s(z_k) + (1 - y_k) log(1 - s(z_k))] with one-hot y, sigmoid s.

    Parameters
    ----------
    pos_weight : float, sequence of K floats, or None
        Weight of the positive rows of an output, above 0; one number applies to all outputs.
        None is (N - n_k) / n_k, so that positives and negatives of an output weigh the same.

    Raises
    ------
    ValueError
        If ``pos_weight`` holds a value that is not a number above 0; in `bind`, if its length is
        not the number of classes.

    Notes
    -----
    Probabilities are the sigmoids divided by their sum, not a softmax. Two classes have two
    outputs, and both are trained.

    References
    ----------
    ``torch.nn.BCEWithLogitsLoss``, parameter ``pos_weight``; Rifkin & Klautau 2004, "In Defense
    of One-Vs-All Classification", JMLR 5.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = BCELoss(pos_weight=[1.0, 9.0]).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.8201, 8.3653])
    """

    stacks: ClassVar[bool] = True

    pos_weight: float | Sequence[float] | None = None

    def __post_init__(self) -> None:
        several = isinstance(self.pos_weight, list | tuple)
        values = self.pos_weight if several else [self.pos_weight]
        if self.pos_weight is not None:
            for i, value in enumerate(values):  # type: ignore[arg-type]
                name = f"pos_weight[{i}]" if several else "pos_weight"
                check_number(name, value, low=0.0, above=True)

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (..., K)."""
        positive = by_output(self._positive_weights(counts))  # (..., 1, K)

        def bce(logits: Tensor, y: Tensor) -> Tensor:
            z = at_least_float32(logits)  # (..., B, K)
            is_true = is_true_class(z, y)
            by_output = torch.where(is_true, -positive.to(z.dtype) * F.logsigmoid(z), F.softplus(z))
            return by_output.sum(-1)

        return bce

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return probabilities of shape (..., K) for logits of this shape."""
        return sigmoid_probabilities(logits)

    def _positive_weights(self, counts: Tensor) -> Tensor:
        sizes = class_sizes(counts)
        if self.pos_weight is None:
            return ((sizes.sum(-1, True) - sizes) / sizes).clamp_min(
                torch.finfo(torch.float32).tiny
            )
        given = torch.tensor(self.pos_weight, dtype=torch.float64, device=counts.device)
        n_classes = counts.shape[-1]
        if given.ndim and len(given) != n_classes:
            raise ValueError(
                f"strategy.loss.bce.pos_weight has {len(given)} values, but this training part "
                f"has {n_classes} classes: give one a class, or one number for all."
            )
        return given.expand(n_classes)
