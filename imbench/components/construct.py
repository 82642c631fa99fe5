"""From a yaml node with `_target_` to a Python object: find, bind, construct.

`bind` is called on every node before anything runs, so that a misspelt parameter in the last
cell of a sweep is reported at once; `construct` is called when a cell is built. User components
are found by the same import path as ours, which makes a yaml the whole registration.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from imbench.components.names import current_path
from imbench.errors import ConfigError

TARGET = "_target_"
PLAIN_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "None": (type(None),),
}
EXTRAS = dict.fromkeys(("catboost", "lightgbm", "xgboost"), "boosting") | {"faiss": "neighbors"}
"""Packages that an optional extra installs."""


def is_component(node: object) -> bool:
    """Whether a configuration node names a Python object."""
    return isinstance(node, Mapping) and TARGET in node


def locate(path: str, key: str) -> Callable[..., Any]:
    """Import the object behind a dotted path.

    Parameters
    ----------
    path : str
        ``package.module.Name``.
    key : str
        Where the path stands in the configuration, for the error.

    Raises
    ------
    ConfigError
        If a module or the name does not exist, or the object cannot be called.
    """
    module_name, _, name = current_path(path).rpartition(".")
    try:
        found = getattr(importlib.import_module(module_name), name) if module_name else None
    except (ImportError, AttributeError, SyntaxError, TypeError, ValueError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name in EXTRAS:
            raise ConfigError(
                f"{key}._target_={path}: {error.name} is not installed, "
                f"pip install 'imbench[{EXTRAS[error.name]}]' does that."
            ) from error
        raise ConfigError(f"{key}._target_={path}: cannot be imported ({error}).") from error
    if not callable(found):
        raise ConfigError(f"{key}._target_={path}: is not a class or a function.")
    return found


def closest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest known name, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def bind(node: Mapping[str, Any], key: str, supplied: Iterable[str] = ()) -> list[str]:
    """Check a node's parameters against the signature of its target, and those inside it.

    Parameters
    ----------
    node : mapping
        ``{_target_: path, parameter: value, ...}``; a value may itself be such a node.
    key : str
        Dotted place of the node, for the messages.
    supplied : iterable of str
        Parameters that imbench passes when it constructs the object (``estimator``, ...).

    Returns
    -------
    list of str
        One sentence for each thing that is wrong; empty if the node can be constructed.
    """
    try:
        target = locate(str(node[TARGET]), key)
    except ConfigError as error:
        return [str(error)]
    try:
        parameters = inspect.signature(target).parameters
    except ValueError:  # some built-in and compiled callables have none
        return []
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    known = {
        n for n, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }
    given = {name for name in node if name != TARGET}
    problems = [
        f"{key}.{name}: {node[TARGET]} has no parameter {name!r}"
        f"{closest(name, known)}; it takes {', '.join(sorted(known - set(supplied))) or 'none'}."
        for name in sorted(given - known)
        if not takes_any
    ]
    problems += [
        f"{key}.{name} is given by imbench: leave it out." for name in sorted(given & set(supplied))
    ]
    problems += [
        f"{key}.{name} is missing: {node[TARGET]} needs a value."
        for name, p in parameters.items()
        if name in known - given - set(supplied) and p.default is p.empty
    ]
    for name in sorted(given):
        if is_component(node[name]):
            problems += bind(node[name], f"{key}.{name}")
        elif name in known and not _is_of_type(node[name], parameters[name].annotation):
            wanted = str(parameters[name].annotation).replace(" | ", " or ")
            problems.append(f"{key}.{name}={node[name]!r} must be of type {wanted}.")
    return problems


def _is_of_type(value: object, annotation: object) -> bool:
    """Whether a value fits an annotation made of plain types; True for every other annotation.

    Annotations are text here: every module of ours postpones their evaluation.
    """
    names = [name.strip() for name in annotation.split("|")] if isinstance(annotation, str) else []
    if not names or not set(names) <= PLAIN_TYPES.keys():
        return True
    if isinstance(value, bool):
        return "bool" in names
    return any(isinstance(value, PLAIN_TYPES[name]) for name in names)


def construct(node: Mapping[str, Any], key: str, **supplied: Any) -> Any:
    """Construct the object that a node names; nodes inside it first.

    Raises
    ------
    ConfigError
        If the constructor refuses a value. Its sentence is kept and the key put in front.
    """
    return _call(locate(str(node[TARGET]), key), node, key, supplied)


def deferred(node: Mapping[str, Any], key: str) -> Callable[..., Any]:
    """Return a function that constructs the node once its ``estimator`` is known.

    For wrappers (the stages `ensemble` and `decision`): nothing is constructed before the call.
    """
    return functools.partial(construct, node, key)


def _call(
    target: Callable[..., Any], node: Mapping[str, Any], key: str, supplied: Mapping[str, Any]
) -> Any:
    arguments = {
        name: construct(value, f"{key}.{name}") if is_component(value) else value
        for name, value in node.items()
        if name != TARGET
    }
    try:
        return target(**arguments, **supplied)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{key}: {error}") from error
