"""``imbench ui``: the MLflow UI of a results folder, on this machine alone."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from imbench.components.override import quoted
from imbench.errors import ConfigError, ImbenchError

if TYPE_CHECKING:
    from imbench.report.mlflow.tracker import MlflowTracker

HOST = "127.0.0.1"
START_S = 120.0  # a cold start on a slow disk; 8 s on two cores
# No usage statistics, and no workers for jobs that only MLflow's evaluation of prompts has.
ENVIRONMENT = ("MLFLOW_DISABLE_TELEMETRY", "true"), ("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")


def command(words: list[str]) -> int:
    """Serve the MLflow UI until Ctrl-C.

    Raises
    ------
    ConfigError
        If there is no store, the port is taken or MLflow is not installed.
    ImbenchError
        If the server ends by itself.
    """
    parser = argparse.ArgumentParser(prog="imbench ui", allow_abbrev=False)
    parser.add_argument(
        "results_dir", nargs="?", type=Path, help="default: IMBENCH_RESULTS or results"
    )
    parser.add_argument("--port", type=int, default=5000, help="default: 5000")
    parser.add_argument("--traceback", action="store_true")
    arguments = parser.parse_args(words)
    tracker = _tracker(arguments.results_dir)
    server = tracker.server(arguments.port)
    _check_port(arguments.port)
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
        contextlib.suppress(KeyboardInterrupt),
        _running(server, log) as process,
    ):
        _wait_until_it_answers(process, arguments.port)
        if process.poll() is None:
            address = _address(arguments.port, tracker.experiment)
            print(f"MLflow UI: {address} (Ctrl-C ends it)", flush=True)
        process.wait()
        sentence = f"the MLflow server ended: {_last_line(log)} {tracker.advice()}"
        raise ImbenchError(sentence.strip())
    return 0


def _tracker(results_dir: Path | None) -> MlflowTracker:
    """Return the tracker that `tracking=mlflow` makes for a results folder."""
    from imbench.components.construct import construct
    from imbench.config.compose import Composer

    overrides = ["tracking=mlflow"]
    if results_dir is not None:
        overrides.append(f"results_dir={quoted(str(results_dir))}")
    config = Composer(None).cells(overrides, multirun=False)[0]
    tracker: MlflowTracker = construct(config["tracking"], "tracking")
    return tracker


def _check_port(port: int) -> None:
    """Raise ConfigError unless something can listen there."""
    if not 1 <= port <= 65535:
        raise ConfigError(f"--port={port}: a port is a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigError(
                f"--port={port} cannot be used ({error.strerror}): choose another, such as "
                f"--port={_free_port()}."
            ) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _running(words: Sequence[str], log: IO[str]) -> Iterator[subprocess.Popen[str]]:
    """Run the server in a session of its own, so that Ctrl-C reaches it through us alone."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, *words],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**dict(ENVIRONMENT), **os.environ},
    )
    try:
        yield process
    finally:
        _end(process)
        signal.signal(signal.SIGTERM, before)


def _end(process: subprocess.Popen[str]) -> None:
    """Stop the server and its workers; return when none of them holds the port any more."""
    if not hasattr(os, "killpg"):  # Windows
        process.kill()
        process.wait()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    # The server may have gone before its workers: those that are left get no second request.
    deadline = time.monotonic() + 2  # zombies that nobody reaps stay in the group for good
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.poll()
            time.sleep(0.01)


def _wait_until_it_answers(process: subprocess.Popen[str], port: int) -> None:
    """Return as soon as the server answers or has ended.

    Raises
    ------
    ImbenchError
        If it does neither.
    """
    deadline = time.monotonic() + START_S
    while process.poll() is None:
        try:
            _get(port, "/health")
            return
        except OSError:  # URLError too
            if time.monotonic() > deadline:
                raise ImbenchError(
                    f"the MLflow server did not answer at port {port} within {START_S:.0f} s: "
                    "run the command again."
                ) from None
            time.sleep(0.2)


def _address(port: int, experiment: str) -> str:
    """Return the address of the runs, grouped by strategy; of the front page if they are gone."""
    from imbench.report.mlflow.tracker import VIEW

    query = urllib.parse.urlencode({"experiment_name": experiment})
    try:
        answer = _get(port, f"/api/2.0/mlflow/experiments/get-by-name?{query}")
        number = json.loads(answer)["experiment"]["experiment_id"]
    except (OSError, ValueError, KeyError):
        return f"http://{HOST}:{port}"
    return f"http://{HOST}:{port}/#/experiments/{number}/runs?viewStateShareKey={VIEW}"


def _get(port: int, path: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs none
    with opener.open(f"http://{HOST}:{port}{path}", timeout=5) as answer:
        content: bytes = answer.read()
    return content


def _last_line(log: IO[str]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log if line.strip()]
    text = lines[-1] if lines else "it said nothing"
    return text if text.endswith(".") else f"{text}."
