"""The SQLite file of MLflow: killed or full while it is made, damaged, written by many at once."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from dataclasses import fields
from pathlib import Path

import pytest

from imbench.errors import ImbenchError
from imbench.report.mlflow.database import fault_of, is_new, prepare
from imbench.report.mlflow.making import newest
from imbench.report.mlflow.tracker import MlflowTracker
from imbench.results.fold import CellKey
from imbench.results.metric_options import MetricOptions
from imbench.results.store import Store
from tests.conftest import ROOT
from tests.factories import make_cell

# SQLAlchemy keeps its connections for the life of the process, which is what MLflow wants.
pytestmark = [
    pytest.mark.process,
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
OPEN = """
import sys
from imbench.report.mlflow.tracker import MlflowTracker
MlflowTracker(f"sqlite:///{sys.argv[1]}/mlflow.db", artifact_dir=f"{sys.argv[1]}/files").open()
"""
EXPORT = """
import sys
from imbench.report.mlflow.tracker import MlflowTracker
from imbench.results.metric_options import MetricOptions
from tests.factories import make_cell
tracker = MlflowTracker(sys.argv[1], artifact_dir=sys.argv[2])
tracker.open()
print("ready", flush=True)
sys.stdin.readline()
for label in ("a", "b", "c"):
    tracker.log_cell(make_cell(label), MetricOptions())
"""
KILLS = 3
LABELS = ("a", "b", "c")


def command(*words: object, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "imbench", *map(str, words)],
        env=ENVIRONMENT, capture_output=True, text=True, check=False, **more,
    )  # fmt: skip


def copy(source: Path, target: Path) -> None:
    """Copy a database and what a kill has left beside it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-journal"):
        if Path(f"{source}{suffix}").exists():
            shutil.copy(f"{source}{suffix}", f"{target}{suffix}")


@pytest.fixture(scope="module")
def half_made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What was made when `kill -9` came, at seeded sizes of the new file.

    An earlier version made it under its final name.
    """
    rng, found = random.Random(16), []
    folder = tmp_path_factory.mktemp("killed")
    beside = folder / ".mlflow.db.new"
    for i in range(KILLS):
        process = subprocess.Popen([sys.executable, "-c", OPEN, folder], env=ENVIRONMENT)
        size = rng.randrange(1, 500_000)
        while not (beside.exists() and beside.stat().st_size >= size):
            assert process.poll() is None, "it was made before the kill"
            # The file of the last kill is deleted first, so that its size is no sign of progress.
            time.sleep(0.001)
        process.kill()
        process.wait()
        assert not (folder / "mlflow.db").exists()
        copy(beside, folder / str(i) / "mlflow.db")
        found.append(folder / str(i) / "mlflow.db")
        for path in folder.glob(".mlflow.db.new*"):
            if i + 1 < KILLS:  # the last one is left for `migrated`
                path.unlink()
    return found


@pytest.fixture(scope="module")
def migrated(half_made: list[Path]) -> Path:
    """The store that the command after the kills has made."""
    folder = half_made[0].parents[1]
    assert (folder / ".mlflow.db.new").exists()
    subprocess.run([sys.executable, "-c", OPEN, folder], env=ENVIRONMENT, check=True)
    assert not list(folder.glob(".mlflow.db.new*"))
    assert fault_of(folder / "mlflow.db", newest) == ""
    return folder / "mlflow.db"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with two cells."""
    store = Store(tmp_path / "results")
    for label in ("a", "b"):
        cell = make_cell(label)
        key = CellKey(**{f.name: getattr(cell, f.name) for f in fields(CellKey)})
        store.write_cell(key)
        for fold in cell.folds:
            store.write_fold(key, fold)
    return tmp_path / "results"


