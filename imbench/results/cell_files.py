"""The files of a cell and of its folds: JSON with a checksum, and arrays."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from imbench.components.damage import Damaged, digest
from imbench.components.files import replacing
from imbench.components.hashing import canonical_json
from imbench.errors import CannotWrite, DataError
from imbench.results.fold import ARRAYS, OPTIONAL, CellKey, FoldResult

FORMAT = 1


def read_fold(stem: Path) -> FoldResult:
    """Read a fold from its two files.

    Parameters
    ----------
    stem : Path
        Of both files, without their suffixes.

    Raises
    ------
    OSError
    Damaged
        If a file was changed, or the arrays are not there.
    DataError
        If another version wrote them.
    """
    meta = unseal(stem.with_suffix(".json"))
    try:
        arrays = stem.with_suffix(".npz").read_bytes()
    except FileNotFoundError:
        raise Damaged(f"{stem.name}.npz is missing") from None
    if digest(arrays) != meta.pop("arrays_sha256", None):
        raise Damaged(f"{stem.name}.npz fails its checksum")
    tuples = (
        "class_names", "rare", "counts_before", "counts_after", "trained", "trials", "warnings",
        "notes",
    )  # fmt: skip
    try:
        with np.load(io.BytesIO(arrays), allow_pickle=False) as loaded:
            values = {name: loaded[name] for name in (*ARRAYS, *OPTIONAL) if name in loaded}
        meta |= {name: tuple(meta[name]) for name in tuples if name in meta}
        return FoldResult(**meta, **values)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{stem.name}.json was written by another version: run the command again."
        ) from error


def read_key(folder: Path) -> CellKey:
    """Read ``cell.json``.

    Raises
    ------
    DataError
        If it is missing or another version wrote it.
    Damaged
        If it was changed.
    """
    where = f"{folder.name}: cell.json cannot be read"
    try:
        description = unseal(folder / "cell.json")
        description["stages"] = tuple(description["stages"])
        return CellKey(**description).of_this_version()
    except Damaged as error:
        raise Damaged(f"{where} ({str(error).rstrip('.')}).") from error
    except (OSError, DataError, KeyError, TypeError) as error:
        raise DataError(f"{where} ({error}).") from error


def seal(meta: dict[str, Any]) -> bytes:
    """Return JSON with a checksum of its content."""
    content = json.loads(canonical_json(meta))
    seal = digest(canonical_json(content))
    return json.dumps({**content, "sha256": seal}, indent=1).encode()


def unseal(path: Path) -> dict[str, Any]:
    """Read JSON that `seal` wrote.

    Raises
    ------
    OSError
    Damaged
        If it is no JSON or was changed.
    DataError
        If it has another format number.
    """
    try:
        meta = json.loads(path.read_bytes())
        seal = meta.pop("sha256")
        whole = digest(canonical_json(meta)) == seal
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        raise Damaged(f"{path.name} cannot be read: {type(error).__name__}") from error
    if not whole:
        raise Damaged(f"{path.name} fails its checksum")
    if meta.pop("format", None) != FORMAT:
        raise DataError(f"{path.name} was written by another version: run the command again.")
    return meta


def write(path: Path, content: bytes, flush: bool = True) -> None:
    """Write a file atomically.

    Raises
    ------
    CannotWrite
        If the disk is full, or the folder cannot be written.
    """
    try:
        with replacing(path, flush) as file:
            file.write(content)
    except OSError as error:
        raise CannotWrite(
            f"{path.parent} cannot be written ({error.strerror}): every finished fold is stored; "
            "make room or set results_dir= to a folder that you may write to, and run the same "
            "command again."
        ) from error
