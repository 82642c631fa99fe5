"""Parse a composed configuration into a :class:`~imbench.config.cell.Cell`, and check it once.

This is the door: above it a configuration is a mapping, below it there are typed objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from imbench.components.construct import TARGET, Component, is_component, resolve
from imbench.config import parts as config_parts
from imbench.config.cell import Cell, CellOutline, RefusedCell, Tuner, Tuning
from imbench.config.check import (
    Config,
    check_choices,
    check_forms,
    check_needs,
    model_name,
    stage_entries,
)
from imbench.config.costs import with_costs
from imbench.config.identity import identity_of
from imbench.config.neighbors import is_idle
from imbench.config.search_check import check_search
from imbench.config.search_space import space_of
from imbench.data.spec import DatasetSpec
from imbench.data.splits import Splitter
from imbench.errors import ConfigError
from imbench.results.metric_options import MetricOptions, metric_options
from imbench.strategies.base import Strategy

PREPROCESSING = "imbench.models.preprocessing.Preprocessing"


def parse(config: Config, folders: Sequence[Path]) -> Cell | RefusedCell:
    """Parse and check the configuration of one cell.

    Parameters
    ----------
    config : mapping
        Composed and resolved.
    folders : sequence of Path
        Configuration folders, to name the yaml files in a clash.

    Raises
    ------
    ConfigError
        With one line for each problem.

    Examples
    --------
    >>> from imbench.config.compose import Composer
    >>> composer = Composer(None)
    >>> (config,) = composer.cells(["model=knn", "strategy=[smote,threshold]"], multirun=False)
    >>> cell = parse(config, composer.folders)
    >>> cell.model.name, cell.label, cell.splitter.n_folds
    ('knn', 'smote+threshold', 5)
    """
    return Draft(config, folders).cell()


def check(config: Config, folders: Sequence[Path]) -> list[str]:
    """Return a sentence for each thing that is wrong with the configuration of a cell."""
    try:
        cell = parse(config, folders)
    except ConfigError as error:
        return str(error).splitlines()
    return cell.reason.splitlines() if isinstance(cell, RefusedCell) else []


class Problems(list[str]):
    """Sentences that are collected, to be reported all at once."""

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Add the lines of a ConfigError instead of raising it."""
        try:
            yield
        except ConfigError as error:
            self.extend(str(error).splitlines())

    def raise_if_any(self) -> None:
        """Raise ConfigError with one line for each sentence, each once."""
        if self:
            raise ConfigError("\n".join(dict.fromkeys(self)))


