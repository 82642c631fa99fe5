"""The store: one atomic, checksummed pair of files a fold, and nothing else is the truth.

``<results_dir>/runs/<dataset>-<model>-<label>-<run_id>/`` holds

- ``cell.json``: what the cell is (resolved configuration, label, stages);
- ``r0-f3.npz``: test rows, labels, predictions, scores and the training curve of a fold; where
  a sampler shows the rows it made, a few of them beside training rows;
- ``r0-f3.json``: everything else about the fold, and the SHA-256 of both files.

The arrays are written first and the JSON last, each to a temporary file that is renamed. A process
killed between any two instructions leaves a fold that is either complete or absent. Files of folds
that took longer than `FLUSH_FROM_S` are flushed to the disk before; a machine that loses its power
may lose the others of the last half minute, and their checksums say so. Both formats open without
imbench.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from imbench.components.hashing import canonical_json
from imbench.errors import ConfigError, DataError
from imbench.results.fold import ARRAYS, PICTURE, CellKey, CellResult, FoldResult, cell_result

FORMAT = 1


FLUSH_FROM_S = 1.0  # a flush takes 1 ms, and up to 10 beside another process that writes


class Store:
    """Reads and writes the folds under ``<results_dir>/runs``.

    Parameters
    ----------
    results_dir : Path
    runs : Path or None
        The folder of the cells itself, where it has another name.

    Raises
    ------
    ConfigError
        From :meth:`prepare`, if the folder cannot be written.
    """

    def __init__(self, results_dir: Path, runs: Path | None = None) -> None:
        self.runs = runs or results_dir / "runs"

    def prepare(self) -> None:
        """Create the folder and prove that it can be written, before anything is computed."""
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.runs):
                pass
        except OSError as error:
            raise ConfigError(
                f"results_dir={self.runs.parent} cannot be written ({error.strerror}): set "
                "results_dir= or IMBENCH_RESULTS to a folder that you may write to."
            ) from error

    def write_cell(self, key: CellKey) -> None:
        """Describe a cell; called before its first fold. An equal description is left alone."""
        path = self.runs / key.folder / "cell.json"
        content = _seal({"format": FORMAT, **dataclasses.asdict(key)})
        if not path.exists() or path.read_bytes() != content:
            _write_atomically(path, content)

    def write_fold(self, key: CellKey, result: FoldResult) -> None:
        """Store one fold, arrays first, so that the JSON is the mark of completeness."""
        stem = self._stem(key, result.repeat, result.fold)
        buffer = io.BytesIO()
        names = (*ARRAYS, *PICTURE) if len(result.picture) else ARRAYS
        np.savez(buffer, **{name: getattr(result, name) for name in names})
        arrays = buffer.getvalue()
        meta = {
            f.name: getattr(result, f.name)
            for f in dataclasses.fields(result)
            if f.name not in (*ARRAYS, *PICTURE)
        }
        meta |= {"format": FORMAT, "arrays_sha256": hashlib.sha256(arrays).hexdigest()}
        flush = result.tune_s + result.fit_s + result.predict_s >= FLUSH_FROM_S
        _write_atomically(stem.with_suffix(".npz"), arrays, flush)
        _write_atomically(stem.with_suffix(".json"), _seal(meta), flush)

    def read_fold(self, key: CellKey, repeat: int, fold: int) -> FoldResult | None:
        """Return a stored fold, or None if it is absent or damaged (it is then computed anew)."""
        try:
            return _read_fold(self._stem(key, repeat, fold))
        except (OSError, DataError):
            return None

    def write_scores(self, key: CellKey, repeat: int, fold: int, content: bytes) -> None:
        """Store the scores of :mod:`imbench.results.scores` beside a fold; they can be lost."""
        path = self._stem(key, repeat, fold).with_suffix(".scores.npz")
        _write_atomically(path, content, flush=False)

    def read_scores(self, key: CellKey, repeat: int, fold: int) -> bytes | None:
        """Return what `write_scores` wrote, or None."""
        try:
            return self._stem(key, repeat, fold).with_suffix(".scores.npz").read_bytes()
        except OSError:
            return None

    def read_cells(self) -> Iterator[CellResult | DataError]:
        """Yield every stored cell, and for what is damaged the error that says so.

        A folder that holds scores alone is no cell: its strategy ran with a decision rule only.
        """
        if not self.runs.is_dir():
            return
        for folder in sorted(p for p in self.runs.iterdir() if p.is_dir()):
            names = {path.name for path in folder.iterdir()}
            if not names or any(not name.endswith(".scores.npz") for name in names):
                yield from _read_cell(folder)

    def _stem(self, key: CellKey, repeat: int, fold: int) -> Path:
        return self.runs / key.folder / f"r{repeat}-f{fold}"


def _seal(meta: dict[str, Any]) -> bytes:
    """JSON with a checksum over its own content."""
    content = json.loads(canonical_json(meta))
    digest = hashlib.sha256(canonical_json(content)).hexdigest()
    return json.dumps({**content, "sha256": digest}, indent=1).encode()


def _unseal(path: Path) -> dict[str, Any]:
    """Read JSON that `_seal` wrote.

    Raises
    ------
    DataError
        If it is not JSON, was changed, or has another format number.
    """
    try:
        meta = json.loads(path.read_bytes())
        digest = meta.pop("sha256")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise DataError(f"{path.name} is damaged: delete it and run the command again.") from error
    if hashlib.sha256(canonical_json(meta)).hexdigest() != digest:
        raise DataError(f"{path.name} fails its checksum: delete it and run the command again.")
    if meta.pop("format") != FORMAT:
        raise DataError(f"{path.name} was written by another version: run the command again.")
    return meta


def _read_fold(stem: Path) -> FoldResult:
    meta = _unseal(stem.with_suffix(".json"))
    arrays = stem.with_suffix(".npz").read_bytes()
    if hashlib.sha256(arrays).hexdigest() != meta.pop("arrays_sha256"):
        raise DataError(f"{stem.name}.npz fails its checksum: run the command again.")
    with np.load(io.BytesIO(arrays), allow_pickle=False) as loaded:
        values = {name: loaded[name] for name in (*ARRAYS, *PICTURE) if name in loaded}
    tuples = (
        "class_names", "counts_before", "counts_after", "trained", "trials", "warnings", "notes",
    )  # fmt: skip
    try:
        meta |= {name: tuple(meta[name]) for name in tuples if name in meta}
        return FoldResult(**meta, **values)
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{stem.name}.json was written by another version: run the command again."
        ) from error


def _read_cell(folder: Path) -> Iterator[CellResult | DataError]:
    """Yield the cell with the folds that are whole, and an error for each that is damaged."""
    folds = []
    try:
        description = _unseal(folder / "cell.json")
        description["stages"] = tuple(description["stages"])
        key = CellKey(**description)
    except (OSError, DataError, KeyError, TypeError) as error:
        yield DataError(f"{folder.name}: cell.json cannot be read ({error}).")
        return
    for path in sorted(folder.glob("r*-f*.json")):
        try:
            folds.append(_read_fold(path.with_suffix("")))
        except (OSError, DataError) as error:
            yield DataError(f"{folder.name}: {error}")
    yield cell_result(key, folds)


def _write_atomically(path: Path, content: bytes, flush: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if flush:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
