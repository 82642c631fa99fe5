"""What a user wants, as the words of the command line that ask for it."""

from __future__ import annotations

import re

from imbench.components.construct import closest
from imbench.components.override import quoted
from imbench.errors import ConfigError

METRICS = {"f1": "f1_macro", "ranking": "average_precision", "calibrated": "brier"}
POINTS = {
    "recall-at-precision": ("recall_at_precision", "metrics.at_precision"),
    "precision-at-recall": ("precision_at_recall", "metrics.at_recall"),
}
FORMS = (
    "f1, ranking, calibrated, recall-at-precision=0.9, precision-at-recall=0.8 or "
    "cost=missed:20,false_alarm:1"
)


def words_of_goal(goal: str) -> list[str]:
    """Return the words that make a goal the metric of the verdict.

    Parameters
    ----------
    goal : str
        ``f1``, ``ranking``, ``calibrated``, ``recall-at-precision=0.9``,
        ``precision-at-recall=0.8`` or ``cost=missed:20,false_alarm:1``.

    Raises
    ------
    ConfigError
        If it has none of these forms.

    Examples
    --------
    >>> words_of_goal("ranking")
    ['metrics.sort=average_precision']
    >>> words_of_goal("cost=missed:20,false_alarm:1")
    ['costs={missed: 20, false_alarm: 1}', 'metrics.sort=expected_cost']
    """
    name, _, value = goal.strip().partition("=")
    if name in METRICS and not value:
        return [f"metrics.sort={METRICS[name]}"]
    if name in POINTS:
        metric, key = POINTS[name]
        share = _number(value)
        if share is None or not 0 < share <= 1:
            raise ConfigError(
                f"goal={goal}: needs a share above 0 and up to 1, such as {name}=0.9."
            )
        return [f"metrics.sort={metric}", f"{key}={value}"]
    if name == "cost":
        pairs = [pair.rpartition(":") for pair in value.split(",")]
        if not value or any(not key or _number(cost) is None for key, _, cost in pairs):
            raise ConfigError(
                f"goal={goal}: write what each error costs, such as cost=missed:20,false_alarm:1."
            )
        listed = ", ".join(f"{quoted(key)}: {cost}" for key, _, cost in pairs)
        return [f"costs={{{listed}}}", "metrics.sort=expected_cost"]
    known = [*METRICS, *POINTS, "cost"]
    raise ConfigError(f"goal={goal}: there is no such goal{closest(name, known)}; set {FORMS}.")


def seconds_of(budget: str) -> float:
    """Return a budget in seconds: ``90s``, ``10m``, ``2h``, ``+10m``.

    Raises
    ------
    ConfigError
        If it is no time above 0.

    Examples
    --------
    >>> seconds_of("10m"), seconds_of("+90s")
    (600.0, 90.0)
    """
    found = re.fullmatch(r"\+?([0-9.]+)\s*([smh])", str(budget).strip().lower())
    number = None if found is None else _number(found[1])
    if found is None or not number:
        raise ConfigError(
            f"budget={budget} is no time above 0: give one such as 90s, 10m, 2h, or +10m to go on."
        )
    return number * {"s": 1.0, "m": 60.0, "h": 3600.0}[found[2]]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
