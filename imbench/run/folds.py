"""Fit and predict folds: one after the other, or the nets of several as one stack."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from imbench.components.seeding import derive
from imbench.components.startup import same_directory
from imbench.config.cell import Cell, Tuning
from imbench.data.dataset import Dataset
from imbench.data.split_facts import fold_facts
from imbench.data.splits import Fold
from imbench.errors import Incompatible, masked, reason_of
from imbench.models.base import Model
from imbench.pipeline import fitted
from imbench.pipeline.build import build
from imbench.pipeline.context import FitContext
from imbench.pipeline.resample_cache import ResampleCache
from imbench.pipeline.witness import Witness
from imbench.results.fold import CellKey, FoldResult
from imbench.results.scores import Record, RecordFiles, rule_on_scores
from imbench.run.environment import peak_bytes
from imbench.run.returned import check_returned, known_of
from imbench.run.roles import given_of, roles_of
from imbench.run.tuning.inner_folds import Tuned, tune_folds
from imbench.run.warning_log import WarningLog, warnings_by_fold
from imbench.strategies import fitted as scoring
from imbench.strategies.base import Strategy
from imbench.strategies.facts import FitFacts, facts_of
from imbench.strategies.fitting import MAX_BYTES, Fitting, fitting_of, run

MAX_TOGETHER = 128  # folds
UNTUNED = "tuning: neither strategy nor model names anything to search, so there was no trial."


@dataclass(frozen=True, eq=False)
class Task:
    """A cell that is ready to run."""

    cell: Cell
    key: CellKey
    data: Dataset
    folds: list[Fold]
    results_dir: Path
    records: RecordFiles | None = None
    cache: ResampleCache | None = None

    @property
    def model(self) -> Model:
        """Model of the cell."""
        return self.cell.model

    @property
    def strategy(self) -> Strategy:
        """Strategy of the cell."""
        return self.cell.strategy

    @property
    def seed(self) -> int:
        """Seed of the whole comparison."""
        return self.cell.seed

    @property
    def tuning(self) -> Tuning | None:
        """How the cell is tuned."""
        return self.cell.tuning


@dataclass(frozen=True, eq=False)
class _Fit:
    """What fitting gave: an estimator or an error.

    An estimator with a record is a decision rule that takes row numbers in the place of rows.
    ``witness`` was told of the fits.
    """

    estimator: Any = None
    fit_s: float = 0.0
    n_together: int = 1
    record: Record | None = None
    tuned: Tuned | None = None
    context: FitContext = field(default_factory=FitContext)
    error: Exception | None = None


def fit_fold(
    data: Dataset,
    model: Model,
    strategy: Strategy,
    fold: Fold,
    seed: int,
    context: FitContext | None = None,
) -> tuple[Any, float]:
    """Compose the estimator of a fold and fit it on the fold's training rows, and on no other.

    Parameters
    ----------
    data : Dataset
    model : Model
    strategy : Strategy
    fold : Fold
    seed : int
        Of the whole comparison; the fold's own is derived from it.
    context : FitContext or None
        None is a witness of its own.

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
    context = context or FitContext(witness_of(data, fold))
    return run(fold_fitting(data, model, strategy, fold, seed, context))


def witness_of(data: Dataset, fold: Fold) -> Witness:
    """Return a witness of the fits on the training part of a fold."""
    return Witness(data.contents.hashes[fold.train_index], data.X.dtype)


def fold_fitting(
    data: Dataset,
    model: Model,
    strategy: Strategy,
    fold: Fold,
    seed: int,
    context: FitContext,
) -> Fitting[tuple[Any, float]]:
    """Return a generator that does what :func:`fit_fold` does."""
    estimator = build(model, strategy, data.info, fold_seed(seed, data, fold), context)
    started = time.perf_counter()
    given = given_of(data, fold.train_index, estimator)
    yield from fitting_of(estimator, data.X[fold.train_index], data.y[fold.train_index], **given)
    return estimator, time.perf_counter() - started


def fold_seed(seed: int, data: Dataset, fold: Fold) -> int:
    """Return the seed of what is fitted on a fold, the same for every strategy and model."""
    return derive(seed, "fit", data.name, fold.repeat, fold.fold)


def run_folds(task: Task, missing: Sequence[Fold]) -> Iterator[FoldResult]:
    """Fit and predict the missing folds of a task; whatever goes wrong becomes a status.

    Yields
    ------
    FoldResult
        In the order of the folds, each as soon as it is there.
    """
    for stack in stacks_of(task, missing):
        yield from run_stack(task, stack, missing)


