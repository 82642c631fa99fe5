"""The store of results on disk: two files with checksums per fold, written atomically.

``<results_dir>/runs/<dataset>-<model>-<label>-<run_id>/`` contains

- ``cell.json``: the identity of the cell (resolved configuration, label, stages), and how many
  folds the largest request so far asked for;
- ``r0-f3.npz``: row numbers, labels, predictions, scores and training curve of a fold, and
  example rows if a sampler provides them;
- ``r0-f3.json``: everything else about the fold, and the SHA-256 of both files;
- ``r0-f3.scores.npz``: scores that decision rules share, with a SHA-256 at its end. They can be
  computed again.

A cell that has ended processes has ``ends.json`` as well, which says how often and by what.

The arrays are written first and the JSON file last, each to a temporary file that is renamed, so a
fold is either complete or missing whenever the process is killed. Files of folds that took longer
than `FLUSH_FROM_S` are flushed to the disk before they are renamed. A power failure may lose other
files of the last half minute, which their checksums reveal: a command that meets a damaged file
names it, renames it to ``*.damaged`` and makes it again. Both formats can be read without imbench.

Older versions made a cell of its own of every number of repeats. Their folders are read together:
what is missing in the folder of a cell is looked for in those.
"""

from __future__ import annotations

import dataclasses
import io
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imbench.components.damage import SUFFIX, Damaged, digest, set_aside
from imbench.errors import CannotWrite, ConfigError, DataError
from imbench.results.cell_files import (
    FORMAT,
    read_fold,
    read_key,
    seal,
    unseal,
    write,
)
from imbench.results.fold import (
    ARRAYS,
    BUDGET,
    OPTIONAL,
    CellKey,
    CellResult,
    FoldResult,
    cell_result,
    fold_name,
)

ASKED = ("n_folds", "sequential", "stopped")  # what ``cell.json`` says of the largest request
WAIT_S = 0.2  # another process may be between the two files of a fold
FLUSH_FROM_S = 1.0  # a flush takes 1 ms, up to 10 ms while another process writes


