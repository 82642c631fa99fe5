"""Search spaces: what tuning may try, from the key ``search`` of strategies and models.

``path: {low: 1, high: 15, log: true}``, ``{low: 0.0, high: 2.0, step: 0.5}`` or
``{choices: [a, b]}``, the path relative to the strategy (``resample.smote.k_neighbors``) or to the
model (``estimator.lr``). The spaces of selected strategies are merged; null in place of a range
removes a parameter. Checked by :mod:`imbench.config.search_check`, sampled by
:mod:`imbench.run.tuning.optuna`.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imbench.components.construct import closest
from imbench.config.parts import Parts, value_at
from imbench.errors import ConfigError

PARTS = ("strategy", "model")
FORMS = "{low: ..., high: ...} or {choices: [...]}"
RANGE_KEYS = ("low", "high", "log", "step")
ROUNDING = 1e-9  # of a number of steps


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``.

    Parameters
    ----------
    low, high : int or float
        Both included; ``low < high``.
    log : bool, default=False
        Whether values are drawn uniformly on a logarithmic scale.
    step : int, float or None
        Distance between values; None is 1 for integers, and a continuous range otherwise.
    integer : bool, default=False

    Examples
    --------
    >>> half_steps = Range(0.0, 1.0, step=0.5)
    >>> half_steps.points(), half_steps.holds(0.25)
    ([0.0, 0.5, 1.0], False)
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    integer: bool = False

    @property
    def ends(self) -> dict[str, Any]:
        """Values that are constructed before anything runs, by their names in messages."""
        return {"low": self.low, "high": self.high}

    def holds(self, value: object) -> bool:
        """Return whether a value can be drawn."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if self.integer and value != int(value):
            return False
        if not self.low <= value <= self.high:
            return False
        n_steps = 0.0 if self.step is None else (value - self.low) / self.step
        return abs(n_steps - round(n_steps)) < ROUNDING

    def points(self) -> Sequence[Any] | None:
        """Return the values in their order, or None where they are not finite in number."""
        if self.integer:
            return range(int(self.low), int(self.high) + 1, int(self.step or 1))
        if self.step is None:
            return None
        n_steps = math.floor((self.high - self.low) / self.step + ROUNDING)
        return [self.low + i * self.step for i in range(n_steps + 1)]

    def encode(self, value: float) -> float:
        """Return a value as a study stores it."""
        return int(value) if self.integer else float(value)

    decode = encode


@dataclass(frozen=True)
class Choices:
    """A finite set of values of any type.

    Parameters
    ----------
    values : tuple

    Examples
    --------
    >>> Choices((1, None)).holds(None), Choices((1, None)).holds(True)
    (True, False)
    """

    values: tuple[Any, ...]

    @property
    def ends(self) -> dict[str, Any]:
        """Values that are constructed before anything runs, by their names in messages."""
        return {f"choices[{i}]": value for i, value in enumerate(self.values)}

    def holds(self, value: object) -> bool:
        """Return whether a value is one of the choices; 1 and true are different."""
        return any(type(own) is type(value) and own == value for own in self.values)

    def points(self) -> Sequence[Any]:
        """Return the values in their order."""
        return self.values

    def encode(self, value: Any) -> Any:
        """Return a value as a study stores it: lists and mappings as JSON."""
        return json.dumps(value) if isinstance(value, list | dict) else value

    def decode(self, stored: Any) -> Any:
        """Return the value that was stored."""
        same = (v for v in self.values if self.encode(v) == stored)
        return next(v for v in same if type(self.encode(v)) is type(stored))


Dimension = Range | Choices
Space = Mapping[str, Dimension]


def space_of(config: Mapping[str, Any], parts: Parts) -> dict[str, Dimension]:
    """Return the search space of a cell, by ``strategy.<path>`` and ``model.<path>``, sorted.

    Parameters
    ----------
    config : mapping
        Composed and resolved; the keys ``strategy`` and ``model`` are read.
    parts : mapping of str to Component
        The components of both.

    Raises
    ------
    ConfigError
        If an entry cannot be read.
    """
    return {
        f"{part}.{path}": dimension(
            entry, f"{part}.search.{path}", value_at(parts, f"{part}.{path}")
        )
        for part in PARTS
        for path, entry in sorted(entries(config[part]).items())
    }


