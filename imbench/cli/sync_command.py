"""``imbench sync``: export the cells of a results folder that MLflow does not have yet."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from imbench.api.console import console
from imbench.components.override import quoted
from imbench.errors import ConfigError

if TYPE_CHECKING:
    from imbench.errors import DataError
    from imbench.results.fold import CellResult

KEYS = ("tracking", "metrics", "costs", "results_dir")  # what may be overridden
INTERRUPTED_S = 2.0  # what an interrupted command has to end by itself
Found = Iterable["CellResult | DataError"]


def command(words: list[str]) -> int:
    """Export every stored cell that MLflow does not have, or has with other content.

    Returns
    -------
    int
        1 if a cell was refused or a file is damaged, else 0.

    Raises
    ------
    ConfigError
        If a word is wrong, the folder holds no cell, or the MLflow store cannot be opened.
    """
    from imbench.components.construct import bind, construct
    from imbench.report.mlflow.sync import sync
    from imbench.results.metric_options import metric_options

    config = _config(_parser().parse_intermixed_args(words))
    problems = bind(config.get("tracking"), "tracking")
    if problems:
        raise ConfigError("\n".join(problems))
    options = metric_options(config.get("metrics"), config.get("costs"))
    tracker = construct(config["tracking"], "tracking")
    with _ended_by_signals():
        report = sync(_stored_cells(Path(config["results_dir"])), tracker, options)
    print(
        f"{report.n_written} written, {report.n_unchanged} unchanged, {report.n_refused} refused."
    )
    for sentence in (*getattr(tracker, "notices", ()), *report.problems):
        print(f"imbench: tracking: {sentence}", file=sys.stderr)
    if tracker.hint and not report.problems:
        print(f"compare in the MLflow UI: {tracker.hint}")
    return 1 if report.problems else 0


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the process within two seconds.

    MLflow uploads files in threads, which wait for a server that does not answer, and the
    interpreter waits for them.
    """

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        timer = threading.Timer(INTERRUPTED_S, os._exit, (130,))
        timer.daemon = True
        timer.start()
        print(
            "imbench: tracking: interrupted; every cell that was written is complete, and the same "
            "command again exports the rest.",
            file=sys.stderr,
            flush=True,
        )
        raise KeyboardInterrupt

    numbers = [  # one that is ignored stays so: a shell starts jobs in the background like that
        n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN
    ]
    before = {n: signal.signal(n, interrupt) for n in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imbench sync",
        allow_abbrev=False,
        description="Export the cells of a results folder that MLflow does not have yet.",
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="RESULTS, key=value",
        help="the results folder (default: IMBENCH_RESULTS or results); tracking.uri=, "
        "tracking.experiment= and the other keys of tracking and metrics, costs=",
    )
    parser.add_argument("--config-dir", type=Path)
    parser.add_argument("--traceback", action="store_true")
    return parser


def _config(arguments: argparse.Namespace) -> Mapping[str, Any]:
    """Compose the configuration; only what an export needs may be overridden."""
    from imbench.config.compose import Composer

    folders = [word for word in arguments.words if "=" not in word]
    overrides = [word for word in arguments.words if "=" in word]
    if len(folders) > 1:
        raise ConfigError(f"sync {' '.join(folders)}: give one results folder.")
    for word in overrides:
        if word.lstrip("+~").partition("=")[0].partition(".")[0] not in KEYS:
            raise ConfigError(f"sync {word}: only keys of {', '.join(KEYS)} can be set here.")
    if "tracking=none" in overrides:
        raise ConfigError("sync tracking=none: there is nothing to export to; leave it out.")
    if not any(word.startswith("tracking=") for word in overrides):
        overrides.insert(0, "tracking=mlflow")
    if folders:
        overrides.append(f"results_dir={quoted(folders[0])}")
    return Composer(arguments.config_dir).cells(overrides, multirun=False)[0]


def _stored_cells(results_dir: Path) -> Found:
    """Return the stored cells, which are read one by one, behind a progress bar.

    Raises
    ------
    ConfigError
        If there are none.
    """
    from imbench.results.store import Store

    store = Store(results_dir)
    if not store.runs.is_dir():
        near = f", such as {results_dir.parent}" if results_dir.name == "runs" else ""
        raise ConfigError(
            f"sync {results_dir}: there is no folder {store.runs}; give the results folder{near}."
        )
    cells = store.read_cells()
    first = next(cells, None)
    if first is None:
        raise ConfigError(f"sync {results_dir}: there is no stored cell in it; run one first.")
    return _with_progress(itertools.chain([first], cells), sum(1 for _ in store.runs.iterdir()))


def _with_progress(cells: Found, n_cells: int) -> Iterator[CellResult | DataError]:
    from rich.progress import track

    yield from track(
        cells,
        "export",
        total=n_cells,
        console=console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
