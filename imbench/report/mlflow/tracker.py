"""MLflow as an export: one run per cell, written from stored results and safe to write again.

This is the only module that imports mlflow, and it does so only when a tracker is opened. The
results under ``results/runs`` remain the truth: everything that is written here can be deleted and
exported anew.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import shlex
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imbench.errors import ConfigError, ImbenchError
from imbench.report.board import Leaderboard
from imbench.report.mlflow.address import Address, first_line
from imbench.report.mlflow.content import (
    DIGEST,
    LOGGED,
    MAX_TAG,
    RUN_ID,
    batches,
    digest_of,
    metrics_of,
    mlflow_names,
    params_of,
    tags_of,
    write_files,
)
from imbench.report.mlflow.protocol import NullTracker, Tracker
from imbench.report.mlflow.quiet import environment, quiet, silence_loggers
from imbench.report.mlflow.sqlite_lookup import deleted_experiment, digests
from imbench.report.mlflow.views import shared_view
from imbench.report.tables import build_leaderboard
from imbench.results.fold import CellResult
from imbench.results.metric_options import MetricOptions

__all__ = ["VIEW", "MlflowTracker", "NullTracker", "Tracker", "preload"]

VIEW = "imbench"  # key of the view that `imbench ui` opens


class MlflowTracker:
    """Write one MLflow run per cell: the target of ``tracking=mlflow``.

    A run is found again by the tag ``imbench.run_id``. The tag ``imbench.digest`` is set last and
    covers everything that was written. If it is equal, nothing is written; otherwise a new run is
    written, and then the old one, complete or not, is deleted.

    Parameters
    ----------
    uri : str
        Database (``sqlite:///results/mlflow.db``) or server (``http://host:5000``).
    experiment : str, default="imbench"
    artifact_dir : str, default="results/mlflow-artifacts"
        Folder of plots and tables. Used with a database only: a server has its own.

    Examples
    --------
    Nothing is opened, and MLflow is not imported, before :meth:`open` or :meth:`log_cell`:

    >>> tracker = MlflowTracker("sqlite:///results/mlflow.db")
    >>> tracker.hint
    'python -m imbench ui results'
    """

    def __init__(
        self,
        uri: str,
        experiment: str = "imbench",
        artifact_dir: str = "results/mlflow-artifacts",
    ) -> None:
        self.uri = uri
        self.experiment = experiment
        self.artifact_dir = artifact_dir
        self._address = Address(uri)
        self._client: Any = None
        self._experiment_id = ""
        self._view = ""  # the view that was written last

    @property
    def hint(self) -> str:
        """The command that opens the MLflow UI on these runs, or the server's address."""
        if self._address.is_server:
            return self._address.public
        results = self._results_dir()
        if results is not None:
            return f"python -m imbench ui {shlex.quote(str(results))}"
        return f"mlflow ui --backend-store-uri {self._address.public}"

    @property
    def sync_hint(self) -> str:
        """The command that exports stored cells which are missing here.

        Examples
        --------
        >>> MlflowTracker("sqlite:///results/mlflow.db").sync_hint
        'python -m imbench sync results'
        >>> MlflowTracker("http://localhost:5000").sync_hint
        'python -m imbench sync tracking.uri=http://localhost:5000'
        """
        results = self._results_dir()
        if results is not None:
            return f"python -m imbench sync {shlex.quote(str(results))}"
        words = [f"tracking.uri={self._address.public}"]
        if self.experiment != "imbench":
            words.append(f"tracking.experiment={self.experiment}")
        return f"python -m imbench sync {shlex.join(words)}"

    def _results_dir(self) -> Path | None:
        """Return the results folder that `conf/tracking/mlflow.yaml` makes this store for."""
        path = self._address.path
        is_default = path is not None and path.name == "mlflow.db" and self.experiment == "imbench"
        return path.parent if path is not None and is_default else None

    def server(self, port: int) -> list[str]:
        """Return the words after ``python`` that serve the MLflow UI on these runs, on loopback.

        Raises
        ------
        ConfigError
            If MLflow is not installed, or there is nothing to serve.
        """
        if importlib.util.find_spec("mlflow") is None:
            raise ConfigError("ui: MLflow is not installed: pip install 'mlflow>=3.10'.")
        path = self._address.path
        if path is not None and not path.is_file():
            raise ConfigError(
                f"ui: there is no MLflow store {path}: run something with tracking=mlflow first, "
                "or name the results folder that has one."
            )
        words = ["-m", "mlflow", "server", "--backend-store-uri", self.uri, "--workers", "1"]
        words += ["--artifacts-destination", self.artifact_dir]
        return [*words, "--host", "127.0.0.1", "--port", str(port)]

    def open(self) -> None:
        """Connect, migrate a new database, and find or create the experiment.

        Raises
        ------
        ConfigError
            If MLflow refuses the address or nothing answers there.
        """
        if self._client is not None:
            return
        self.check()
        try:
            # The lock is held while a new database is migrated. An unreachable server is given
            # up after seconds, not after MLflow's minutes.
            with (
                quiet(),
                self._address.lock(),
                environment(MLFLOW_HTTP_REQUEST_MAX_RETRIES=1),
            ):
                from mlflow import MlflowClient

                silence_loggers()
                uri = self._address.absolute
                client = MlflowClient(tracking_uri=uri, registry_uri=uri)
                self._experiment_id = self._find_experiment(client)
        except ImbenchError:
            raise
        except Exception as error:  # mlflow, sqlalchemy, requests and the file system
            raise ConfigError(
                f"tracking.uri={self._address.public} cannot be opened ({first_line(error)}): "
                "correct it, start the server, or set tracking=none."
            ) from error
        self._client = client

    def check(self) -> bool:
        """Check the address without importing MLflow.

        Returns
        -------
        bool
            True for an SQLite file that can be written: :meth:`open` will succeed. False if only
            connecting can tell.

        Raises
        ------
        ConfigError
            If the address is wrong, its file cannot be written, or the experiment was deleted.
        """
        problem = self._address.problem()
        if problem:
            raise ConfigError(
                f"tracking.uri={self._address.public}: {problem}; give a database such as "
                "sqlite:///results/mlflow.db or a server such as http://localhost:5000, or set "
                "tracking=none."
            )
        if not self.experiment:
            raise ConfigError("tracking.experiment is empty: give the MLflow experiment a name.")
        path = self._address.path
        if path is None:
            return False
        deleted = deleted_experiment(path, self.experiment)
        if deleted:
            raise self._was_deleted(deleted)
        return True

    def has(self, cell: CellResult, options: MetricOptions) -> bool:
        """Return whether the store has the cell with the same content.

        An SQLite file is read directly, without MLflow. A server is asked once it is connected;
        before that the answer is False.
        """
        digest = digest_of(cell, options)
        path = self._address.path
        if path is None:
            return self._client is not None and self._digests(cell.run_id) == [digest]
        if not path.is_file():
            return False
        try:
            return digests(path, self.experiment, cell.run_id) == [digest]
        except sqlite3.Error:  # another version, or damaged: MLflow will say so
            return False

    def log_cell(self, cell: CellResult, options: MetricOptions) -> None:
        """Write one cell, unless the same content is there already.

        Parameters
        ----------
        cell : CellResult
        options : MetricOptions

        Raises
        ------
        ImbenchError
            If the store refuses it. The stored results are not affected.
        """
        if self._client is None and self.has(cell, options):
            return
        self.open()
        digest = digest_of(cell, options)
        try:
            with quiet(), self._address.lock():
                runs = self._runs_of(cell.run_id)
                same = [run for run in runs if run.data.tags.get(DIGEST) == digest]
                if not same:
                    self._write(cell, options, digest)
                for run in runs:  # now that its successor is complete
                    if run not in same[:1]:
                        self._client.delete_run(run.info.run_id)
        except ImbenchError:
            raise
        except Exception as error:  # as in `open`
            raise ImbenchError(
                f"tracking.uri={self._address.public} refused the cell {cell.dataset}/"
                f"{cell.model}/{cell.label} ({first_line(error)}): the results are stored, run "
                f"`{self.sync_hint}` or the same command again to export them."
            ) from error

    @property
    def client(self) -> Any:
        """MLflow's client of the store, after :meth:`open`."""
        return self._client

    @property
    def experiment_id(self) -> str:
        """What MLflow calls the experiment, after :meth:`open`."""
        return self._experiment_id

    def close(self) -> Sequence[str]:
        """Return nothing: :meth:`log_cell` has finished when it returns."""
        return ()

    def _find_experiment(self, client: Any) -> str:
        from mlflow.exceptions import MlflowException

        found = client.get_experiment_by_name(self.experiment)
        if found is None:
            folder = Path(self.artifact_dir).resolve().as_uri()
            location = folder if self._address.is_database else None
            try:
                return str(client.create_experiment(self.experiment, artifact_location=location))
            except MlflowException:  # another process was faster
                found = client.get_experiment_by_name(self.experiment)
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise self._was_deleted(found.experiment_id)
        return str(found.experiment_id)

    def _was_deleted(self, experiment_id: str) -> ConfigError:
        return ConfigError(
            f"tracking.experiment={self.experiment} was deleted in MLflow: restore it with "
            f"mlflow experiments restore -x {experiment_id}, or choose another name."
        )

    def _runs_of(self, run_id: str) -> list[Any]:
        """Return the active runs of a cell."""
        return list(
            self._client.search_runs(
                [self._experiment_id], filter_string=f"tags.`{RUN_ID}` = '{run_id}'"
            )
        )

    def _digests(self, run_id: str) -> list[str | None]:
        try:
            with quiet():
                return [run.data.tags.get(DIGEST) for run in self._runs_of(run_id)]
        except Exception:  # no connection any more: `log_cell` says so
            return []

    def _write(self, cell: CellResult, options: MetricOptions, digest: str) -> None:
        """Write a run; its digest is set last and marks it as complete."""
        board = build_leaderboard([cell], options, with_intervals=True)
        now = int(time.time() * 1000)
        run_id = self._create_run(cell, board, now)
        self._log_numbers(run_id, cell, board, now)
        with tempfile.TemporaryDirectory(prefix="imbench-") as name:
            folder = Path(name)
            write_files(folder, cell, board, options)
            if any(folder.iterdir()):
                self._client.log_artifacts(run_id, name)
        view = json.dumps(shared_view(options, mlflow_names))
        if view != self._view:
            key = f"mlflow.sharedViewState.{VIEW}"
            self._client.set_experiment_tag(self._experiment_id, key, view)
            self._view = view
        self._client.set_tag(run_id, DIGEST, digest)
        self._client.set_terminated(
            run_id, "FAILED" if cell.status == "failed" else "FINISHED", now
        )

    def _create_run(self, cell: CellResult, board: Leaderboard, now: int) -> str:
        spent_s = sum(f.fit_s + f.predict_s for f in cell.folds)
        run = self._client.create_run(
            self._experiment_id,
            # MLflow's column "Duration" then shows the cost of the cell, not of writing it.
            start_time=now - int(spent_s * 1000),
            run_name=f"{cell.dataset}/{cell.model}/{cell.label}"[:MAX_TAG],
            tags=tags_of(cell) | (LOGGED if board.rows[0].folds else {}),
        )
        return str(run.info.run_id)

    def _log_numbers(self, run_id: str, cell: CellResult, board: Leaderboard, now: int) -> None:
        from mlflow.entities import Metric, Param

        params = [Param(k, v) for k, v in params_of(cell).items()]
        metrics = [
            Metric(key, value, now, step)
            for key, value, step in metrics_of(cell, board.rows[0])
            if not math.isnan(value)  # undefined: a server would store it as a number
        ]
        for some_params, some_metrics in batches(params, metrics):
            self._client.log_batch(run_id, params=some_params, metrics=some_metrics)


def preload() -> None:
    """Import MLflow and the plotting libraries, which takes two seconds, before the first cell."""
    with quiet():
        for name in ("mlflow", "matplotlib.backends.backend_agg", "sklearn.metrics"):
            importlib.import_module(name)
        silence_loggers()
