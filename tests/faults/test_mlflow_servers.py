"""An MLflow server that is down, dies, never answers or fails costs seconds, and no result.

The servers are a few lines each. What they share with MLflow is the answer to the first request.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from imbench.cli import main
from imbench.errors import ImbenchError
from imbench.report.mlflow.tracker import MlflowTracker
from imbench.results.metric_options import MetricOptions
from tests.conftest import ROOT
from tests.factories import make_cell

pytestmark = pytest.mark.process
SIGNALS = {
    "at the end": (signal.SIGINT, signal.SIGTERM),
    "at the start": (signal.SIGTERM,),
    "sync": (signal.SIGINT, signal.SIGTERM),
}
EXPERIMENT = {"experiment_id": "1", "name": "imbench", "lifecycle_stage": "active"}


class Server:
    """A server on loopback that answers MLflow's first question, and is ill from then on.

    Parameters
    ----------
    illness : {"dies", "hangs", "drips", "500"}
    from_start : bool, default=False
        Whether it does not answer the first question either.
    """

    def __init__(self, illness: str, from_start: bool = False) -> None:
        self.n_ill = 0
        self.reached = threading.Event()  # a request has met the illness
        self.over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                if "experiments/get-by-name" in self.path and not from_start:
                    self.reply(200, {"experiment": EXPERIMENT})
                elif "/runs/" not in self.path and not from_start:
                    self.reply(404, {"error_code": "ENDPOINT_NOT_FOUND", "message": "none"})
                else:
                    outer.n_ill += 1
                    outer.reached.set()
                    getattr(self, f"ill_{illness}")()

            do_GET = do_POST = do_PUT = answer

            def reply(self, code: int, content: object) -> None:
                text = json.dumps(content).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def ill_dies(self) -> None:
                outer.http.socket.close()
                self.connection.close()

            def ill_hangs(self) -> None:
                outer.over.wait(60)

            def ill_drips(self) -> None:
                """Send a byte every tenth of a second: no single read takes long."""
                self.send_response(200)
                self.send_header("Content-Length", "10000")
                self.end_headers()
                with contextlib.suppress(OSError):
                    while not outer.over.wait(0.1):
                        self.wfile.write(b" ")
                        self.wfile.flush()

            def ill_500(self) -> None:
                self.reply(500, {"error_code": "INTERNAL_ERROR", "message": "ill"})

            def log_message(self, *_: object) -> None:
                pass

            def handle(self) -> None:
                with contextlib.suppress(OSError, ValueError):
                    super().handle()

        class Http(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass

        self.http = Http(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self.http.server_address[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # its socket was closed
            self.http.serve_forever(0.05)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self.http.shutdown()
        self.http.server_close()
        self._thread.join(5)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder with two stored cells, and the words of the command that has run them."""
    folder = tmp_path_factory.mktemp("servers")
    rng = np.random.default_rng(0)
    rows = [
        f"{a:.3f},{b:.3f},{int(i % 5 == 0)}" for i, (a, b) in enumerate(rng.normal(size=(60, 2)))
    ]
    (folder / "table.csv").write_text("\n".join(["a,b,target", *rows]) + "\n")
    words = [
        "-m",
        "dataset=table",
        f"dataset.path={folder}/table.csv",
        "dataset.target=target",
        "model=logistic_regression",
        "splits.n_splits=2",
        "splits.n_repeats=1",
        "strategy=none,random_over",
        f"results_dir={folder}/results",
    ]
    assert main([*words, "tracking=none"]) == 0
    return folder, words


