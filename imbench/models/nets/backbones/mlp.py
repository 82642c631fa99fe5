"""A plain multilayer perceptron, for tables and flattened images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import nn


@dataclass(frozen=True)
class MLP:
    """Fully connected layers with ReLU.

    Parameters
    ----------
    hidden : sequence of int, default=(256,)
        Units of each hidden layer; with the head, (256,) on MNIST is 784-256-10.
    dropout : float, default=0.0
        Share of the hidden units dropped in training, in [0, 1).

    Raises
    ------
    ValueError
        If a layer has no units or ``dropout`` is out of range.

    Examples
    --------
    >>> body, n_features = MLP(hidden=(8, 4)).build(input_shape=(10,))
    >>> n_features
    4
    """

    stacks: ClassVar[bool] = True  # see imbench.models.nets.stack

    hidden: Sequence[int] = (256,)
    dropout: float = 0.0

    def __post_init__(self) -> None:
        sizes = self.hidden if isinstance(self.hidden, Sequence) else ()
        if not sizes or any(not isinstance(n, int) or n < 1 for n in sizes):
            raise ValueError(f"hidden must list units of at least 1, got {self.hidden!r}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}.")

    def build(self, input_shape: tuple[int, ...]) -> tuple[nn.Module, int]:
        """Return the body for inputs (B, *input_shape), and the features (B, n) it ends in."""
        layers: list[nn.Module] = [nn.Flatten()]
        n_in = 1
        for size in input_shape:
            n_in *= size
        for n_out in self.hidden:
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
            n_in = n_out
        return nn.Sequential(*layers), n_in
