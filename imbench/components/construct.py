"""Resolve a yaml node with `_target_` to a Python object: locate, check the parameters, construct.

:func:`resolve` is called on every node before anything runs, so that a misspelt parameter in the
last cell of a sweep is reported at once. It returns a :class:`Component`, which is located once
and constructs as often as it is called. Users' own components are found by import path like the
shipped ones; a yaml file is the whole registration.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from imbench.components.extras import EXTRAS, missing
from imbench.components.names import current_path
from imbench.components.startup import same_directory
from imbench.errors import ConfigError

TARGET = "_target_"
PLAIN_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "None": (type(None),),
}


@dataclass(frozen=True, eq=False)
class Component:
    """A located class or function and the parameters to call it with.

    Made by :func:`resolve`. It can be pickled if its parameters can.

    Parameters
    ----------
    key : str
        Dotted key of its node, for error messages.
    path : str
        Import path, as the node gives it.
    target : callable
        The object behind the path.
    parameters : mapping of str to object
        Values by name. Nodes inside the node are components here.

    Examples
    --------
    >>> smaller = resolve({"_target_": "fractions.Fraction", "numerator": 3}, "share")
    >>> smaller.construct(denominator=4)
    Fraction(3, 4)
    """

    key: str
    path: str
    target: Callable[..., Any]
    parameters: Mapping[str, Any]

    def construct(self, **supplied: Any) -> Any:
        """Construct the object; components among the parameters are constructed first.

        Parameters
        ----------
        **supplied : object
            Further parameters, which imbench passes (``estimator`` for wrappers).

        Raises
        ------
        ConfigError
            If the constructor refuses a value. The message is the constructor's, after the key.
        """
        arguments = {
            name: value.construct() if isinstance(value, Component) else value
            for name, value in self.parameters.items()
        }
        try:
            with same_directory():
                return self.target(**arguments, **supplied)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{self.key}: {error}") from error
        except SystemExit as error:
            raise ConfigError(f"{self.key}: {self.path} calls sys.exit({error.code!r}).") from error

    def value(self, path: str) -> Any:
        """Return the value of a parameter, given or default; None if it has neither.

        Parameters
        ----------
        path : str
            Name of a parameter; ``inner.name`` is a parameter of the component ``inner``.

        Examples
        --------
        >>> resolve({"_target_": "fractions.Fraction"}, "share").value("numerator")
        0
        """
        name, _, rest = path.partition(".")
        if rest:
            inner = self.parameters.get(name)
            return inner.value(rest) if isinstance(inner, Component) else _item(inner, rest)
        if name in self.parameters:
            return self.parameters[name]
        known = (_signature(self.target) or {}).get(name)
        return None if known is None or known.default is known.empty else known.default

    def with_value(self, path: str, value: Any) -> Component:
        """Return a copy with one parameter changed; the value is not checked.

        Parameters
        ----------
        path : str
            As for :meth:`value`.
        value : object
            A node with `_target_` is resolved.

        Examples
        --------
        >>> share = resolve({"_target_": "fractions.Fraction", "numerator": 1}, "share")
        >>> share.with_value("numerator", 5).construct(denominator=7)
        Fraction(5, 7)
        """
        name, _, rest = path.partition(".")
        if rest:
            inner = self.parameters[name]
            if isinstance(inner, Component):
                changed: Any = inner.with_value(rest, value)
            else:
                changed = _with_item(inner, rest, value)
        else:
            changed = resolve(value, f"{self.key}.{name}") if is_component(value) else value
        return replace(self, parameters={**self.parameters, name: changed})

    def problems(self, supplied: Iterable[str] = ()) -> list[str]:
        """Compare the parameters with the signature, those of inner components too.

        Parameters
        ----------
        supplied : iterable of str
            Parameters that imbench passes when it constructs the object.

        Returns
        -------
        list of str
            One sentence for each problem.
        """
        inner = [v for _, v in sorted(self.parameters.items()) if isinstance(v, Component)]
        return self._own_problems(supplied) + [p for part in inner for p in part.problems()]

    def _own_problems(self, supplied: Iterable[str]) -> list[str]:
        supplied, given = set(supplied), set(self.parameters)
        parameters = _signature(self.target)
        if parameters is None:
            return []
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        known = {
            n for n, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        }
        problems = [
            f"{self.key}.{name}: {self.path} has no parameter {name!r}"
            f"{closest(name, known)}; it takes {', '.join(sorted(known - supplied)) or 'none'}."
            for name in sorted(given - known)
            if not takes_any
        ]
        problems += [
            f"{self.key}.{name} is given by imbench: leave it out."
            for name in sorted(given & supplied)
        ]
        problems += [
            f"{self.key}.{name} is missing: {self.path} needs a value."
            for name, p in parameters.items()
            if name in known - given - supplied and p.default is p.empty
        ]
        for name in sorted(given & known):
            value, annotation = self.parameters[name], parameters[name].annotation
            if not isinstance(value, Component) and not _is_of_type(value, annotation):
                wanted = str(annotation).replace(" | ", " or ")
                problems.append(f"{self.key}.{name}={value!r} must be of type {wanted}.")
        return problems


def is_component(node: object) -> bool:
    """Return whether a configuration node names a Python object.

    Examples
    --------
    >>> is_component({"_target_": "fractions.Fraction"}), is_component({"numerator": 1})
    (True, False)
    """
    return isinstance(node, Mapping) and TARGET in node


def resolve(node: object, key: str, supplied: Iterable[str] = ()) -> Component:
    """Locate the target of a node and of every node inside it, and check their parameters.

    Parameters
    ----------
    node : mapping
        ``{_target_: path, parameter: value, ...}``; a value may itself be such a node.
    key : str
        Dotted key of the node, for error messages.
    supplied : iterable of str
        Parameters that imbench passes when it constructs the object (``estimator``, ...).

    Raises
    ------
    ConfigError
        With one line for each problem.
    """
    if not isinstance(node, Mapping) or TARGET not in node:
        raise ConfigError(f"{key} must name a class or function in _target_, got {node!r}.")
    path = str(node[TARGET])
    target = locate(path, key)
    parameters: dict[str, Any] = {str(n): v for n, v in node.items() if n != TARGET}
    problems = []
    for name, value in parameters.items():
        if is_component(value):
            try:
                parameters[name] = resolve(value, f"{key}.{name}")
            except ConfigError as error:
                problems += str(error).splitlines()
    component = Component(key, path, target, parameters)
    problems = component._own_problems(supplied) + problems
    if problems:
        raise ConfigError("\n".join(problems))
    return component


def locate(path: str, key: str) -> Callable[..., Any]:
    """Import the object behind a dotted path.

    Parameters
    ----------
    path : str
        ``package.module.Name``.
    key : str
        Dotted key of the path in the configuration, for error messages.

    Raises
    ------
    ConfigError
        If a module or the name does not exist, or the object cannot be called.

    Examples
    --------
    >>> locate("math.hypot", "metrics.extra.mine")(3, 4)
    5.0
    """
    module_name, _, name = current_path(path).rpartition(".")
    try:
        with same_directory():
            found = getattr(importlib.import_module(module_name), name) if module_name else None
    except (ImportError, AttributeError, SyntaxError, TypeError, ValueError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name in EXTRAS:
            raise ConfigError(f"{key}._target_={path}: {missing(error.name)}.") from error
        raise ConfigError(f"{key}._target_={path}: cannot be imported ({error}).") from error
    except SystemExit as error:
        raise ConfigError(
            f"{key}._target_={path}: cannot be imported, as it calls sys.exit({error.code!r})."
        ) from error
    if not callable(found):
        raise ConfigError(f"{key}._target_={path}: is not a class or a function.")
    return found


def bind(node: object, key: str, supplied: Iterable[str] = ()) -> list[str]:
    """Return what :func:`resolve` would raise, as a list of sentences.

    Examples
    --------
    >>> bind({"_target_": "fractions.Fraction", "numerater": 1}, "share")[0][:58]
    "share.numerater: fractions.Fraction has no parameter 'nume"
    """
    try:
        resolve(node, key, supplied)
    except ConfigError as error:
        return str(error).splitlines()
    return []


def construct(node: object, key: str, **supplied: Any) -> Any:
    """Resolve a node and construct its object, where it is needed only once.

    Raises
    ------
    ConfigError
        As :func:`resolve` and :meth:`Component.construct` do.

    Examples
    --------
    >>> construct({"_target_": "fractions.Fraction", "numerator": 1}, "share", denominator=2)
    Fraction(1, 2)
    """
    return resolve(node, key, supplied).construct(**supplied)


def closest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest known name, or nothing.

    Examples
    --------
    >>> closest("gama", ["gamma", "delta"])
    " (did you mean 'gamma'?)"
    """
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _signature(target: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    try:
        return inspect.signature(target).parameters
    except ValueError:  # some built-in and compiled callables have none
        return None


def _is_of_type(value: object, annotation: object) -> bool:
    """Return whether a value fits an annotation of plain types; True for all other annotations.

    Annotations are text here: every module of imbench postpones their evaluation.
    """
    names = [name.strip() for name in annotation.split("|")] if isinstance(annotation, str) else []
    if not names or not set(names) <= PLAIN_TYPES.keys():
        return True
    if isinstance(value, bool):
        return "bool" in names
    return any(isinstance(value, PLAIN_TYPES[name]) for name in names)


def _item(node: Any, path: str) -> Any:
    """Return an item of nested mappings, None if there is none."""
    for name in path.split("."):
        node = node.get(name) if isinstance(node, Mapping) else None
    return node


def _with_item(node: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of nested mappings with one item changed."""
    name, _, rest = path.partition(".")
    return {**node, name: _with_item(node[name], rest, value) if rest else value}
