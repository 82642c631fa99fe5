"""Fit and predict folds: one after the other, or the nets of several as one stack."""

from __future__ import annotations

import importlib.metadata
import platform
import resource
import sys
import threading
import time
import traceback
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from imbench import steps
from imbench.audit import Witness, fold_facts
from imbench.build import build
from imbench.datasets.base import Dataset
from imbench.errors import ImbenchError, Incompatible
from imbench.models.base import Model
from imbench.results import CellKey, FoldResult
from imbench.seeding import derive
from imbench.splits import Fold
from imbench.strategies.base import Strategy

PACKAGES = ("imbench", "imbalanced-learn", "numpy", "scikit-learn", "torch")
MAX_TOGETHER = 64  # folds
MAX_BYTES = 2**29  # of their training parts: each fold holds a copy


@dataclass(frozen=True, eq=False)
class Task:
    """A cell that is ready to run."""

    key: CellKey
    data: Dataset
    folds: list[Fold]
    model: Model
    strategy: Strategy
    seed: int


@dataclass(frozen=True, eq=False)
class _Fit:
    """What fitting gave: an estimator or an error."""

    estimator: Any
    fit_s: float
    n_together: int
    error: Exception | None = None


def fit_fold(
    data: Dataset, model: Model, strategy: Strategy, fold: Fold, seed: int
) -> tuple[Any, float]:
    """Compose the estimator of a fold and fit it on the fold's training rows, and on no other.

    Parameters
    ----------
    seed : int
        Of the whole comparison; the fold's own is derived from it.

    Returns
    -------
    estimator
        Fitted.
    fit_s : float

    Raises
    ------
    Incompatible
        If strategy, model and data do not fit.
    """
    fold_seed = derive(seed, "fit", data.name, fold.repeat, fold.fold)
    estimator = build(model, strategy, data.info, fold_seed)
    steps.watch(estimator, Witness(data.contents.hashes[fold.train_index], data.X.dtype))
    started = time.perf_counter()
    estimator.fit(data.X[fold.train_index], data.y[fold.train_index])
    return estimator, time.perf_counter() - started


def run_folds(task: Task, missing: Sequence[Fold]) -> Iterator[FoldResult]:
    """Fit and predict; whatever goes wrong becomes a status.

    Parameters
    ----------
    task : Task
    missing : sequence of Fold
        The folds of the task that are wanted. Folds that train as one stack are all fitted
        again if one of them is missing: in another stack the bits would differ.

    Yields
    ------
    FoldResult
        In the order of the folds, each as soon as it is there.
    """
    size = _how_many_together(task)
    wanted = {(fold.repeat, fold.fold) for fold in missing}
    for start in range(0, len(task.folds), size):
        part = task.folds[start : start + size]
        if not any((fold.repeat, fold.fold) in wanted for fold in part):
            continue
        with _warnings_by_thread() as log:
            fits = _fits(task, part, log)
            for fold, fit in zip(part, fits, strict=True):
                if (fold.repeat, fold.fold) not in wanted:
                    continue
                with log.of(fold):
                    outcome = _outcome(task, fold, fit)
                audit = fold_facts(task.data, fold) | outcome.pop("fitted_on", {})
                yield FoldResult(
                    **_facts(task, fold), **outcome, audit=audit, warnings=log.distinct(fold)
                )


