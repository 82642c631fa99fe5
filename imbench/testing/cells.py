"""Compose and fit small cells in tests."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True)
class Size:
    """Values of parameters that make fits short.

    Parameters
    ----------
    model : mapping of str to int
        Of the model, where it has them.
    n_members : int
        Members of an ensemble at most.
    n_trees : int
        Of a forest inside a sampler.
    n_steps : int
        Training steps of a generative sampler.
    n_head_steps : int or None
        Of a new head on a trained net; None leaves them.
    """

    model: Mapping[str, int]
    n_members: int
    n_trees: int
    n_steps: int
    n_head_steps: int | None = None


LONG = {"batch_size": 16, "max_iter": 200}
SMALL = Size({**LONG, "epochs": 12, "n_estimators": 8}, n_members=4, n_trees=8, n_steps=30)
# Where nothing has to be learnt: every part of a fit is there, and little of each. Weights that
# wait for 0.8 of the training need five epochs.
SMALLEST = Size(
    {**LONG, "epochs": 6, "n_estimators": 3}, n_members=3, n_trees=8, n_steps=6, n_head_steps=30
)


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
    model: str,
    strategy: str,
    overrides: Sequence[str] = (),
    config_dir: Path | None = None,
    size: Size = SMALL,
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
    size : Size
        Epochs, trees and steps.
    """
    if overrides:
        config = _composed((f"model={model}", f"strategy={strategy}", *overrides), config_dir)
    else:  # each part is composed once, not once for each pair
        config = _composed((f"strategy={strategy}",), config_dir)
        config["model"] = _composed((f"model={model}",), config_dir)["model"]
    for name in size.model.keys() & config["model"]["estimator"].keys():
        config["model"]["estimator"][name] = size.model[name]
    _shrink(config["strategy"], size)
    cell = parse(config, Composer(config_dir).folders)
    assert isinstance(cell, Cell), cell
    return cell.model, cell.strategy


def _composed(words: tuple[str, ...], config_dir: Path | None) -> dict[str, Any]:
    """Return a configuration of the caller's own."""
    return copy.deepcopy(_composed_once(words, config_dir))


@functools.lru_cache(maxsize=64)
def _composed_once(words: tuple[str, ...], config_dir: Path | None) -> dict[str, Any]:
    """Compose one cell. Hydra takes 0.1 s for it."""
    return Composer(config_dir).cells(["device=cpu", *words], multirun=False)[0]


def _shrink(strategy: Mapping[str, Any], size: Size) -> None:
    """Give ensembles few members, forests few trees, and generators and heads few steps."""
    for entry in (strategy.get("ensemble") or {}).values():
        if "n_estimators" in entry:
            entry["n_estimators"] = min(entry["n_estimators"], size.n_members)
    for stage, n_steps in (("resample", size.n_steps), ("decision", size.n_head_steps)):
        for entry in (strategy.get(stage) or {}).values():
            if n_steps is not None and "n_steps" in entry:
                entry["n_steps"] = n_steps
    for stage in ("resample", "weights"):
        for entry in (strategy.get(stage) or {}).values():
            for part in (entry.get("scorer") or {}, entry.get("estimator") or {}):
                if "Forest" in str(part.get("_target_")):
                    part["n_estimators"] = size.n_trees


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
