"""Nested evaluation: what values of parameters are worth, judged on training rows alone.

The training part of an outer fold is split once more, in the same way for every strategy. A
:class:`Nested` holds copies of these rows and no others, so that nothing that tunes can reach a
row of the outer test part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imbench.components.seeding import derive
from imbench.config.cell import Cell, Tuning
from imbench.data.dataset import Dataset, DatasetInfo
from imbench.data.splits import Fold
from imbench.errors import DataError, ImbenchError
from imbench.pipeline import fitted
from imbench.pipeline.build import build
from imbench.pipeline.context import FitContext
from imbench.pipeline.witness import Witness
from imbench.results.fold import CellKey, FoldResult, fold_name
from imbench.results.metrics import compute
from imbench.run.returned import check_returned
from imbench.run.roles import role_arrays
from imbench.strategies import fitted as scoring
from imbench.strategies.fitting import Fitting, FittingMixin, fitting_of, gather, run
from imbench.strategies.inner_splits import inner_splits
from imbench.strategies.rows import GROUPS, WEIGHT, Given, taken

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """What became of one set of values.

    Parameters
    ----------
    number : int
        From 0.
    values : mapping of str to object
        By ``strategy.<path>`` and ``model.<path>``.
    state : {"complete", "pruned", "failed"}
    value : float or None
        Mean of the metric over the inner folds; None unless complete.
    inner : tuple of float or None
        The metric by inner fold, as far as the trial got; None where it is undefined.
    seconds : float
        Its share of the time in which trials were fitted side by side.
    reason : str
        Why it failed.
    """

    number: int
    values: Mapping[str, Any]
    state: State
    value: float | None
    inner: tuple[float | None, ...]
    seconds: float
    reason: str = ""


@dataclass(eq=False)
class Running:
    """A trial on its way.

    Parameters
    ----------
    number : int
    trial : object
        What the tuner calls it by.
    inner : list of float
        The metric by inner fold so far.
    error : str
    is_pruned : bool
    """

    number: int
    trial: Any
    inner: list[float] = field(default_factory=list)
    error: str = ""
    is_pruned: bool = False

    @property
    def mean(self) -> float:
        """Mean of the inner folds where the metric is defined, NaN if it is on none."""
        defined = [value for value in self.inner if not math.isnan(value)]
        return float(np.mean(defined)) if defined else math.nan

    def facts(self, seconds: float) -> dict[str, Any]:
        """Return what is stored beside the values of the trial."""
        inner = [None if math.isnan(value) else value for value in self.inner]
        return {"inner": inner, "seconds": seconds, "reason": self.error}


def best_of(trials: Sequence[Trial], higher_is_better: bool) -> Trial:
    """Return the best of the complete trials, the first of equal ones.

    Raises
    ------
    DataError
        If every trial failed.
    """
    complete = [(trial.value, trial) for trial in trials if trial.value is not None]
    if not complete:
        reason = next(trial.reason for trial in trials if trial.reason)
        raise DataError(f"tuning: all {len(trials)} trials failed, the first with: {reason}")
    return (max if higher_is_better else min)(complete, key=lambda pair: pair[0])[1]


@dataclass(frozen=True)
class Tuned:
    """What tuning found on one outer fold.

    Parameters
    ----------
    values : mapping of str to object
        The best; {} if there was nothing to search.
    trials : tuple of Trial
    importance : mapping of str to float
        Shares that sum to one; {} where there are too few trials to say.
    witness : Witness or None
        Was told of the fits that this process did, for the audit.
    notes : tuple of str
        What was clipped.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    trials: tuple[Trial, ...] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    witness: Witness | None = None
    notes: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Return the fields of a :class:`imbench.results.fold.FoldResult`."""
        return {
            "tuned": dict(self.values),
            "n_trials": len(self.trials),
            "n_pruned": sum(trial.state == "pruned" for trial in self.trials),
            "n_tuning_fits": sum(len(trial.inner) for trial in self.trials),
            "tune_s": sum(trial.seconds for trial in self.trials),
            "trials": tuple(vars(t) | {"inner": list(t.inner)} for t in self.trials),
            "importance": dict(self.importance),
        }


@dataclass(frozen=True, eq=False)
class Nested:
    """A strategy and a model to be tuned on the training part of an outer fold.

    Made by :func:`nested`, once for each outer fold.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    y : ndarray of shape (n,)
        Rows of the training part.
    given : mapping of str to ndarray of shape (n,)
        Their weights and groups, as :func:`imbench.run.roles.given_of` returns them.
    info : DatasetInfo
    cell : Cell
    splits : list of (train, validation)
        Row numbers within the training part.
    seed : int
        Of this outer fold; what is fitted on an inner fold is seeded by it, whatever is tried.
    watched : callable
        Entered by every fit, so that its warnings find their fold.
    witness : Witness or None
        Is told of every fit.
    notes : tuple of str
        What was clipped.
    """

    X: NDArray[Any]
    y: NDArray[np.int64]
    given: Given
    info: DatasetInfo
    cell: Cell
    splits: list[tuple[NDArray[np.int64], NDArray[np.int64]]]
    seed: int
    watched: Callable[[], AbstractContextManager[None]] = nullcontext
    witness: Witness | None = None
    notes: tuple[str, ...] = ()

    @property
    def tuning(self) -> Tuning:
        """How the cell is tuned."""
        assert self.cell.tuning is not None
        return self.cell.tuning

    def score(self, values: Mapping[str, Any], i: int) -> Fitting[float]:
        """Return a generator that fits without inner fold ``i`` and returns the metric on it.

        The metric may be NaN.
        """
        tried, options = self.cell.with_values(values), self.tuning.metrics
        train, validation = self.splits[i]
        with self.watched():
            seed, context = derive(self.seed, "inner", i), FitContext(self.witness)
            estimator = build(tried.model, tried.strategy, self.info, seed, context)
            given = taken(self.given, train) if isinstance(estimator, FittingMixin) else {}
            yield from fitting_of(estimator, self.X[train], self.y[train], **given)
            X = self.X[validation]
            scores = scoring.scores_for(estimator, X, np.arange(self.info.n_classes))
            predicted = fitted.labels_for(estimator, X, scores)
            check_returned(scores, predicted, len(X))
            fold = FoldResult(
                run_id="",
                dataset=self.info.name,
                model=tried.model.name,
                label=tried.strategy.label,
                repeat=0,
                fold=i,
                status="ok",
                reason="",
                class_names=self.info.class_names,
                minority=self.info.minority,
                y_true=self.y[validation],
                y_pred=predicted,
                y_score=scores,
                **self._roles(validation),
            )
            return compute(fold, options)[options.sort]

    def _roles(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Return groups and weights of validation rows, as a fold stores them."""
        names = {WEIGHT: "test_weight", GROUPS: "test_group"}
        return {names[name]: values for name, values in taken(self.given, rows).items()}