def run_stack(task: Task, stack: Sequence[Fold], missing: Sequence[Fold]) -> Iterator[FoldResult]:
    """Fit the folds of a stack and yield the results of those that are missing, in their order."""
    wanted = {(fold.repeat, fold.fold) for fold in missing}
    with warnings_by_fold() as log:
        fits = _fits(task, stack, log)
        for fold, fit in zip(stack, fits, strict=True):
            if (fold.repeat, fold.fold) not in wanted:
                continue
            with log.of(fold):
                outcome = _outcome(task, fold, fit)
            audit = fold_facts(task.data, fold) | outcome.pop("fitted_on", {})
            yield FoldResult(
                **known_of(task.key, task.data, fold),
                **outcome,
                audit=audit,
                warnings=log.distinct(fold),
            )


def stacks_of(
    task: Task, missing: Sequence[Fold], done: Sequence[FoldResult] = ()
) -> list[list[Fold]]:
    """Divide the folds of a task into stacks, and return those that hold a missing one.

    Folds that train as one stack are all fitted again if one of them is missing: in another stack
    the bits would differ. Folds of an earlier command with fewer repeats keep to their own.

    Parameters
    ----------
    task : Task
    missing : sequence of Fold
    done : sequence of FoldResult
        The stored folds, which say how many were fitted together.

    Returns
    -------
    list of list of Fold
        Single folds, unless nets train in stacks.
    """
    place_of = {(fold.repeat, fold.fold): i for i, fold in enumerate(task.folds)}
    together = {place_of[r.repeat, r.fold]: r.n_together for r in done}
    wanted = {place_of[fold.repeat, fold.fold] for fold in missing}
    parts = _parts(len(task.folds), _how_many_together(task), together)
    return [[task.folds[i] for i in part] for part in parts if wanted.intersection(part)]


def _parts(n_folds: int, size: int, together: Mapping[int, int]) -> Iterator[range]:
    """Divide folds into parts of a size, or as the stored ones say that they were divided."""
    start = 0
    while start < n_folds:
        later = [i for i in sorted(together) if i >= start] if size > 1 else []
        own = [i for i in later if i < start + together[i]]
        end = start + (together[own[0]] if own else size)
        if later and not own:  # what is stored belongs to a later stack
            end = min(end, later[0])
        yield range(start, min(end, n_folds))
        start = end


