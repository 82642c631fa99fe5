"""Random rotations, shifts, flips, crops and noise for images of rare classes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from imbench.strategies.augment.rarity import chance_by_class, check_probability
from imbench.strategies.protocols import BatchTransform, Targets


def random_affine(
    x: Tensor, chosen: Tensor, degrees: float, shift: float, flip: bool, generator: Generator
) -> Tensor:
    """Rotate, shift and flip the chosen images of a batch.

    Parameters
    ----------
    x : Tensor of shape (B, C, H, W)
    chosen : Tensor of shape (B,)
        Bool.
    degrees : float
        Rotations are uniform in [-degrees, degrees].
    shift : float
        Shifts are uniform in [-shift, shift], as a share of the width and of the height.
    flip : bool
        Whether half of the chosen images are mirrored left to right.
    generator : torch.Generator

    Returns
    -------
    Tensor of shape (B, C, H, W)
    """
    u = torch.rand((4, len(x)), generator=generator, device=x.device) * 2 - 1  # (4, B)
    angle = torch.where(chosen, u[0] * math.radians(degrees), 0)
    mirror = torch.where(chosen & (u[3] < 0), -1.0, 1.0) if flip else torch.ones_like(angle)
    # affine_grid's coordinates span [-1, 1]: a shift by the whole width is 2.
    dx, dy = (torch.where(chosen, 2 * shift * u[i], 0) for i in (1, 2))
    cos, sin = angle.cos(), angle.sin()
    # The unit is half the width in x and half the height in y: without the ratio an image that
    # is not square would be sheared.
    tall = x.shape[-2] / x.shape[-1]
    theta = torch.stack([cos * mirror, -sin * tall, dx, sin / tall * mirror, cos, dy], 1).view(
        -1, 2, 3
    )
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    moved = F.grid_sample(x, grid.to(x.dtype), align_corners=False)
    return torch.where(chosen[:, None, None, None], moved, x)


def random_crop(x: Tensor, chosen: Tensor, crop: float, generator: Generator) -> Tensor:
    """Crop the chosen images of a batch at random and resize the crop to the original size.

    Parameters
    ----------
    x : Tensor of shape (B, C, H, W)
    chosen : Tensor of shape (B,)
        Bool.
    crop : float
        The sides of the crop are uniform in [1 - crop, 1] of the image's; its position is uniform.
    generator : torch.Generator

    Returns
    -------
    Tensor of shape (B, C, H, W)
    """
    u = torch.rand((3, len(x)), generator=generator, device=x.device)
    side = 1 - crop * u[0]
    dx, dy = ((1 - side) * (2 * u[i] - 1) for i in (1, 2))  # of the centre, in [-1, 1]
    zero = torch.zeros_like(side)
    theta = torch.stack([side, zero, dx, zero, side, dy], 1).view(-1, 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    cut = F.grid_sample(x, grid.to(x.dtype), padding_mode="border", align_corners=False)
    return torch.where(chosen[:, None, None, None], cut, x)


@dataclass(frozen=True)
class MinorityAugment:
    """Augment an image of class c with probability ``probability * (1 - n_c / n_max)``.

    The largest class is never changed, and the rarest with nearly the full probability.

    Parameters
    ----------
    probability : float, default=0.9
        Probability in the limit of a class with few rows, in [0, 1].
    degrees : float, default=10.0
        Largest rotation.
    shift : float, default=0.1
        Largest shift, as a share of the width and height.
    flip : bool, default=False
        Mirror half of the augmented images. Off by default: a mirrored digit is not a digit.
    noise : float, default=0.02
        Standard deviation of Gaussian noise, for pixels in [0, 1].
    crop : float, default=0.0
        Largest share of the sides that is cropped, in [0, 1). The crop has a random position and is
        resized to the original size.

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    References
    ----------
    Shorten & Khoshgoftaar 2019, "A survey on Image Data Augmentation for Deep Learning",
    DOI 10.1186/s40537-019-0197-0, section on class imbalance.

    Examples
    --------
    >>> import torch
    >>> x, y = torch.rand(2, 1, 8, 8), torch.tensor([0, 1])
    >>> transform = MinorityAugment(probability=1.0).bind(torch.tensor([100_000, 1]))
    >>> augmented, _ = transform(x, y, torch.Generator().manual_seed(0))
    >>> (augmented != x).flatten(1).any(1)  # the image of the rare class
    tensor([False,  True])
    """

    probability: float = 0.9
    degrees: float = 10.0
    shift: float = 0.1
    flip: bool = False
    noise: float = 0.02
    crop: float = 0.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        for name in ("degrees", "shift", "noise"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}.")
        if not 0 <= self.crop < 1:
            raise ValueError(f"crop must lie in [0, 1), got {self.crop}.")

    def bind(self, counts: Tensor) -> BatchTransform:
        """Return the transform for training counts of shape (K,)."""
        chance = chance_by_class(counts, self.probability)  # (K,)

        def augment(x: Tensor, y: Tensor, generator: Generator) -> tuple[Tensor, Targets]:
            drawn = torch.rand(len(y), generator=generator, device=x.device)
            chosen = drawn < chance[y]
            x = random_affine(x, chosen, self.degrees, self.shift, self.flip, generator)
            if self.crop:  # draws nothing otherwise
                x = random_crop(x, chosen, self.crop, generator)
            noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
            x = x + chosen[:, None, None, None] * self.noise * noise
            return x, [(y, torch.ones(len(y), device=x.device))]

        return augment
