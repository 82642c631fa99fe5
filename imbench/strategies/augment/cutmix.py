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

    The centre is uniform over the pixels; the box is clipped at the border.
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

    The sides of the box are sqrt(1 - lambda) of the image's, lambda ~ Beta(alpha, alpha), and it
    is clipped at the border. The loss is lambda' L(y_i) + (1 - lambda') L(y_j), where lambda' is
    the share of the pixels of image i that remain.

    Parameters
    ----------
    alpha : float, default=1.0
        Above 0.
    probability : float, default=0.5
        Probability that an image gets a box, in [0, 1].

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    Each image is selected independently and has its own box; the authors draw one box for each
    batch.

    References
    ----------
    Yun et al. 2019, "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable
    Features", arXiv 1905.04899, eq. 1 and 2.

    Examples
    --------
    >>> import torch
    >>> x, y = torch.rand(4, 1, 8, 8), torch.tensor([0, 0, 1, 1])
    >>> transform = CutMix(alpha=1.0).bind(torch.tensor([90, 10]))
    >>> mixed, targets = transform(x, y, torch.Generator().manual_seed(0))
    >>> [target.labels.shape for target in targets]
    [torch.Size([4]), torch.Size([4])]
    >>> sum(target.share for target in targets)  # of a row's loss
    tensor([1., 1., 1., 1.])
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
