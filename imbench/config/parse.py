"""Build the objects that a checked configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imbench.components.construct import construct, deferred
from imbench.config.neighbors import is_idle
from imbench.data.splits import Splitter
from imbench.errors import ConfigError
from imbench.results.metric_options import MetricOptions, metric_options
from imbench.strategies import STAGES, WRAPPERS
from imbench.strategies.base import Strategy

if TYPE_CHECKING:
    from imbench.models.base import Model
    from imbench.run.tuning.optuna import OptunaTuner


Config = Mapping[str, Any]


def strategy_of(config: Config) -> Strategy:
    """Construct the strategy.

    Raises
    ------
    ConfigError
        If a value is refused.
    """
    node = config["strategy"]
    stages: dict[str, dict[str, Any]] = {stage: {} for stage in STAGES}
    problems = []
    for stage in STAGES:
        for name, entry in (node.get(stage) or {}).items():
            try:
                stages[stage][name] = _stage_entry(entry, stage, f"strategy.{stage}.{name}")
            except ConfigError as error:
                problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))
    about = node.get("about") or {}
    hints = {name: a["instead"] for name, a in about.items() if a and a.get("instead")}
    needs = {name: tuple(kinds) for name, kinds in (node.get("needs") or {}).items()}
    return Strategy(**stages, needs=needs, hints=hints, neighbors=neighbors_of(config))


def neighbors_of(config: Config) -> Any:
    """Construct what samplers ask for nearest neighbours; None where none of them will ask.

    Raises
    ------
    ConfigError
        If a value is refused.
    """
    if is_idle(config):
        return None
    found = construct(config["neighbors"], "neighbors")
    _check_params(found, "neighbors")
    return found


def _stage_entry(entry: Config, stage: str, key: str) -> Any:
    if stage not in WRAPPERS:
        component = construct(entry, key)
        _check_params(component, key)
        return component
    _check_params(construct(entry, key, estimator=None), key)
    return deferred(entry, key)


def model_of(config: Config) -> Model:
    """Construct the model.

    Raises
    ------
    ConfigError
        If a value is refused.
    """
    from imbench.models.base import Model
    from imbench.models.preprocessing import Preprocessing

    node = config["model"]
    estimator = construct(node["estimator"], "model.estimator")
    _check_params(estimator, "model.estimator")
    return Model(
        name=str(node["name"]),
        estimator=estimator,
        preprocessing=Preprocessing(**(node.get("preprocessing") or {})),
        needs=tuple(node.get("needs") or ()),
    )


def splitter_of(config: Config) -> Splitter:
    """Construct the splitter.

    Raises
    ------
    ConfigError
        If a value is refused.
    """
    return construct(config["splits"], "splits")


def tuner_of(config: Config) -> OptunaTuner | None:
    """Construct the tuner; None for ``tuning=none``.

    Raises
    ------
    ConfigError
        If a value is refused.
    """
    return construct(config["tuning"], "tuning") if config.get("tuning") else None


def tuning_metric(config: Config) -> MetricOptions | None:
    """Return the metrics, sorted by the one that is tuned; None for ``tuning=none``.

    Raises
    ------
    ConfigError
        If a value of the tuner is refused, or there is no such metric.
    """
    tuner = tuner_of(config)
    if tuner is None:
        return None
    options = metric_options(config["metrics"])
    if tuner.metric is None:
        return options
    try:
        return replace(options, sort=tuner.metric)
    except ConfigError as error:
        raise ConfigError(str(error).replace("metrics.sort", "tuning.metric", 1)) from error


def _check_params(component: Any, key: str) -> None:
    """Let a component of ours check its values now; scikit-learn's do it in `fit`."""
    if hasattr(component, "check_params"):
        try:
            component.check_params()
        except ValueError as error:
            raise ConfigError(f"{key}: {error}") from error
