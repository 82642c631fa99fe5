"""A small convolutional net for small images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class CNN:
    """Blocks of convolution, batch normalisation, ReLU and pooling, then one hidden layer.

    Parameters
    ----------
    channels : sequence of int, default=(16, 32)
        Output channels of each 3 x 3 block; each halves height and width.
    hidden : int, default=64
        Units of the layer before the head.

    Raises
    ------
    ValueError
        If there is no block or a size is below 1.

    Examples
    --------
    >>> body, n_features = CNN(channels=(4,), hidden=8).build(input_shape=(1, 8, 8))
    >>> n_features
    8
    """

    channels: Sequence[int] = (16, 32)
    hidden: int = 64

    def __post_init__(self) -> None:
        sizes = self.channels if isinstance(self.channels, Sequence) else ()
        if not sizes or any(not isinstance(n, int) or n < 1 for n in sizes):
            raise ValueError(f"channels must list sizes of at least 1, got {self.channels!r}.")
        if not isinstance(self.hidden, int) or self.hidden < 1:
            raise ValueError(f"hidden must be an integer of at least 1, got {self.hidden!r}.")

    def build(self, input_shape: tuple[int, ...]) -> tuple[nn.Module, int]:
        """Return the body for images (B, C, H, W), and the features (B, n) it ends in.

        Raises
        ------
        ValueError
            If the input is not an image, or too small for the number of blocks.
        """
        if len(input_shape) != 3:
            raise ValueError(f"cnn needs images (C, H, W), got inputs of shape {input_shape}.")
        n_in, height, width = input_shape
        shrink = 2 ** len(self.channels)
        if min(height, width) < shrink:
            raise ValueError(
                f"channels={list(self.channels)} halves the image {len(self.channels)} times, "
                f"but it is {height} x {width}: list fewer blocks."
            )
        layers: list[nn.Module] = []
        for n_out in self.channels:
            layers += [
                nn.Conv2d(n_in, n_out, 3, padding=1, bias=False),
                nn.BatchNorm2d(n_out),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
            n_in = n_out
        n_flat = n_in * (height // shrink) * (width // shrink)
        layers += [nn.Flatten(), nn.Linear(n_flat, self.hidden), nn.ReLU()]
        return nn.Sequential(*layers), self.hidden
