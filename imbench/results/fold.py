"""Result types: one fold, one cell, and the key of a cell."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Status = Literal["ok", "skipped", "failed"]


ARRAYS = ("test_index", "y_true", "y_pred", "y_score", "history")


PICTURE = ("picture", "picture_y", "picture_made")  # absent from a file where there is none


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
        For each model inside what it was trained on, see :func:`imbench.pipeline.fitted.trained`.
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
        :mod:`imbench.pipeline.witness`. Empty in folds of older versions.
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
