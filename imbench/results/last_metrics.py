"""The metrics and costs of the latest run, beside its results: what a report shows by default."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imbench.components.files import replacing

NAME = "latest_metrics.json"  # in the results folder; no cell depends on it


def write_metrics(runs: Path, config: Mapping[str, Any]) -> None:
    """Remember the group ``metrics`` and the key ``costs`` of a run; a later one replaces them.

    Parameters
    ----------
    runs : Path
        Folder of the cells; the file lies beside it.
    config : mapping
        Composed and resolved.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     runs = Path(folder, "runs")
    ...     write_metrics(runs, {"metrics": {"sort": "brier"}, "costs": None})
    ...     read_metrics(runs), read_metrics(Path(folder, "other", "runs"))
    ({'metrics': {'sort': 'brier'}, 'costs': None}, {})
    """
    kept = {key: config.get(key) for key in ("metrics", "costs")}
    content = json.dumps(kept, indent=1, default=str).encode()
    path = runs.parent / NAME
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content)


def read_metrics(runs: Path) -> dict[str, Any]:
    """Return what the latest run has written; nothing if that is not known."""
    try:
        found = json.loads((runs.parent / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("metrics"), dict) else {}
