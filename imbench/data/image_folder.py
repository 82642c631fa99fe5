"""A folder of images: one folder a class, in it files that Pillow reads."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imbench.components.override import override
from imbench.data.cache import from_files
from imbench.data.dataset import Dataset
from imbench.data.notices import Notice, listed
from imbench.data.places import find_folder
from imbench.errors import ConfigError, DataError

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff")
TRAIN, TEST = "train", "test"  # folders of an official split
GREY = ("1", "L", "LA", "La")  # modes of Pillow
ALPHA = ("RGBA", "RGBa", "LA", "La", "PA")
DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # more than 8 bits a channel
OF_SYSTEMS = ("thumbs.db", "desktop.ini")  # files that file managers write
ORIENTATION, TURNED = 274, (5, 6, 7, 8)  # the tag of EXIF, and its values for height by width
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)
SHOWN = 3


@dataclass(frozen=True, eq=False)
class Listing:
    """The files of a folder of images.

    Parameters
    ----------
    images : tuple of Path
        In the order of the rows.
    classes : tuple of str
        Class of each image.
    n_train : int or None
        Images that are trained on, which come first; None if there is no official split.
    others : tuple of Path
        Files that are no images.
    """

    images: tuple[Path, ...]
    classes: tuple[str, ...]
    n_train: int | None
    others: tuple[Path, ...]


@dataclass(frozen=True)
class Header:
    """What is known of an image before its pixels are read."""

    mode: str
    size: tuple[int, int]
    has_alpha: bool
    has_frames: bool


def _source_files(
    path: str | None = None, data_dir: str | None = None, **_: Any
) -> tuple[Path, ...] | None:
    if not path:
        return None
    found = list_images(find_folder(str(path), data_dir), f"dataset.path={path}")
    return (*found.images, *found.others)


@from_files(_source_files)
def load_image_folder(
    path: str | None = None,
    size: Sequence[int] | None = None,
    channels: int | None = None,
    data_dir: str | None = None,
) -> Dataset:
    """Load a folder of images. Its name is the name of the folder.

    Parameters
    ----------
    path : str
        Folder with one folder for each class, or with the folders ``train`` and ``test`` of such
        folders: then the images of ``test`` are the official test set. It is looked up in the
        working directory, then in `data_dir`.
    size : list of int or None
        ``[height, width]`` to which all images are scaled. None takes their own, which must agree.
    channels : {1, 3} or None
        Grey or colour. None is grey if all images are.
    data_dir : str or None
        Folder of local data.

    Raises
    ------
    ConfigError, DataError
        If a value is refused, the folder has no images of two classes, or one cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, grey in (("cat", 10), ("dog", 200)):
    ...         Path(folder, name).mkdir()
    ...         Image.new("L", (3, 2), grey).save(Path(folder, name, "1.png"))
    ...     data = load_image_folder(folder)
    >>> data.class_names, data.input_shape, data.X[:, 0].tolist()
    (('cat', 'dog'), (1, 2, 3), [10, 200])
    """
    from imbench.data.names import sorted_names

    _check_values(path, size, channels)
    folder = find_folder(str(path), data_dir)
    where = f"dataset.path={path}"
    found = list_images(folder, where)
    headers = _headers(found.images, folder, where)
    height, width = _common_size(headers, where) if size is None else (size[0], size[1])
    n_channels = channels or (1 if all(header.mode in GREY for header in headers) else 3)
    names = sorted_names(found.classes)
    place = {name: label for label, name in enumerate(names)}
    y = np.array([place[name] for name in found.classes], np.int64)
    return Dataset(
        name=folder.resolve().name,
        X=_pixels(found.images, (n_channels, height, width), folder, where),
        y=y,
        class_names=names,
        input_shape=(n_channels, height, width),
        test_index=_tested(found, y, names, where),
        notices=tuple(_notices(found, headers, folder)),
    )


def _check_values(path: str | None, size: Sequence[int] | None, channels: int | None) -> None:
    """Raise ConfigError if the path is missing, or a value is none of those allowed."""
    if not path:
        raise ConfigError(
            "dataset.path is missing: set dataset.path=FOLDER, with a folder a class."
        )
    is_pair = isinstance(size, list | tuple) and len(size) == 2
    if size is not None and not (
        is_pair and all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in size)
    ):
        raise ConfigError(
            f"dataset.size={size}: must be height and width, such as 'dataset.size=[32,32]', or "
            "null."
        )
    if channels not in (None, 1, 3):
        raise ConfigError(
            f"dataset.channels={channels}: must be 1 (grey), 3 (colour) or null; set "
            "dataset.channels=3."
        )


def list_images(folder: Path, where: str) -> Listing:
    """Find the images of each class, those of the official test set last.

    Parameters
    ----------
    folder : Path
    where : str
        What the user calls it, for messages.

    Raises
    ------
    DataError
        If there is no folder for each of two classes, or one of them is empty or has folders.
    """
    folders = {entry.name: entry for entry in _entries(folder) if entry.is_dir()}
    parts = {name.casefold(): entry for name, entry in folders.items()}
    has_split = {TRAIN, TEST} <= set(parts) and all(
        any(entry.is_dir() for entry in _entries(parts[part])) for part in (TRAIN, TEST)
    )
    others = [entry for entry in _entries(folder) if entry.is_file()]
    if not has_split:
        found = _of_classes(folder, where, others)
        images, classes = zip(*found, strict=True)
        return Listing(images, classes, None, tuple(others))
    if odd := [name for name in folders if name.casefold() not in (TRAIN, TEST)]:
        raise DataError(
            f"{where}: has the folder {odd[0]!r} beside train and test; move its images into one "
            "of them, or the folder out of this one."
        )
    train, test = (_of_classes(parts[part], where, others) for part in (TRAIN, TEST))
    images, classes = zip(*train, *test, strict=True)
    return Listing(images, classes, len(train), tuple(others))


def _entries(folder: Path) -> list[Path]:
    """Return what a folder holds, by name, without what is hidden or made by file managers."""
    return sorted(
        entry
        for entry in folder.iterdir()
        if not entry.name.startswith((".", "__MACOSX")) and entry.name.lower() not in OF_SYSTEMS
    )


def _of_classes(folder: Path, where: str, others: list[Path]) -> list[tuple[Path, str]]:
    """Return the images of a folder with their classes, and add other files to `others`."""
    found = []
    classes = [entry for entry in _entries(folder) if entry.is_dir()]
    if len(classes) < 2:
        has = f"has one folder, {classes[0].name!r}" if classes else "has no folders"
        raise DataError(
            f"{where}: {has}, and needs one for each class, in {folder}, with its images; give a "
            "folder that has them."
        )
    for entry in classes:
        files = [path for path in _entries(entry) if not path.is_dir()]
        if nested := [path for path in _entries(entry) if path.is_dir()]:
            raise DataError(
                f"{where}: the folder {entry.name!r} of a class holds the folder "
                f"{nested[0].name!r}; put images right into the folder of their class, or set "
                f"{override('dataset.path', str(entry))} if the classes are there."
            )
        images = [path for path in files if path.suffix.lower() in SUFFIXES]
        if not images:
            raise DataError(
                f"{where}: the folder {entry.name!r} holds no image ({', '.join(SUFFIXES)}); "
                "remove it, or put images into it."
            )
        others += [path for path in files if path.suffix.lower() not in SUFFIXES]
        found += [(path, entry.name.strip()) for path in images]
    return found


def _headers(images: Sequence[Path], folder: Path, where: str) -> list[Header]:
    """Return what is known of the images without their pixels.

    Raises
    ------
    DataError
        If some cannot be read, or have more than 8 bits a channel.
    """
    from PIL import Image

    found, broken = [], []
    for path in images:
        try:
            with Image.open(path) as image:
                found.append(_header(image))
        except (*DAMAGED, Image.DecompressionBombError):
            broken.append(path)
    _raise_if_broken(broken, len(images), folder, where)
    if deep := [path for path, h in zip(images, found, strict=True) if h.mode in DEEP]:
        raise DataError(
            f"{where}: {len(deep)} of {len(images)} images have more than 8 bits a channel "
            f"({_named(deep, folder)}); convert them to 8 bits."
        )
    return found


def _header(image: Image.Image) -> Header:
    width, height = image.size
    if image.getexif().get(ORIENTATION) in TURNED:
        width, height = height, width
    has_alpha = image.mode in ALPHA or "transparency" in image.info
    return Header(image.mode, (height, width), has_alpha, getattr(image, "is_animated", False))


def _raise_if_broken(broken: Sequence[Path], n: int, folder: Path, where: str) -> None:
    if broken:
        raise DataError(
            f"{where}: {len(broken)} of {n} images cannot be read ({_named(broken, folder)}); "
            "replace or remove them."
        )


def _named(paths: Sequence[Path], folder: Path) -> str:
    return listed([path.relative_to(folder).as_posix() for path in paths], SHOWN)


def _common_size(headers: Sequence[Header], where: str) -> tuple[int, int]:
    """Return the height and width of all images.

    Raises
    ------
    DataError
        If they differ.
    """
    sizes = Counter(header.size for header in headers)
    (most, _), *rest = sizes.most_common()
    if not rest:
        return most
    some = ", ".join(f"{h} x {w} ({n} images)" for (h, w), n in sizes.most_common(SHOWN))
    raise DataError(
        f"{where}: images have {len(sizes)} sizes (height x width), such as {some}; set "
        f"'dataset.size=[{most[0]},{most[1]}]' to scale all of them to one."
    )


def _pixels(
    images: Sequence[Path], shape: tuple[int, int, int], folder: Path, where: str
) -> NDArray[np.uint8]:
    """Return the pixels of all images, shape (n, channels * height * width).

    Raises
    ------
    DataError
        If some cannot be read.
    """
    from PIL import Image, ImageOps

    channels, height, width = shape
    X = np.empty((len(images), channels, height, width), np.uint8)
    broken = []
    for row, path in zip(X, images, strict=True):
        try:
            with Image.open(path) as image:
                upright = ImageOps.exif_transpose(image)
                plain = upright.convert("L" if channels == 1 else "RGB")
                if plain.size != (width, height):
                    plain = plain.resize((width, height), Image.Resampling.BILINEAR)
                pixels = np.asarray(plain)
        except (*DAMAGED, Image.DecompressionBombError):
            broken.append(path)
            continue
        row[:] = pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
    _raise_if_broken(broken, len(images), folder, where)
    return X.reshape(len(images), -1)


def _notices(found: Listing, headers: Sequence[Header], folder: Path) -> list[Notice]:
    """Return what was left out of the files."""
    notices = []
    if found.n_train is not None:
        notices.append(Notice("test", "the images in the folder test are tested."))
    if found.others:
        n = len(found.others)
        which = f"1 file is no image ({_named(found.others, folder)}) and was"
        if n > 1:
            which = f"{n} files are no images ({_named(found.others, folder)}) and were"
        notices.append(Notice("ignored-files", f"{which} left out."))
    framed = [path for path, h in zip(found.images, headers, strict=True) if h.has_frames]
    if framed:
        words = f"{_images(framed)} several frames, of which the first was read"
        notices.append(Notice("several-frames", f"{words} ({_named(framed, folder)})."))
    clear = [path for path, h in zip(found.images, headers, strict=True) if h.has_alpha]
    if clear:
        words = f"{_images(clear)} transparent pixels, which were read without transparency"
        notices.append(Notice("transparent-pixels", f"{words} ({_named(clear, folder)})."))
    return notices


def _images(paths: Sequence[Path]) -> str:
    return "1 image has" if len(paths) == 1 else f"{len(paths)} images have"


def _tested(
    found: Any, y: NDArray[np.int64], names: Sequence[str], where: str
) -> NDArray[np.int64] | None:
    """Return the rows of the official test set, None if there is none."""
    from imbench.data.roles import untrained

    if found.n_train is None:
        return None
    tested = np.arange(found.n_train, len(y))
    if problem := untrained(TEST, y, tested, names):
        raise DataError(problem.replace(f"dataset.test={TEST}", where))
    return tested
