"""Tuning by Optuna, nested in the outer folds: with `storage` the only file that imports it, late.

A study in memory decides: it asks for trials a batch at a time, each drawn by a sampler with a
seed of its own, and is told of a batch when all of it is finished. The stored study is a record,
to which trials are added finished, each in one write. A process that is killed therefore leaves
no trial half done, and the rerun meets the same trials in the same order: what is stored is not
fitted again, what is missing to ``trials`` is.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from imbench.components import postgres
from imbench.components.seeding import derive
from imbench.config.search_space import Choices, Dimension, grid, grid_point
from imbench.errors import ConfigError, reason_of
from imbench.results.fold import CellKey
from imbench.run.tuning.inner_folds import Nested, Running, State, Trial, Tuned, best_of
from imbench.run.tuning.journal import mend
from imbench.run.tuning.storage import (
    SLOT,
    add_journal,
    cannot_open,
    direction_of,
    is_server,
    journal_lock,
    open_storage,
    study,
    study_name,
)
from imbench.strategies.fitting import Fitting, gather

SAMPLERS = ("tpe", "random", "grid")
BEFORE_PRUNING = 5  # complete trials whose median is worth something
# The evaluator compares the best quarter of the trials with all: two are no quarter to speak of.
BEFORE_IMPORTANCE, BEST = 12, 0.25
STATES: dict[str, State] = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


@dataclass(frozen=True)
class OptunaTuner:
    """Tunes what strategies and models name under ``search``.

    Parameters
    ----------
    trials : int, default=20
        Of each outer fold, for every strategy; those that were pruned or failed count. The
        first tries the values that the yaml files have.
    timeout : float or None
        Seconds of an outer fold after which no batch of trials begins.
    metric : str or None
        None is ``metrics.sort``.
    sampler : {"tpe", "random", "grid"}, default="tpe"
        A grid that has more points than ``trials`` is tried in part, by chance.
    inner_splits : int, default=3
    pruning : bool, default=True
        Give a trial up whose mean over the inner folds so far is below the median.
    storage : str or None
        Address of a database (``sqlite:///...``) or path of a journal file; None is a journal
        file for each cell in ``<results_dir>/tuning``.
    parallel_trials : int, default=4
        Asked for at a time, without knowing of each other's outcome. Nets of a batch train as
        one stack.

    Raises
    ------
    ValueError
        If a value is outside of its range.

    References
    ----------
    Akiba et al. 2019, "Optuna", DOI 10.1145/3292500.3330701; Watanabe 2023, "Tree-structured
    Parzen estimator", arXiv 2304.11127; Cawley and Talbot 2010, JMLR 11, 2079-2107, on why
    tuning has to be nested.
    """

    trials: int = 20
    timeout: float | None = None
    metric: str | None = None
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    inner_splits: int = 3
    pruning: bool = True
    storage: str | None = None
    parallel_trials: int = 4

    def __post_init__(self) -> None:
        for name, least in (("trials", 1), ("inner_splits", 2), ("parallel_trials", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}.")
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout must be a number of seconds above 0, got {self.timeout!r}.")
        if self.sampler not in SAMPLERS:
            raise ValueError(f"sampler must be {', '.join(SAMPLERS)}, got {self.sampler!r}.")
        if self.storage is not None and not self.storage.strip():
            raise ValueError("storage is empty: give an address or a path, or null.")

    def prepare(self, results_dir: Path) -> None:
        """Open the storage once, before anything is computed.

        Raises
        ------
        ConfigError
            If it cannot be opened.
        """
        if self.storage is None:
            folder = results_dir / "tuning"
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(
                    f"{folder} cannot be written ({error.strerror}): set results_dir= or "
                    "tuning.storage= to a place that you may write to."
                ) from error
        else:
            open_storage(self.storage).get_all_studies()

    def away(self) -> Self:
        """Return the tuner for another machine, which cannot open a file of this one."""
        return self if is_server(self.storage) else replace(self, storage=None)

    def journal(self, key: CellKey, results_dir: Path) -> bytes:
        """Return the trials of a cell so far, as the tuner of another machine reads them."""
        path = results_dir / "tuning" / f"{key.run_id}.log"
        if self.storage is not None or not path.is_file():
            return b""
        mend(path, journal_lock(str(path)))
        return path.read_bytes()

    def take_back(self, key: CellKey, journal: bytes, results_dir: Path) -> None:
        """Store the trials that the tuner of another machine has added to a journal."""
        path = results_dir / "tuning" / f"{key.run_id}.log"
        add_journal(open_storage(self.storage or str(path)), journal)

    @contextmanager
    def alone(self, key: CellKey, places: Sequence[str]) -> Iterator[None]:
        """Hold the studies of outer folds; other processes that want one of them wait.

        Raises
        ------
        ConfigError
            If a database cannot be opened.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(
                    postgres.alone(self.storage, [study_name(key, p) for p in places])
                )
            except Exception as error:  # of sqlalchemy and drivers
                raise cannot_open(str(self.storage), error) from error
            yield

    def searches(
        self, key: CellKey, places: Sequence[str], problems: Sequence[Nested], results_dir: Path
    ) -> list[Search]:
        """Return a search for each outer fold of a part, all at the same batch of trials.

        Nets of folds that are tuned side by side train as one stack. Trials that one of them
        has finished, but not every one, are fitted again along with the others, because in
        another stack the bits would differ; they are not stored again.

        Parameters
        ----------
        key : CellKey
        places : sequence of str
            ``r0-f3``, a name for each fold.
        problems : sequence of Nested
        results_dir : Path
        """
        path = results_dir / "tuning" / f"{key.run_id}.log"
        storage = open_storage(self.storage or str(path), is_ours=self.storage is None)
        found = [
            Search(self, problem, study(storage, key, place, problem.tuning.metrics), len(problems))
            for place, problem in zip(places, problems, strict=True)
        ]
        first = min(search.n_batches for search in found)
        for search in found:
            search.first_batch = first
        return found


class Search:
    """The trials of one outer fold.

    Parameters
    ----------
    tuner : OptunaTuner
    problem : Nested
    stored : optuna.Study
    n_together : int
        Folds that are tuned side by side: each has this share of the time.
    """

    def __init__(
        self,
        tuner: OptunaTuner,
        problem: Nested,
        stored: Any,
        n_together: int,
    ) -> None:
        import optuna

        self.tuner, self.problem, self.stored = tuner, problem, stored
        self.n_together = n_together
        self.seed = derive(problem.seed, "trials")
        self.space, self.options = problem.tuning.space, problem.tuning.metrics
        self.names = {key: _distribution(d) for key, d in self.space.items()}
        median, none = optuna.pruners.MedianPruner(BEFORE_PRUNING), optuna.pruners.NopPruner()
        self.memory = optuna.create_study(
            direction=direction_of(self.options), pruner=median if tuner.pruning else none
        )
        self.known = {
            trial.user_attrs[SLOT]: trial
            for trial in reversed(stored.get_trials(deepcopy=False))
            if trial.state.is_finished() and SLOT in trial.user_attrs
        }
        self.first_batch = 0

    @cached_property
    def batches(self) -> list[range]:
        """The numbers of the trials, a batch at a time."""
        n, size = self.tuner.trials, self.tuner.parallel_trials
        if self.tuner.sampler == "grid":
            n = min(n, grid(self.space)[0])
        return [range(start, min(start + size, n)) for start in range(0, n, size)]

    @property
    def n_batches(self) -> int:
        """How many batches are stored, from the first without a gap."""
        done = [all(number in self.known for number in batch) for batch in self.batches]
        return done.index(False) if False in done else len(done)

    def fitting(self) -> Fitting[None]:
        """Return a generator that adds the trials that are missing.

        It runs once, maybe side by side with the searches of other folds.
        """
        for i, batch in enumerate(self.batches):
            if i and self._is_late():
                return
            if i < self.first_batch:
                self.memory.add_trials([self.known[number] for number in batch])
            else:
                yield from self._run(batch)

    def _is_late(self) -> bool:
        spent = sum(t.user_attrs["seconds"] for t in self.memory.get_trials(deepcopy=False))
        return self.tuner.timeout is not None and spent >= self.tuner.timeout

    def _run(self, batch: range) -> Fitting[None]:
        """Ask for the trials of a batch, fit them, and tell of them in their order."""
        started = time.perf_counter()
        running = [Running(number, self._ask(number)) for number in batch]
        folds = list(range(len(self.problem.splits)))
        # Without pruning nothing has to be known of one inner fold before the next.
        for part in [[i] for i in folds] if self.tuner.pruning else [folds]:
            going_on = [own for own in running if not own.error and not own.is_pruned]
            yield from self._fit(going_on, part)
            for own in running if part[-1] != folds[-1] else []:
                own.is_pruned |= not own.error and own.trial.should_prune()
        seconds = (time.perf_counter() - started) / len(running) / self.n_together
        for own in running:
            self._tell(own, seconds)

    def _fit(self, running: Sequence[Running], part: Sequence[int]) -> Fitting[None]:
        """Fit trials on inner folds, and report their means."""
        pairs = [(own, i) for own in running for i in part]
        answers = yield from gather(
            (self.problem.score(self._decoded(own.trial.params), i) for own, i in pairs),
            return_exceptions=True,
        )
        for (own, i), answer in zip(pairs, answers, strict=True):
            if isinstance(answer, Exception):
                own.error = own.error or reason_of(answer)
                continue
            own.inner.append(answer)
            if not math.isnan(own.mean):
                own.trial.report(own.mean, i)

    def _ask(self, number: int) -> Any:
        """Return a trial of the study in memory, as it is stored or as the sampler has it."""
        if number in self.known:
            self.memory.enqueue_trial(self.known[number].params)
        elif self.tuner.sampler == "grid":
            point = grid_point(self.space, number, self.tuner.trials, self.seed)
            self.memory.enqueue_trial(self._encoded(point))
        elif number == 0:
            self.memory.enqueue_trial(self._encoded(self.problem.cell.present_values()))
        self.memory.sampler = self._sampler(derive(self.seed, number))
        return self.memory.ask(self.names)

    def _sampler(self, seed: int) -> Any:
        import optuna

        if self.tuner.sampler == "tpe":
            return optuna.samplers.TPESampler(seed=seed)
        return optuna.samplers.RandomSampler(seed=seed)

    def _tell(self, own: Running, seconds: float) -> None:
        """Tell both studies that a trial has ended: how, and what it took."""
        from optuna.trial import TrialState

        if not own.error and math.isnan(own.mean):
            own.error = f"{self.options.sort} is undefined on every inner fold."
        for name, fact in ({SLOT: own.number} | own.facts(seconds)).items():
            own.trial.set_user_attr(name, fact)
        if own.error or own.is_pruned:
            self.memory.tell(own.trial, state=TrialState.FAIL if own.error else TrialState.PRUNED)
        else:
            self.memory.tell(own.trial, own.mean)
        if own.number not in self.known:
            self.stored.add_trial(self.memory.trials[own.number])

    def tuned(self) -> Tuned:
        """Return the best values and how they were found; called once all trials are told.

        Raises
        ------
        DataError
            If every trial failed.
        """
        trials = tuple(map(self._trial, self.memory.trials))
        complete = [trial for trial in trials if trial.state == "complete"]
        best = best_of(trials, direction_of(self.options) == "maximize")
        return Tuned(best.values, trials, self._importance(complete))

    def _trial(self, found: Any) -> Trial:
        state, values = STATES[found.state.name], self._decoded(found.params)
        value = found.value if state == "complete" else None
        facts = {name: found.user_attrs[name] for name in ("inner", "seconds", "reason")}
        return Trial(found.user_attrs[SLOT], values, state, value, **facts)

    def _importance(self, complete: Sequence[Trial]) -> dict[str, float]:
        """Return the share of each parameter, {} where a quarter of the trials says nothing.

        References
        ----------
        Watanabe et al. 2023, "PED-ANOVA", arXiv 2304.10255.
        """
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        if len(complete) < BEFORE_IMPORTANCE or len({trial.value for trial in complete}) == 1:
            return {}
        evaluator = PedAnovaImportanceEvaluator(target_quantile=BEST)
        try:
            with warnings.catch_warnings(action="error"):  # it warns where it cannot tell
                found = get_param_importances(self.memory, evaluator=evaluator)
        except UserWarning:
            return {}
        return {key: float(found[key]) for key in self.space}

    def _encoded(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {key: self.space[key].encode(value) for key, value in values.items()}

    def _decoded(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {key: self.space[key].decode(params[key]) for key in self.space}


def _distribution(dimension: Dimension) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, Choices):
        return CategoricalDistribution([dimension.encode(v) for v in dimension.values])
    points = dimension.points()  # the last of them may lie below `high`
    high = dimension.high if points is None else points[-1]
    low, log, step = dimension.low, dimension.log, dimension.step
    if dimension.integer:
        return IntDistribution(int(low), int(high), log=log, step=int(step or 1))
    return FloatDistribution(float(low), float(high), log=log, step=step)
