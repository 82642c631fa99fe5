"""Check a composed configuration and report every error at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbench.components.construct import bind, closest, is_component
from imbench.config import catalogue
from imbench.config import search_space as search
from imbench.config.neighbors import is_idle
from imbench.data.load import source_node
from imbench.errors import ConfigError
from imbench.strategies import CHAINED, STAGES, WRAPPERS

if TYPE_CHECKING:
    pass
from imbench.config.parse import Config, model_of, splitter_of, strategy_of, tuning_metric

DEVICES = ("auto", "cpu", "cuda")


OUTPUTS = ("table", "json")


PARTS = ("strategy", "model", "splits", "tuning")


STRATEGY_KEYS = (*STAGES, "about", "needs", "search")


MODEL_KEYS = ("name", "about", "needs", "preprocessing", "estimator", "search")


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
    from imbench.pipeline.needs import NEEDS

    return [
        f"{key}: {kind!r} is not a kind of data{closest(kind, NEEDS)}; known: {', '.join(NEEDS)}."
        for kinds in needs.values()
        for kind in kinds
        if kind not in NEEDS
    ]