@pytest.mark.parametrize(
    ("illness", "deadline_s", "reason"),
    [
        ("dies", 60, "(nothing answers there)"),
        ("hangs", 12, "(nothing answers there)"),
        ("drips", 4, "gave no answer for 4 s (tracking.deadline_s)"),
        ("500", 60, "(the server answers with error 500)"),
    ],
)
def test_a_server_that_falls_ill_is_one_sentence_and_exit_code_0(
    stored, capsys, illness, deadline_s, reason
):
    _, words = stored
    capsys.readouterr()
    with Server(illness) as server:
        code = main(
            [
                *words,
                "tracking=mlflow",
                f"tracking.uri={server.uri}",
                f"tracking.deadline_s={deadline_s}",
            ]
        )
        said = capsys.readouterr()
        assert server.reached.is_set()
        assert server.n_ill <= 2  # one cell, asked for twice: the other one is not tried
    assert code == 0
    assert "random_over" in said.out  # the table
    sentences = [line for line in said.err.splitlines() if line.startswith("imbench: ")]
    (sentence,) = sentences
    assert sentence.startswith("imbench: tracking: ")
    assert reason in sentence
    assert (
        f"the results are stored, run `python -m imbench sync tracking.uri={server.uri}`"
        in sentence
    )
    assert "Traceback" not in said.err


@pytest.mark.parametrize("illness", ["down", "hangs", "500"])
def test_a_server_that_is_ill_from_the_start_is_told_before_anything_runs(stored, capsys, illness):
    _, words = stored
    capsys.readouterr()
    with contextlib.ExitStack() as stack:
        if illness == "down":
            with socket.create_server(("127.0.0.1", 0)) as probe:
                uri = f"http://127.0.0.1:{probe.getsockname()[1]}"
        else:
            uri = stack.enter_context(Server(illness, from_start=True)).uri
        settings = [f"tracking.uri={uri}", "tracking.deadline_s=6"]
        started = time.monotonic()
        assert main([*words, "tracking=mlflow", *settings]) == 2
        assert time.monotonic() - started < 100  # 2 s, by itself; MLflow would take minutes
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f"imbench: tracking.uri={uri} cannot be opened (")
    assert sentence.endswith("correct it, start the server, or set tracking=none.")


def test_a_store_that_has_failed_is_not_asked_for_each_cell():
    with Server("500") as server:
        tracker = MlflowTracker(server.uri)
        found = set()
        for label in ("a", "b", "c"):
            with pytest.raises(ImbenchError) as caught:
                tracker.log_cell(make_cell(label), MetricOptions())
            found.add(str(caught.value))
            assert not tracker.has(make_cell(label), MetricOptions())
        assert len(found) == 1
        assert server.n_ill <= 2


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_a_deadline_that_is_no_time_is_refused(stored, capsys, seconds):
    _, words = stored
    capsys.readouterr()
    assert main([*words, "tracking=mlflow", f"tracking.deadline_s={seconds}"]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "tracking.deadline_s=" in sentence
    assert sentence.endswith("such as tracking.deadline_s=120.")


def test_ctrl_c_and_sigterm_end_every_command_that_waits_for_a_server(stored):
    folder, words = stored
    results = words[-1].partition("=")[2]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        # Longer than this test waits.
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    }
    environment.pop("MLFLOW_HTTP_REQUEST_MAX_RETRIES", None)
    commands = {
        "at the end": (Server("hangs"), [*words, "tracking=mlflow"]),
        "at the start": (Server("hangs", from_start=True), [*words, "tracking=mlflow"]),
        "sync": (Server("hangs"), ["sync", results]),
    }
    with contextlib.ExitStack() as stack:
        for server, _ in commands.values():
            stack.enter_context(server)
        started = {
            (name, number): subprocess.Popen(
                [sys.executable, "-m", "imbench", *command, f"tracking.uri={server.uri}"],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                # A shell ignores it for what it starts in the background, these tests maybe.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
            for name, (server, command) in commands.items()
            for number in SIGNALS[name]
        }
        for process in started.values():
            stack.callback(process.kill)
        for name, (server, _) in commands.items():
            deadline = time.monotonic() + 120
            while server.n_ill < len(SIGNALS[name]):
                assert time.monotonic() < deadline, name
                time.sleep(0.05)
        for (name, number), process in started.items():
            sent = time.monotonic()
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
            assert time.monotonic() - sent < 5, (name, number)
            # Python ends itself by SIGINT if the interrupt met an `exec` of a text, as in an
            # import; a shell shows 130 for both.
            assert process.returncode in (130, -signal.SIGINT), (name, number, said)
            assert "interrupted" in said, (name, number)
            assert "Traceback" not in said
            with pytest.raises(ProcessLookupError):  # nothing of its session is left
                os.killpg(process.pid, 0)
