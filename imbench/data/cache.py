"""Parsed data sets, kept by the content of the files that they come from.

An entry has two files, named by a hash over everything that decides the data set: its node of
the configuration, the content of its files, and the code and the packages that read them.

- ``<key>.json``: the facts that tell what it is, fingerprint included, under a checksum;
- ``<key>.npz``: the arrays, which have to give that fingerprint again. Data sets that are made
  in memory have none, only their facts are worth keeping.

What is damaged is treated as absent and written anew, hence no file is flushed to the disk. The
folder is ``IMBENCH_CACHE``, by default ``imbench`` in ``XDG_CACHE_HOME`` or ``~/.cache``; it can
be deleted at any time, and whatever was not read for longest is deleted above `MAX_BYTES`.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np

from imbench.components.construct import TARGET, is_component, locate
from imbench.components.hashing import run_id_of
from imbench.components.names import current_path
from imbench.data.dataset import Dataset
from imbench.errors import ImbenchError

MAX_BYTES = 4 * 2**30
READ_BY = ("imbalanced-learn", "numpy", "pandas", "pyarrow", "scikit-learn", "torchvision")
PLACES = ("about", "data_dir", "download_dir", "path")  # say where, not what
ARRAYS = ("X", "y", "test_index")
FACTS = "source_files"  # attribute of a loader
_log = logging.getLogger(__name__)

Loader = TypeVar("Loader", bound=Callable[..., Dataset])
FindFiles = Callable[..., Sequence[Path] | None]


@dataclass(frozen=True)
class Facts:
    """What names the results of a data set.

    Parameters
    ----------
    name, fingerprint : str
        As of :class:`imbench.data.dataset.Dataset`.
    """

    name: str
    fingerprint: str


def from_files(find: FindFiles) -> Callable[[Loader], Loader]:
    """Declare which files a loader's data set depends on, which lets it be cached.

    Parameters
    ----------
    find : callable
        Called with the loader's parameters; returns every file that is read, () if the
        parameters alone decide, and None if this data set must not be cached.
    """

    def mark(loader: Loader) -> Loader:
        setattr(loader, FACTS, find)
        return loader

    return mark


def cache_dir() -> Path:
    """Return the folder of the cache; it need not exist."""
    if named := os.environ.get("IMBENCH_CACHE"):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "imbench"


def key_of(cfg: Mapping[str, Any]) -> str | None:
    """Return the name of a data set's entry, None where it cannot be cached.

    That is so for loaders and imbalances of the user's own, whose code may change, and where the
    files are not there: the loader will say so.

    Parameters
    ----------
    cfg : mapping
        As for :func:`imbench.data.load.load_dataset`.
    """
    imbalance = cfg.get("imbalance") or {}
    if imbalance and not _is_ours(imbalance):
        return None
    if any(is_component(value) for key, value in cfg.items() if key != "imbalance"):
        return None
    try:
        cache_dir()
        find = getattr(locate(str(cfg.get(TARGET)), "dataset"), FACTS, None)
        files = find(**_parameters(cfg)) if find is not None else None
        contents = None if files is None else [(f.name, file_hash(f)) for f in files]
    except (ImbenchError, OSError, TypeError, ValueError, RuntimeError):
        return None  # RuntimeError: there is no home directory, hence no place for a cache
    if contents is None:
        return None
    node = {key: value for key, value in cfg.items() if key not in PLACES}
    return run_id_of({"node": node, "files": contents, "read_by": _readers()})


def _is_ours(node: object) -> bool:
    return isinstance(node, Mapping) and current_path(str(node.get(TARGET))).startswith(
        "imbench.data."
    )


def _parameters(cfg: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in cfg.items() if k not in (TARGET, "about", "name", "imbalance")}


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hex; a file that has not changed is read once a process."""
    stat = path.stat()
    return _file_hash(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _file_hash(path: Path, inode: int, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _readers() -> dict[str, str]:
    """Return a hash of the code that makes data sets, and the versions of what it calls."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    versions = {"code": code.hexdigest()}
    for package in READ_BY:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions


def facts_of(cfg: Mapping[str, Any]) -> Facts | None:
    """Return what is known of a data set without loading it, None if nothing is."""
    key = key_of(cfg)
    meta = None if key is None else _read_meta(_entry(key, ".json"))
    return None if meta is None else Facts(meta["name"], meta["fingerprint"])


def read(key: str) -> Dataset | None:
    """Return a data set of the cache, None if it is absent or damaged."""
    path = _entry(key, ".npz")
    meta = _read_meta(_entry(key, ".json"))
    if meta is None or not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as loaded:
            arrays = {name: loaded[name] for name in ARRAYS if name in loaded}
        data = Dataset(
            name=meta["name"],
            class_names=tuple(meta["class_names"]),
            feature_names=tuple(meta["feature_names"]),
            input_shape=None if meta["input_shape"] is None else tuple(meta["input_shape"]),
            categories={column: tuple(names) for column, names in meta["categories"]},
            **arrays,
        )
        whole = data.fingerprint == meta["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, ImbenchError):
        whole = False
    if not whole:
        _log.info("%s is damaged: the data set is read from its source again.", path)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # the time of the last use
    return data


def write(key: str, data: Dataset, with_arrays: bool = True) -> None:
    """Store a data set; a folder that cannot be written to is no error.

    Parameters
    ----------
    key : str
    data : Dataset
    with_arrays : bool, default=True
        False keeps the facts alone.
    """
    meta = {
        "name": data.name,
        "fingerprint": data.fingerprint,
        "class_names": data.class_names,
        "feature_names": data.feature_names,
        "input_shape": data.input_shape,
        "categories": [[column, names] for column, names in data.categories.items()],
    }
    arrays = {n: getattr(data, n) for n in ARRAYS if getattr(data, n) is not None}
    n_bytes = sum(array.nbytes for array in arrays.values())
    try:
        if with_arrays and n_bytes <= MAX_BYTES:
            _make_room(n_bytes)
            with _replacing(_entry(key, ".npz")) as file:
                np.savez(file, **arrays)
        with _replacing(_entry(key, ".json")) as file:
            file.write(_with_checksum(meta))
    except OSError as error:
        _log.info("%s cannot be written (%s): data sets are not cached.", cache_dir(), error)


def is_made_in_memory(cfg: Mapping[str, Any]) -> bool:
    """Whether the parameters of a data set that has a key decide it alone."""
    find = getattr(locate(str(cfg[TARGET]), "dataset"), FACTS)
    return not find(**_parameters(cfg))


def _entry(key: str, suffix: str) -> Path:
    return cache_dir() / "datasets" / f"{key}{suffix}"


def _with_checksum(meta: Mapping[str, Any]) -> bytes:
    text = json.dumps(meta).encode()
    return hashlib.sha256(text).hexdigest().encode() + b"\n" + text


def _read_meta(path: Path) -> dict[str, Any] | None:
    try:
        digest, _, text = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if hashlib.sha256(text).hexdigest().encode() != digest:
        _log.info("%s is damaged: the data set is read from its source again.", path)
        return None
    meta: dict[str, Any] = json.loads(text)
    return meta


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file that other processes see whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _make_room(n_bytes: int) -> None:
    """Delete the arrays that were not read for longest until so many bytes are below the limit."""
    found = []
    for path in (cache_dir() / "datasets").glob("*.npz"):
        with contextlib.suppress(FileNotFoundError):  # another process made room
            found.append((path.stat().st_mtime, path.stat().st_size, path))
    total = n_bytes + sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= MAX_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= size
