"""One cell (data set, model, strategy) over its folds: resume, timing, statuses."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from imbench.components.hashing import run_id_of
from imbench.config import check as config_check
from imbench.config import identity as config_identity
from imbench.config import parse as config_parse
from imbench.config.search_space import space_of
from imbench.data.dataset import Dataset
from imbench.data.load import load_dataset
from imbench.data.splits import Fold
from imbench.errors import ConfigError, ImbenchError
from imbench.models.base import Model
from imbench.pipeline.resample_cache import ResampleCache
from imbench.results.fold import CellKey, CellResult, FoldResult, cell_result
from imbench.results.metric_options import check_classes, metric_options
from imbench.results.scores import RecordFiles
from imbench.results.store import Store
from imbench.run.folds import Task, can_run_apart, run_folds
from imbench.run.processes import side_by_side
from imbench.run.tuning.inner_folds import Tuning
from imbench.strategies import STAGES
from imbench.strategies.base import Strategy

KEPT_DATASETS = 4  # a sweep visits few data sets, each many times


@dataclass
class Runner:
    """Runs cells one after another, and remembers the data sets that they share.

    Parameters
    ----------
    results_dir : Path
        Folds are stored under ``results_dir/runs``.
    on_fold : callable
        Called after each fold with its result and whether it was stored already.
    cache : ResampleCache or None
        Resampled rows that the cells of a sweep share.
    n_workers : int
        Processes that the folds of a cell are spread over, where nets do not train in stacks.
    """

    results_dir: Path
    on_fold: Callable[[FoldResult, bool], None] = lambda result, stored: None
    cache: ResampleCache | None = None
    n_workers: int = 1
    _datasets: dict[str, Dataset] = field(default_factory=dict)
    _latest: tuple[Mapping[str, Any], Task] | None = None

    def __post_init__(self) -> None:
        self.store = Store(self.results_dir)

    def run(self, config: Mapping[str, Any]) -> CellResult:
        """Run what is missing of a cell and return all of it.

        Data that cannot be read or split, values of a strategy that are refused and strategies
        that do not fit are statuses of the cell, not exceptions: the sweep goes on. A failed fold
        ends its cell.
        """
        try:
            task = self.task_of(config)
        except ImbenchError as error:
            return self._never_run(config, " ".join(str(error).splitlines()))
        self.store.write_cell(task.key)
        done, missing = self._stored(task)
        n_workers = min(self.n_workers, len(missing)) if can_run_apart(task) else 1
        run = self.run_here if n_workers < 2 else self._run_apart
        with closing(run(config, missing)) as results:  # a failed fold stops the others
            for result in results:
                self.on_fold(result, False)
                done.append(result)
                if result.status != "ok":
                    break
        return cell_result(task.key, done)

    def task_of(self, config: Mapping[str, Any]) -> Task:
        """Prepare a cell; the latest is remembered, for its folds may come one by one.

        Raises
        ------
        ImbenchError
            If the data cannot be read or split, or a value of the strategy is refused.
        """
        if self._latest is None or self._latest[0] != config:
            data = self._dataset(config["dataset"])
            tuning = tuning_of(config, self.results_dir)
            strategy, model = config_parse.strategy_of(config), config_parse.model_of(config)
            task = _task(config, data, strategy, model, self.store, tuning)
            self._latest = dict(config), replace(task, cache=self.cache)
        return self._latest[1]

    def run_here(self, config: Mapping[str, Any], missing: Sequence[Fold]) -> Generator[FoldResult]:
        """Run folds of a cell in this process, and store each."""
        task = self.task_of(config)
        for result in run_folds(task, missing):
            self.store.write_fold(task.key, result)
            yield result

    def _run_apart(
        self, config: Mapping[str, Any], missing: Sequence[Fold]
    ) -> Generator[FoldResult]:
        """Run folds side by side; each is stored by the process that ran it."""
        import joblib

        shared = self.results_dir, self.cache
        calls = (joblib.delayed(_run_fold)(*shared, config, fold) for fold in missing)
        return side_by_side(calls, min(self.n_workers, len(missing)))

    def _never_run(self, config: Mapping[str, Any], reason: str) -> CellResult:
        try:
            data = self._dataset(config["dataset"])
        except ImbenchError:
            data = None
        return _never_run(config, data, config_parse.model_of(config), reason)

    def _stored(self, task: Task) -> tuple[list[FoldResult], list[Fold]]:
        """Return the folds that are there already, and those that are to be run."""
        done, missing = [], []
        for fold in task.folds:
            result = self.store.read_fold(task.key, fold.repeat, fold.fold)
            if result is not None and result.status == "ok":
                done.append(result)
                self.on_fold(result, True)
            else:
                missing.append(fold)
        return done, missing

    def _dataset(self, node: Mapping[str, Any]) -> Dataset:
        name = run_id_of(node)
        if name not in self._datasets:
            while len(self._datasets) >= KEPT_DATASETS:
                del self._datasets[next(iter(self._datasets))]
            self._datasets[name] = load_dataset(node)
        return self._datasets[name]


def tuning_of(config: Mapping[str, Any], results_dir: Path) -> Tuning | None:
    """Return what tuning needs, or None for ``tuning=none``.

    Raises
    ------
    ConfigError
        If what the strategy is searched for is refused.
    """
    options = config_parse.tuning_metric(config)
    tuner = config_parse.tuner_of(config)
    if tuner is None or options is None:
        return None
    problems = config_check.check_search(config, "strategy")
    if problems:
        raise ConfigError(" ".join(problems))
    return Tuning(tuner, config, space_of(config), options, results_dir)


def _task(
    config: Mapping[str, Any],
    data: Dataset,
    strategy: Strategy,
    model: Model,
    store: Store,
    tuning: Tuning | None,
) -> Task:
    """Split the data and give the cell its name.

    Raises
    ------
    ImbenchError
        If the data cannot be split as asked, or a metric names a class that is not there.
    """
    check_classes(metric_options(config["metrics"]), data.class_names)
    if tuning is not None:
        check_classes(tuning.options, data.class_names)
    folds = config_parse.splitter_of(config).split(data, config["seed"])

    def key_of(config: Mapping[str, Any], strategy: Strategy) -> CellKey:
        identity = config_identity.identity_of(config) | {"fingerprint": data.fingerprint}
        return CellKey(
            run_id=run_id_of(identity),
            dataset=data.name,
            model=model.name,
            label=strategy.label,
            stages=strategy.stages,
            n_folds=len(folds),
            config=identity,
        )

    records = None
    if strategy.decision and not (tuning and tuning.space):  # tuned beside its rule, it differs
        bare = key_of(_without_decision(config), strategy.without("decision"))
        records = RecordFiles(store, bare, data.y)
    seed = config["seed"]
    return Task(key_of(config, strategy), data, folds, model, strategy, seed, records, tuning)


def _without_decision(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of the same strategy without its decision rule."""
    node = dict(config["strategy"])
    rule = node.pop("decision") or {}
    if node.get("needs"):
        node["needs"] = {k: v for k, v in node["needs"].items() if k not in rule}
    return {**config, "strategy": {k: v for k, v in node.items() if v != {}}}


