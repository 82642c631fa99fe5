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
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imbench.errors import ConfigError, DataError

Status = Literal["ok", "skipped", "failed"]
ARRAYS = ("test_index", "y_true", "y_pred", "y_score", "history")
PICTURE = ("picture", "picture_y", "picture_made")  # absent from a file where there is none
FORMAT = 1
FLUSH_FROM_S = 1.0  # a flush takes 1 ms, and up to 10 beside another process that writes


@dataclass(frozen=True, eq=False)
class FoldResult:
    """What one fold of one cell gave. Every metric, plot and verdict is derived from it.

    Parameters
    ----------
    run_id, dataset, model, label : str
        The cell; ``label`` is the strategy's, for example ``smote+focal+threshold``.
    repeat, fold : int
        Position in the repeated cross-validation, from 0.
    status : {"ok", "skipped", "failed"}
    reason : str
        One sentence if the status is not ``ok``.
    class_names : tuple of str
    minority : int
        Label of the class that ``f1_minority`` is about.
    fit_s, predict_s : float
        Wall-clock seconds.
    n_together : int
        Folds that were fitted side by side; ``fit_s`` is the time of all divided by it.
    n_replayed : int
        Fits of the whole composition whose scores were known from another decision rule;
        ``n_fits`` counts them.
    reused_s : float
        Seconds of such fits, and of resampling whose rows were remembered from an earlier
        strategy of the sweep: ``fit_s`` holds them, but they did not pass again.
    n_fits : int
        Models fitted for this fold, inner folds and ensemble members included.
    peak_bytes : int
        Peak memory: of the device on CUDA, otherwise of the process so far.
    device : str
    n_train : int
        Rows of the training part, before the strategy.
    counts_before : tuple of int
        Rows a class in the training part.
    counts_after : tuple of float
        Rows a class that the model was trained on (nets: drawn in an epoch, on average).
    trained : tuple of mapping
        For each model inside what it was trained on, see :func:`imbench.steps.trained`.
    tuned : mapping of str to object
        The values that tuning chose, by ``strategy.<path>`` and ``model.<path>``.
    n_trials, n_pruned, n_tuning_fits : int
        Trials of tuning, those of them that were given up early, and how often the whole
        composition was fitted for them; none of these is in ``n_fits``.
    tune_s : float
        Seconds of tuning, counted as ``fit_s`` is.
    trials : tuple of mapping
        What was tried: ``number, state, value, inner`` (the metric by inner fold), ``values,
        seconds, reason``.
    importance : mapping of str to float
        Share of each parameter in the differences between trials; {} with few trials.
    versions, hardware : mapping of str to str
    warnings, notes : tuple of str
        What libraries warned about, and what imbench changed (both shown in the report).
    traceback : str
        Of a failed fold.
    audit : mapping
        Which rows trained and tested it, and what was fitted on which, as JSON: see
        :mod:`imbench.audit`. Empty in folds of older versions.
    test_index, y_true, y_pred : ndarray of shape (n_test,)
        int64.
    y_score : ndarray of shape (n_test, K)
        Class probabilities, rows sum to one.
    history : ndarray of shape (n_epochs, 2)
        Training loss and validation score by epoch; (0, 2) for models without epochs.
    picture : ndarray of shape (n, C, H, W) or (n, 2)
        Rows that a sampler shows: images, or points of a table; (0, 2) if there is none.
    picture_y, picture_made : ndarray of shape (n,)
        Their labels, and whether the sampler made them.
    """

    run_id: str
    dataset: str
    model: str
    label: str
    repeat: int
    fold: int
    status: Status
    reason: str
    class_names: tuple[str, ...]
    minority: int
    fit_s: float = 0.0
    predict_s: float = 0.0
    n_together: int = 1
    n_replayed: int = 0
    reused_s: float = 0.0
    n_fits: int = 0
    peak_bytes: int = 0
    device: str = "cpu"
    n_train: int = 0
    counts_before: tuple[int, ...] = ()
    counts_after: tuple[float, ...] = ()
    trained: tuple[Mapping[str, Any], ...] = ()
    tuned: Mapping[str, Any] = field(default_factory=dict)
    n_trials: int = 0
    n_pruned: int = 0
    n_tuning_fits: int = 0
    tune_s: float = 0.0
    trials: tuple[Mapping[str, Any], ...] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    traceback: str = ""
    audit: Mapping[str, Any] = field(default_factory=dict)
    test_index: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    y_true: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    y_pred: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    y_score: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    history: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    picture: NDArray[Any] = field(default_factory=lambda: np.empty((0, 2), np.float32))
    picture_y: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    picture_made: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))


@dataclass(frozen=True, eq=False)
class CellResult:
    """One (data set, model, strategy) with the folds that are there.

    Parameters
    ----------
    run_id, dataset, model, label : str
    stages : tuple of str
        Stages that the strategy fills, in the order of the pipeline.
    status : {"ok", "skipped", "failed"}
    reason : str
    n_folds : int
        Folds of a complete cell; fewer in ``folds`` means that the run was interrupted.
    config : mapping
        The resolved configuration.
    folds : tuple of FoldResult
        In the order (repeat, fold).
    """

    run_id: str
    dataset: str
    model: str
    label: str
    stages: tuple[str, ...]
    status: Status
    reason: str
    n_folds: int
    config: Mapping[str, Any]
    folds: tuple[FoldResult, ...] = ()


@dataclass(frozen=True)
class CellKey:
    """What a cell is, before anything of it has run: the content of ``cell.json``."""

    run_id: str
    dataset: str
    model: str
    label: str
    stages: tuple[str, ...]
    n_folds: int
    config: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """Name of the cell's folder: readable, then unique."""
        readable = re.sub(r"[^A-Za-z0-9+_.-]+", "_", f"{self.dataset}-{self.model}-{self.label}")
        return f"{readable[:80]}-{self.run_id}"


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
        """Store what :class:`imbench.replay.Record` remembers beside a fold; it can be lost."""
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


def cell_result(key: CellKey, folds: list[FoldResult]) -> CellResult:
    """Join the folds of a cell. One failed fold fails the cell, one skipped fold skips it."""
    bad = [f for f in folds if f.status == "failed"] or [f for f in folds if f.status == "skipped"]
    status: Status = bad[0].status if bad else "ok"
    return CellResult(
        **{f.name: getattr(key, f.name) for f in dataclasses.fields(key)},
        status=status,
        reason=bad[0].reason if bad else "",
        folds=tuple(sorted(folds, key=lambda f: (f.repeat, f.fold))),
    )


def run_id_of(description: Mapping[str, Any]) -> str:
    """Hash what determines a cell's results, 16 hexadecimal digits."""
    return hashlib.sha256(_canonical(description)).hexdigest()[:16]


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(_with_text_keys(value), sort_keys=True, default=_plain).encode()


def _with_text_keys(value: object) -> object:
    """YAML reads the key of ``{0: 0.5, cat: 0.1}`` as a number; numbers and text do not sort."""
    if isinstance(value, Mapping):
        return {str(key): _with_text_keys(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_text_keys(inner) for inner in value]
    return value


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON: {value!r}")


def _seal(meta: dict[str, Any]) -> bytes:
    """JSON with a checksum over its own content."""
    content = json.loads(_canonical(meta))
    digest = hashlib.sha256(_canonical(content)).hexdigest()
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
    if hashlib.sha256(_canonical(meta)).hexdigest() != digest:
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
