"""Compose and fit small cells in tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.components.seeding import derive
from imbench.config.cell import Cell
from imbench.config.compose import Composer
from imbench.config.parse import parse
from imbench.data.dataset import Dataset
from imbench.data.splits import Fold
from imbench.errors import DataError, Incompatible
from imbench.models.base import Model
from imbench.pipeline.build import build
from imbench.run.folds import fit_fold
from imbench.strategies.base import Strategy

# Replace these parameters of a model, if it has them.
SMALL = {"epochs": 12, "batch_size": 16, "n_estimators": 8, "max_iter": 200}
SMALL_ENSEMBLE = 4
SMALL_STEPS = 30  # training steps of a generative sampler


@dataclass(frozen=True, eq=False)
class Outcome:
    """Predictions of a fitted cell.

    Parameters
    ----------
    labels : ndarray of shape (n,)
    scores : ndarray of shape (n, K)
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float64]

    def equals(self, other: Outcome) -> bool:
        """Return whether labels and scores are identical, bit for bit."""
        return np.array_equal(self.labels, other.labels) and np.array_equal(
            self.scores, other.scores
        )


def parts(
    model: str, strategy: str, overrides: Sequence[str] = (), config_dir: Path | None = None
) -> tuple[Model, Strategy]:
    """Compose a model and a strategy from their yaml files, with few epochs and trees.

    Parameters
    ----------
    model, strategy : str
        As on the command line; ``strategy`` may be a list, ``[smote,focal]``.
    overrides : sequence of str
        More words of the command line.
    config_dir : Path or None
        Folder of own yaml files, as with ``--config-dir``.
    """
    words = [f"model={model}", f"strategy={strategy}", "device=cpu", *overrides]
    composer = Composer(config_dir)
    config = composer.cells(words, multirun=False)[0]
    for name in SMALL.keys() & config["model"]["estimator"].keys():
        config["model"]["estimator"][name] = SMALL[name]
    for entry in (config["strategy"].get("ensemble") or {}).values():
        if "n_estimators" in entry:
            entry["n_estimators"] = min(entry["n_estimators"], SMALL_ENSEMBLE)
    for entry in (config["strategy"].get("resample") or {}).values():
        if "n_steps" in entry:
            entry["n_steps"] = SMALL_STEPS
    for stage in ("resample", "weights"):
        for entry in (config["strategy"].get(stage) or {}).values():
            if "IsolationForest" in str((entry.get("scorer") or {}).get("_target_")):
                entry["scorer"]["n_estimators"] = SMALL["n_estimators"]
    cell = parse(config, composer.folders)
    assert isinstance(cell, Cell), cell
    return cell.model, cell.strategy


def fit_and_predict(
    data: Dataset, model: Model, strategy: Strategy, fold: Fold, probe: NDArray[Any], seed: int = 0
) -> Outcome:
    """Fit the training rows of a fold and predict the rows ``probe`` of shape (n, d)."""
    estimator, _ = fit_fold(data, model, strategy, fold, seed)
    return Outcome(np.asarray(estimator.predict(probe)), estimator.predict_proba(probe))


def fit_on_names(
    data: Dataset, model: Model, strategy: Strategy, fold: Fold, probe: NDArray[Any], seed: int = 0
) -> Outcome:
    """Fit and predict as :func:`fit_and_predict` does, with class names as labels.

    Users may fit the estimator that ``build`` returns with any labels, as in scikit-learn.

    Raises
    ------
    ValueError
        If the class names are not sorted.
    """
    names = np.array(data.class_names)
    if list(names) != sorted(names):
        raise ValueError(f"the names of the classes must be sorted, got {data.class_names}.")
    estimator = build(
        model, strategy, data.info, derive(seed, "fit", data.name, fold.repeat, fold.fold)
    )
    estimator.fit(data.X[fold.train_index], names[data.y[fold.train_index]])
    predicted = np.asarray(estimator.predict(probe))
    labels = np.searchsorted(names, predicted)
    if not np.array_equal(names[labels.clip(max=len(names) - 1)], predicted):
        raise AssertionError(f"predicted labels are not class names: {sorted(set(predicted))}")
    return Outcome(labels, estimator.predict_proba(probe))


def outcome_or_reason(
    data: Dataset, model: Model, strategy: Strategy, fold: Fold, probe: NDArray[Any]
) -> Outcome | str:
    """Return the predictions of :func:`fit_and_predict`, or why the cell cannot be fitted."""
    try:
        return fit_and_predict(data, model, strategy, fold, probe)
    except (Incompatible, DataError) as error:
        return str(error)


def fits_together(data: Dataset, model: Model, strategy: Strategy) -> bool:
    """Return whether `build` accepts model and strategy for this kind of data."""
    try:
        build(model, strategy, data.info, seed=0)
    except Incompatible:
        return False
    return True
