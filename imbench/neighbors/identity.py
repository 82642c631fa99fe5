"""What of the configuration group ``neighbors`` determines a cell's predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXACT = "imbench.neighbors.exact.ExactNeighbors"  # the bits of the samplers' own search
SEARCHING = ("resample", "ensemble")  # stages that may hold samplers
NOT_IN_RUN_ID = ("announce_s", "memory_bytes", "device")


def neighbors_identity(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run id says of the search, by the key ``neighbors``.

    Called by :func:`imbench.config.identity`. Nothing where the search is exact, so that ids are
    what they are without the key, and nothing where no stage searches.
    """
    node = config.get("neighbors") or {}
    searching = any(config["strategy"].get(stage) for stage in SEARCHING)
    if not searching or node.get("_target_") in (None, EXACT):
        return {}
    return {"neighbors": {name: v for name, v in node.items() if name not in NOT_IN_RUN_ID}}
