"""Export the cells of a run to MLflow in a child process, while the next cells are fitted.

Importing MLflow takes a second, creating a database another, and drawing and writing a cell 0.2 s,
as long as the folds of a small cell take to be fitted. The child process
(:mod:`imbench.report.mlflow.sync`) reads finished cells from the store. What it has not written
when the run is killed is written by the next run of the command, or by ``imbench sync``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from imbench.components.startup import search_path
from imbench.errors import ConfigError
from imbench.report.mlflow.tracker import MlflowTracker, Tracker
from imbench.results.fold import CellKey, CellResult
from imbench.results.metric_options import MetricOptions


def in_background(tracker: Tracker, results_dir: Path, at_once: bool = True) -> Tracker:
    """Return an exporter that writes to MLflow in a child process.

    Parameters
    ----------
    tracker : Tracker
        A tracker of another class, a subclass included, is returned as it is.
    results_dir : Path
        Folder of the store that the cells are read from.
    at_once : bool, default=True
        Start the process now, so that it imports MLflow while this one imports PyTorch.
        Otherwise it is started for the first cell that MLflow does not have yet.
    """
    if type(tracker) is not MlflowTracker:
        return tracker
    exporter = BackgroundExporter(tracker, results_dir)
    if at_once:
        exporter.start()
    return exporter


START_S = 300.0  # more for the first answer: on a starved machine the imports take minutes
INTERRUPTED_S = 2.0  # what an interrupted command waits for cells that are being written


def close_soon(tracker: Tracker) -> Sequence[str]:
    """Close a tracker after an interrupt: what is not written within two seconds is left.

    Returns
    -------
    sequence of str
        One sentence for each cell that was refused, and one for those that were left.
    """
    if isinstance(tracker, BackgroundExporter) and tracker.is_at_work:
        return tracker.close(INTERRUPTED_S)
    return tracker.close()


class BackgroundExporter:
    """A tracker that lets a child process export the cells of a run.

    Parameters
    ----------
    tracker : MlflowTracker
        Where to export to. In this process it only checks its address and looks cells up.
    results_dir : Path
        Folder of the store that the cells are read from.

    Examples
    --------
    >>> tracker = MlflowTracker("sqlite:///results/mlflow.db")
    >>> exporter = BackgroundExporter(tracker, Path("results"))
    >>> exporter.hint
    'python -m imbench ui results'
    >>> exporter.close()  # no process was needed
    []
    """

    def __init__(self, tracker: MlflowTracker, results_dir: Path) -> None:
        self.tracker = tracker
        self.results_dir = results_dir
        self._process: subprocess.Popen[str] | None = None
        self._is_open = False
        self._n_pending = 0  # requests without an answer
        self._has_answered = False

    @property
    def is_at_work(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    @property
    def hint(self) -> str:
        """How to look at the cells."""
        return self.tracker.hint

    def start(self) -> None:
        """Start the process, which imports MLflow."""
        if self._process is not None:
            return
        # A new interpreter, because threads of PyTorch do not survive a fork. It finds modules
        # where this one does, those of the user's metrics included.
        path = os.pathsep.join(search_path())
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "imbench.report.mlflow.sync"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path},
        )
        names = ("uri", "experiment", "artifact_dir", "deadline_s")
        tracking = {name: getattr(self.tracker, name) for name in names}
        # Not as arguments, which other users of the machine see: the address may hold a password.
        self._send(
            {"parent": os.getpid(), "results_dir": str(self.results_dir), "tracking": tracking}
        )

    def open(self) -> None:
        """Let the process connect, and wait for it if that can still fail.

        Raises
        ------
        ConfigError
            If the address is wrong.
        """
        if self._is_open:
            return
        is_certain = self.tracker.check()
        self.start()
        self._ask({"open": True, "is_certain": is_certain})
        self._is_open = True
        if not is_certain:
            problems = self._answer()
            if problems:
                self.close()
                raise ConfigError("\n".join(problems))

    def has(self, cell: CellResult, options: MetricOptions) -> bool:
        """Return whether the store has the cell with the same content, without the process."""
        return self.tracker.has(cell, options)

    def log_cell(self, cell: CellResult, options: MetricOptions) -> None:
        """Tell the process to export a cell, without waiting for it.

        A cell that MLflow has already needs no process. :meth:`close` returns what went wrong.
        """
        if self._process is None and self.has(cell, options):
            return
        self.open()
        facts = {f.name: getattr(cell, f.name) for f in dataclasses.fields(cell)}
        if facts.pop("folds"):
            key = CellKey(**{f.name: facts[f.name] for f in dataclasses.fields(CellKey)})
            request: dict[str, object] = {"folder": key.folder}
        else:  # it failed before its first fold, and nothing of it is stored
            request = {"cell": facts}
        self._ask(request | {"metrics": dataclasses.asdict(options)})

    def close(self, within_s: float | None = None) -> list[str]:
        """Wait until every cell is written, and return one sentence for each that is not.

        Parameters
        ----------
        within_s : float or None, default=None
            Seconds to wait in all. If it is None, every cell has ``tracking.deadline_s``.
        """
        problems, self.tracker.notices = self.tracker.notices, []
        process = self._process
        if process is None:
            return problems
        assert process.stdin is not None
        with contextlib.suppress(OSError):  # the process has ended: `_answer` says so
            process.stdin.close()
        ends = time.monotonic() + (within_s or 0)
        while self._n_pending:
            left_s = max(ends - time.monotonic(), 0)
            problems += self._answer(None if within_s is None else left_s)
        self._end(process)
        return problems

    def _ask(self, request: object) -> None:
        self._n_pending += 1
        self._send(request)

    def _send(self, message: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # the process has ended: `_answer` says so
            self._process.stdin.write(json.dumps(message, default=str) + "\n")
            self._process.stdin.flush()

    def _answer(self, within_s: float | None = None) -> list[str]:
        """Return what went wrong with the oldest request that has no answer yet.

        A process that gives no answer in time is killed, and no request is answered any more.
        """
        process = self._process
        assert process is not None
        assert process.stdout is not None
        late = threading.Event()
        deadline_s = self.tracker.deadline_s + (0 if self._has_answered else START_S)

        def give_up() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(deadline_s if within_s is None else within_s, give_up)
        timer.daemon = True
        timer.start()
        try:
            line = process.stdout.readline()
        except KeyboardInterrupt:
            self._end(process)
            raise
        finally:
            timer.cancel()
        if not line.endswith("\n"):
            self._n_pending = 0
            code = process.wait()
            if not late.is_set():
                what = f"the process that writes to MLflow ended (exit code {code})"
            elif within_s is not None:
                what = "interrupted while cells were written"
            else:
                what = f"MLflow gave no answer for {deadline_s:g} s (tracking.deadline_s)"
            return [f"{what}: {self.tracker.later}"]
        self._n_pending -= 1
        self._has_answered = True
        problems: list[str] = json.loads(line)
        return problems

    def _end(self, process: subprocess.Popen[str]) -> None:
        """Kill the process: it has answered everything, and a regular exit takes 0.5 s.

        After an interrupt it may leave a run without a digest, which the next export replaces.
        """
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        self._process, self._is_open, self._n_pending = None, False, 0
        self._has_answered = False
