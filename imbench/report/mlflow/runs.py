"""Write the MLflow run of a cell with a client: its numbers, files, and the digest at the end.

Called by :mod:`imbench.report.mlflow.tracker`.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

from imbench.report.board import Leaderboard
from imbench.report.mlflow.content import (
    DIGEST,
    LOGGED,
    MAX_TAG,
    batches,
    metrics_of,
    params_of,
    tags_of,
    write_files,
)
from imbench.results.fold import CellResult
from imbench.results.metric_options import MetricOptions


def create_run(
    client: Any, experiment_id: str, cell: CellResult, board: Leaderboard, now: int
) -> str:
    """Create a run without a digest, and return its id.

    Parameters
    ----------
    client : mlflow.MlflowClient
    experiment_id : str
    cell : CellResult
    board : Leaderboard
        Of this cell alone.
    now : int
        Time in milliseconds.
    """
    spent_s = sum(f.fit_s + f.predict_s for f in cell.folds)
    run = client.create_run(
        experiment_id,
        # MLflow's column "Duration" then shows the cost of the cell, not of writing it.
        start_time=now - int(spent_s * 1000),
        run_name=f"{cell.dataset}/{cell.model}/{cell.label}"[:MAX_TAG],
        tags=tags_of(cell) | (LOGGED if board.rows[0].folds else {}),
    )
    return str(run.info.run_id)


def log_content(
    client: Any,
    run_id: str,
    cell: CellResult,
    board: Leaderboard,
    options: MetricOptions,
    now: int,
) -> None:
    """Write parameters, metrics and files of a run."""
    from mlflow.entities import Metric, Param

    params = [Param(k, v) for k, v in params_of(cell).items()]
    metrics = [
        Metric(key, value, now, step)
        for key, value, step in metrics_of(cell, board.rows[0])
        if not math.isnan(value)  # undefined: a server would store it as a number
    ]
    for some_params, some_metrics in batches(params, metrics):
        client.log_batch(run_id, params=some_params, metrics=some_metrics)
    with tempfile.TemporaryDirectory(prefix="imbench-") as name:
        folder = Path(name)
        write_files(folder, cell, board, options)
        if any(folder.iterdir()):
            client.log_artifacts(run_id, name)


def finish(client: Any, run_id: str, cell: CellResult, digest: str, now: int) -> None:
    """Mark a run as complete."""
    client.set_tag(run_id, DIGEST, digest)
    client.set_terminated(run_id, "FAILED" if cell.status == "failed" else "FINISHED", now)


def was_overtaken(client: Any, run_id: str, error: Exception) -> bool:
    """Return whether another process has deleted the run that is being written.

    It has written the same cell, and takes this run for one that was cut off.
    """
    from mlflow.exceptions import MlflowException

    if not isinstance(error, MlflowException) or error.error_code != "INVALID_PARAMETER_VALUE":
        return False
    return bool(client.get_run(run_id).info.lifecycle_stage == "deleted")


def is_lasting(error: Exception) -> bool:
    """Return whether a store will refuse the next cell too.

    It does if it is down, does not answer, fails or is full. An answer that finds fault with the
    request (HTTP 400 and 409) is about one cell.

    Examples
    --------
    >>> is_lasting(OSError("No space left on device"))
    True
    """
    from mlflow.exceptions import MlflowException

    if not isinstance(error, MlflowException):
        return True
    return error.get_http_status_code() not in (400, 409)
