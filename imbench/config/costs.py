"""Spread the key ``costs``, and what ``metrics`` asks for, to the strategies that use them.

What a strategy uses becomes a parameter of its entry. So it is part of the run id of that cell,
and of no other: a stored cell that does not depend on costs is found again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbench.components.names import current_path
from imbench.strategies import STAGES
from imbench.strategies.costs import MINORITY, about_minority
from imbench.strategies.label_metrics import EXPECTED_COST, OF_MINORITY

Config = Mapping[str, Any]
RULES = "imbench.strategies.decision."
# Entries that use costs whatever they look for, and those that look for a metric; the metric of
# these where none is given and no costs are set. The last one does not follow costs.
COSTED = (f"{RULES}cost_sensitive.CostSensitive",
          "imbench.strategies.weights.cost_matrix.CostMatrixWeights")  # fmt: skip
TUNED = {
    f"{RULES}threshold.TunedThreshold": "f1_macro",
    f"{RULES}class_thresholds.ClassThresholds": "f1_macro",
    f"{RULES}tau_norm.TauNormalisation": "balanced_accuracy",
}
FOLLOWS_COSTS = tuple(TUNED)[:2]
# The metrics of one point depend on scores alone: what a threshold looks for where they are the
# metric `metrics.sort`, and the metric and the key of what it has to have.
AT_POINT = {
    "recall_at_precision": ("recall", "precision", "at_precision"),
    "precision_at_recall": ("precision", "recall", "at_recall"),
}
SETTLED = (EXPECTED_COST, *(metric for metric, _, _ in AT_POINT.values()))
ABOUT_MINORITY = (*OF_MINORITY, "f1_minority")
USER_METRIC = f"{RULES}objectives.UserMetric"
ABOUT_RARE = ("f1_rare", "recall_rare")


def with_costs(config: Config) -> Config:
    """Return a configuration whose strategies say what they take from `costs` and `metrics`.

    Parameters
    ----------
    config : mapping
        Composed and resolved. Of a wrong form it is returned as it is.

    Examples
    --------
    >>> entry = {"_target_": "imbench.strategies.decision.threshold.TunedThreshold"}
    >>> config = {"strategy": {"decision": {"threshold": {**entry, "metric": None}}}}
    >>> with_costs(config)["strategy"]["decision"]["threshold"]["metric"]
    'f1_macro'
    >>> costs = {"missed": 20, "false_alarm": 1}
    >>> rule = with_costs(config | {"costs": costs})["strategy"]["decision"]["threshold"]
    >>> rule["metric"], rule["costs"]
    ('expected_cost', {'missed': 20, 'false_alarm': 1})
    """
    strategy = config.get("strategy")
    if not isinstance(strategy, Mapping):
        return config
    changed, settled = dict(strategy), []
    for stage in STAGES:
        entries = strategy.get(stage)
        if not isinstance(entries, Mapping):
            continue
        changed[stage] = {name: _entry(entry, config) for name, entry in entries.items()}
        settled += [
            f"{stage}.{name}.metric"
            for name, entry in entries.items()
            if isinstance(entry, Mapping)
            and entry.get("metric") is None
            and changed[stage][name].get("metric") in SETTLED
        ]
    if isinstance(search := strategy.get("search"), Mapping):
        # Tuning does not choose what to look for where costs or a point say it.
        changed["search"] = {k: v for k, v in search.items() if k not in settled}
    return {**config, "strategy": changed}


def _entry(entry: Any, config: Config) -> Any:
    """Return an entry of a strategy with what it takes from `costs` and `metrics`."""
    target = current_path(str(entry.get("_target_"))) if isinstance(entry, Mapping) else ""
    if target not in (*COSTED, *TUNED):
        return entry
    found, costs = dict(entry), config.get("costs")
    metrics = config.get("metrics") if isinstance(config.get("metrics"), Mapping) else {}
    assert isinstance(metrics, Mapping)
    if target in COSTED:
        if found.get("costs") is None and costs is not None:
            found["costs"] = costs
    else:
        _aim(found, target, costs, metrics)
    if about_minority(found.get("costs")) and metrics.get(MINORITY) is not None:
        found["costs"] = {MINORITY: str(metrics[MINORITY]), **found["costs"]}
    return found


def _aim(entry: dict[str, Any], target: str, costs: Any, metrics: Config) -> None:
    """Complete the parameters of a rule that looks for a metric; drop those that it does not use.

    Results of older versions have no such parameters, and are found without them.
    """
    follows = costs is not None and target in FOLLOWS_COSTS
    point = AT_POINT.get(str(metrics.get("sort"))) if target in FOLLOWS_COSTS else None
    if not follows and point and entry.get("metric") is None and not entry.get("subject_to"):
        entry["metric"], held, key = point
        entry["subject_to"] = {held: metrics.get(key)}
    if entry.get("metric") is None and (follows or "metric" in entry):
        entry["metric"] = EXPECTED_COST if follows else TUNED[target]
    is_of_user = _take_user_metric(entry, metrics)
    bounds = entry.get("subject_to")
    used = {entry.get("metric") if isinstance(entry.get("metric"), str) else ""}
    used |= set(bounds) if isinstance(bounds, Mapping) else set()
    taken = {"costs": costs if EXPECTED_COST in used else None}
    if (is_of_user or used & set(ABOUT_MINORITY)) and metrics.get(MINORITY) is not None:
        taken[MINORITY] = str(metrics[MINORITY])
    if used & set(ABOUT_RARE) and isinstance(metrics.get("rare"), list | tuple):
        taken["rare"] = [str(name) for name in metrics["rare"]]
    for key, value in taken.items():
        if entry.get(key) is None and value is not None:
            entry[key] = value
    for key in ("subject_to", "costs", MINORITY, "rare"):
        if key in entry and entry[key] in (None, {}, []):
            del entry[key]


def _take_user_metric(entry: dict[str, Any], metrics: Config) -> bool:
    """Replace the name of a metric of ``metrics.extra`` by what it is; return whether it is one."""
    name, extra = entry.get("metric"), metrics.get("extra")
    if isinstance(name, Mapping):
        return name.get("_target_") == USER_METRIC
    node = extra.get(name) if isinstance(extra, Mapping) and isinstance(name, str) else None
    if not isinstance(node, Mapping) or "_target_" not in node:
        return False
    parameters = {k: v for k, v in node.items() if k not in ("_target_", "higher_is_better")}
    entry["metric"] = {
        "_target_": USER_METRIC,
        "function": node["_target_"],
        "parameters": parameters,
        "higher_is_better": node.get("higher_is_better", True),
    }
    return True
