"""A tracker in a process of its own: a cell is drawn and written while the next one is fitted.

MLflow takes a second to be imported and another to make a database, and a cell takes 0.2 s to be
drawn and written, as much as the folds of a small one take to be fitted. One process takes the
cells in their order, so that there is one writer. While it works them off, the process that has
nothing left to fit draws too, the last cell first. The writer ends with the process that started
it, however that ends; what it had not written by then is written by the next run of the command.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable

from imbench.components.startup import quick_imports, resume_collection
from imbench.errors import ConfigError, ImbenchError
from imbench.report.mlflow.tracker import Tracker
from imbench.results.fold import CellResult
from imbench.results.metric_options import MetricOptions

OPEN, END = "open", None  # what is asked beside cells
MANY = 4  # cells that wait; fewer are written before this process has imported what draws
# Modules are found where the other process finds them, and nowhere else.
START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from imbench.report.mlflow.export import main; main()"
)
Answer = tuple[type[ImbenchError], str] | None


@runtime_checkable
class Remote(Tracker, Protocol):
    """A tracker that can be sent to another process."""

    def check(self) -> bool:
        """Refuse an address that is wrong, and say whether nothing else can be wrong with it."""
        ...

    def warm_up(self) -> None:
        """Import what takes long; called in the other process before anything else."""
        ...

    def draw(self, cell: CellResult, options: MetricOptions, folder: Path) -> None:
        """Write the files of a cell into an empty folder, in this process or in the other."""
        ...

    def log_cell(self, cell: CellResult, options: MetricOptions, drawn: Path | None = None) -> None:
        """Write a cell; its files are in a folder already, if one is given."""
        ...


@dataclass(eq=False)
class _Handover:
    """A cell on its way to the other process.

    Parameters
    ----------
    cell : CellResult
    options : MetricOptions
    drawn : Path or None
        Folder with its files, if they were drawn here.
    is_sent : bool
    turn : Lock
        Of whoever draws it, or sends it.
    """

    cell: CellResult
    options: MetricOptions
    drawn: Path | None = None
    is_sent: bool = False
    turn: threading.Lock = field(default_factory=threading.Lock)


def in_background(tracker: Tracker, at_once: bool = True) -> Tracker:
    """Return a tracker that writes in a process of its own, if the tracker can be sent to one.

    Parameters
    ----------
    tracker : Tracker
    at_once : bool, default=True
        Start the process now, to import MLflow while this one imports torch. Otherwise it is
        started for the first cell that is not in the store already.
    """
    if not isinstance(tracker, Remote):
        return tracker
    background = Background(tracker)
    if at_once:
        background.start()
    return background


class Background:
    """Hands cells to a tracker in another process.

    Parameters
    ----------
    tracker : Remote
        Stays as it is in this process.
    """

    def __init__(self, tracker: Remote) -> None:
        self.tracker = tracker
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._waiting: deque[_Handover] = deque()  # those of them that are not sent
        self._is_open = False
        self._n_open = 0  # requests without an answer

    def __getattr__(self, name: str) -> Any:
        """Return what can be known of the tracker without its process, as its `hint`."""
        return getattr(self.tracker, name)

    @property
    def hint(self) -> str:
        """How to look at it."""
        return self.tracker.hint

    def start(self) -> None:
        """Start the process, which imports what it needs."""
        if self._process is not None:
            return
        # No shell and no fork: threads of torch would not survive one.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        assert self._process.stdin is not None
        feeder = threading.Thread(target=self._feed, args=(self._process.stdin,), daemon=True)
        feeder.start()
        self._requests.put(self.tracker)

    def open(self) -> None:
        """Let the process connect, and wait for it where that can still fail.

        Raises
        ------
        ConfigError
            If the address is wrong.
        """
        if self._is_open:
            return
        is_certain = self.tracker.check()
        self.start()
        self._ask(OPEN)
        self._is_open = True
        if not is_certain:
            error = self._answer()
            if error is not None:
                self.close()
                raise error

    def log_cell(self, cell: CellResult, options: MetricOptions) -> None:
        """Hand over a cell, and do not wait; :meth:`close` says what became of it.

        A cell that is there already needs no process.
        """
        if self._process is None and self.tracker.has(cell, options):
            return
        self.open()
        handover = _Handover(cell, options)
        self._waiting.append(handover)
        self._ask(handover)

    def close(self) -> list[str]:
        """Wait until everything is written, and return a sentence for each cell that is not."""
        process = self._process
        if process is None:
            return []
        self._requests.put(END)
        errors = []
        with tempfile.TemporaryDirectory(prefix="imbench-") as folder:
            self._draw_the_last(process, Path(folder))
            while self._n_open:
                error = self._answer()
                if error is not None:
                    errors.append(str(error))
        process.kill()  # it writes nothing any more, and would take its modules down for 0.5 s
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        self._process, self._is_open = None, False
        return errors

    def _draw_the_last(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        """Draw cells that wait, from the last to the one that is being sent.

        What cannot be drawn is left to the other process, which says why.
        """
        if len(self._waiting) < MANY:
            return
        from imbench.run.environment import n_cores

        if n_cores() < 2:
            return
        for number, handover in enumerate(reversed(tuple(self._waiting))):
            with handover.turn:
                if handover.is_sent or process.poll() is not None:
                    return
                drawn = folder / str(number)
                drawn.mkdir()
                with contextlib.suppress(Exception):
                    self.tracker.draw(handover.cell, handover.options, drawn)
                    handover.drawn = drawn

    def _ask(self, request: object) -> None:
        self._n_open += 1
        self._requests.put(request)

    def _answer(self) -> ImbenchError | None:
        """Return what went wrong with the oldest request that has no answer yet."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            answer: Answer = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            self._n_open = 0
            return ImbenchError(
                f"the process that writes them ended (exit code {self._process.wait()}): the "
                "results are stored, run the same command again to export them."
            )
        self._n_open -= 1
        return None if answer is None else answer[0](answer[1])

    def _feed(self, pipe: IO[bytes]) -> None:
        """Send requests as they come; run by a thread, for a full pipe blocks."""
        with contextlib.suppress(OSError), pipe:  # the process has ended: `_answer` says so
            while (request := self._requests.get()) is not END:
                if isinstance(request, _Handover):
                    self._waiting.popleft()
                    with request.turn:
                        request.is_sent = True
                    request = (request.cell, request.options, request.drawn)
                pickle.dump(request, pipe, pickle.HIGHEST_PROTOCOL)
                pipe.flush()


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until there are no more; the loop of the process."""
    tracker: Remote = pickle.load(requests)
    with contextlib.suppress(ImportError):  # `open` says what is missing
        tracker.warm_up()
    with contextlib.suppress(EOFError, pickle.UnpicklingError, BrokenPipeError):
        while True:
            request = pickle.load(requests)
            pickle.dump(_answer_to(tracker, request), answers)
            answers.flush()
            if request == OPEN:  # nothing is imported any more
                resume_collection()


def _answer_to(tracker: Tracker, request: Any) -> Answer:
    try:
        if request == OPEN:
            tracker.open()
        else:
            tracker.log_cell(*request)
    except ImbenchError as error:
        kind = ConfigError if isinstance(error, ConfigError) else ImbenchError
        return kind, str(error)
    except Exception as error:  # a bug, of which the sentence alone would not tell enough
        traceback.print_exc()
        return ImbenchError, f"{type(error).__name__}: {error}"
    return None


def main() -> None:
    """Serve the process that started this one; called by `START`."""
    # Ctrl-C and a scheduler's SIGTERM reach the whole group: the process that started this one
    # decides what is still to be written, and closes the pipe.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing printed is taken for an answer
    with quick_imports():
        serve(sys.stdin.buffer, answers)
