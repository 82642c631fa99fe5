"""MLflow as an export: one run a cell, written from stored results and safe to write again.

The only file that imports mlflow, and that only when a tracker is opened. The results under
``results/runs`` stay the truth: everything here can be deleted and exported anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import logging
import math
import os
import re
import shlex
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from imbench.errors import ConfigError, ImbenchError
from imbench.report.mlflow.content import (
    LOGGED,
    MAX_TAG,
    RUN_ID,
    batches,
    metrics_of,
    mlflow_names,
    params_of,
    tags_of,
    write_files,
)
from imbench.report.mlflow.views import shared_view
from imbench.report.tables import build_leaderboard
from imbench.results.fold import ARRAYS, PICTURE, CellResult
from imbench.results.metric_options import MetricOptions

FORMAT = 2  # raised when a run is laid out in another way, so that old ones are rewritten
DIGEST = "imbench.digest"
VIEW = "imbench"  # key of the view that `imbench ui` opens
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
SERVERS = ("http", "https", "databricks")


class Tracker(Protocol):
    """Where finished cells are shown beside the results folder."""

    @property
    def hint(self) -> str:
        """How to look at it, one line for the terminal; empty if there is nothing to open."""
        ...

    def open(self) -> None:
        """Connect; called before anything runs, so that a wrong address costs no hours."""
        ...

    def has(self, cell: CellResult, options: MetricOptions) -> bool:
        """Whether a cell is certain to be there, as far as can be seen without connecting."""
        ...

    def log_cell(self, cell: CellResult, options: MetricOptions) -> None:
        """Write a cell; called once for each cell by the process that gathers the results."""
        ...

    def close(self) -> Sequence[str]:
        """Wait for what is still being written; a sentence for each cell that was refused."""
        ...


class NullTracker:
    """``tracking=none``."""

    hint = ""

    def open(self) -> None:
        """Nothing to connect to."""

    def has(self, cell: CellResult, options: MetricOptions) -> bool:
        """Nothing is missing."""
        return True

    def log_cell(self, cell: CellResult, options: MetricOptions) -> None:
        """Nothing to write."""

    def close(self) -> Sequence[str]:
        """Nothing to wait for."""
        return ()


class MlflowTracker:
    """Writes one MLflow run a cell.

    A run is found again by the tag ``imbench.run_id``. The tag ``imbench.digest`` is set last
    and covers everything that was written: if it is equal nothing is written, otherwise the
    old run, complete or not, is deleted and written anew.

    Parameters
    ----------
    uri : str
        Database (``sqlite:///results/mlflow.db``) or server (``http://host:5000``).
    experiment : str, default="imbench"
    artifact_dir : str, default="results/mlflow-artifacts"
        Folder of plots and tables; used with a database, a server has its own.
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
        self._client: Any = None
        self._experiment_id = ""
        self._view = ""  # that was written last

    @property
    def hint(self) -> str:
        """The command that opens the MLflow UI on these runs, or the server's address."""
        if _scheme(self.uri) in SERVERS:
            return _public(self.uri)
        path = _sqlite_path(self.uri)
        if path is not None and path.name == "mlflow.db" and self.experiment == "imbench":
            return f"python -m imbench ui {shlex.quote(str(path.parent))}"  # the yaml's store
        return f"mlflow ui --backend-store-uri {_public(self.uri)}"

    def server(self, port: int) -> list[str]:
        """Return the words after ``python`` that serve the MLflow UI on these runs, on loopback.

        Raises
        ------
        ConfigError
            If MLflow is not installed, or there is nothing to serve.
        """
        if importlib.util.find_spec("mlflow") is None:
            raise ConfigError("ui: MLflow is not installed: pip install 'mlflow>=3.10'.")
        path = _sqlite_path(self.uri)
        if path is not None and not path.is_file():
            raise ConfigError(
                f"ui: there is no MLflow store {path}: run something with tracking=mlflow first, "
                "or name the results folder that has one."
            )
        words = ["-m", "mlflow", "server", "--backend-store-uri", self.uri, "--workers", "1"]
        words += ["--artifacts-destination", self.artifact_dir]
        return [*words, "--host", "127.0.0.1", "--port", str(port)]

    def open(self) -> None:
        """Connect, migrate a new database and find or make the experiment.

        Raises
        ------
        ConfigError
            If MLflow refuses the address or nothing answers there.
        """
        if self._client is not None:
            return
        self.check()
        try:
            # A new database is migrated by whoever opens it first; two at once would collide.
            # An unreachable server is given up after seconds, not after MLflow's minutes.
            with (
                _quiet(),
                _alone(self.uri),
                _environment(MLFLOW_HTTP_REQUEST_MAX_RETRIES=1),
            ):
                from mlflow import MlflowClient

                _hush_loggers()
                uri = _absolute(self.uri)
                client = MlflowClient(tracking_uri=uri, registry_uri=uri)
                self._experiment_id = self._find_experiment(client)
        except ImbenchError:
            raise
        except Exception as error:  # mlflow, sqlalchemy, requests and the file system
            raise ConfigError(
                f"tracking.uri={_public(self.uri)} cannot be opened ({_first_line(error)}): "
                "correct it, start the server, or set tracking=none."
            ) from error
        self._client = client

    def has(self, cell: CellResult, options: MetricOptions) -> bool:
        """Whether an SQLite store has the cell as it is, read without MLflow and its second."""
        path = _sqlite_path(self.uri)
        if path is None or not path.is_file():
            return False
        try:
            found = _digests(path, self.experiment, cell.run_id)
        except sqlite3.Error:  # a store of another version, or damaged: MLflow will say so
            return False
        return found == [_digest(cell, options)]

    def check(self) -> bool:
        """Look at the address without MLflow, which takes a second to be imported.

        Returns
        -------
        bool
            Whether it is an SQLite file that can be written, so that `open` will not fail.

        Raises
        ------
        ConfigError
            If the address is none, its file cannot be written, or the experiment was deleted.
        """
        problem = _check_uri(self.uri)
        if problem:
            raise ConfigError(
                f"tracking.uri={_public(self.uri)}: {problem}; give a database such as "
                "sqlite:///results/mlflow.db or a server such as http://localhost:5000, or set "
                "tracking=none."
            )
        if not self.experiment:
            raise ConfigError("tracking.experiment is empty: give the MLflow experiment a name.")
        path = _sqlite_path(self.uri)
        if path is None:
            return False
        deleted = _deleted_experiment(path, self.experiment)
        if deleted:
            raise self._was_deleted(deleted)
        return True

    def warm_up(self) -> None:
        """Import MLflow and what draws, which takes two seconds."""
        with _quiet():
            for name in ("mlflow", "matplotlib.backends.backend_agg", "sklearn.metrics"):
                importlib.import_module(name)
            _hush_loggers()

    def close(self) -> Sequence[str]:
        """Nothing is waited for: `log_cell` returns when a cell is written."""
        return ()

    def draw(self, cell: CellResult, options: MetricOptions, folder: Path) -> None:
        """Write what becomes artifacts of a cell's run into a folder."""
        with _quiet():
            write_files(folder, cell, build_leaderboard([cell], options), options)

    def log_cell(self, cell: CellResult, options: MetricOptions, drawn: Path | None = None) -> None:
        """Write one cell, unless the same content is there already.

        Parameters
        ----------
        cell : CellResult
        options : MetricOptions
        drawn : Path or None
            Folder that :meth:`draw` has written to.

        Raises
        ------
        ImbenchError
            If the store refuses it. The stored results are untouched.
        """
        if self._client is None and self.has(cell, options):
            return
        self.open()
        digest = _digest(cell, options)
        try:
            with _quiet(), _alone(self.uri):
                if self._is_written(cell.run_id, digest):
                    return
                self._write(cell, options, digest, drawn)
        except ImbenchError:
            raise
        except Exception as error:  # as in `open`
            raise ImbenchError(
                f"tracking.uri={_public(self.uri)} refused the cell {cell.dataset}/{cell.model}/"
                f"{cell.label} ({_first_line(error)}): the results are stored, run the same "
                "command again to export them."
            ) from error

    def _find_experiment(self, client: Any) -> str:
        from mlflow.exceptions import MlflowException

        found = client.get_experiment_by_name(self.experiment)
        if found is None:
            is_database = _scheme(self.uri) in DATABASES
            location = Path(self.artifact_dir).resolve().as_uri() if is_database else None
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

    def _is_written(self, run_id: str, digest: str) -> bool:
        """Whether the cell is there with this content; other runs of the cell are deleted."""
        runs = self._client.search_runs(
            [self._experiment_id], filter_string=f"tags.`{RUN_ID}` = '{run_id}'"
        )
        same = [run for run in runs if run.data.tags.get(DIGEST) == digest]
        for run in runs:
            if run not in same[:1]:
                self._client.delete_run(run.info.run_id)
        return bool(same)

    def _write(
        self, cell: CellResult, options: MetricOptions, digest: str, drawn: Path | None
    ) -> None:
        from mlflow.entities import Metric, Param

        row = build_leaderboard([cell], options).rows[0]
        now = int(time.time() * 1000)
        spent_s = sum(f.fit_s + f.predict_s for f in cell.folds)
        run = self._client.create_run(
            self._experiment_id,
            # MLflow's column "Duration" then shows the cost of the cell, not of writing it.
            start_time=now - int(spent_s * 1000),
            run_name=f"{cell.dataset}/{cell.model}/{cell.label}"[:MAX_TAG],
            tags=tags_of(cell) | (LOGGED if row.folds else {}),
        )
        run_id = run.info.run_id
        params = [Param(k, v) for k, v in params_of(cell).items()]
        metrics = [
            Metric(key, value, now, step)
            for key, value, step in metrics_of(cell, row)
            if not math.isnan(value)  # undefined: the server would store it as a number
        ]
        for some_params, some_metrics in batches(params, metrics):
            self._client.log_batch(run_id, params=some_params, metrics=some_metrics)
        with tempfile.TemporaryDirectory(prefix="imbench-") as own:
            folder = Path(own)
            if drawn is not None and drawn.is_dir():  # not if whoever drew it was interrupted
                folder = drawn
            else:
                self.draw(cell, options, folder)
            if any(folder.iterdir()):
                self._client.log_artifacts(run_id, str(folder))
        view = json.dumps(shared_view(options, mlflow_names))
        if view != self._view:
            key = f"mlflow.sharedViewState.{VIEW}"
            self._client.set_experiment_tag(self._experiment_id, key, view)
            self._view = view
        self._client.set_tag(run_id, DIGEST, digest)
        self._client.set_terminated(
            run_id, "FAILED" if cell.status == "failed" else "FINISHED", now
        )


def _digest(cell: CellResult, options: MetricOptions) -> str:
    """Hash everything that a run shows."""
    digest = hashlib.sha256()
    facts: list[object] = [FORMAT, cell.config, cell.status, cell.reason, cell.stages]
    facts += [cell.n_folds, options.minority, options.ece_bins, options.extra]
    for fold in cell.folds:
        facts += [fold.repeat, fold.fold, fold.status, fold.reason, fold.fit_s, fold.predict_s]
        facts += [fold.counts_before, fold.counts_after, fold.minority, fold.class_names]
        if fold.trials:
            facts += [fold.tuned, fold.trials, fold.importance]
    digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
    for fold in cell.folds:
        for name in (*ARRAYS, *PICTURE):
            digest.update(getattr(fold, name).tobytes())
    return digest.hexdigest()


def _scheme(uri: str) -> str:
    """``sqlite`` of ``sqlite:///x``, ``postgresql`` of ``postgresql+psycopg://...``."""
    return uri.partition("://")[0].partition("+")[0] if "://" in uri else uri


def _check_uri(uri: str) -> str:
    """Say what is wrong with an address, before MLflow takes 100 s to find out."""
    if not uri:
        return "is empty"
    if _scheme(uri) not in (*DATABASES, *SERVERS):
        return "MLflow 3 stores runs in a database or on a server, no longer in plain files"
    path = _sqlite_path(uri)
    if path is None:
        return ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path, timeout=20)) as connection:
            connection.execute("BEGIN IMMEDIATE")  # fails where the file cannot be written
            connection.execute("ROLLBACK")
    except (OSError, sqlite3.Error) as error:
        return f"the file cannot be opened for writing ({_first_line(error)})"
    return ""