def _never_run(
    config: Mapping[str, Any], data: Dataset | None, model: Model, reason: str
) -> CellResult:
    """Return the failed cell of which no fold could be run; nothing is stored.

    The data could not be read (then there are none) or split, or a value of the strategy is
    refused: what it is called is known all the same.
    """
    entries = {stage: config["strategy"].get(stage) or {} for stage in STAGES}
    named = Strategy(**entries)
    identity = config_identity.identity_of(config)
    if data is not None:
        identity["fingerprint"] = data.fingerprint
    return CellResult(
        run_id=run_id_of(identity),
        dataset=str(config["dataset"].get("name")) if data is None else data.name,
        model=model.name,
        label=named.label,
        stages=named.stages,
        status="failed",
        reason=reason,
        n_folds=config_parse.splitter_of(config).n_folds,
        config=identity,
    )


def _run_fold(
    results_dir: Path, cache: ResampleCache | None, config: Mapping[str, Any], fold: Fold
) -> FoldResult:
    [result] = runner_of_process(results_dir, cache).run_here(config, [fold])
    return result


@lru_cache(maxsize=1)
def runner_of_process(results_dir: Path, cache: ResampleCache | None) -> Runner:
    """Return the runner of a worker process, which keeps data sets for further cells."""
    return Runner(results_dir, cache=cache)
