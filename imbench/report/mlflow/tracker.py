"""MLflow as an export: one run per cell, written from stored results and safe to write again.

MLflow is imported only when a tracker is opened. The results under ``results/runs`` remain the
truth: everything that is written here can be deleted and exported anew.
"""

from __future__ import annotations

import importlib
import json
import shlex
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imbench.components.extras import require
from imbench.errors import ConfigError, ImbenchError
from imbench.report.mlflow.address import Address, first_line
from imbench.report.mlflow.content import DIGEST, RUN_ID, digest_of, mlflow_names
from imbench.report.mlflow.database import fault_of, prepare, set_damaged_aside
from imbench.report.mlflow.making import make, newest
from imbench.report.mlflow.protocol import NullTracker, Tracker
from imbench.report.mlflow.quiet import patience, quiet, silence_loggers
from imbench.report.mlflow.runs import create_run, finish, is_lasting, log_content, was_overtaken
from imbench.report.mlflow.sqlite_lookup import deleted_experiment, digests
from imbench.report.mlflow.views import shared_view
from imbench.report.tables import build_leaderboard
from imbench.results.fold import CellResult
from imbench.results.metric_options import MetricOptions

__all__ = ["VIEW", "MlflowTracker", "NullTracker", "Tracker", "preload"]

VIEW = "imbench"  # key of the view that `imbench ui` opens
MAX_DEADLINE_S = 1e6
MAX_ATTEMPTS = 10  # to write a cell that others write to the same server at the same time


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
    deadline_s : float, default=120
        Seconds without an answer after which a run gives up the export of its cells. A single
        request to a server may take a sixth of it, and is repeated once.

    Attributes
    ----------
    notices : list of str
        What happened to the store and needs no action, a sentence each.

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
        deadline_s: float = 120,
    ) -> None:
        self.uri = uri
        self.experiment = experiment
        self.artifact_dir = artifact_dir
        self.deadline_s = deadline_s
        self.notices: list[str] = []
        self._address = Address(uri)
        self._client: Any = None
        self._experiment_id = ""
        self._view = ""  # the view that was written last
        self._broken = ""  # why the store is not asked again

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
        require("mlflow", "ui")
        path = self._address.path
        if path is not None and not path.is_file():
            raise ConfigError(
                f"ui: there is no MLflow store {path}: run something with tracking=mlflow first, "
                "or name the results folder that has one."
            )
        words = ["-m", "mlflow", "server", "--backend-store-uri", self.uri, "--workers", "1"]
        words += ["--artifacts-destination", self.artifact_dir]
        return [*words, "--host", "127.0.0.1", "--port", str(port)]

    def advice(self) -> str:
        """Return what to do about a file that MLflow cannot open, or an empty string."""
        path = self._address.path
        with quiet():
            fault = "" if path is None else fault_of(path, newest)
        if not fault:
            return ""
        return f"{path} {fault}: `{self.sync_hint}` makes a new one from the stored results."

    def open(self) -> None:
        """Connect, make a new database, and find or create the experiment.

        A damaged SQLite file is set aside and made again; :attr:`notices` says so.

        Raises
        ------
        ConfigError
            If MLflow refuses the address or nothing answers there.
        """
        if self._client is not None:
            return
        self.check()
        self._broken = ""
        try:
            # The lock is held while a new database is made.
            with quiet(), self._address.lock(), patience(self.deadline_s):
                from mlflow import MlflowClient

                silence_loggers()
                if self._address.path is not None:
                    self._note(prepare(self._address.path, make, newest))
                uri = self._address.absolute
                client = MlflowClient(tracking_uri=uri, registry_uri=uri)
                self._experiment_id = self._find_experiment(client)
        except ImbenchError:
            raise
        except Exception as error:  # mlflow, sqlalchemy, requests and the file system
            reason = f"tracking.uri={self._address.public} cannot be opened ({first_line(error)})"
            self._broken = f"{reason}: {self.later}"
            raise ConfigError(
                f"{reason}: correct it, start the server, or set tracking=none."
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
            If MLflow is missing, the address or its file is wrong, or the experiment was deleted.
        """
        require("mlflow", f"tracking.uri={self._address.public}")
        path = self._address.path
        problem = self._address.problem()
        if problem and path is not None and fault_of(path):
            with self._address.lock():
                self._note(set_damaged_aside(path))
            problem = self._address.problem()
        if problem:
            raise ConfigError(
                f"tracking.uri={self._address.public}: {problem}; give a database such as "
                "sqlite:///results/mlflow.db or a server such as http://localhost:5000, or set "
                "tracking=none."
            )
        if not self.experiment:
            raise ConfigError("tracking.experiment is empty: give the MLflow experiment a name.")
        if not 0 < self.deadline_s <= MAX_DEADLINE_S:
            raise ConfigError(
                f"tracking.deadline_s={self.deadline_s} is no time to wait: give seconds, such as "
                "tracking.deadline_s=120."
            )
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
            can_tell = self._client is not None and not self._broken
            return can_tell and self._digests(cell.run_id) == [digest]
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
        if self._broken:
            raise ImbenchError(self._broken)
        self.open()
        digest = digest_of(cell, options)
        try:
            with quiet(), self._address.lock(), patience(self.deadline_s):
                self._settle(cell, options, digest)
        except ImbenchError:
            raise
        except Exception as error:  # as in `open`
            sentence = (
                f"tracking.uri={self._address.public} refused the cell {cell.dataset}/"
                f"{cell.model}/{cell.label} ({first_line(error)}): {self.later}"
            )
            if is_lasting(error):
                self._broken = sentence
            raise ImbenchError(sentence) from error

    @property
    def later(self) -> str:
        """What a sentence ends with that says that something is not exported."""
        return (
            f"the results are stored, run `{self.sync_hint}` or the same command again to export "
            "what is missing."
        )

    def opened(self) -> tuple[Any, str]:
        """Connect, and return MLflow's client and its id of the experiment."""
        self.open()
        return self._client, self._experiment_id

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
            with quiet(), patience(self.deadline_s):
                return [run.data.tags.get(DIGEST) for run in self._runs_of(run_id)]
        except Exception:  # no connection any more: `log_cell` says so
            return []

    def _settle(self, cell: CellResult, options: MetricOptions, digest: str) -> None:
        """Write a cell, and delete its other runs, until one complete run is left.

        An SQLite file is locked meanwhile. Clients of a server cannot lock it: another process may
        take the run that is written here for one that was cut off, and delete it. Each deletes
        after its own run is complete, and looks again after it has deleted something.
        """
        for _ in range(MAX_ATTEMPTS):
            runs = self._runs_of(cell.run_id)
            same = sorted(r.info.run_id for r in runs if r.data.tags.get(DIGEST) == digest)
            if not same:
                if not self._write(cell, options, digest):
                    continue
            elif len(runs) == 1:
                return
            others = [r.info.run_id for r in runs if r.info.run_id not in same[:1]]
            for run_id in others:  # now that their successor is complete
                self._client.delete_run(run_id)
            if self._address.path is not None:
                return
        raise RuntimeError(f"{MAX_ATTEMPTS} times another process deleted what was written")

    def _write(self, cell: CellResult, options: MetricOptions, digest: str) -> bool:
        """Write a run, and return whether it is still there.

        Its digest is set last and marks it as complete.
        """
        board = build_leaderboard([cell], options, with_intervals=True)
        now = int(time.time() * 1000)
        client = self._client
        run_id = create_run(client, self._experiment_id, cell, board, now)
        try:
            log_content(client, run_id, cell, board, options, now)
            self._share_view(options)
            finish(client, run_id, cell, digest, now)
        except Exception as error:
            if not was_overtaken(client, run_id, error):
                raise
            return False
        return True

    def _share_view(self, options: MetricOptions) -> None:
        view = json.dumps(shared_view(options, mlflow_names))
        if view != self._view:
            key = f"mlflow.sharedViewState.{VIEW}"
            try:
                self._client.set_experiment_tag(self._experiment_id, key, view)
            except Exception as error:
                if is_lasting(error):
                    raise
                return  # two processes create it at the same time: it is there
            self._view = view

    def _note(self, sentence: str) -> None:
        if sentence:
            self.notices.append(f"{sentence} Cells of other commands: `{self.sync_hint}`.")


def preload() -> None:
    """Import MLflow and the plotting libraries, which takes two seconds, before the first cell."""
    with quiet():
        for name in ("mlflow", "matplotlib.backends.backend_agg", "sklearn.metrics"):
            importlib.import_module(name)
        silence_loggers()