def _sqlite_path(uri: str) -> Path | None:
    name = uri.partition(":///")[2].partition("?")[0]
    is_file = _scheme(uri) == "sqlite" and name and name != ":memory:"
    return Path(name) if is_file else None


def _digests(path: Path, experiment: str, run_id: str) -> list[str | None]:
    """Return the digests of the runs of a cell that are not deleted, None for an unfinished one."""
    query = """
        SELECT digest.value FROM experiments
        JOIN runs ON runs.experiment_id = experiments.experiment_id
        JOIN tags AS cell ON cell.run_uuid = runs.run_uuid AND cell.key = ? AND cell.value = ?
        LEFT JOIN tags AS digest ON digest.run_uuid = runs.run_uuid AND digest.key = ?
        WHERE experiments.name = ? AND experiments.lifecycle_stage = 'active'
            AND runs.lifecycle_stage = 'active'
    """
    read_only = f"{path.resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(read_only, uri=True, timeout=20)) as connection:
        rows = connection.execute(query, (RUN_ID, run_id, DIGEST, experiment)).fetchall()
    return [value for (value,) in rows]


def _deleted_experiment(path: Path, name: str) -> str:
    """Return the number of an experiment that was deleted in an MLflow file, else nothing."""
    query = "SELECT experiment_id FROM experiments WHERE name = ? AND lifecycle_stage != 'active'"
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=20)) as connection:
            found = connection.execute(query, (name,)).fetchone()
    except sqlite3.Error:  # a new file has no such table; MLflow explains what is strange
        return ""
    return str(found[0]) if found else ""