def _how_many_together(task: Task) -> int:
    """Return how many folds are fitted at once: many where nets train in stacks, else one.

    A fold that is killed on its way is lost, and nets that cannot be stacked take long.
    """
    if not getattr(task.model.estimator, "trains_in_stacks", False):
        return 1
    row_bytes = task.data.X[:1].nbytes if isinstance(task.data.X, np.ndarray) else 0
    row_bytes = max(row_bytes, 8 * task.data.info.n_features)
    largest = max(len(fold.train_index) for fold in task.folds)
    return int(np.clip(MAX_BYTES // (row_bytes * largest), 1, MAX_TOGETHER))


def _fits(task: Task, folds: Sequence[Fold], log: _WarningLog) -> Iterator[_Fit]:
    def fit(fold: Fold) -> tuple[Any, float]:
        with log.of(fold):
            return fit_fold(task.data, task.model, task.strategy, fold, task.seed)

    if len(folds) == 1:
        try:
            yield _Fit(*fit(folds[0]), n_together=1)
        except Exception as error:
            yield _Fit(None, 0.0, 1, error)
        return
    from imbench.models.together import run_together

    started = time.perf_counter()
    answers = run_together([partial(fit, fold) for fold in folds])
    each_s = (time.perf_counter() - started) / len(folds)
    for answer in answers:
        if isinstance(answer, Exception):
            yield _Fit(None, 0.0, len(folds), answer)
        else:
            yield _Fit(answer[0], each_s, len(folds))


def _facts(task: Task, fold: Fold) -> dict[str, Any]:
    """Return what is known of a fold before it is fitted."""
    labels = task.data.y[fold.train_index]
    counts = np.bincount(labels, minlength=task.data.info.n_classes)
    return {
        "run_id": task.key.run_id,
        "dataset": task.key.dataset,
        "model": task.key.model,
        "label": task.key.label,
        "repeat": fold.repeat,
        "fold": fold.fold,
        "class_names": task.data.class_names,
        "minority": task.data.info.minority,
        "n_train": len(fold.train_index),
        "counts_before": tuple(counts.tolist()),
        "versions": versions(),
    }


def _outcome(task: Task, fold: Fold, fit: _Fit) -> dict[str, Any]:
    try:
        if fit.error is not None:
            raise fit.error
        return _predict(task.data, fold, fit)
    except Incompatible as error:
        return {"status": "skipped", "reason": error.reason}
    except Exception as error:
        return {
            "status": "failed",
            "reason": reason_of(error),
            "traceback": "".join(traceback.format_exception(error)),
        }


def _predict(data: Dataset, fold: Fold, fit: _Fit) -> dict[str, Any]:
    estimator = fit.estimator
    started = time.perf_counter()
    X_test = data.X[fold.test_index]
    scores = steps.scores_for(estimator, X_test, np.arange(data.info.n_classes))
    predicted = np.asarray(estimator.predict(X_test), np.int64)
    predict_s = time.perf_counter() - started
    return {
        "status": "ok",
        "reason": "",
        "fit_s": fit.fit_s,
        "predict_s": predict_s,
        "n_together": fit.n_together,
        "n_fits": steps.n_fits(estimator),
        "peak_bytes": peak_bytes(steps.device(estimator)),
        "device": steps.device(estimator),
        "counts_after": steps.counts_after(estimator),
        "notes": steps.notes(estimator),
        "fitted_on": steps.fits(estimator, data.contents.hashes[fold.test_index]),
        "test_index": fold.test_index,
        "y_true": data.y[fold.test_index],
        "y_pred": predicted,
        "y_score": scores,
        "history": steps.history(estimator),
        # One is drawn a cell: images of every fold would weigh as much as their scores.
        **(steps.picture(estimator) if fold.repeat == fold.fold == 0 else {}),
    }


def peak_bytes(device: str) -> int:
    """Return the peak memory: of the CUDA device, otherwise of this process so far."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux KiB


@cache
def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in PACKAGES
    }


def reason_of(error: BaseException) -> str:
    """Return an exception as one sentence.

    A ValueError is how estimators say what is wrong with values; any other type stands in front
    of a message that was not written for users.
    """
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else "no message"
    return (
        text if isinstance(error, ImbenchError | ValueError) else f"{type(error).__name__}: {text}"
    )


class _WarningLog:
    """Warnings of folds that run side by side; those of unknown threads belong to all."""

    def __init__(self) -> None:
        self._lines: dict[object, dict[str, None]] = defaultdict(dict)
        self._folds: dict[threading.Thread, tuple[int, int]] = {}

    @contextmanager
    def of(self, fold: Fold) -> Iterator[None]:
        """Say that what this thread warns about is about a fold."""
        self._folds[threading.current_thread()] = (fold.repeat, fold.fold)
        try:
            yield
        finally:
            del self._folds[threading.current_thread()]

    def show(self, message: Warning | str, category: type[Warning], *place: Any) -> None:
        """Take the place of ``warnings.showwarning``."""
        first = (str(message).strip().splitlines() or [""])[0]
        fold = self._folds.get(threading.current_thread())
        self._lines[fold][f"{category.__name__}: {first}"] = None

    def distinct(self, fold: Fold) -> tuple[str, ...]:
        """Return the warnings of a fold, each once, in their order."""
        return tuple(self._lines[(fold.repeat, fold.fold)] | self._lines[None])


@contextmanager
def _warnings_by_thread() -> Iterator[_WarningLog]:
    log = _WarningLog()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = log.show  # type: ignore[assignment]
        yield log
