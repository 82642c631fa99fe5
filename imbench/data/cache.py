"""Cache of parsed data sets on disk, keyed by the content of their source files.

The key is a hash of everything that determines the data set: its node of the configuration, the
content of its files, and the code and package versions that read them. An entry has two files:

- ``<key>.json``: the metadata, fingerprint included, with a checksum;
- ``<key>.npz``: the arrays, verified against the fingerprint when they are read. Data sets that
  are generated in memory have no such file, because generating them is as fast as reading.

Damaged entries are named, set aside and written again, so files need no flush to the disk. The
folder is ``IMBENCH_CACHE``, by default ``imbench`` in ``XDG_CACHE_HOME`` or ``~/.cache``. It can
be deleted at any time. Above `MAX_BYTES` the least recently used arrays are deleted.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, ParamSpec

import numpy as np

from imbench.components.construct import Component
from imbench.components.damage import SUFFIX, Damaged, digest, set_aside
from imbench.components.files import replacing
from imbench.components.hashing import run_id_of
from imbench.components.names import current_path
from imbench.data.dataset import ARRAYS, Dataset
from imbench.data.notices import Notice
from imbench.data.spec import DatasetSpec
from imbench.errors import ImbenchError

MAX_BYTES = 4 * 2**30
READ_BY = (
    "imbalanced-learn", "numpy", "openpyxl", "pandas", "pillow", "pyarrow", "scikit-learn",
    "torchvision",
)  # fmt: skip
META = (
    "name", "fingerprint", "class_names", "feature_names", "input_shape", "categories", "notices",
    "cut",
)  # fmt: skip
PLACES = ("about", "data_dir", "download_dir", "path")  # keys that do not change the data
_log = logging.getLogger(__name__)

P = ParamSpec("P")
FindFiles = Callable[..., Sequence[Path] | None]


@dataclass(frozen=True)
class Facts:
    """Name and fingerprint of a data set, which run ids depend on.

    Parameters
    ----------
    name, fingerprint : str
        See :class:`imbench.data.dataset.Dataset`.
    """

    name: str
    fingerprint: str


class CachedLoader(Generic[P]):
    """A loader whose data sets can be cached, made by :func:`from_files`.

    Parameters
    ----------
    load : callable
        Returns a `Dataset`. Calling the instance calls it.
    files : callable
        See :func:`from_files`.
    """

    def __init__(self, load: Callable[P, Dataset], files: FindFiles) -> None:
        functools.update_wrapper(self, load)
        self.load = load
        self.files = files

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Dataset:
        """Load the data set."""
        return self.load(*args, **kwargs)

    def __reduce__(self) -> str:
        """Pickle by reference, as functions are."""
        return self.load.__qualname__


def from_files(files: FindFiles) -> Callable[[Callable[P, Dataset]], CachedLoader[P]]:
    """Declare the files that a loader reads, so that its data sets can be cached.

    Parameters
    ----------
    files : callable
        Called with the parameters of the loader. Returns all files that the loader reads, ``()``
        if the data set depends on the parameters alone, or None if it must not be cached.

    Examples
    --------
    >>> import numpy as np
    >>> @from_files(lambda path: (Path(path),))
    ... def load_column(path):
    ...     X = np.loadtxt(path, ndmin=2)
    ...     return Dataset(name="column", X=X, y=np.arange(len(X)) % 2, class_names=("a", "b"))
    >>> load_column.files(path="column.txt")[0].name
    'column.txt'
    """

    def decorate(load: Callable[P, Dataset]) -> CachedLoader[P]:
        return CachedLoader(load, files)

    return decorate


def cache_dir() -> Path:
    """Return the folder of the cache, which may not exist yet."""
    if named := os.environ.get("IMBENCH_CACHE"):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "imbench"


def key_of(spec: DatasetSpec) -> str | None:
    """Return the cache key of a data set, or None if it cannot be cached.

    User-defined loaders and imbalances are not cached, because changes of their code would go
    unnoticed. If a file is missing the key is None too, and the loader raises the error.
    """
    if spec.imbalance is not None and not _is_ours(spec.imbalance):
        return None
    if any(isinstance(value, Component) for value in spec.source.parameters.values()):
        return None
    try:
        cache_dir()
        loader = spec.source.target
        parameters = spec.source.parameters
        files = loader.files(**parameters) if isinstance(loader, CachedLoader) else None
        contents = None if files is None else _contents(files)
    except (ImbenchError, OSError, TypeError, ValueError, RuntimeError):
        return None  # Path.expanduser raises RuntimeError if there is no home directory
    if contents is None:
        return None
    node = {key: value for key, value in spec.node.items() if key not in PLACES}
    return run_id_of({"node": node, "files": contents, "read_by": _readers()})


def _contents(files: Sequence[Path]) -> list[tuple[str, str]]:
    """Return names and hashes; of several files the names of their folders too, which may tell."""
    if len(files) < 2:
        return [(file.name, file_hash(file)) for file in files]
    paths = [file.absolute() for file in files]
    root = Path(os.path.commonpath([path.parent for path in paths])).parent
    return [(path.relative_to(root).as_posix(), file_hash(path)) for path in paths]


def _is_ours(component: Component) -> bool:
    return current_path(component.path).startswith("imbench.data.")


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hex. Unchanged files are read once per process."""
    stat = path.stat()
    return _file_hash(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=2**18)
