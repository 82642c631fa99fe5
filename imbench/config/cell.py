"""A cell as everything below the command line sees it: typed, checked, frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from imbench.config import parts as config_parts
from imbench.config.search_space import Space
from imbench.data.spec import DatasetSpec
from imbench.data.splits import Splitter, with_repeats
from imbench.results.fold import CellKey
from imbench.results.metric_options import MetricOptions
from imbench.results.run_ids import cell_id

if TYPE_CHECKING:
    from imbench.models.base import Model
    from imbench.strategies.base import Strategy


class Tuner(Protocol):
    """What a file of ``conf/tuning/`` constructs."""

    @property
    def metric(self) -> str | None:
        """Metric to optimise; None is ``metrics.sort``."""
        ...

    @property
    def inner_splits(self) -> int:
        """Inner folds of each outer training part."""
        ...

    @property
    def parallel_trials(self) -> int:
        """Trials that are fitted together."""
        ...

    def prepare(self, results_dir: Path) -> None:
        """Open the storage once, before anything is computed."""
        ...

    def away(self) -> Tuner:
        """Return the tuner for another machine, which cannot open a file of this one."""
        ...

    def journal(self, key: CellKey, results_dir: Path) -> bytes:
        """Return the trials of a cell so far, as the tuner of another machine reads them."""
        ...

    def take_back(self, key: CellKey, journal: bytes, results_dir: Path) -> None:
        """Store the trials that the tuner of another machine has added to a journal."""
        ...

    def alone(self, key: CellKey, places: Sequence[str]) -> AbstractContextManager[None]:
        """Hold the studies of outer folds; other processes that want one of them wait."""
        ...

    def searches(
        self, key: CellKey, places: Sequence[str], problems: Sequence[Any], results_dir: Path
    ) -> Sequence[Any]:
        """Return one search for each outer fold."""
        ...


@dataclass(frozen=True, eq=False)
class Tuning:
    """How the parameters of a cell are tuned.

    Parameters
    ----------
    tuner : Tuner
    metrics : MetricOptions
        ``sort`` is the metric that is tuned.
    space : mapping of str to Range or Choices
        By ``strategy.<path>`` and ``model.<path>``; it may be empty.
    """

    tuner: Tuner
    metrics: MetricOptions
    space: Space


@dataclass(frozen=True, eq=False)
class CellOutline:
    """What is known of a cell before its model and its strategy are imported.

    It is enough to find a stored cell.

    Parameters
    ----------
    dataset : DatasetSpec
    splitter : Splitter
    metrics : MetricOptions
    seed : int
        Of the whole comparison; splits and fits derive theirs from it.
    model_name, label : str
        What tables call model and strategy.
    stages : tuple of str
        Stages that the strategy fills, in the order of the pipeline.
    identity : mapping
        What determines the predictions, beside the content of the data. The number of repeats is
        no part of it.
    sequential : bool, default=False
        Whether the number of repeats depends on what earlier ones have shown.
    """

    dataset: DatasetSpec
    splitter: Splitter
    metrics: MetricOptions
    seed: int
    model_name: str
    label: str
    stages: tuple[str, ...]
    identity: Mapping[str, Any]
    sequential: bool = field(default=False, kw_only=True)

    def with_repeats(self, n_repeats: int, sequential: bool = False) -> Self:
        """Return the cell with another number of repeats; its identity stays."""
        splitter = with_repeats(self.splitter, n_repeats)
        return replace(self, splitter=splitter, sequential=sequential)

    def key(self, dataset: str, fingerprint: str | None) -> CellKey:
        """Return the key that results are stored under.

        Parameters
        ----------
        dataset : str
            Name of the data set, which its source may give.
        fingerprint : str or None
            Hash of the data; None if they could not be loaded.
        """
        known = {} if fingerprint is None else {"fingerprint": fingerprint}
        identity = {**self.identity, **known}
        return CellKey(
            run_id=cell_id(identity),
            dataset=dataset,
            model=self.model_name,
            label=self.label,
            stages=self.stages,
            n_folds=self.splitter.n_folds,
            config=identity,
            sequential=self.sequential,
        )


@dataclass(frozen=True, eq=False)
class RefusedCell(CellOutline):
    """A cell of a sweep that fails, because a value of its strategy is refused.

    Parameters
    ----------
    reason : str
        One line for each value.
    """

    reason: str


@dataclass(frozen=True, eq=False)
class Cell(CellOutline):
    """A cell that can run: one data set, one model, one strategy.

    It can be pickled, as its components can, and is sent to worker processes.

    Parameters
    ----------
    model : Model
    strategy : Strategy
    parts : mapping of str to Component
        What model and strategy were constructed from.
    tuning : Tuning or None
    """

    model: Model
    strategy: Strategy
    parts: config_parts.Parts
    tuning: Tuning | None = None

    def with_values(self, values: Mapping[str, Any]) -> Cell:
        """Return the cell with parameters of its model and its strategy changed.

        Called by tuning, for each trial. The cell's identity stays.

        Parameters
        ----------
        values : mapping of str to object
            By ``strategy.<path>`` and ``model.<path>``.

        Raises
        ------
        ConfigError
            If a value is refused.
        """
        parts = config_parts.with_values(self.parts, values)
        model = config_parts.construct_model(parts, self.model.name, self.model.needs)
        strategy = replace(self.strategy, **config_parts.construct_stages(parts))
        return replace(self, parts=parts, model=model, strategy=strategy)

    def present_values(self) -> dict[str, Any]:
        """Return the untuned values of what is tuned, where the search space holds them."""
        space = {} if self.tuning is None else self.tuning.space
        present = {key: config_parts.value_at(self.parts, key) for key in space}
        return {key: value for key, value in present.items() if space[key].holds(value)}

    def without_decision(self) -> Cell:
        """Return the cell without its decision rule, whose scores every rule can use."""
        node = dict(self.identity["strategy"])
        rule = node.pop("decision", None) or {}
        if node.get("needs"):
            node["needs"] = {name: k for name, k in node["needs"].items() if name not in rule}
        strategy = self.strategy.without("decision")
        return replace(
            self,
            label=strategy.label,
            stages=strategy.stages,
            identity={**self.identity, "strategy": {k: v for k, v in node.items() if v != {}}},
            strategy=strategy,
            parts={k: v for k, v in self.parts.items() if not k.startswith("strategy.decision.")},
        )


AnyCell = TypeVar("AnyCell", bound=Cell | RefusedCell)


def by_dataset(cells: Sequence[AnyCell]) -> list[list[AnyCell]]:
    """Return the cells of each data set, in the order in which the data sets occur."""
    groups: dict[str, list[AnyCell]] = {}
    for cell in cells:
        groups.setdefault(str(cell.dataset.node), []).append(cell)
    return list(groups.values())