def _absolute(uri: str) -> str:
    """Return an address that means the same in every folder.

    MLflow keeps connections by address: a relative one would lead to the old file in a process
    that has gone to another folder.
    """
    path = _sqlite_path(uri)
    return uri if path is None else uri.replace(str(path), str(path.resolve()), 1)


@contextlib.contextmanager
def _alone(uri: str) -> Iterator[None]:
    """Hold a lock beside an SQLite file, for opening and writing; nothing for other addresses."""
    path = _sqlite_path(uri)
    if path is None:
        yield
        return
    from filelock import FileLock

    with FileLock(path.with_name(f".{path.name}.lock"), timeout=120):
        yield


@contextlib.contextmanager
def _environment(**values: object) -> Iterator[None]:
    """Set variables that the user has not set, for as long as the block runs."""
    added = {key: str(value) for key, value in values.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow's deprecations, git hints and usage statistics from the terminal and the net.

    The variables stay set: MLflow reads them at import and in threads of its own.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _hush_loggers() -> None:
    """After the import: MLflow sets its own levels then. Errors reach the user as exceptions."""
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _public(uri: str) -> str:
    """Address without its password."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", uri)


def _first_line(error: Exception) -> str:
    """Return the first line of an error, without the manual that MLflow appends."""
    if "Max retries exceeded" in str(error):
        return "nothing answers there"
    text = str(error).strip() or type(error).__name__
    first = text.splitlines()[0]
    return first if len(first) <= 200 else f"{first[:199]}…"
