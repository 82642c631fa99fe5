"""One cell (data set, model, strategy) over its folds: resume, timing, statuses."""

from __future__ import annotations

import importlib.metadata
import platform
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench import config as configuration
from imbench import steps
from imbench.build import build
from imbench.datasets import load_dataset
from imbench.datasets.base import Dataset
from imbench.errors import ImbenchError, Incompatible
from imbench.metrics import check_classes, metric_options
from imbench.models.base import Model
from imbench.results import CellKey, CellResult, FoldResult, Store, cell_result, run_id_of
from imbench.seeding import derive
from imbench.splits import Fold
from imbench.strategies.base import Strategy

PACKAGES = ("imbench", "imbalanced-learn", "numpy", "scikit-learn", "torch")
KEPT_DATASETS = 4  # a sweep visits few data sets, each many times


@dataclass(frozen=True, eq=False)
class Task:
    """A cell that is ready to run."""

    key: CellKey
    data: Dataset
    folds: list[Fold]
    model: Model
    strategy: Strategy
    seed: int


@dataclass
class Runner:
    """Runs cells one after another, and remembers the data sets that they share.

    Parameters
    ----------
    results_dir : Path
        Folds are stored under ``results_dir/runs``.
    on_fold : callable
        Called after each fold with its result and whether it was stored already.
    """

    results_dir: Path
    on_fold: Callable[[FoldResult, bool], None] = lambda result, stored: None
    _datasets: dict[str, Dataset] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = Store(self.results_dir)
        self.versions = versions()

    def run(self, config: Mapping[str, Any]) -> CellResult:
        """Run what is missing of a cell and return all of it.

        Data that cannot be read or split and strategies that do not fit are statuses of the
        cell, not exceptions: the sweep goes on. A failed fold ends its cell.
        """
        strategy, model = configuration.strategy_of(config), configuration.model_of(config)
        name = str(config["dataset"].get("name"))
        try:
            data = self._dataset(config["dataset"])
            name = data.name
            task = _task(config, data, strategy, model)
        except ImbenchError as error:
            return _without_data(config, name, strategy, model, str(error))
        self.store.write_cell(task.key)
        done = []
        for fold in task.folds:
            result = self.store.read_fold(task.key, fold.repeat, fold.fold)
            stored = result is not None and result.status == "ok"
            if result is None or not stored:
                result = self._run_fold(task, fold)
                self.store.write_fold(task.key, result)
            self.on_fold(result, stored)
            done.append(result)
            if result.status != "ok":
                break
        return cell_result(task.key, done)

    def _dataset(self, node: Mapping[str, Any]) -> Dataset:
        name = run_id_of(node)
        if name not in self._datasets:
            while len(self._datasets) >= KEPT_DATASETS:
                del self._datasets[next(iter(self._datasets))]
            self._datasets[name] = load_dataset(node)
        return self._datasets[name]

    def _run_fold(self, task: Task, fold: Fold) -> FoldResult:
        """Fit and predict; whatever goes wrong becomes a status."""
        common: dict[str, Any] = {
            "run_id": task.key.run_id,
            "dataset": task.key.dataset,
            "model": task.key.model,
            "label": task.key.label,
            "repeat": fold.repeat,
            "fold": fold.fold,
            "class_names": task.data.class_names,
            "minority": task.data.info.minority,
            "n_train": len(fold.train_index),
            "counts_before": tuple(
                np.bincount(
                    task.data.y[fold.train_index], minlength=task.data.info.n_classes
                ).tolist()
            ),
            "versions": self.versions,
        }
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                outcome: dict[str, Any] = _fit_and_predict(task, fold)
            except Incompatible as error:
                outcome = {"status": "skipped", "reason": error.reason}
            except Exception as error:
                outcome = {
                    "status": "failed",
                    "reason": reason_of(error),
                    "traceback": traceback.format_exc(),
                }
        return FoldResult(**common, **outcome, warnings=_distinct(caught))


def _task(config: Mapping[str, Any], data: Dataset, strategy: Strategy, model: Model) -> Task:
    """Split the data and give the cell its name.

    Raises
    ------
    ImbenchError
        If the data cannot be split as asked, or a metric names a class that is not there.
    """
    check_classes(metric_options(config["metrics"]), data.class_names)
    folds = configuration.splitter_of(config).split(data, config["seed"])
    identity = configuration.identity(config) | {"fingerprint": data.fingerprint}
    key = CellKey(
        run_id=run_id_of(identity),
        dataset=data.name,
        model=model.name,
        label=strategy.label,
        stages=strategy.stages,
        n_folds=len(folds),
        config=identity,
    )
    return Task(key, data, folds, model, strategy, config["seed"])


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
    started = time.perf_counter()
    estimator.fit(data.X[fold.train_index], data.y[fold.train_index])
    return estimator, time.perf_counter() - started


def _fit_and_predict(task: Task, fold: Fold) -> dict[str, Any]:
    data = task.data
    estimator, fit_s = fit_fold(data, task.model, task.strategy, fold, task.seed)
    started = time.perf_counter()
    X_test = data.X[fold.test_index]
    scores = _aligned(estimator.predict_proba(X_test), estimator.classes_, data.info.n_classes)
    predicted = np.asarray(estimator.predict(X_test), np.int64)
    predict_s = time.perf_counter() - started
    return {
        "status": "ok",
        "reason": "",
        "fit_s": fit_s,
        "predict_s": predict_s,
        "n_fits": steps.n_fits(estimator),
        "peak_bytes": peak_bytes(steps.device(estimator)),
        "device": steps.device(estimator),
        "counts_after": steps.counts_after(estimator),
        "notes": steps.notes(estimator),
        "test_index": fold.test_index,
        "y_true": data.y[fold.test_index],
        "y_pred": predicted,
        "y_score": scores,
        "history": steps.history(estimator),
        # One is drawn a cell: images of every fold would weigh as much as their scores.
        **(steps.picture(estimator) if fold.repeat == fold.fold == 0 else {}),
    }


def _aligned(
    scores: NDArray[np.float64], classes: NDArray[np.int64], n_classes: int
) -> NDArray[np.float64]:
    """Put the columns of scores where their labels are; a class not trained on scores 0."""
    aligned = np.zeros((len(scores), n_classes))
    aligned[:, np.asarray(classes, int)] = scores
    return aligned


def peak_bytes(device: str) -> int:
    """Return the peak memory: of the CUDA device, otherwise of this process so far."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux KiB


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


def _distinct(caught: list[warnings.WarningMessage]) -> tuple[str, ...]:
    lines = (f"{w.category.__name__}: {str(w.message).strip().splitlines()[0]}" for w in caught)
    return tuple(dict.fromkeys(lines))


def _without_data(
    config: Mapping[str, Any], name: str, strategy: Strategy, model: Model, reason: str
) -> CellResult:
    """Return the failed cell of a data set that could not be read or split; nothing is stored."""
    identity = configuration.identity(config)
    return CellResult(
        run_id=run_id_of(identity),
        dataset=name,
        model=model.name,
        label=strategy.label,
        stages=strategy.stages,
        status="failed",
        reason=reason,
        n_folds=configuration.splitter_of(config).n_folds,
        config=identity,
    )
