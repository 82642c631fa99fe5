"""Check what tuning would try: every range is read, and its ends are constructed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbench.components.construct import closest
from imbench.config.parts import Parts, split_key, supplied_to, value_at, with_values
from imbench.config.search_space import dimension, entries, grid, space_of
from imbench.errors import ConfigError


def check_search(config: Mapping[str, Any], part: str, parts: Parts) -> list[str]:
    """Return what is wrong with the search space of a strategy or of a model.

    Parameters
    ----------
    config : mapping
        Composed and resolved.
    part : {"strategy", "model"}
    parts : mapping of str to Component
        The components of both.
    """
    problems = check_space(config[part], part, parts)
    if not problems and config["tuning"].get("sampler") == "grid":
        space = space_of(config, parts)
        try:
            grid({key: value for key, value in space.items() if key.startswith(f"{part}.")})
        except ConfigError as error:
            problems.append(str(error))
    return problems


def check_space(node: Mapping[str, Any], part: str, parts: Parts) -> list[str]:
    """Return what is wrong with the ranges of a strategy or of a model, one sentence each.

    A parameter itself decides what it takes: each end and each choice is set and constructed.

    Parameters
    ----------
    node : mapping
        ``config["strategy"]`` or ``config["model"]``.
    part : {"strategy", "model"}
    parts : mapping of str to Component
    """
    ranges = entries(node).items()
    checked = (_check_range(node, part, path, entry, parts) for path, entry in ranges)
    return [problem for problem in checked if problem]


def _check_range(
    node: Mapping[str, Any], part: str, path: str, entry: object, parts: Parts
) -> str | None:
    """Return what is wrong with one range, None if it is right."""
    key = f"{part}.search.{path}"
    if problem := _unknown_place(node, path, part):
        return f"{key}: {problem}"
    try:
        read = dimension(entry, key, value_at(parts, f"{part}.{path}"))
    except ConfigError as error:
        return str(error)
    for name, value in read.ends.items():
        if why := _refusal(parts, f"{part}.{path}", value):
            return f"{key}: {name}={value!r} is not what the parameter takes: {why}"
    return None


def _unknown_place(node: Mapping[str, Any], path: str, part: str) -> str:
    """Say at which name a path leaves the configuration; empty if only its last name is new."""
    at = part
    *parents, _ = path.split(".")
    least = 2 if part == "strategy" else 1  # of <stage>.<entry>.<parameter>, estimator.<parameter>
    if len(parents) < least:
        example = "resample.smote.k_neighbors" if part == "strategy" else "estimator.lr"
        return f"a path has the form {example}, got {path!r}."
    for parent in parents:
        inside = node.get(parent)
        if not isinstance(inside, Mapping):
            known = [name for name, value in node.items() if isinstance(value, Mapping)]
            return f"{at} holds no {parent!r}{closest(parent, known)}; correct the path."
        node, at = inside, f"{at}.{parent}"
    return ""


def _refusal(parts: Parts, key: str, value: object) -> str:
    """Return why a component cannot be constructed with a value; empty if it can."""
    owner, _ = split_key(key)
    supplied = supplied_to(owner)
    try:
        component = with_values(parts, {key: value})[owner]
        if problems := component.problems(supplied):
            return problems[0]
        _validate(component.construct(**dict.fromkeys(supplied)))
    except (ConfigError, ValueError) as error:
        return str(error).splitlines()[0]
    return ""


def _validate(component: Any) -> None:
    """Let a component and those inside it check their values, scikit-learn's included.

    scikit-learn's estimators do it only in `fit`, by a method that all of them inherit.
    """
    if hasattr(component, "check_params"):
        component.check_params()
    if hasattr(component, "_parameter_constraints"):
        component._validate_params()
    if hasattr(component, "get_params"):
        for inner in component.get_params(deep=False).values():
            if not isinstance(inner, type):
                _validate(inner)