def runs_of(path: Path) -> list[tuple[str, bool]]:
    """Return strategy, and whether it is complete, of the active runs."""
    query = """
        SELECT strategy.value, digest.value IS NOT NULL FROM runs
        JOIN tags AS strategy ON strategy.run_uuid = runs.run_uuid AND strategy.key = 'strategy'
        LEFT JOIN tags AS digest
            ON digest.run_uuid = runs.run_uuid AND digest.key = 'imbench.digest'
        WHERE runs.lifecycle_stage = 'active' ORDER BY strategy.value
    """
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def never(path: Path) -> None:
    pytest.fail(f"{path} was made anew")


class TestHalfMade:
    def test_what_a_kill_left_is_recognised_and_made_again(self, half_made, migrated, tmp_path):
        for i, source in enumerate(half_made):
            path = tmp_path / str(i) / "mlflow.db"
            copy(source, path)
            if not is_new(path):  # killed before the first table
                assert fault_of(path, newest) == "was not made to its end"
            notice = prepare(path, lambda target: copy(migrated, target), newest)
            assert fault_of(path, newest) == ""
            assert not is_new(path)
            assert (path.with_name("mlflow.db.damaged-1").exists()) == bool(notice)
        assert any(not is_new(source) for source in half_made)

    def test_a_whole_file_is_left_alone(self, migrated, tmp_path):
        path = tmp_path / "mlflow.db"
        copy(migrated, path)
        assert prepare(path, never, newest) == ""

    def test_one_with_runs_of_another_version_is_not_thrown_away(self, migrated, tmp_path):
        path = tmp_path / "mlflow.db"
        copy(migrated, path)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE alembic_version SET version_num = 'older'")
            connection.commit()
            assert fault_of(path, newest) == "was not made to its end"
            connection.execute("INSERT INTO runs (run_uuid, experiment_id) VALUES ('x', 0)")
            connection.commit()
        assert fault_of(path, newest) == ""

    def test_another_programs_database_is_left_alone(self, tmp_path):
        path = tmp_path / "places.sqlite"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE places (name)")
            connection.commit()
        content = path.read_bytes()
        assert prepare(path, never, newest) == ""
        path.write_bytes(b"no database " * 100)
        assert prepare(path, never, newest) == ""
        assert content != path.read_bytes()
        assert [p.name for p in tmp_path.iterdir()] == ["places.sqlite"]


def damage_header(content: bytearray) -> None:
    content[3] ^= 1


def damage_pages(content: bytearray) -> None:
    for start in range(4096, len(content), 4096):
        content[start : start + 8] = b"\xff" * 8


def cut(content: bytearray) -> None:
    del content[len(content) // 2 :]


@pytest.mark.parametrize("harm", [damage_header, damage_pages, cut])
def test_a_damaged_file_is_recognised(migrated, tmp_path, harm):
    path = tmp_path / "mlflow.db"
    content = bytearray(migrated.read_bytes())
    harm(content)
    path.write_bytes(content)
    assert fault_of(path, newest).startswith("is damaged (")
    notice = prepare(path, lambda target: copy(migrated, target), newest)
    assert "mlflow.db.damaged-1" in notice
    assert (tmp_path / "mlflow.db.damaged-1").read_bytes() == content
    assert fault_of(path, newest) == ""


def test_a_command_rebuilds_the_file_from_the_stored_results(half_made, results):
    source = next(path for path in half_made if not is_new(path))
    copy(source, results / "mlflow.db")
    advice = MlflowTracker(f"sqlite:///{results}/mlflow.db").advice()
    assert f"was not made to its end: `python -m imbench sync {results}` makes" in advice
    done = command("sync", results)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 written, 0 unchanged, 0 refused.")
    (sentence,) = done.stderr.splitlines()
    assert "mlflow.db was not made to its end: it was set aside as" in sentence
    assert runs_of(results / "mlflow.db") == [("a", 1), ("b", 1)]


def test_a_full_disk_while_it_is_made_is_one_sentence_and_leaves_nothing(tmp_path):
    """A limit on the size of files stands for the full disk: the tables need more."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    words = ["dataset=synthetic", "dataset.n_rows=60", "model=logistic_regression"]
    words += ["splits=holdout", "tracking=mlflow", f"results_dir={tmp_path}", "device=cpu"]
    done = command(*words, preexec_fn=limit)
    assert done.returncode == 0, done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if "tracking" in line]
    assert "cannot be opened (" in sentence
    assert f"the results are stored, run `python -m imbench sync {tmp_path}`" in sentence
    assert not (tmp_path / "mlflow.db").exists()
    assert not list(tmp_path.glob(".mlflow.db.new*"))
    assert "Traceback" not in done.stderr


@contextlib.contextmanager
def exporting(uri: str, files: Path, n: int = 3):
    """Start processes that export the same cells, and let them begin together."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", EXPORT, uri, str(files)],
            cwd=ROOT, env=ENVIRONMENT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(n)
    ]  # fmt: skip
    try:
        for process in started:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def test_three_processes_export_the_same_cells_to_one_file(migrated, tmp_path):
    copy(migrated, tmp_path / "mlflow.db")
    with exporting(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "files") as started:
        said = [process.communicate("go\n", timeout=120)[1] for process in started]
        assert [process.returncode for process in started] == [0, 0, 0], said
    assert runs_of(tmp_path / "mlflow.db") == [(label, 1) for label in LABELS]


