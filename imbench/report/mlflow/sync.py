"""Export stored cells to MLflow: the code of ``imbench sync``, and of the child process of a run.

A run starts ``python -m imbench.report.mlflow.sync`` and writes JSON to its standard input, one
object per line:

- first ``{"parent": pid, "results_dir": ..., "tracking": {"uri": ..., ...}}``;
- ``{"open": true, "is_certain": ...}`` to connect; what can fail in spite of being certain is
  said by the answers for the cells;
- ``{"folder": name, "metrics": {...}}`` for a finished cell, which is read from the store;
- ``{"cell": {...}, "metrics": {...}}`` for a cell that failed before its first fold and therefore
  is not in the store.

Each request but the first is answered by one line on standard output, a JSON list of sentences
that say what went wrong, or what happened to the store; ``[]`` if nothing did.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from imbench.components.startup import quick_imports, resume_collection
from imbench.errors import DataError, ImbenchError
from imbench.report.mlflow.tracker import MlflowTracker, Tracker, preload
from imbench.results.fold import CellResult
from imbench.results.metric_options import MetricOptions, metric_options
from imbench.results.store import Store


def export(
    found: Iterable[CellResult | DataError], tracker: Tracker, options: MetricOptions
) -> list[str]:
    """Write cells, and return one sentence for everything that was refused or is damaged.

    Parameters
    ----------
    found : iterable of CellResult or DataError
        As :meth:`imbench.results.store.Store.read_cells` yields them. A cell with damaged folds is
        written with the other folds.
    tracker : Tracker
    options : MetricOptions
    """
    problems = []
    for cell in found:
        if isinstance(cell, DataError):
            problems.append(str(cell))
            continue
        try:
            tracker.log_cell(cell, options)
        except ImbenchError as error:
            problems.append(str(error))
    return problems


@dataclass(frozen=True)
class SyncReport:
    """Outcome of :func:`sync`.

    Parameters
    ----------
    n_written, n_unchanged, n_refused : int
        Cells.
    problems : tuple of str
        One sentence for each cell that was refused, and for each file that is damaged.
    """

    n_written: int
    n_unchanged: int
    n_refused: int
    problems: tuple[str, ...]


def sync(
    found: Iterable[CellResult | DataError], tracker: Tracker, options: MetricOptions
) -> SyncReport:
    """Write the cells that a tracker does not have, or has with other content.

    Parameters
    ----------
    found : iterable of CellResult or DataError
        As :meth:`imbench.results.store.Store.read_cells` yields them.
    tracker : Tracker
        Opened for the first cell that is missing.
    options : MetricOptions

    Raises
    ------
    ConfigError
        If the tracker cannot be opened.

    Examples
    --------
    >>> from imbench.report.mlflow.protocol import NullTracker
    >>> sync([DataError("r0-f1.npz is damaged.")], NullTracker(), MetricOptions())
    SyncReport(n_written=0, n_unchanged=0, n_refused=0, problems=('r0-f1.npz is damaged.',))
    """
    counts: Counter[str] = Counter()
    problems: list[str] = []
    is_open = False
    for cell in found:
        if isinstance(cell, DataError):
            problems.append(str(cell))
            continue
        if not is_open and not tracker.has(cell, options):
            tracker.open()
            is_open = True
        if tracker.has(cell, options):  # a server can tell only after it was opened
            counts["unchanged"] += 1
            continue
        sentences = export([cell], tracker, options)
        counts["refused" if sentences else "written"] += 1
        problems += sentences
    problems += tracker.close()
    return SyncReport(
        counts["written"], counts["unchanged"], counts["refused"], tuple(dict.fromkeys(problems))
    )


def serve(requests: Iterable[str], answers: IO[str]) -> None:
    """Answer the requests of a run until there are no more, or until its process is gone.

    Parameters
    ----------
    requests : iterable of str
        Lines as described in the module's docstring.
    answers : file
    """
    lines = iter(requests)
    first = next(lines, "")
    if not first:
        return
    settings = json.loads(first)
    tracker = MlflowTracker(**settings["tracking"])
    store = Store(Path(settings["results_dir"]))
    with quick_imports(), contextlib.suppress(ImportError):  # `open` says what is missing
        preload()
        resume_collection()
    for line in lines:
        if os.getppid() != settings["parent"]:  # killed: nobody waits for the answers
            return
        print(json.dumps(_answer(json.loads(line), store, tracker)), file=answers, flush=True)


def _answer(request: Mapping[str, Any], store: Store, tracker: Tracker) -> list[str]:
    try:
        if "open" in request:
            with contextlib.suppress(*([ImbenchError] if request.get("is_certain") else [])):
                tracker.open()
            return list(getattr(tracker, "notices", ()))
        return export(_cells(request, store), tracker, metric_options(request["metrics"]))
    except ImbenchError as error:
        return [str(error)]
    except Exception as error:  # a bug: the sentence alone would not tell enough
        traceback.print_exc()
        return [f"{type(error).__name__}: {error}"]


def _cells(request: Mapping[str, Any], store: Store) -> Iterator[CellResult | DataError]:
    """Yield the cell of a request, and the errors of its damaged folds."""
    if "folder" in request:
        yield from store.read_cell(request["folder"])
    else:
        facts = request["cell"]
        yield CellResult(**{**facts, "stages": tuple(facts["stages"])})


def _read_ahead(pipe: IO[str]) -> Iterator[str]:
    """Yield the lines of a pipe, which a thread reads as soon as they come.

    The process at the other end never blocks on a full pipe, however long a cell takes here.
    """
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        parent = os.getppid()
        for line in pipe:
            lines.put(line)
        lines.put("")
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    # A run that is killed takes this process along, even in the middle of a request.
    threading.Thread(target=read, daemon=True).start()
    return iter(lines.get, "")


def main() -> None:
    """Serve the run that started this process."""
    # Ctrl-C and a scheduler's SIGTERM reach the whole process group. The run decides what is
    # still written, and closes the pipe.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing else may be taken for an answer
    serve(_read_ahead(sys.stdin), answers)


if __name__ == "__main__":
    main()