def entries(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ranges of a strategy or of a model that are not null."""
    found = node.get("search") or {}
    return {str(path): entry for path, entry in found.items() if entry is not None}


def dimension(entry: object, key: str, present: object) -> Dimension:
    """Read one range; keys that are null are ignored, because overrides can only add keys.

    Parameters
    ----------
    entry : object
        From the yaml.
    key : str
        Its dotted key, for error messages.
    present : object
        The untuned value: if it is a float, a range from 1 to 2 is not one of integers.

    Raises
    ------
    ConfigError
        If it cannot be read, or low is not below high.

    Examples
    --------
    >>> dimension({"low": 1, "high": 15, "log": True}, "strategy.search.k", present=5)
    Range(low=1, high=15, log=True, step=None, integer=True)
    """
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{key} must be {FORMS}, got {entry!r}.")
    given = {str(name): value for name, value in entry.items() if value is not None}
    known = (*RANGE_KEYS, "choices")
    for name in given:
        if name not in known:
            raise ConfigError(
                f"{key}.{name}: there is no such key{closest(name, known)}; known are "
                f"{', '.join(known)}."
            )
    numbers = [name for name in RANGE_KEYS if name in given]
    if "choices" in given and numbers:
        raise ConfigError(
            f"{key}: choices and {numbers[0]} exclude each other: set one of them to null."
        )
    if "choices" in given:
        return _choices(given["choices"], key)
    if not {"low", "high"} <= given.keys():
        raise ConfigError(f"{key} must be {FORMS}, got {entry!r}.")
    return _range(given, key, present)


def _choices(values: object, key: str) -> Choices:
    if not isinstance(values, list) or not values:
        raise ConfigError(f"{key}.choices must be a list of values, got {values!r}.")
    for i, value in enumerate(values):
        if Choices(tuple(values[:i])).holds(value):
            raise ConfigError(f"{key}.choices holds {value!r} twice: leave one out.")
    return Choices(tuple(values))


def _range(entry: Mapping[str, Any], key: str, present: object) -> Range:
    low: Any
    high: Any
    low, high, log, step = (entry.get(name) for name in RANGE_KEYS)
    for name, value in (("low", low), ("high", high), ("step", step)):
        is_number = isinstance(value, int | float) and math.isfinite(value)
        if (not is_number or isinstance(value, bool)) and (name, value) != ("step", None):
            raise ConfigError(f"{key}.{name}={value!r} must be a number.")
    if not isinstance(log, bool | None):
        raise ConfigError(f"{key}.log={log!r} must be true or false.")
    if low >= high:
        fix = "swap them" if low > high else "leave the parameter out of the search"
        raise ConfigError(f"{key}: low={low} is not below high={high}, {fix}.")
    if log and low <= 0:
        raise ConfigError(f"{key}: log needs low above 0, got low={low}: set it higher.")
    if log and step is not None:
        raise ConfigError(f"{key}: log and step={step} exclude each other, leave one out.")
    if step is not None and not 0 < step <= high - low:
        raise ConfigError(f"{key}: step={step} must lie above 0 and not above {high - low}.")
    integer = all(isinstance(v, int) for v in (low, high, step or 1))
    integer = integer and not isinstance(present, float)
    return Range(low, high, bool(log), step, integer)


def grid(space: Space) -> tuple[int, dict[str, Sequence[Any]]]:
    """Return the number of points of a grid, and the values of each parameter.

    Raises
    ------
    ConfigError
        If a range has no step.

    Examples
    --------
    >>> grid({"model.a": Choices(("x", "y")), "model.b": Range(1, 3, integer=True)})
    (6, {'model.a': ('x', 'y'), 'model.b': range(1, 4)})
    """
    axes: dict[str, Sequence[Any]] = {}
    for key, dimension in space.items():
        values = dimension.points()
        if values is None:
            part, _, path = key.partition(".")
            assert isinstance(dimension, Range)
            raise ConfigError(
                f"{part}.search.{path}: tuning.sampler=grid needs a step or choices, got "
                f"low={dimension.low} and high={dimension.high}: add step, or set "
                "tuning.sampler=tpe."
            )
        axes[key] = values
    return math.prod(map(len, axes.values())), axes


def grid_point(space: Space, number: int, trials: int, seed: int) -> dict[str, Any]:
    """Return one point of a grid; a random subset is used if it has more points than trials.

    Parameters
    ----------
    space : mapping
    number : int
        Of the trial, from 0.
    trials : int
    seed : int
        Of the random subset.
    """
    size, axes = grid(space)
    place = number if size <= trials else random.Random(seed).sample(range(size), trials)[number]
    values = {}
    for key, axis in axes.items():
        place, i = divmod(place, len(axis))
        values[key] = axis[i]
    return values