@pytest.fixture(scope="module")
def server(migrated, tmp_path_factory):
    """An MLflow server: its process, its address, and its database."""
    folder = tmp_path_factory.mktemp("server")
    copy(migrated, folder / "mlflow.db")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    uri = f"sqlite:///{folder}/mlflow.db"
    words = MlflowTracker(uri, artifact_dir=str(folder / "files")).server(port)
    off = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *words], env=ENVIRONMENT | off, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError), opener.open(f"http://127.0.0.1:{port}/health"):
                break
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process, f"http://127.0.0.1:{port}", folder / "mlflow.db"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class TestServer:
    """The last test kills it."""

    def test_a_run_that_another_process_deletes_while_it_is_written(self, server, monkeypatch):
        _, uri, path = server
        slow, fast = (MlflowTracker(uri, "overtaken") for _ in range(2))
        cell, options = make_cell("overtaken"), MetricOptions()
        slow.open()
        log_artifacts, n_calls = slow._client.log_artifacts, []

        def overtaken(*arguments):
            n_calls.append(arguments)
            if len(n_calls) == 1:  # the other one takes it for a run that was cut off
                fast.log_cell(cell, options)
            log_artifacts(*arguments)

        monkeypatch.setattr(slow._client, "log_artifacts", overtaken)
        slow.log_cell(cell, options)
        assert slow.has(cell, options)
        assert fast.has(cell, options)
        assert runs_of(path).count(("overtaken", 1)) == 1
        assert ("overtaken", 0) not in runs_of(path)

    def test_three_processes_export_the_same_cells(self, server, tmp_path):
        _, uri, path = server
        with exporting(uri, tmp_path) as started:
            said = [process.communicate("go\n", timeout=120)[1] for process in started]
            assert [process.returncode for process in started] == [0, 0, 0], said
        found = [run for run in runs_of(path) if run[0] in LABELS]
        assert found == [(label, 1) for label in LABELS]

    def test_it_is_killed_while_cells_are_exported(self, server):
        process, uri, path = server
        tracker = MlflowTracker(uri, "killed")
        tracker.log_cell(make_cell("first"), MetricOptions())
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        started, sentences = time.monotonic(), set()
        for label in LABELS:
            with pytest.raises(ImbenchError, match="nothing answers there") as caught:
                tracker.log_cell(make_cell(label, model="other"), MetricOptions())
            sentences.add(str(caught.value))
        assert len(sentences) == 1
        assert time.monotonic() - started < 60
        assert ("first", 1) in runs_of(path)
