"""What was recommended of the cells of a results folder, by the data that were compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from imbench.components.files import replacing
from imbench.results.fold import CellResult

NAME = "recommended.json"  # in the results folder; no cell depends on it


def write_recommended(runs: Path, cell: CellResult) -> None:
    """Remember that a cell was recommended; a later one of the same data replaces it.

    Parameters
    ----------
    runs : Path
        Folder of the cells; the file lies beside it.
    cell : CellResult

    Raises
    ------
    OSError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from imbench.results.fold import CellKey, cell_result
    >>> key = CellKey("0f1a", "toy", "knn", "none", (), 5, {"fingerprint": "ab"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     runs = Path(folder, "runs")
    ...     write_recommended(runs, cell_result(key, []))
    ...     read_recommended(runs), read_recommended(Path(folder, "other", "runs"))
    ({'ab': {'model': 'knn', 'run_id': '0f1a'}}, {})
    """
    known = read_recommended(runs)
    found = {**known, str(cell.config["fingerprint"]): {"model": cell.model, "run_id": cell.run_id}}
    if found != known:
        path = runs.parent / NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(json.dumps(found, indent=1).encode())


def read_recommended(runs: Path) -> dict[str, Any]:
    """Return model and run_id of what was recommended, by fingerprint; nothing if not known."""
    try:
        found = json.loads((runs.parent / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, dict)}
