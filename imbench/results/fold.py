"""Result types: `FoldResult`, `CellResult`, and `CellKey`, which identifies a cell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imbench.results.run_ids import cell_id, former_run_ids, without_repeats

Status = Literal["ok", "skipped", "failed"]
BUDGET = "budget"  # why a cell has fewer folds than were asked for
HOPELESS = "hopeless"  # begins the reason of a cell that lies far below the best
ARRAYS = ("test_index", "y_true", "y_pred", "y_score", "history")
# Stored only where they hold something: groups and weights of rows, and rows that were made.
OPTIONAL = ("test_group", "test_weight", "picture", "picture_y", "picture_made")


@dataclass(frozen=True, eq=False)
class FoldResult:
    """Result of one fold of one cell. Metrics, plots and verdicts are derived from it.

    Parameters
    ----------
    run_id, dataset, model, label : str
        The cell. ``label`` names the strategy, for example ``smote+focal+threshold``.
    repeat, fold : int
        Position in the repeated cross-validation, from 0.
    status : {"ok", "skipped", "failed"}
    reason : str
        One sentence if the status is not ``ok``, else empty.
    class_names : tuple of str
        Name of each label.
    minority : int
        Label of the class that ``f1_minority`` refers to.
    rare : tuple of int
        Labels of the rare classes: those that ``dataset.imbalance`` cut, otherwise those below
        the mean size. Empty if all are equally large, and in folds of older versions.
    fit_s, predict_s : float
        Wall-clock seconds.
    n_together : int
        Folds that were fitted in one batch. ``fit_s`` is the time of the batch divided by it.
    n_replayed : int
        Fits whose scores were looked up, because another decision rule had stored them.
        ``n_fits`` includes them.
    reused_s : float
        Seconds of such fits and of resampling results that were looked up. ``fit_s`` includes
        them although they were not spent again.
    n_fits : int
        Models fitted for this fold, including inner folds and ensemble members.
    peak_bytes : int
        Peak memory, of the device on CUDA, otherwise of the process so far.
    device : str
        Torch device of the fit.
    n_train : int
        Rows of the training part, before the strategy.
    counts_before : tuple of int
        Rows per class in the training part.
    counts_after : tuple of float
        Rows per class that the model was trained on (nets: mean number drawn per epoch).
    trained : tuple of mapping
        Training data of each fitted model, see :attr:`imbench.strategies.facts.FitFacts.trained`.
    tuned : mapping of str to object
        Parameters chosen by tuning, by ``strategy.<path>`` and ``model.<path>``.
    n_trials, n_pruned, n_tuning_fits : int
        Trials of tuning, pruned trials, and fits of all trials. ``n_fits`` does not include them.
    tune_s : float
        Seconds of tuning, measured like ``fit_s``.
    trials : tuple of mapping
        One mapping per trial: ``number, state, value, inner`` (the metric of each inner fold),
        ``values, seconds, reason``.
    importance : mapping of str to float
        Share of the variance between trials that each parameter explains. Empty with few trials.
    versions, hardware : mapping of str to str
        Package versions, and properties of the machine.
    warnings, notes : tuple of str
        Warnings of libraries, and changes that imbench made to fit the fold. The report shows
        both.
    traceback : str
        Traceback of a failed fold.
    audit : mapping
        Hashes of the training and test rows and the rows of every fit, see
        :mod:`imbench.pipeline.witness`. Empty in folds of older versions.
    test_index, y_true, y_pred : ndarray of shape (n_test,)
        int64.
    test_group : ndarray of int64 of shape (n_test,)
        Group of each test row. Shape (0,) if rows are independent.
    test_weight : ndarray of float64 of shape (n_test,)
        Weight of each test row in the metrics, at least 0. Shape (0,) if all rows count the same.
    y_score : ndarray of shape (n_test, K)
        Class probabilities. Rows sum to one.
    history : ndarray of shape (n_epochs, 2)
        Training loss and validation score per epoch. Shape (0, 2) for models without epochs.
    picture : ndarray of shape (n, C, H, W) or (n, 2)
        Examples of rows from a sampler: images, or the first two principal components of a table.
        Shape (0, 2) if there are none.
    picture_y, picture_made : ndarray of shape (n,)
        Labels of these rows, and whether the sampler generated them.

    Examples
    --------
    >>> fold = FoldResult(
    ...     run_id="0f1a", dataset="toy", model="knn", label="none", repeat=0, fold=3,
    ...     status="ok", reason="", class_names=("no", "yes"), minority=1,
    ...     test_index=np.array([0, 1]), y_true=np.array([0, 1]), y_pred=np.array([0, 0]),
    ...     y_score=np.array([[0.9, 0.1], [0.6, 0.4]]),
    ... )
    >>> fold.y_score.shape, fold.history.shape
    ((2, 2), (0, 2))
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
    rare: tuple[int, ...] = ()
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
    test_group: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    test_weight: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    y_score: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    history: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    picture: NDArray[Any] = field(default_factory=lambda: np.empty((0, 2), np.float32))
    picture_y: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    picture_made: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))