class Store:
    """Read and write the results under ``<results_dir>/runs``.

    Parameters
    ----------
    results_dir : Path
    runs : Path or None
        Folder of the cells, if it is not ``<results_dir>/runs``.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> store = Store(Path(folder.name))
    >>> store.prepare()
    >>> key = CellKey("0f1a", "toy", "knn", "none", (), n_folds=1, config={"seed": 0})
    >>> fold = FoldResult(
    ...     run_id="0f1a", dataset="toy", model="knn", label="none", repeat=0, fold=0,
    ...     status="ok", reason="", class_names=("no", "yes"), minority=1, y_pred=np.array([0, 1]),
    ... )
    >>> store.write_cell(key)
    >>> store.write_fold(key, fold)
    >>> store.read_fold(key, repeat=0, fold=0).y_pred
    array([0, 1])
    >>> [cell.status for cell in store.read_cells()]
    ['ok']
    >>> folder.cleanup()
    """

    def __init__(self, results_dir: Path, runs: Path | None = None) -> None:
        self.runs = runs or results_dir / "runs"
        self._former: dict[str, list[Path]] = {}

    @property
    def holds_results(self) -> bool:
        """Whether there is a folder of a cell."""
        return self.runs.is_dir() and any(self.runs.iterdir())

    def prepare(self) -> None:
        """Create the folder and check that it can be written. Called before anything runs.

        Raises
        ------
        ConfigError
            If the folder cannot be written.
        """
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
        """Write ``cell.json``, unless it says the same or more. Called before any fold.

        A request for fewer folds than were asked for before leaves their number, and one for as
        many leaves why the cell stopped.
        """
        path = self.runs / key.folder / "cell.json"
        before = self._description(key)
        if before is not None:
            more = key.n_folds - before.n_folds
            is_news = more > 0 or (more == 0 and (key.stopped or before.stopped == BUDGET))
            if not is_news:
                asked = {name: getattr(before, name) for name in ASKED}
                key = replace(key, **asked)
        content = seal({"format": FORMAT, **dataclasses.asdict(key)})
        if not path.exists() or path.read_bytes() != content:
            write(path, content)

    def write_fold(self, key: CellKey, result: FoldResult) -> None:
        """Write one fold, arrays first: a fold is complete once its JSON file exists."""
        stem = self._stem(key, result.repeat, result.fold)
        buffer = io.BytesIO()
        values = vars(result)
        names = [*ARRAYS, *(name for name in OPTIONAL if len(values[name]))]
        np.savez(buffer, **{name: values[name] for name in names})
        arrays = buffer.getvalue()
        meta = {k: value for k, value in values.items() if k not in (*ARRAYS, *OPTIONAL)}
        meta |= {"format": FORMAT, "arrays_sha256": digest(arrays)}
        flush = result.tune_s + result.fit_s + result.predict_s >= FLUSH_FROM_S
        write(stem.with_suffix(".npz"), arrays, flush)
        write(stem.with_suffix(".json"), seal(meta), flush)

    def read_fold(self, key: CellKey, repeat: int, fold: int) -> FoldResult | None:
        """Return a stored fold, or None if it is missing or damaged and must be computed.

        Damaged files are set aside.
        """
        for folder in (self.runs / key.folder, *self._former_folders(key)):
            stem = folder / fold_name(repeat, fold)
            try:
                found = _read_settled_fold(stem)
            except Damaged as error:
                json, arrays = stem.with_suffix(".json"), stem.with_suffix(".npz")
                set_aside(json, str(error), beside=arrays)
                continue
            except (OSError, DataError):
                continue
            return found if found.run_id == key.run_id else replace(found, run_id=key.run_id)
        return None

    def stamp(self, key: CellKey, repeat: int, fold: int) -> tuple[int, int] | None:
        """Return what changes when a fold is stored (again); None if it is not stored."""
        try:
            found = self._stem(key, repeat, fold).with_suffix(".json").stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def write_scores(self, key: CellKey, repeat: int, fold: int, content: bytes) -> None:
        """Write the scores of :mod:`imbench.results.scores` of a fold, without a flush.

        They can be computed again: where the disk is full they are left out.
        """
        with suppress(CannotWrite):
            write(self._scores(key, repeat, fold), content, flush=False)

    def read_scores(self, key: CellKey, repeat: int, fold: int) -> bytes | None:
        """Return the bytes that :meth:`write_scores` wrote, or None."""
        try:
            return self._scores(key, repeat, fold).read_bytes()
        except OSError:
            return None

    def write_ends(self, key: CellKey, ends: Sequence[Mapping[str, Any]]) -> None:
        """Write in ``ends.json`` what has ended processes that ran a cell; nothing removes it."""
        path = self.runs / key.folder / "ends.json"
        if ends:
            write(path, seal({"format": FORMAT, "ends": list(ends)}))
        else:
            path.unlink(missing_ok=True)

    def read_ends(self, key: CellKey) -> list[dict[str, Any]]:
        """Return what :meth:`write_ends` wrote; nothing where it is missing or damaged."""
        try:
            return list(unseal(self.runs / key.folder / "ends.json")["ends"])
        except (OSError, DataError, KeyError, TypeError):
            return []

    def forget_scores(self, key: CellKey, repeat: int, fold: int, seen: bytes) -> None:
        """Set scores aside that are damaged."""
        set_aside(self._scores(key, repeat, fold), "fails its checksum", seen)

    def read_cells(self) -> Iterator[CellResult | DataError]:
        """Yield all stored cells, and an error for each damaged file.

        Folders that contain scores only are skipped: their strategy ran only in combination with
        a decision rule, which has a folder of its own.
        """
        if not self.runs.is_dir():
            return
        found: dict[str, list[tuple[Path, CellKey]] | DataError] = {}
        for folder in sorted(p for p in self.runs.iterdir() if p.is_dir()):
            names = {path.name.removesuffix(SUFFIX) for path in folder.iterdir()}
            if not names or any(not name.endswith(".scores.npz") for name in names):
                try:
                    key = read_key(folder)
                except DataError as error:
                    found[folder.name] = error
                else:
                    together = found.setdefault(key.folder, [])
                    assert isinstance(together, list)
                    together.append((folder, key))
        for folders in found.values():
            if isinstance(folders, DataError):
                yield folders
            else:
                yield from _read_cell(folders)

    def read_cell(self, folder: str) -> Iterator[CellResult | DataError]:
        """Yield one stored cell, by the name of its folder, and an error per damaged fold."""
        try:
            folders = [(self.runs / folder, read_key(self.runs / folder))]
        except DataError as error:
            yield error
            return
        for path in self._former_folders(folders[0][1]):
            with suppress(DataError):
                folders.append((path, read_key(path)))
        yield from _read_cell(folders)

    def whole(self, cell: CellResult) -> CellResult:
        """Return all that is stored of a cell, of which a command may have asked for less."""
        before = self._description(cell.key)
        if before is None or before.n_folds <= cell.n_folds:
            return cell
        stored = (c for c in self.read_cell(cell.key.folder) if isinstance(c, CellResult))
        return next(stored, cell)

    def _description(self, key: CellKey) -> CellKey | None:
        """Return what is stored of a cell beside its folds: of the largest request."""
        found = []
        for folder in (self.runs / key.folder, *self._former_folders(key)):
            try:
                found.append(read_key(folder))
            except Damaged as error:
                set_aside(folder / "cell.json", str(error))
            except DataError:
                continue
        return max(found, key=lambda k: k.n_folds, default=None)

    def _former_folders(self, key: CellKey) -> list[Path]:
        """Return the folders of older versions that there are; new ones are never made."""
        if key.folder not in self._former:
            folders = [self.runs / name for name in key.former_folders]
            self._former[key.folder] = [path for path in folders if path.is_dir()]
        return self._former[key.folder]

    def _stem(self, key: CellKey, repeat: int, fold: int) -> Path:
        return self.runs / key.folder / fold_name(repeat, fold)

    def _scores(self, key: CellKey, repeat: int, fold: int) -> Path:
        return self._stem(key, repeat, fold).with_suffix(".scores.npz")


def _read_settled_fold(stem: Path) -> FoldResult:
    """Read a fold, once more if another process may be writing it."""
    try:
        return read_fold(stem)
    except Damaged:
        time.sleep(WAIT_S)
        return read_fold(stem)


def _read_cell(folders: Sequence[tuple[Path, CellKey]]) -> Iterator[CellResult | DataError]:
    """Yield an error for each damaged fold, then the cell with all others.

    Parameters
    ----------
    folders : sequence of (Path, CellKey)
        Those of the cell; a fold that several of them hold is taken from the first.
    """
    folds: dict[tuple[int, int], FoldResult] = {}
    for folder, key in folders:
        for path in sorted(folder.glob("r*-f*.json")):
            try:
                fold = read_fold(path.with_suffix(""))
            except Damaged as error:
                yield Damaged(f"{folder.name}: {error}: run the command again, it makes it anew.")
                continue
            except (OSError, DataError) as error:
                yield DataError(f"{folder.name}: {error}")
                continue
            known = folds.get((fold.repeat, fold.fold))
            if known is None or known.status != "ok":
                folds[fold.repeat, fold.fold] = replace(fold, run_id=key.run_id)
    asked = max((key for _, key in folders), key=lambda key: key.n_folds)
    yield cell_result(asked, list(folds.values()))
