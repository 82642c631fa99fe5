"""Image data sets of torchvision with an official test set, such as MNIST and CIFAR-10."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.components.construct import closest
from imbench.components.extras import require
from imbench.data.cache import from_files
from imbench.data.dataset import Dataset
from imbench.data.download import OFFLINE, data_folder, downloading, not_available
from imbench.data.idx import Part, read_parts
from imbench.data.torchvision_shim import import_torchvision
from imbench.errors import ConfigError, DataError


def _channels_first(images: Any) -> NDArray[np.uint8]:
    """Convert torchvision's (n, H, W) tensors or (n, H, W, C) arrays to shape (n, C, H, W)."""
    array = np.asarray(images)
    return array[:, None] if array.ndim == 3 else array.transpose(0, 3, 1, 2)


def _folder_of(reader: Any) -> str:
    """Return the folder that a torchvision class reads, relative to its root."""
    return str(getattr(reader, "base_folder", f"{reader.__name__}/raw"))


def _stored(reader: Any, root: Path) -> list[Any] | None:
    """Read the training and the test part from a folder. Return None if files are missing.

    Raises
    ------
    DataError
        If the files exist but cannot be read.
    """
    try:
        return [reader(root, train=train, download=False) for train in (True, False)]
    except Exception as error:
        # Missing files raise "Dataset not found". Damaged ones raise an AssertionError or a
        # RuntimeError about shapes (IDX) or an EOFError (pickle), which users cannot tell apart.
        if "not found" in str(error):
            return None
        raise _damaged(reader, root) from error


def _damaged(reader: Any, root: Path) -> DataError:
    return DataError(
        f"{reader.__name__} in {root / _folder_of(reader)} is incomplete or damaged: delete that "
        "folder and run again to download it, or set data_dir= to a folder with a whole copy."
    )


def _read(reader: Any, data_dir: str | None, download_dir: str | None) -> list[Any]:
    """Read both parts from `data_dir` if they are there, else from `download_dir`.

    Nothing is ever written to `data_dir`.
    """
    folder, local = _folder_of(reader), data_folder(data_dir)
    if local is not None and (local / folder).is_dir():
        parts = _stored(reader, local)
        if parts is None:
            raise _damaged(reader, local)
        return parts
    if download_dir is None:
        raise not_available(reader.__name__, folder, data_dir, None, "dataset.download_dir=null")
    root = Path(download_dir).expanduser()
    if (parts := _stored(reader, root)) is None:
        try:
            with downloading():
                reader(root, train=True, download=True)
        except OFFLINE as error:
            raise not_available(reader.__name__, folder, data_dir, download_dir, error) from error
        parts = _stored(reader, root)
    if parts is None:
        raise _damaged(reader, root)
    return parts


FOLDERS = {"CIFAR10": "cifar-10-batches-py", "CIFAR100": "cifar-100-python"}
"""Folders of the sources that torchvision does not store in ``<source>/raw``."""


def _source_files(
    source: str, data_dir: str | None = None, download_dir: str | None = None, **_: Any
) -> list[Path] | None:
    downloaded = None if download_dir is None else Path(download_dir).expanduser()
    for root in (data_folder(data_dir), downloaded):
        folder = root and root / FOLDERS.get(source, f"{source}/raw")
        if folder and folder.is_dir():
            return sorted(path for path in folder.iterdir() if path.is_file()) or None
    return None


@from_files(_source_files)
def load_torchvision(
    source: str,
    class_names: Sequence[str] | None = None,
    data_dir: str | None = None,
    download_dir: str | None = None,
) -> Dataset:
    """Load an image data set of torchvision with its official test set in `test_index`.

    It has no example, because it needs a network or an earlier download.

    Parameters
    ----------
    source : str
        Class of ``torchvision.datasets`` with the parameters ``root, train, download`` and the
        attributes ``data`` and ``targets``: MNIST, FashionMNIST, KMNIST, CIFAR10, CIFAR100.
    class_names : sequence of str or None
        Name of each label. None takes those of torchvision.
    data_dir : str or None
        Folder in torchvision's layout. It is read if it contains the files, and never written.
    download_dir : str or None
        Folder of earlier and new downloads.

    Raises
    ------
    ConfigError
        If torchvision is not installed, or has no such class.
    DataError
        If the images are in neither folder and cannot be downloaded, or are damaged.
    """
    if class_names and (parts := _idx_parts(source, data_dir, download_dir)) is not None:
        return _dataset(source, parts, class_names)
    require("torchvision", f"dataset.source={source}")
    datasets = import_torchvision().datasets
    reader = getattr(datasets, source, None)
    if not isinstance(reader, type):
        raise ConfigError(
            f"dataset.source={source}: torchvision.datasets has no such class"
            f"{closest(source, datasets.__all__)}."
        )
    found = _read(reader, data_dir, download_dir)
    return _dataset(source, found, class_names or found[0].classes)


def _idx_parts(source: str, data_dir: str | None, download_dir: str | None) -> list[Part] | None:
    """Return both parts from IDX files in the first folder that contains the source."""
    for root in (data_folder(data_dir), download_dir and Path(download_dir).expanduser()):
        if root and (root / source).is_dir():
            return read_parts(root / source / "raw")
    return None


def _dataset(source: str, parts: Sequence[Any], class_names: Sequence[str]) -> Dataset:
    """Join the training and the test part, each with `data` and `targets`, to one data set."""
    train, test = parts
    # Whole arrays at once instead of single images: 0.1 s for the 70,000 images of MNIST.
    images = np.concatenate([_channels_first(part.data) for part in (train, test)])
    y = np.concatenate([np.asarray(part.targets, dtype=np.int64) for part in (train, test)])
    n_rows, *shape = images.shape  # (n, C, H, W)
    return Dataset(
        name=source.lower(),
        X=images.reshape(n_rows, -1),
        y=y,
        class_names=tuple(map(str, class_names)),
        input_shape=(shape[0], shape[1], shape[2]),
        test_index=np.arange(len(train.data), n_rows),
    )