@dataclass(frozen=True, eq=False)
class CellResult:
    """Result of one cell, a combination of data set, model and strategy.

    Parameters
    ----------
    run_id, dataset, model, label : str
    stages : tuple of str
        Stages that the strategy fills, in the order of the pipeline.
    status : {"ok", "skipped", "failed"}
        ``failed`` if any fold failed, else ``skipped`` if any was skipped.
    reason : str
        Reason of the first fold that is not ``ok``, else empty.
    n_folds : int
        Folds of a complete cell, as the command with the most repeats asked for them. There are
        fewer in ``folds`` if the run was interrupted.
    config : mapping
        The resolved configuration.
    sequential : bool
        Whether repeats were added until the verdict was told (``splits.n_repeats=auto``).
    stopped : str
        Why no further repeat was added, or empty.
    folds : tuple of FoldResult
        Ordered by (repeat, fold).

    Examples
    --------
    >>> cell = CellResult(
    ...     run_id="0f1a", dataset="toy", model="knn", label="smote", stages=("resample",),
    ...     status="skipped", reason="a class has one row", n_folds=5, config={"seed": 0},
    ... )
    >>> len(cell.folds), cell.n_folds
    (0, 5)
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
    sequential: bool = False
    stopped: str = ""
    folds: tuple[FoldResult, ...] = ()

    @property
    def finished(self) -> list[FoldResult]:
        """The folds with status ``ok``."""
        return [fold for fold in self.folds if fold.status == "ok"]

    @property
    def key(self) -> CellKey:
        """What ``cell.json`` holds."""
        return CellKey(**{f.name: getattr(self, f.name) for f in fields(CellKey)})


@dataclass(frozen=True)
class CellKey:
    """Identity of a cell and what was asked of it: the content of ``cell.json``.

    ``n_folds``, ``sequential`` and ``stopped`` are no part of the identity.

    Examples
    --------
    >>> key = CellKey("0f1a", "toy", "knn", "smote+focal", ("resample", "loss"), 5, {"seed": 0})
    >>> key.folder
    'toy-knn-smote+focal-0f1a'
    """

    run_id: str
    dataset: str
    model: str
    label: str
    stages: tuple[str, ...]
    n_folds: int
    config: Mapping[str, Any]
    sequential: bool = False
    stopped: str = ""

    @property
    def folder(self) -> str:
        """Name of the cell's folder: readable names, then the unique ``run_id``."""
        return self._folder(self.run_id)

    @property
    def former_folders(self) -> list[str]:
        """Names of the folders in which older versions stored the cell with more repeats."""
        return [self._folder(run_id) for run_id in former_run_ids(self.config, self.n_folds)]

    def of_this_version(self) -> CellKey:
        """Return the key as it is made now, for one that an older version stored."""
        splits = self.config.get("splits")
        if not isinstance(splits, Mapping) or (kept := without_repeats(splits)) == splits:
            return self
        config = {**self.config, "splits": kept}
        return replace(self, run_id=cell_id(config), config=config)

    def _folder(self, run_id: str) -> str:
        readable = re.sub(r"[^A-Za-z0-9+_.-]+", "_", f"{self.dataset}-{self.model}-{self.label}")
        return f"{readable[:80]}-{run_id}"


def fold_name(repeat: int, fold: int) -> str:
    """Return what the files of a fold are called, its claim, and its study.

    Examples
    --------
    >>> fold_name(repeat=0, fold=3)
    'r0-f3'
    """
    return f"r{repeat}-f{fold}"


def cell_result(key: CellKey, folds: list[FoldResult]) -> CellResult:
    """Join the folds of a cell. One failed or skipped fold decides the status of the cell.

    Examples
    --------
    >>> key = CellKey("0f1a", "toy", "knn", "smote", ("resample",), n_folds=2, config={})
    >>> ids = {"run_id": "0f1a", "dataset": "toy", "model": "knn", "label": "smote", "repeat": 0}
    >>> common = {**ids, "class_names": ("no", "yes"), "minority": 1}
    >>> folds = [
    ...     FoldResult(**common, fold=0, status="ok", reason=""),
    ...     FoldResult(**common, fold=1, status="failed", reason="out of memory"),
    ... ]
    >>> cell = cell_result(key, folds)
    >>> cell.status, cell.reason, len(cell.finished)
    ('failed', 'out of memory', 1)
    """
    bad = [f for f in folds if f.status == "failed"] or [f for f in folds if f.status == "skipped"]
    status: Status = bad[0].status if bad else "ok"
    return CellResult(
        **vars(key),
        status=status,
        reason=bad[0].reason if bad else "",
        folds=tuple(sorted(folds, key=lambda f: (f.repeat, f.fold))),
    )
