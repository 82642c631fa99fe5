"""Select the keys that determine a cell's predictions: its run id is a hash of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from imbench.components.names import with_stable_paths
from imbench.config import search_space as search
from imbench.config.check import Config
from imbench.config.costs import with_costs
from imbench.config.neighbors import neighbors_identity
from imbench.results.run_ids import without_repeats
from imbench.strategies import CHAINED
from imbench.strategies.label_metrics import EXPECTED_COST

POINTS = {  # keys of `metrics` that metrics depend on
    "recall_at_precision": "at_precision",
    "precision_at_recall": "at_recall",
    "recall_at_k": "k",
    "net_benefit": "net_benefit_threshold",
}
HOW_IT_IS_READ = (
    "comment", "dates", "day_first", "decimal", "encoding", "groups", "header", "missing",
    "separator", "test", "test_values", "thousands", "time", "weight",
)  # fmt: skip
NOT_IN_RUN_ID = {
    # The fingerprint says what was read. (drop and categorical are in the ids of older results.)
    "dataset": ("about", "path", "data_dir", "download_dir", *HOW_IT_IS_READ),
    "model": ("about", "search"),
    "strategy": ("about", "search"),
}
# Models that learnt to stop early: the import path that run ids have, and the keys that came with
# it. A key is left out where its value is what the model did before.
STOPPING: dict[str, tuple[str, dict[str, Any]]] = {
    "imbench.models.boosting.BoostedTrees": (
        "imbench.models.boosting.BoostedTrees",
        {"early_stopping": None, "patience": 20, "validation_fraction": 0.1},
    ),
    "imbench.models.hist_boosting.HistBoosting": (
        "sklearn.ensemble.HistGradientBoostingClassifier",
        {"early_stopping": "auto", "n_iter_no_change": 10, "validation_fraction": 0.1},
    ),
}

# Parameters that came later, with the value that does what was done before: it is left out, and
# results of older versions are found.
CAME_LATER = {("strategy", "weights", "inverse_weights", "power"): 1.0}


def identity_of(config: Config) -> dict[str, Any]:
    """Return the keys that determine a cell's predictions, beside the content of its data.

    Device, tracking, output, `n_jobs`, `budget` and paths of files are left out, and so are the
    metrics, which are computed from stored predictions, and the number of repeats: more repeats
    add folds to the same cell. Costs belong to the strategies that use them.

    Examples
    --------
    >>> from imbench.config.compose import Composer
    >>> (config,) = Composer(None).cells(["model=knn", "strategy=smote"], multirun=False)
    >>> sorted(identity_of(config))
    ['dataset', 'model', 'seed', 'splits', 'strategy']
    """
    config = with_costs(config)
    splits = copy.deepcopy(without_repeats(config["splits"]))
    kept: dict[str, Any] = {"seed": config["seed"], "splits": splits}
    for part, left_out in NOT_IN_RUN_ID.items():
        node = copy.deepcopy(dict(config[part]))
        kept[part] = {name: value for name, value in node.items() if name not in left_out}
    for part in ("model", "strategy"):
        kept[part] = _without_device(kept[part])
    for (*path, name), before in CAME_LATER.items():
        place: Any = kept
        for key in path:
            place = (place or {}).get(key)
        if place and place.get(name) == before:
            del place[name]
    kept["model"]["estimator"] = _as_before_stopping(kept["model"].get("estimator"))
    chains = {stage: list(kept["strategy"].get(stage) or {}) for stage in CHAINED}
    if order := {stage: names for stage, names in chains.items() if len(names) > 1}:
        kept["order"] = order  # keys are sorted where they are hashed and stored
    return with_stable_paths(kept | neighbors_identity(config) | _tuning_identity(config))


def _tuning_identity(config: Config) -> dict[str, Any]:
    """Return what tuning adds to the identity; nothing for ``tuning=none``.

    The storage of studies is left out. The search space has a key of its own, because the cells
    of a table share ``tuning`` but not their spaces.
    """
    if not config.get("tuning"):
        return {}
    tuning = {name: value for name, value in config["tuning"].items() if name != "storage"}
    metrics = config["metrics"]
    tuning["metric"] = name = tuning.get("metric") or metrics["sort"]
    tuning |= {f"metrics_{key}": metrics.get(key) for key in ("minority", "ece_bins")}
    if name in (metrics.get("extra") or {}):
        tuning["metrics_extra"] = copy.deepcopy(metrics["extra"][name])
    if name == EXPECTED_COST:
        tuning["costs"] = copy.deepcopy(config.get("costs"))
    if name in POINTS:
        tuning[f"metrics_{POINTS[name]}"] = metrics.get(POINTS[name])
    tried = {part: search.entries(config[part]) for part in search.PARTS}
    return {"tuning": tuning, "search": copy.deepcopy(tried)}


def _as_before_stopping(node: Any) -> Any:
    """Return the node of an estimator as it was before models stopped early; see `STOPPING`."""
    if not isinstance(node, Mapping) or node.get("_target_") not in STOPPING:
        return node
    path, before = STOPPING[node["_target_"]]
    kept = {n: v for n, v in node.items() if n not in before or v != before[n]}
    return kept | {"_target_": path}


def _without_device(node: Any) -> Any:
    if not isinstance(node, Mapping):
        return node
    return {name: _without_device(value) for name, value in node.items() if name != "device"}