def nested(
    cell: Cell,
    data: Dataset,
    fold: Fold,
    watched: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Nested:
    """Split the training part of an outer fold, the same for every strategy and model.

    Raises
    ------
    ValueError
        If a class of the training part has a single row, or a single group.
    """
    assert cell.tuning is not None
    rows = fold.train_index
    given = role_arrays(data, rows)
    seed = derive(cell.seed, "tune", data.name, fold.repeat, fold.fold)
    wanted = "tuning.inner_splits", cell.tuning.tuner.inner_splits
    splits, notes = inner_splits(data.y[rows], given.get(GROUPS), wanted, "set tuning=none", seed)
    witness = Witness(data.contents.hashes[rows], data.X.dtype)
    X, y = data.X[rows], data.y[rows]
    return Nested(X, y, given, data.info, cell, splits, seed, watched, witness, notes)


def tune_folds(
    cell: Cell,
    key: CellKey,
    data: Dataset,
    folds: Sequence[Fold],
    watched: Sequence[Callable[[], AbstractContextManager[None]]],
    together: bool,
    results_dir: Path,
) -> list[Tuned | Exception]:
    """Tune on the training part of each outer fold.

    Parameters
    ----------
    cell : Cell
    key : CellKey
    data : Dataset
    folds : sequence of Fold
    watched : sequence of callable
        For each fold what its fits enter.
    together : bool
        Whether the nets of all folds and trials are to be trained in stacks.
    results_dir : Path

    Returns
    -------
    list of Tuned or Exception
        In the order of the folds.
    """
    tuning = cell.tuning
    if tuning is None or not tuning.space:
        return [Tuned() for _ in folds]
    places = [fold_name(fold.repeat, fold.fold) for fold in folds]
    with ExitStack() as held:
        try:
            problems = [nested(cell, data, *pair) for pair in zip(folds, watched, strict=True)]
            held.enter_context(tuning.tuner.alone(key, places))
            searches = tuning.tuner.searches(key, places, problems, results_dir)
        except Exception as error:
            return [error] * len(folds)
        errors = _finish(searches, together)
    found: list[Tuned | Exception] = []
    for search, broken, problem in zip(searches, errors, problems, strict=True):
        try:
            found.append(
                broken or replace(search.tuned(), witness=problem.witness, notes=problem.notes)
            )
        except ImbenchError as error:  # every trial failed
            found.append(error)
    return found


def _finish(searches: Sequence[Any], together: bool) -> Sequence[Any]:
    """Run what the searches miss, and return None or an error of each."""
    if not together:
        return run(gather((s.fitting() for s in searches), return_exceptions=True))
    from imbench.models.nets.together import train_together

    return train_together(search.fitting() for search in searches)