def _file_hash(path: Path, inode: int, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def _readers() -> dict[str, str]:
    """Return a hash of the source code of this package and the versions of its dependencies."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    versions = {"code": code.hexdigest()}
    for package in READ_BY:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions


def facts_of(spec: DatasetSpec) -> Facts | None:
    """Return name and fingerprint of a cached data set without loading it, or None."""
    key = key_of(spec)
    meta = None if key is None else _meta_of(key)
    return None if meta is None else Facts(meta["name"], meta["fingerprint"])


def read(key: str) -> Dataset | None:
    """Return a data set from the cache, or None if it is missing or damaged.

    What is damaged is set aside.
    """
    path = _entry(key, ".npz")
    meta = _meta_of(key)
    if meta is None:
        return None
    try:
        data = _read_data(path, meta)
    except (FileNotFoundError, PermissionError):
        return None
    except Damaged as error:
        set_aside(path, str(error))
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # the modification time is the time of the last use
    return data


def damaged_files() -> list[tuple[Path, str]]:
    """Return the damaged files of the cache, and what is wrong with each. Nothing is changed.

    Entries that a version of imbench with other metadata wrote are left out: no run reads them.
    """
    found = []
    for path in sorted((cache_dir() / "datasets").glob("*.json")):
        arrays = path.with_suffix(".npz")
        at_fault = path
        try:
            meta = _read_meta(path)
            if not meta.keys() >= set(META):
                continue
            at_fault = arrays
            _read_data(arrays, meta)
        except (FileNotFoundError, PermissionError):
            continue
        except Damaged as error:
            found.append((at_fault, str(error)))
    return found


def _read_data(path: Path, meta: Mapping[str, Any]) -> Dataset:
    """Read the arrays of an entry.

    Raises
    ------
    FileNotFoundError, PermissionError
    Damaged
        If they are not those of the fingerprint. A damaged file can raise anything: of 4,000
        flipped bits some made zipfile raise NotImplementedError or RuntimeError.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as loaded:
            arrays = {name: loaded[name] for name in ARRAYS if name in loaded}
        data = Dataset(
            name=meta["name"],
            class_names=tuple(meta["class_names"]),
            feature_names=tuple(meta["feature_names"]),
            input_shape=None if meta["input_shape"] is None else tuple(meta["input_shape"]),
            categories={column: tuple(names) for column, names in meta["categories"]},
            notices=tuple(Notice(*parts) for parts in meta["notices"]),
            cut=tuple(meta["cut"]),
            **arrays,
        )
        whole = data.fingerprint == meta["fingerprint"]
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        raise Damaged(f"cannot be read: {type(error).__name__}") from error
    if not whole:
        raise Damaged("fails its checksum")
    return data


def write(key: str, data: Dataset, with_arrays: bool = True) -> None:
    """Write a data set to the cache. A folder that cannot be written is logged, not an error.

    Parameters
    ----------
    key : str
    data : Dataset
    with_arrays : bool, default=True
        False writes the metadata only.
    """
    meta = {
        "name": data.name,
        "fingerprint": data.fingerprint,
        "class_names": data.class_names,
        "feature_names": data.feature_names,
        "input_shape": data.input_shape,
        "categories": [[column, names] for column, names in data.categories.items()],
        "notices": [[n.code, n.words, n.column] for n in data.notices],
        "cut": data.cut,
    }
    arrays = {n: getattr(data, n) for n in ARRAYS if getattr(data, n) is not None}
    n_bytes = sum(array.nbytes for array in arrays.values())
    try:
        if with_arrays and n_bytes <= MAX_BYTES:
            _delete_least_recently_used(n_bytes)
            with replacing(_entry(key, ".npz")) as file:
                np.savez(file, **arrays)
        with replacing(_entry(key, ".json")) as file:
            file.write(_with_checksum(meta))
    except OSError as error:
        _log.info("%s cannot be written (%s): data sets are not cached.", cache_dir(), error)


def is_made_in_memory(spec: DatasetSpec) -> bool:
    """Return whether a loader reads no file, so that its parameters determine the data set."""
    loader = spec.source.target
    return isinstance(loader, CachedLoader) and not loader.files(**spec.source.parameters)


def _entry(key: str, suffix: str) -> Path:
    return cache_dir() / "datasets" / f"{key}{suffix}"


def _with_checksum(meta: Mapping[str, Any]) -> bytes:
    text = json.dumps(meta).encode()
    return digest(text).encode() + b"\n" + text


def _meta_of(key: str) -> dict[str, Any] | None:
    """Return the metadata of an entry, None if they are missing or damaged."""
    path = _entry(key, ".json")
    try:
        return _read_meta(path)
    except OSError:
        return None
    except Damaged as error:
        set_aside(path, str(error))
        return None


def _read_meta(path: Path) -> dict[str, Any]:
    """Read the metadata of an entry.

    Raises
    ------
    OSError
    Damaged
        If they fail their checksum.
    """
    stored, _, text = path.read_bytes().partition(b"\n")
    if digest(text).encode() != stored:
        raise Damaged("fails its checksum")
    meta: dict[str, Any] = json.loads(text)
    return meta


def _delete_least_recently_used(n_bytes: int) -> None:
    """Delete the least recently used arrays until `n_bytes` more fit below the limit."""
    found = []
    folder = cache_dir() / "datasets"
    for path in (*folder.glob("*.npz"), *folder.glob(f"*.npz{SUFFIX}")):
        with contextlib.suppress(FileNotFoundError):  # deleted by another process
            found.append((path.stat().st_mtime, path.stat().st_size, path))
    total = n_bytes + sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= MAX_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= size
