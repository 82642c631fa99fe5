"""Image sets in IDX files, MNIST's format, read without torchvision.

torchvision reads them as well, but its import brings PyTorch's compiler along, which takes longer
than a small comparison. Whatever is not whole and as expected is left to it, and to its messages.
Format: http://yann.lecun.com/exdb/mnist/ ("the IDX file format").
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UBYTE = 8  # the code of the only type that image sets have
PARTS = ("train", "t10k")


class Part(NamedTuple):
    """Images (n, H, W) and labels (n,), uint8."""

    data: NDArray[np.uint8]
    targets: NDArray[np.uint8]


def read_idx(path: Path) -> NDArray[np.uint8] | None:
    """Return the array of an IDX file of bytes, None if the file is not whole or is another.

    The array is mapped, not read: whoever keeps it copies it.
    """
    with path.open("rb") as file:
        head = file.read(4)
        if len(head) < 4 or head[:3] != bytes((0, 0, UBYTE)):
            return None
        n_axes = head[3]
        sizes = file.read(4 * n_axes)
    if len(sizes) < 4 * n_axes:
        return None
    shape = struct.unpack(f">{n_axes}I", sizes)
    start = 4 + 4 * n_axes
    if path.stat().st_size != start + np.prod(shape, dtype=np.int64) or 0 in shape:
        return None
    return np.memmap(path, np.uint8, "r", offset=start, shape=shape)


def read_parts(folder: Path) -> list[Part] | None:
    """Return the training and the test part, None unless all four files are there and whole."""
    parts = []
    for name in PARTS:
        paths = [folder / f"{name}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
        if not all(path.is_file() for path in paths):
            return None
        images, labels = map(read_idx, paths)
        if images is None or labels is None or (images.ndim, labels.shape) != (3, images.shape[:1]):
            return None
        parts.append(Part(images, labels))
    return parts
