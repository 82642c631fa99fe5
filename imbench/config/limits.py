"""What one fold may take: ``limits.timeout_s`` and ``limits.memory_gb``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from imbench.components.construct import closest
from imbench.errors import ConfigError


@dataclass(frozen=True)
class Limits:
    """What one fold may take before its process is ended; None is no limit.

    Parameters
    ----------
    timeout_s : float or None
        Seconds. Folds of nets that train as one stack have them times their number.
    memory_gb : float or None
        Memory of the process and of those it has started, in units of 10^9 bytes.
    """

    timeout_s: float | None = None
    memory_gb: float | None = None


def parse_limits(node: Any) -> Limits:
    """Parse the key ``limits``.

    Raises
    ------
    ConfigError
        With a line for each key that is not known and each value that is no number above 0.

    Examples
    --------
    >>> parse_limits({"timeout_s": 60, "memory_gb": None})
    Limits(timeout_s=60, memory_gb=None)
    """
    if problems := limit_problems(node):
        raise ConfigError("\n".join(problems))
    return Limits(**(node or {}))


def limit_problems(node: Any) -> list[str]:
    """Return what :func:`parse_limits` would raise, as a list of sentences.

    Examples
    --------
    >>> limit_problems({"timeout_s": -1})
    ['limits.timeout_s=-1 must be a number above 0, such as limits.timeout_s=60; null is no limit.']
    """
    names = [field.name for field in fields(Limits)]
    if node is None:
        return []
    if not isinstance(node, Mapping):
        return [f"limits={node} must hold keys, such as limits.timeout_s=60 limits.memory_gb=4."]
    return [
        f"limits.{name}: there is no such limit{closest(str(name), names)}; there are "
        f"{' and '.join(names)}."
        for name in node
        if name not in names
    ] + [
        f"limits.{name}={value} must be a number above 0, such as limits.{name}="
        f"{60 if name == 'timeout_s' else 4}; null is no limit."
        for name, value in node.items()
        if name in names and value is not None and not _is_amount(value)
    ]


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and 0 < value < math.inf
