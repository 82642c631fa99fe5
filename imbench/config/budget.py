"""What a command may spend: ``budget=10m``, ``budget=fits=200``, ``budget=rows=1e6``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from imbench.errors import ConfigError

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
FORM = re.compile(r"(?:(fits|rows)\s*=\s*)?([0-9.]+(?:e\+?[0-9]+)?)\s*(s|m|h|fits|rows)?")


@dataclass(frozen=True)
class Limit:
    """How much may be spent, of what.

    Parameters
    ----------
    amount : float
        Seconds, fitted models, or training rows that models were fitted to.
    of : {"seconds", "fits", "rows"}
    text : str
        As it was written.
    """

    amount: float
    of: Literal["seconds", "fits", "rows"]
    text: str


def parse_budget(value: object) -> Limit | None:
    """Parse the key ``budget``; None is no limit.

    Raises
    ------
    ConfigError
        If it is no number with a unit, or not above 0.

    Examples
    --------
    >>> parse_budget("10m").amount, parse_budget("rows=1e6").of
    (600.0, 'rows')
    """
    if value is None:
        return None
    text = str(value).strip()
    found = FORM.fullmatch(text.lower())
    number = None if found is None else _number(found[2])
    units = [] if found is None else [unit for unit in (found[1], found[3]) if unit]
    if number is None or len(units) > 1:
        raise ConfigError(
            f"budget={text} is no budget: give a time such as budget=90s, budget=10m or budget=2h, "
            "or budget=fits=200 (models), or budget=rows=1e6 (training rows)."
        )
    if not 0 < number < math.inf:
        raise ConfigError(f"budget={text} must be above 0, such as budget=10m; null is no limit.")
    if not units:
        raise ConfigError(
            f"budget={text} has no unit: budget={text}s is seconds, budget=fits={text} is models."
        )
    if units[0] in SECONDS:
        return Limit(number * SECONDS[units[0]], "seconds", text)
    return Limit(number, "fits" if units[0] == "fits" else "rows", text)


def budget_problems(value: object) -> list[str]:
    """Return what :func:`parse_budget` would raise, as a list of sentences."""
    try:
        parse_budget(value)
    except ConfigError as error:
        return [str(error)]
    return []


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
