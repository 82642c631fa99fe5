"""CutMix: paste a box of another image, and share the label by area."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from imbench.strategies.augment.mixing import check_above_zero, mixed_targets, symmetric_beta
from imbench.strategies.augment.rarity import check_probability
from imbench.strategies.protocols import BatchTransform, Targets


def random_boxes(share: Tensor, height: int, width: int, generator: Generator) -> Tensor:
    """Return one box an image, True inside, with about ``1 - share`` of the area; (B, H, W).

    The centre is uniform over the pixels; what would lie outside of the image is cut off.
    """
    u = torch.rand((2, len(share)), generator=generator, device=share.device, dtype=torch.float64)
    side = (1 - share).sqrt()
    inside = []
    for centre, size in zip(u, (height, width), strict=True):
        middle = (centre * size).long()[:, None]  # (B, 1)
        half = (side * size).long()[:, None] // 2
        place = torch.arange(size, device=share.device)
        inside.append((place >= middle - half) & (place < middle + half))  # (B, size)
    return inside[0][:, :, None] & inside[1][:, None, :]


@dataclass(frozen=True)
class CutMix:
    """Paste a box of another image of the batch; labels count by the area that each image has.

    The box has sides sqrt(1 - lambda) of the image's, lambda ~ Beta(alpha, alpha), and is cut off
    at the border; the loss is lambda' L(y_i) + (1 - lambda') L(y_j), lambda' the share of pixels
    of image i that are left.

    Parameters
    ----------
    alpha : float, default=1.0
        Above 0.
    probability : float, default=0.5
        Share of the images that get a box, in [0, 1].

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    Each image has a box of its own, and is chosen by itself; the authors draw one box a batch.

    References
    ----------
    Yun et al. 2019, "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable
    Features", arXiv 1905.04899, eq. 1 and 2.
    """

    alpha: float = 1.0
    probability: float = 0.5

    mixes_labels = True

    def __post_init__(self) -> None:
        check_above_zero(alpha=self.alpha)
        check_probability(self.probability)

    def bind(self, counts: Tensor) -> BatchTransform:
        """Return the transform; the counts play no part."""

        def cutmix(x: Tensor, y: Tensor, generator: Generator) -> tuple[Tensor, Targets]:
            share = symmetric_beta(self.alpha, len(x), generator)
            partner = torch.randperm(len(x), generator=generator, device=x.device)
            chosen = torch.rand(len(x), generator=generator, device=x.device) < self.probability
            box = random_boxes(share, x.shape[-2], x.shape[-1], generator) & chosen[:, None, None]
            left = 1 - box.double().mean((1, 2))  # exact share of pixels
            mixed = torch.where(box[:, None], x[partner], x)
            return mixed, mixed_targets(y, partner, left)

        return cutmix
