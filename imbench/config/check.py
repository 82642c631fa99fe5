"""Check forms, names and choices of a composed configuration, without importing what it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from imbench.components.construct import TARGET, closest, is_component
from imbench.config import catalogue
from imbench.config.budget import budget_problems
from imbench.config.limits import limit_problems
from imbench.data.notices import CODES
from imbench.strategies import CHAINED, STAGES
from imbench.strategies.costs import EXAMPLE

Config = Mapping[str, Any]

DEVICES = ("auto", "cpu", "cuda")
BASELINES = ("none", "threshold", "auto")
OUTPUTS = ("table", "json")
PARTS = {
    "dataset": "dataset=digits",
    "model": "model=mlp",
    "strategy": "strategy=none",
    "splits": "splits=kfold",
    "metrics": "'metrics=[default]'",
    "tracking": "tracking=none",
}
NEEDED = ("seed", "device", "output", "baseline", "amp", "n_jobs", "results_dir")
STRATEGY_KEYS = (*STAGES, "about", "needs", "search")
MODEL_KEYS = ("name", "about", "needs", "preprocessing", "estimator", "search")


def check_forms(config: Config) -> list[str]:
    """Return a sentence for each key that must be a mapping or a list and is not.

    Everything else can be looked up only once there is no such problem.
    """
    problems = [
        f"~{key}: the key is needed; leave ~{key} out." for key in NEEDED if key not in config
    ]
    problems += [
        f"{part} must be a mapping of keys to values, got {config.get(part)!r}; select a file of "
        f"conf/{part}/, such as {example}."
        for part, example in PARTS.items()
        if part != "tracking" and not isinstance(config.get(part), Mapping)
    ]
    problems += [
        f"{part} must be a mapping of keys to values, got {config[part]!r}; set {part}=none."
        for part in ("tuning", "neighbors")
        if config.get(part) is not None and not isinstance(config[part], Mapping)
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


def check_choices(config: Config, folders: Sequence[Path]) -> list[str]:
    """Return a sentence for each unknown key, stage or choice.

    Parameters
    ----------
    config : mapping
        Without a problem of :func:`check_forms`.
    folders : sequence of Path
        Configuration folders, to name the yaml files in a clash.
    """
    return [
        *_check_run(config),
        *_check_stages(config["strategy"], folders),
        *_check_model_keys(config["model"]),
        *(_check_search_forms(config) if config.get("tuning") else []),
    ]


def stage_entries(node: Config) -> Iterator[tuple[str, str, Config]]:
    """Yield stage, name and node of each entry of a strategy, in the order of the stages.

    Stages of a wrong form are left out; :func:`check_choices` reports them.

    Examples
    --------
    >>> list(stage_entries({"loss": {"focal": {"_target_": "a.Focal"}}, "resample": 3}))
    [('loss', 'focal', {'_target_': 'a.Focal'})]
    """
    for stage in STAGES:
        entries = node.get(stage) or {}
        if isinstance(entries, Mapping):
            for name, entry in entries.items():
                if is_component(entry):
                    yield stage, str(name), entry


def model_name(node: Config) -> str:
    """Return what tables call a model: its ``name``, or that of its class where it has none.

    Examples
    --------
    >>> model_name({"name": None, "estimator": {"_target_": "sklearn.svm.LinearSVC"}})
    'LinearSVC'
    """
    if node.get("name") is not None:
        return str(node["name"])
    return str((node.get("estimator") or {}).get(TARGET)).rpartition(".")[2]


def check_needs(needs: Mapping[str, Sequence[str]], key: str) -> list[str]:
    """Return a sentence for each kind of data that is not known."""
    from imbench.pipeline.needs import NEEDS

    return [
        f"{key}: {kind!r} is not a kind of data{closest(kind, NEEDS)}; known: {', '.join(NEEDS)}."
        for kinds in needs.values()
        for kind in kinds
        if kind not in NEEDS
    ]


def _check_run(config: Config) -> list[str]:
    problems = [
        f"{key}={config[key]} is not one of {', '.join(known)}."
        for key, known in (("device", DEVICES), ("output", OUTPUTS), ("baseline", BASELINES))
        if config[key] not in known
    ]
    problems += budget_problems(config.get("budget"))
    problems += limit_problems(config.get("limits"))
    if not isinstance(config.get("retry", False), bool):
        problems.append(f"retry={config['retry']} must be true or false.")
    problems += _check_ignored(config.get("checks"))
    if isinstance(config.get("metrics"), Mapping) and "costs" in config["metrics"]:
        problems.append(f"metrics.costs: costs are a key beside metrics; set {EXAMPLE}.")
    if not isinstance(config["amp"], bool):
        problems.append(f"amp={config['amp']} must be true or false.")
    if type(config["seed"]) is not int or config["seed"] < 0:
        problems.append(f"seed={config['seed']} must be an integer of at least 0.")
    n_jobs = config["n_jobs"]
    is_number = type(n_jobs) is int and (n_jobs >= 1 or n_jobs == -1)
    if n_jobs != "auto" and not is_number:
        problems.append(
            f"n_jobs={n_jobs} must be auto, an integer of at least 1, or -1 for all cores."
        )
    return problems


def _check_ignored(node: Any) -> list[str]:
    """Return a sentence for each code of ``checks.ignore`` that no notice has."""
    codes = (node or {}).get("ignore") if isinstance(node or {}, Mapping) else node
    if codes is None:
        return []
    if not isinstance(codes, list):
        return [f"checks.ignore={codes!r} must be a list of codes, such as [{CODES[0]}]."]
    return [
        f"checks.ignore: {code!r} is not a code{closest(str(code), CODES)}; "
        f"the codes are {', '.join(CODES)}."
        for code in codes
        if code not in CODES
    ]


def _check_stages(node: Config, folders: Sequence[Path]) -> list[str]:
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
        elif len(entries) > 1 and stage not in CHAINED:
            files = [
                " or ".join(catalogue.files_of(stage, name, folders)) or name for name in entries
            ]
            problems.append(
                f"strategy={'+'.join(entries)}: {' and '.join(files)} both fill the stage "
                f"{stage!r}, which holds one: select one of them."
            )
    return problems


def _check_search_forms(config: Config) -> list[str]:
    found = {part: config[part].get("search") or {} for part in ("strategy", "model")}
    return [
        f"{part}.search must be a mapping of parameters to ranges, got {node!r}."
        for part, node in found.items()
        if not isinstance(node, Mapping)
    ]


def _check_model_keys(node: Config) -> list[str]:
    problems = [
        f"model.{key}: there is no such key{closest(key, MODEL_KEYS)}; "
        f"a model has {', '.join(MODEL_KEYS)}."
        for key in node
        if key not in MODEL_KEYS
    ]
    if not is_component(node.get("estimator")):
        problems.append("model.estimator must name a class in _target_.")
    elif node["estimator"][TARGET] is None:
        problems.append(
            f"model.estimator.{TARGET} is not set: name your class, or a function that makes the "
            f"estimator, such as model.estimator.{TARGET}=sklearn.svm.LinearSVC."
        )
    return problems