class Draft:
    """A configuration on its way to a cell: outlined first, then parsed.

    The outline needs no model library, so that a stored cell is found in little time. What was
    located for the outline is not located again for the cell.

    Parameters
    ----------
    config : mapping
        Composed and resolved.
    folders : sequence of Path
        Configuration folders, to name the yaml files in a clash.
    """

    def __init__(self, config: Config, folders: Sequence[Path]) -> None:
        self.config = with_costs(config)
        self.folders = folders

    @cached_property
    def outline(self) -> CellOutline:
        """The outline of the cell.

        Raises
        ------
        ConfigError
            With one line for each problem that is seen without importing model and strategy.
        """
        self._raise_on_wrong_forms()
        problems = Problems(check_choices(self.config, self.folders))
        for part in ("dataset", "splitter", "metrics"):
            with problems.collected():
                getattr(self, part)
        problems.raise_if_any()
        entries = list(stage_entries(self.config["strategy"]))
        return CellOutline(
            dataset=self.dataset,
            splitter=self.splitter,
            metrics=self.metrics,
            seed=self.config["seed"],
            model_name=model_name(self.config["model"]),
            label="+".join(dict.fromkeys(name for _, name, _ in entries)) or "none",
            stages=tuple(dict.fromkeys(stage for stage, _, _ in entries)),
            identity=identity_of(self.config),
        )

    @cached_property
    def dataset(self) -> DatasetSpec:
        """Where the data come from."""
        return DatasetSpec.from_node(self.config["dataset"])

    @cached_property
    def metrics(self) -> MetricOptions:
        """The metrics of the tables, and what errors cost."""
        return metric_options(self.config["metrics"], self.config.get("costs"))

    @cached_property
    def splitter(self) -> Splitter:
        """What splits the data into folds."""
        splitter: Splitter = self._splits.construct()
        return splitter

    @cached_property
    def _splits(self) -> Component:
        return resolve(self.config["splits"], "splits")

    def cell(self) -> Cell | RefusedCell:
        """Resolve and construct everything.

        Returns
        -------
        Cell or RefusedCell
            A refused one if nothing is wrong but values of the strategy.

        Raises
        ------
        ConfigError
            With one line for each other problem.
        """
        parts, tuning, neighbors = self._resolve()
        values, refused = Problems(), Problems()
        with refused.collected():
            stages = config_parts.construct_stages(parts)
            self._check_search("strategy", parts)
        with refused.collected():
            search = _construct_neighbors(neighbors)
        with values.collected():
            node = self.config["model"]
            needs = tuple(node.get("needs") or ())
            model = config_parts.construct_model(parts, model_name(node), needs)
            self._check_search("model", parts)
        with values.collected():
            _ = self.splitter
        with values.collected():
            tuner = self._construct_tuner(tuning)
        if values:
            Problems([*refused, *values]).raise_if_any()
        if refused:
            return RefusedCell(**vars(self.outline), reason="\n".join(refused))
        return Cell(
            **vars(self.outline),
            model=model,
            strategy=self._strategy(stages, search),
            parts=parts,
            tuning=None if tuner is None else Tuning(*tuner, space_of(self.config, parts)),
        )

    def _raise_on_wrong_forms(self) -> None:
        Problems(check_forms(self.config)).raise_if_any()

    def _resolve(self) -> tuple[dict[str, Component], Component | None, Component | None]:
        """Resolve every name; return model and strategy, the tuner, the neighbor search.

        Raises
        ------
        ConfigError
            With one line for each name that is wrong. Values are checked once names are right.
        """
        self._raise_on_wrong_forms()
        problems = Problems(check_choices(self.config, self.folders))
        parts = self._resolve_parts(problems)
        for part in ("dataset", "_splits", "metrics"):
            with problems.collected():
                getattr(self, part)
        wanted = {"tuning": self.config.get("tuning")}
        if not is_idle(self.config):
            wanted["neighbors"] = self.config["neighbors"]
        others: dict[str, Component] = {}
        for key, node in wanted.items():
            with problems.collected():
                if node:
                    others[key] = resolve(node, key)
        problems.raise_if_any()
        return parts, others.get("tuning"), others.get("neighbors")

    def _resolve_parts(self, problems: Problems) -> dict[str, Component]:
        """Resolve the components of model and strategy."""
        model, strategy = self.config["model"], self.config["strategy"]
        parts: dict[str, Component] = {}
        # The model first: PyTorch inspects every module that is loaded, and is imported faster
        # before scikit-learn than after it.
        if is_component(model.get("estimator")) and model["estimator"][TARGET] is not None:
            with problems.collected():
                parts["model.estimator"] = resolve(model["estimator"], "model.estimator")
        with problems.collected():
            node = {"_target_": PREPROCESSING, **(model.get("preprocessing") or {})}
            parts["model.preprocessing"] = resolve(node, "model.preprocessing")
        for stage, name, entry in stage_entries(strategy):
            key = f"strategy.{stage}.{name}"
            with problems.collected():
                parts[key] = resolve(entry, key, config_parts.supplied_to(key))
        problems += check_needs(strategy.get("needs") or {}, "strategy.needs")
        problems += check_needs({"model": model.get("needs") or ()}, "model.needs")
        return parts

    def _check_search(self, part: str, parts: config_parts.Parts) -> None:
        """Raise ConfigError if tuning cannot use the search space of a strategy or a model."""
        if self.config.get("tuning"):
            Problems(check_search(self.config, part, parts)).raise_if_any()

    def _construct_tuner(self, tuning: Component | None) -> tuple[Tuner, MetricOptions] | None:
        """Return the tuner and the metrics, sorted by the one that is tuned."""
        if tuning is None:
            return None
        tuner: Tuner = tuning.construct()
        try:
            metric = tuner.metric
            options = self.metrics if metric is None else replace(self.metrics, sort=metric)
        except ConfigError as error:
            raise ConfigError(str(error).replace("metrics.sort", "tuning.metric", 1)) from error
        return tuner, options

    def _strategy(self, stages: Mapping[str, Mapping[str, Any]], neighbors: Any) -> Strategy:
        node = self.config["strategy"]
        about = node.get("about") or {}
        hints = {name: a["instead"] for name, a in about.items() if a and a.get("instead")}
        needs = {name: tuple(kinds) for name, kinds in (node.get("needs") or {}).items()}
        return Strategy(**stages, needs=needs, hints=hints, neighbors=neighbors)


def _construct_neighbors(component: Component | None) -> Any:
    """Construct the search for nearest neighbors; None where no sampler asks for it."""
    if component is None:
        return None
    found = component.construct()
    config_parts.check_params(found, "neighbors")
    return found
