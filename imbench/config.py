"""From a composed configuration to checked parts: every error at once, before anything runs."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbench import catalogue, search
from imbench.components import bind, closest, construct, deferred, is_component
from imbench.datasets import source_node
from imbench.errors import ConfigError
from imbench.metrics import MetricOptions, metric_options
from imbench.neighbors.identity import is_idle, neighbors_identity
from imbench.splits import Splitter
from imbench.strategies import CHAINED, STAGES, WRAPPERS
from imbench.strategies.base import Strategy

if TYPE_CHECKING:
    from imbench.models.base import Model
    from imbench.tuning import OptunaTuner

Config = Mapping[str, Any]

DEVICES = ("auto", "cpu", "cuda")
OUTPUTS = ("table", "json")
PARTS = ("strategy", "model", "splits", "tuning")
STRATEGY_KEYS = (*STAGES, "about", "needs", "search")
MODEL_KEYS = ("name", "about", "needs", "preprocessing", "estimator", "search")
NOT_IN_RUN_ID = {
    "dataset": ("about", "path", "data_dir", "download_dir"),  # the fingerprint says what it holds
    "model": ("about", "search"),
    "strategy": ("about", "search"),
}


def check(config: Config, folders: Sequence[Path]) -> list[str]:
    """Return one sentence for each thing that is wrong with a cell's configuration.

    Parameters
    ----------
    config : mapping
        Composed and resolved.
    folders : sequence of Path
        Configuration folders, to name the yaml files in a clash.
    """
    # Values are looked at once the names are right.
    return check_names(config, folders) or check_values(config)


def check_form(config: Config) -> list[str]:
    """Return what is wrong with forms and choices, which is seen without importing anything."""
    return _check_forms(config) or _check_choices(config)


def check_names(config: Config, folders: Sequence[Path]) -> list[str]:
    """Return what is wrong with forms, choices, names and signatures."""
    problems = _check_forms(config)
    if problems:
        return problems
    # The model first: PyTorch asks every module that is there where it comes from, and is imported
    # faster before scikit-learn than after it.
    of_model = _check_model(config["model"])
    problems = [*_check_choices(config), *_check_strategy(config["strategy"], folders), *of_model]
    named = {"dataset": source_node(config["dataset"]), "splits": config["splits"]}
    if config["dataset"].get("imbalance"):
        named["dataset.imbalance"] = config["dataset"]["imbalance"]
    if config.get("tuning"):
        named["tuning"] = config["tuning"]
    if not is_idle(config):
        named["neighbors"] = config["neighbors"]
    for key, node in named.items():
        if is_component(node):
            problems += bind(node, key)
        else:
            problems.append(f"{key} must name a class or function in _target_, got {node!r}.")
    return problems


def check_values(config: Config, parts: Sequence[str] = PARTS) -> list[str]:
    """Return what is wrong with the values of parts whose names are right."""
    make = {
        "strategy": strategy_of,
        "model": model_of,
        "splits": splitter_of,
        "tuning": tuning_metric,
    }
    problems = []
    for part in parts:
        try:
            make[part](config)
        except ConfigError as error:
            problems += str(error).splitlines()
            continue
        if part in search.PARTS and config.get("tuning"):
            problems += check_search(config, part)
    return problems


def check_search(config: Config, part: str) -> list[str]:
    """Return what is wrong with what tuning would try of a strategy or of a model."""
    problems = search.check_space(config, part)
    if not problems and config["tuning"].get("sampler") == "grid":
        try:
            search.grid({k: v for k, v in search.space_of(config).items() if k.startswith(part)})
        except ConfigError as error:
            problems.append(str(error))
    return problems


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


def identity(config: Config) -> dict[str, Any]:
    """Return what determines a cell's predictions, beside the content of its data.

    Device, tracking, output and the places of files are left out, and so are the metrics:
    they are derived from stored predictions.
    """
    kept: dict[str, Any] = {"seed": config["seed"], "splits": copy.deepcopy(config["splits"])}
    for part, left_out in NOT_IN_RUN_ID.items():
        node = copy.deepcopy(dict(config[part]))
        kept[part] = {name: value for name, value in node.items() if name not in left_out}
    for part in ("model", "strategy"):
        kept[part] = _without_device(kept[part])
    chains = {stage: list(kept["strategy"].get(stage) or {}) for stage in CHAINED}
    if order := {stage: names for stage, names in chains.items() if len(names) > 1}:
        kept["order"] = order  # keys are sorted where they are hashed and stored
    return kept | neighbors_identity(config) | _tuning_identity(config)


def _tuning_identity(config: Config) -> dict[str, Any]:
    """Return what tuning adds: nothing without it, so that ids are what they are without it.

    Where studies are stored plays no part. What is tried is no part of ``tuning``, which cells
    of a table share.
    """
    if not config.get("tuning"):
        return {}
    tuning = {name: value for name, value in config["tuning"].items() if name != "storage"}
    metrics = config["metrics"]
    tuning["metric"] = name = tuning.get("metric") or metrics["sort"]
    tuning |= {f"metrics_{key}": metrics.get(key) for key in ("minority", "ece_bins")}
    if name in (metrics.get("extra") or {}):
        tuning["metrics_extra"] = copy.deepcopy(metrics["extra"][name])
    tried = {part: search.entries(config[part]) for part in search.PARTS}
    return {"tuning": tuning, "search": copy.deepcopy(tried)}


def _without_device(node: Any) -> Any:
    if not isinstance(node, Mapping):
        return node
    return {name: _without_device(value) for name, value in node.items() if name != "device"}


def _check_params(component: Any, key: str) -> None:
    """Let a component of ours check its values now; scikit-learn's do it in `fit`."""
    if hasattr(component, "check_params"):
        try:
            component.check_params()
        except ValueError as error:
            raise ConfigError(f"{key}: {error}") from error


