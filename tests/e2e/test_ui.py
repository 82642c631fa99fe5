"""``imbench ui``: the MLflow server of a results folder, until Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from imbench.cli.ui_command import _running
from imbench.report.mlflow.tracker import MlflowTracker
from imbench.results.metric_options import MetricOptions
from tests.conftest import ROOT
from tests.e2e.conftest import Run, says
from tests.factories import make_cell

# SQLAlchemy keeps its connections for the life of the process, which is what MLflow wants.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def connected(port: int) -> socket.socket:
    """Connect as soon as somebody listens."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def get(port: int, path: str, body: dict | None = None) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with opener.open(request, timeout=30) as answer:
        return answer.read()


def test_it_serves_the_runs_of_a_results_folder_on_loopback_until_ctrl_c(tmp_path: Path) -> None:
    results = tmp_path / "my results"
    tracker = MlflowTracker(
        f"sqlite:///{results}/mlflow.db", artifact_dir=str(results / "mlflow-artifacts")
    )
    tracker.log_cell(make_cell("smote"), MetricOptions())
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "imbench", "ui", str(results), "--port", str(port)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = f"http://127.0.0.1:{port}/#/experiments/1/runs?viewStateShareKey=imbench"
        assert line == f"MLflow UI: {address} (Ctrl-C ends it)\n"
        assert b"<title>MLflow</title>" in get(port, "/")
        query = {"experiment_ids": ["1"], "filter": "tags.`stage.resample` = 'true'"}
        (found,) = json.loads(get(port, "/api/2.0/mlflow/runs/search", query))["runs"]
        tags = {tag["key"]: tag["value"] for tag in found["data"]["tags"]}
        assert tags["strategy"] == "smote"
        plot = get(port, f"/get-artifact?path=roc.png&run_uuid={found['info']['run_id']}")
        assert plot.startswith(b"\x89PNG")
        with socket.socket() as elsewhere:  # would answer if all addresses were bound
            assert elsewhere.connect_ex(("127.0.0.2", port)) != 0
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    with socket.socket() as gone:
        assert gone.connect_ex(("127.0.0.1", port)) != 0
    assert {p.name for p in tmp_path.iterdir()} == {"my results"}  # nothing is left in the cwd


def test_sigterm_ends_the_server_and_its_workers_too() -> None:
    port = free_port()
    worker = (
        "import socket, time; "
        f"s = socket.create_server(('127.0.0.1', {port})); s.accept(); time.sleep(60)"
    )
    server = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {worker!r}])"

    def interrupted_while_it_runs() -> None:
        with (
            tempfile.TemporaryFile("w+") as log,
            _running(["-c", server], log),
            connected(port),
        ):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30)

    with pytest.raises(KeyboardInterrupt):
        interrupted_while_it_runs()
    with socket.socket() as gone:
        assert gone.connect_ex(("127.0.0.1", port)) != 0
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_folder_without_a_store_is_one_sentence(run: Run) -> None:
    says(run("ui", "nowhere"), "there is no MLflow store nowhere/mlflow.db", "tracking=mlflow")


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_a_port_that_is_none_is_one_sentence(run: Run, tmp_path: Path, port: str) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "mlflow.db").touch()
    says(run("ui", f"--port={port}"), f"--port={port}", "1 to 65535")


def test_a_port_that_is_taken_is_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "mlflow.db").touch()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        says(run("ui", f"--port={port}"), f"--port={port} cannot be used", "choose another")


def test_without_mlflow_it_says_how_to_get_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    says(run("ui"), "MLflow is not installed", "pip install")


def test_a_server_that_ends_by_itself_is_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "mlflow.db").write_text("no database" * 100)
    says(run("ui", f"--port={free_port()}"), "the MLflow server ended")