def _how_many_together(task: Task) -> int:
    """Return how many folds are fitted at once: many where nets train in stacks, else one.

    A fold that is killed on its way is lost, and nets that cannot be stacked take long.
    """
    if not _trains_in_stacks(task):
        return 1
    n_bytes = _fold_bytes(task)
    if task.tuning is not None and task.tuning.space:  # so does each trial of a batch
        n_bytes *= 1 + task.tuning.tuner.parallel_trials
    return int(np.clip(MAX_BYTES // n_bytes, 1, MAX_TOGETHER))


def _trains_in_stacks(task: Task) -> bool:
    return task.model.trains_in_stacks


def _fold_bytes(task: Task) -> int:
    """Return the bytes of the largest training part, which whatever is fitted holds a copy of."""
    row_bytes = task.data.X[:1].nbytes if isinstance(task.data.X, np.ndarray) else 0
    row_bytes = max(row_bytes, 8 * task.data.info.n_features)
    return row_bytes * max(len(fold.train_index) for fold in task.folds)


def _fits(task: Task, folds: Sequence[Fold], log: WarningLog) -> Iterator[_Fit]:
    def fitting(fold: Fold, tuned: Tuned | Exception | None) -> Fitting[_Fit]:
        with log.of(fold):
            return (yield from _fitting(task, fold, len(folds), tuned))

    # All are tuned before one is fitted: the fits then make up the same stack after a rerun,
    # which finds trials stored.
    tuned = _tune(task, folds, log)
    if not _trains_in_stacks(task):
        try:
            yield same_directory()(run)(fitting(folds[0], tuned[0]))
        except Exception as error:
            yield _Fit(error=error)
        return
    from imbench.models.nets.together import train_together

    started = time.perf_counter()
    answers = train_together(fitting(*pair) for pair in zip(folds, tuned, strict=True))
    each_s = (time.perf_counter() - started) / len(folds)
    for answer in answers:
        if isinstance(answer, Exception):
            yield _Fit(error=answer)
        else:
            yield replace(answer, fit_s=each_s)


def _tune(task: Task, folds: Sequence[Fold], log: WarningLog) -> Sequence[Tuned | Exception | None]:
    if task.tuning is None:
        return [None] * len(folds)
    try:
        build(task.model, task.strategy, task.data.info, seed=0)
    except Incompatible as error:
        return [error] * len(folds)
    together = _trains_in_stacks(task)
    watched = [partial(log.of, fold) for fold in folds]
    return tune_folds(task.cell, task.key, task.data, folds, watched, together, task.results_dir)


def _fitting(
    task: Task, fold: Fold, n_together: int, tuned: Tuned | Exception | None
) -> Fitting[_Fit]:
    if isinstance(tuned, Exception):
        raise tuned
    if tuned is not None and task.tuning is not None and tuned.values:
        task = replace(task, cell=task.cell.with_values(tuned.values))
    # Each member of an ensemble resamples rows of its own, which no other fit meets again.
    cache = None if task.strategy.ensemble else task.cache
    context = FitContext(witness_of(task.data, fold), cache)
    if task.records is not None:
        record = task.records.read(fold)
        record.share = 1 / n_together
        seed = fold_seed(task.seed, task.data, fold)
        rule = rule_on_scores(task.model, task.strategy, task.data, seed, record, context)
        if rule is not None:
            started = time.perf_counter()
            rows = fold.train_index
            given = given_of(task.data, rows, rule)
            yield from fitting_of(rule, rows[:, None], task.data.y[rows], **given)
            fit_s = time.perf_counter() - started
            return _Fit(rule, fit_s, n_together, record, tuned, context)
    estimator, fit_s = yield from fold_fitting(
        task.data, task.model, task.strategy, fold, task.seed, context
    )
    return _Fit(estimator, fit_s, n_together, tuned=tuned, context=context)


def _outcome(task: Task, fold: Fold, fit: _Fit) -> dict[str, Any]:
    try:
        if fit.error is not None:
            raise fit.error
        outcome = same_directory()(_predict)(task.data, fold, fit)
        if fit.tuned is not None:
            outcome |= fit.tuned.facts()
            outcome["notes"] += fit.tuned.notes if fit.tuned.trials else (UNTUNED,)
        if fit.record is not None and task.records is not None:
            task.records.write(fold, fit.record)
        return outcome
    except Incompatible as error:
        return {"status": "skipped", "reason": error.reason}
    except Exception as error:
        return {
            "status": "failed",
            "reason": reason_of(error),
            "traceback": masked("".join(traceback.format_exception(error))),
        }


def _fitted_on(data: Dataset, fold: Fold, fit: _Fit, facts: FitFacts) -> dict[str, Any]:
    hashes = data.contents.hashes[fold.test_index]
    tuning = fit.tuned.witness if fit.tuned is not None else None
    found = {} if tuning is None else {"tuning_fits": tuning.fits(hashes)}
    n_replayed = 0 if fit.record is None else len(fit.record.replayed)
    assert fit.context.witness is not None
    return found | fitted.audit_of(facts, fit.context.witness, hashes, n_replayed)


def _predict(data: Dataset, fold: Fold, fit: _Fit) -> dict[str, Any]:
    estimator = fit.estimator
    started = time.perf_counter()
    X_test = data.X[fold.test_index] if fit.record is None else fold.test_index[:, None]
    scores = scoring.scores_for(estimator, X_test, np.arange(data.info.n_classes))
    predicted = fitted.labels_for(estimator, X_test, scores)
    check_returned(scores, predicted, len(X_test))
    predict_s = time.perf_counter() - started
    facts = facts_of(estimator)
    if fit.record is None:
        reused_s = facts.reused_s
    else:
        reused_s = fit.record.reused_s + sum(fit.record.replayed.values())
    shown = facts.picture if fold.repeat == fold.fold == 0 else None
    return {
        "status": "ok",
        "reason": "",
        "fit_s": fit.fit_s + reused_s,
        "reused_s": reused_s,
        "predict_s": predict_s,
        "n_together": fit.n_together,
        "n_replayed": len(fit.record.replayed) if fit.record else 0,
        "n_fits": facts.n_fits,
        "peak_bytes": peak_bytes(facts.device),
        "device": facts.device,
        "counts_after": facts.counts_after,
        "notes": facts.notes,
        "trained": facts.trained,
        "fitted_on": _fitted_on(data, fold, fit, facts),
        "test_index": fold.test_index,
        "y_true": data.y[fold.test_index],
        **roles_of(data, fold.test_index),
        "y_pred": predicted,
        "y_score": scores,
        "history": facts.history,
        # One picture a cell: images of every fold would take as much space as their scores.
        **({} if shown is None else shown.arrays()),
    }
