"""Decide whether the group ``neighbors`` matters to a cell, and what of it to its run id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbench.components.names import current_path, with_stable_paths

EXACT = "imbench.strategies.neighbors.exact.ExactNeighbors"  # the bits of the samplers' own search
SEARCHING = ("resample", "ensemble")  # stages that may hold samplers
SHIPPED = {"_target_": EXACT, "announce_s": 10.0}  # conf/neighbors/exact.yaml
NOT_IN_RUN_ID = ("announce_s", "memory_bytes", "device")


def neighbors_identity(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the neighbor search adds to the identity of a cell.

    Called by :func:`imbench.config.identity.identity_of`. Nothing for the exact search, so that
    run ids are the same as without the key, and nothing where no stage searches.

    Examples
    --------
    >>> smote = {"resample": {"smote": {"_target_": "imblearn.over_sampling.SMOTE"}}}
    >>> faiss = {"_target_": "imbench.strategies.neighbors.faiss_search.FaissNeighbors"}
    >>> sorted(neighbors_identity({"strategy": smote, "neighbors": faiss}))
    ['neighbors']
    >>> neighbors_identity({"strategy": smote, "neighbors": SHIPPED})
    {}
    """
    node = config.get("neighbors") or {}
    if not _searches(config) or _is_exact(node):
        return {}
    return {"neighbors": {name: v for name, v in node.items() if name not in NOT_IN_RUN_ID}}


def is_idle(config: Mapping[str, Any]) -> bool:
    """Return whether the neighbor search of a cell is the default one and is never used.

    It is not imported then: scikit-learn's search imports most of scikit-learn, which a net
    without resampling does not need.
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
