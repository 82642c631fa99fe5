"""Read-only queries to an MLflow SQLite store, without importing MLflow.

Importing MLflow takes a second. A cell that is stored and exported already is recognised by its
digest in a millisecond.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from imbench.report.mlflow.address import BUSY_S
from imbench.report.mlflow.content import DIGEST, RUN_ID


def digests(path: Path, experiment: str, run_id: str) -> list[str | None]:
    """Return the digests of the active runs of a cell; None stands for an unfinished run.

    Parameters
    ----------
    path : Path
        File of the database.
    experiment : str
    run_id : str
        Of the cell, the value of the tag ``imbench.run_id``.

    Raises
    ------
    sqlite3.Error
        If the file is no MLflow store, or one of an unknown version.
    """
    query = """
        SELECT digest.value FROM experiments
        JOIN runs ON runs.experiment_id = experiments.experiment_id
        JOIN tags AS cell ON cell.run_uuid = runs.run_uuid AND cell.key = ? AND cell.value = ?
        LEFT JOIN tags AS digest ON digest.run_uuid = runs.run_uuid AND digest.key = ?
        WHERE experiments.name = ? AND experiments.lifecycle_stage = 'active'
            AND runs.lifecycle_stage = 'active'
    """
    with _read_only(path) as connection:
        rows = connection.execute(query, (RUN_ID, run_id, DIGEST, experiment)).fetchall()
    return [value for (value,) in rows]


def deleted_experiment(path: Path, name: str) -> str:
    """Return the id of an experiment that was deleted in MLflow, or an empty string."""
    query = "SELECT experiment_id FROM experiments WHERE name = ? AND lifecycle_stage != 'active'"
    try:
        with _read_only(path) as connection:
            found = connection.execute(query, (name,)).fetchone()
    except sqlite3.Error:  # a new file has no tables yet; MLflow explains what else is wrong
        return ""
    return str(found[0]) if found else ""


def _read_only(path: Path) -> contextlib.closing[sqlite3.Connection]:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    return contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S))
