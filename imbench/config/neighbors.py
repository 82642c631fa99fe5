"""What of the configuration group ``neighbors`` determines a cell's predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbench.components.names import current_path, with_stable_paths

EXACT = "imbench.strategies.neighbors.exact.ExactNeighbors"  # the bits of the samplers' own search
SEARCHING = ("resample", "ensemble")  # stages that may hold samplers
SHIPPED = {"_target_": EXACT, "announce_s": 10.0}  # conf/neighbors/exact.yaml
NOT_IN_RUN_ID = ("announce_s", "memory_bytes", "device")


def neighbors_identity(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run id says of the search, by the key ``neighbors``.

    Called by :func:`imbench.config.identity`. Nothing where the search is exact, so that ids are
    what they are without the key, and nothing where no stage searches.
    """
    node = config.get("neighbors") or {}
    if not _searches(config) or _is_exact(node):
        return {}
    return {"neighbors": {name: v for name, v in node.items() if name not in NOT_IN_RUN_ID}}


def is_idle(config: Mapping[str, Any]) -> bool:
    """Whether a cell's search is never asked and as it is unless named: nothing to check.

    scikit-learn's search is imported with most of scikit-learn, which a net that resamples nothing
    does not need.
    """
    return not config.get("neighbors") or (
        not _searches(config) and _is_shipped(config["neighbors"])
    )


def _searches(config: Mapping[str, Any]) -> bool:
    return any(config["strategy"].get(stage) for stage in SEARCHING)


def _is_exact(node: Mapping[str, Any]) -> bool:
    path = node.get("_target_")
    return path is None or current_path(str(path)) == EXACT


def _is_shipped(node: Mapping[str, Any]) -> bool:
    return with_stable_paths(node) == with_stable_paths(SHIPPED)
