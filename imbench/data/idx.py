"""Read images in IDX files, the format of MNIST, without torchvision.

Importing torchvision also imports PyTorch's compiler, which takes longer than a small comparison.
Files that are incomplete or have another layout are left to torchvision and its error messages.

References
----------
The IDX file format, http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UBYTE = 8  # type code of unsigned bytes, the only type that image sets use
PARTS = ("train", "t10k")


class Part(NamedTuple):
    """Images (n, H, W) and labels (n,), uint8."""

    data: NDArray[np.uint8]
    targets: NDArray[np.uint8]


def read_idx(path: Path) -> NDArray[np.uint8] | None:
    r"""Return the array of an IDX file of bytes, or None if it is incomplete or not such a file.

    The array is memory-mapped. Copy it if it has to outlive the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels")
    ...     _ = path.write_bytes(bytes([0, 0, UBYTE, 1]) + (3).to_bytes(4, "big") + b"\x05\x00\x04")
    ...     read_idx(path).tolist()
    [5, 0, 4]
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
    """Return the training and the test part, or None if one of the four files is unusable."""
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