def _check_forms(config: Config) -> list[str]:
    """Check that what is looked into below is a mapping or a list."""
    problems = [
        f"{part} must be a mapping of keys to values, got {config.get(part)!r}."
        for part in ("strategy", "model", "dataset", "splits")
        if not isinstance(config.get(part), Mapping)
    ]
    if problems:
        return problems
    strategy, model = config["strategy"], config["model"]
    places = {
        "strategy.about": strategy.get("about"),
        "strategy.needs": strategy.get("needs"),
        "model.preprocessing": model.get("preprocessing"),
    }
    problems = [
        f"{key} must be a mapping of keys to values, got {value!r}."
        for key, value in places.items()
        if value is not None and not isinstance(value, Mapping)
    ]
    if problems:
        return problems
    lists = {"model.needs": model.get("needs")}
    lists |= {f"strategy.needs.{n}": kinds for n, kinds in (strategy.get("needs") or {}).items()}
    return [
        f"{key} must be a list such as [images], got {value!r}."
        for key, value in lists.items()
        if value is not None and not isinstance(value, list)
    ]


def _check_choices(config: Config) -> list[str]:
    problems = [
        f"{key}={config[key]} is not one of {', '.join(known)}."
        for key, known in (("device", DEVICES), ("output", OUTPUTS))
        if config[key] not in known
    ]
    if not isinstance(config["amp"], bool):
        problems.append(f"amp={config['amp']} must be true or false.")
    if type(config["seed"]) is not int or config["seed"] < 0:
        problems.append(f"seed={config['seed']} must be an integer of at least 0.")
    n_jobs = config["n_jobs"]
    if type(n_jobs) is not int or (n_jobs < 1 and n_jobs != -1):
        problems.append(f"n_jobs={n_jobs} must be an integer of at least 1, or -1 for all cores.")
    return problems


def _check_strategy(node: Config, folders: Sequence[Path]) -> list[str]:
    problems = [
        f"strategy.{key}: there is no stage {key!r}{closest(key, STAGES)}; "
        f"the stages are {', '.join(STAGES)}."
        for key in node
        if key not in STRATEGY_KEYS
    ]
    for stage in STAGES:
        entries = node.get(stage) or {}
        if not isinstance(entries, Mapping) or not all(map(is_component, entries.values())):
            problems.append(
                f"strategy.{stage} must hold entries by name, each with a _target_: "
                f"{{name: {{_target_: ...}}}}, got {entries!r}."
            )
            continue
        if len(entries) > 1 and stage not in CHAINED:
            files = [
                " or ".join(catalogue.files_of(stage, name, folders)) or name for name in entries
            ]
            problems.append(
                f"strategy={'+'.join(entries)}: {' and '.join(files)} both fill the stage "
                f"{stage!r}, which holds one: select one of them."
            )
        supplied = ("estimator",) if stage in WRAPPERS else ()
        for name, entry in entries.items():
            problems += bind(entry, f"strategy.{stage}.{name}", supplied)
    return problems + _check_needs(node.get("needs") or {}, "strategy.needs")


def _check_model(node: Config) -> list[str]:
    problems = [
        f"model.{key}: there is no such key{closest(key, MODEL_KEYS)}; "
        f"a model has {', '.join(MODEL_KEYS)}."
        for key in node
        if key not in MODEL_KEYS
    ]
    estimator: Any = node.get("estimator")
    of_estimator = (
        bind(estimator, "model.estimator")
        if is_component(estimator)
        else ["model.estimator must name a class in _target_."]
    )
    problems += _check_needs({"model": node.get("needs") or ()}, "model.needs")
    wants = {"_target_": "imbench.models.preprocessing.Preprocessing"}
    problems += bind({**wants, **(node.get("preprocessing") or {})}, "model.preprocessing")
    return problems + of_estimator


def _check_needs(needs: Mapping[str, Sequence[str]], key: str) -> list[str]:
    from imbench.needs import NEEDS

    return [
        f"{key}: {kind!r} is not a kind of data{closest(kind, NEEDS)}; known: {', '.join(NEEDS)}."
        for kinds in needs.values()
        for kind in kinds
        if kind not in NEEDS
    ]
