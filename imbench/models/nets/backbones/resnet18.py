"""torchvision's ResNet-18, adapted to small images."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from imbench.components.extras import demand
from imbench.data.torchvision_shim import import_torchvision

demand("torchvision")  # imported when a net is built: too late to say that it is missing


@dataclass(frozen=True)
class ResNet18:
    """ResNet-18 with a 3 x 3 first convolution and no max-pooling, as is usual at 32 x 32.

    References
    ----------
    He et al. 2016, "Deep Residual Learning for Image Recognition", arXiv 1512.03385,
    section 4.2 (the stem for CIFAR-10).
    """

    def build(self, input_shape: tuple[int, ...]) -> tuple[nn.Module, int]:
        """Return the body for images (B, C, H, W), and the features (B, 512) it ends in.

        Raises
        ------
        ValueError
            If the input is not an image.
        """
        if len(input_shape) != 3:
            raise ValueError(f"resnet18 needs images (C, H, W), got shape {input_shape}.")
        net = import_torchvision().models.resnet18(weights=None)
        net.conv1 = nn.Conv2d(input_shape[0], 64, 3, padding=1, bias=False)
        net.maxpool = nn.Identity()
        n_features = net.fc.in_features
        net.fc = nn.Identity()
        return net, n_features
