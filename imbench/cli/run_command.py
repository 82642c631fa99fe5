"""``imbench [run]``: compose, check, run every cell, track, print one table."""

from __future__ import annotations

import argparse
import atexit
import gc
import signal
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from imbench import __version__
from imbench.cli.compose import Composer
from imbench.cli.console import console
from imbench.components.hashing import run_id_of
from imbench.components.startup import quick_imports, resume_collection
from imbench.errors import ConfigError, ImbenchError
from imbench.results.fold import CellResult, FoldResult
from imbench.results.store import Store

if TYPE_CHECKING:
    from imbench.report.mlflow.tracker import Tracker


def command(words: list[str]) -> int:
    """Run one cell or a sweep and return the exit code.

    Raises
    ------
    ConfigError
        With every problem of every cell, a line each, before anything runs.
    """
    with quick_imports():
        return _command(_parser().parse_intermixed_args(words))


def _command(options: argparse.Namespace) -> int:
    if options.version:
        print(f"imbench {__version__}")
        return 0
    composer = Composer(options.config_dir)
    composed = composer.cells(options.overrides, options.multirun)
    if options.cfg:
        print(
            "---\n".join(yaml.safe_dump(c, sort_keys=False, allow_unicode=True) for c in composed)
        )
        return 0
    configs = _distinct(composed)
    stored = _stored_cells(configs)
    # Python looks at every object of torch once more before it ends, for 0.9 s; they are let be.
    atexit.register(gc.freeze)
    tracker = _tracker_of(configs, at_once=len(stored) < len(configs))
    try:
        _check_all(configs, composer.folders, stored)
        return _run_all(configs, stored, tracker, options.traceback)
    finally:
        tracker.close()


def _distinct(configs: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Leave out cells that are the same as one before: none has no other search to sweep over."""
    from imbench.config.check import check_form
    from imbench.config.identity import identity_of

    if any(map(check_form, configs)):
        return configs
    cells: dict[str, Mapping[str, Any]] = {}
    for config in configs:
        cell = {"identity": identity_of(config), "dataset": config["dataset"]}
        cells.setdefault(run_id_of(cell), config)
    return list(cells.values())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="imbench", add_help=False, allow_abbrev=False)
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    parser.add_argument("-m", "--multirun", action="store_true")
    parser.add_argument("-c", "--cfg", action="store_true")
    parser.add_argument("--config-dir", type=Path)
    parser.add_argument("--traceback", action="store_true")
    parser.add_argument("--version", action="store_true")
    return parser


def _stored_cells(configs: Sequence[Mapping[str, Any]]) -> dict[int, CellResult]:
    """Return the cells that are stored in full, by their place in the sweep."""
    from imbench.run import lookup as stored

    store = Store(Path(configs[0]["results_dir"]))
    found = ((i, stored.find(config, store)) for i, config in enumerate(configs))
    return {i: cell for i, cell in found if cell is not None}


def _check_all(
    configs: Sequence[Mapping[str, Any]], folders: Sequence[Path], stored: Container[int] = ()
) -> None:
    """Raise ConfigError with everything that is wrong with what is about to run.

    In a sweep a strategy whose values are refused is the matter of its own cell, which fails
    with the sentence, as long as another cell is left to run.
    """
    from imbench.components.construct import bind
    from imbench.config.check import check_names, check_values
    from imbench.results.metric_options import metric_options

    problems, refused = [], []
    for i, cell in enumerate(configs):
        if i in stored:
            continue
        wrong = check_names(cell, folders)
        problems += wrong or check_values(cell, ("model", "splits", "tuning"))
        refused.append([] if wrong else check_values(cell, ("strategy",)))
    problems += bind(configs[0]["tracking"], "tracking")
    try:
        metric_options(configs[0]["metrics"])
    except ConfigError as error:
        problems.append(str(error))
    if problems or (not stored and all(refused)):
        problems += [sentence for sentences in refused for sentence in sentences]
        raise ConfigError("\n".join(dict.fromkeys(problems)))


def _tracker_of(configs: Sequence[Mapping[str, Any]], at_once: bool) -> Tracker:
    """Return what `tracking` asks for; what is wrong with it the check says.

    If a cell is to run, the tracker is at work on its imports.
    """
    from imbench.components.construct import bind, construct
    from imbench.report.mlflow.export import in_background
    from imbench.report.mlflow.tracker import NullTracker

    if bind(configs[0]["tracking"], "tracking"):
        return NullTracker()
    tracker: Tracker = construct(configs[0]["tracking"], "tracking")
    return in_background(tracker, Path(configs[0]["results_dir"]), at_once)


def _run_all(
    configs: Sequence[Mapping[str, Any]],
    stored: Mapping[int, CellResult],
    tracker: Tracker,
    show_tracebacks: bool,
) -> int:
    from imbench.config.parse import splitter_of, tuner_of
    from imbench.results.metric_options import metric_options

    options = metric_options(configs[0]["metrics"])
    store = Store(Path(configs[0]["results_dir"]))
    store.prepare()
    missing = [config for i, config in enumerate(configs) if i not in stored]
    for tuner in dict.fromkeys(map(tuner_of, missing)):
        if tuner is not None:
            tuner.prepare(Path(configs[0]["results_dir"]))
    if missing or not all(tracker.has(cell, options) for cell in stored.values()):
        tracker.open()
    n_folds = [splitter_of(c).n_folds for c in configs]
    cells: list[CellResult] = []
    untracked: list[str] = []
    with _writing_to(tracker, untracked):
        with _progress(sum(n_folds)) as bar, _stop_on_sigterm():
            try:
                bar.cell_starts(0, len(configs), configs[0])
                for i, cell in enumerate(_cells(configs, stored, bar.fold_done)):
                    cells.append(cell)
                    bar.jump_to(sum(n_folds[: i + 1]))
                    try:
                        tracker.log_cell(cell, options)
                    except ImbenchError as error:
                        untracked.append(str(error))
                    if i + 1 < len(configs):
                        bar.cell_starts(i + 1, len(configs), configs[i + 1])
            except KeyboardInterrupt:
                bar.stop()
                print(
                    f"imbench: interrupted after {len(cells)} of {len(configs)} cells; every "
                    f"finished fold is stored in {store.runs}, and the same command goes on from "
                    "there.",
                    file=sys.stderr,
                )
                return 130
        # The table need not wait for what MLflow still writes.
        _print_results(cells, options, configs[0]["output"], show_tracebacks)
        sys.stdout.flush()
    if tracker.hint and configs[0]["output"] == "table" and exit_code(cells) == 0:
        print(f"compare in the MLflow UI: {tracker.hint}")
    for sentence in dict.fromkeys(untracked):
        print(f"imbench: tracking: {sentence}", file=sys.stderr)
    return 1 if untracked else exit_code(cells)


def _cells(
    configs: Sequence[Mapping[str, Any]],
    stored: Mapping[int, CellResult],
    on_fold: Callable[[FoldResult, bool], None],
) -> Iterator[CellResult]:
    """Yield the cells of a sweep in their order: those that are stored, and the others run."""
    missing = [config for i, config in enumerate(configs) if i not in stored]
    ran: Iterator[CellResult] = iter(())
    if missing:
        from imbench.run.cell import Runner
        from imbench.run.sweep import run_cells

        resume_collection()
        runner = Runner(Path(configs[0]["results_dir"]), on_fold)
        ran = run_cells(runner, missing, configs[0]["n_jobs"])
    for i in range(len(configs)):
        yield stored[i] if i in stored else next(ran)


def exit_code(cells: Sequence[CellResult]) -> int:
    """Return 1 if a cell failed or none was run (all skipped), else 0."""
    statuses = {cell.status for cell in cells}
    return 1 if "failed" in statuses or "ok" not in statuses else 0


def _print_results(
    cells: Sequence[CellResult], options: Any, output: str, show_tracebacks: bool
) -> None:
    from imbench.report.export import to_json_lines
    from imbench.report.tables import build_leaderboard
    from imbench.report.terminal import to_rich

    board = build_leaderboard(cells, options)
    if output == "json":
        for line in to_json_lines(board):
            print(line)
    elif len(cells) > 1 or cells[0].status == "ok":
        console().print(to_rich(board))
    # One cell that did not run is an error message; in a sweep it is a row of the table.
    if len(cells) == 1 and cells[0].status != "ok":
        print(f"imbench: {cells[0].status}: {cells[0].reason}", file=sys.stderr)
    if show_tracebacks:
        for fold in (f for cell in cells for f in cell.folds if f.traceback):
            print(fold.traceback, file=sys.stderr)


class _Bar:
    """Progress over folds, with the cell that is running; on standard error."""

    def __init__(self, n_folds: int) -> None:
        from rich import progress

        self._progress = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("folds"),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
            console=console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task("", total=n_folds)

    def start(self) -> None:
        self._progress.start()

    def stop(self) -> None:
        self._progress.stop()

    def cell_starts(self, index: int, n_cells: int, config: Mapping[str, Any]) -> None:
        names = [str(config[part].get("name")) for part in ("dataset", "model")]
        entries = [n for s in config["strategy"].values() if isinstance(s, dict) for n in s]
        label = "+".join(dict.fromkeys(entries))
        text = f"cell {index + 1}/{n_cells} {' '.join(names)} {label}"
        self._progress.update(self._task, description=text)

    def fold_done(self, result: FoldResult, stored: bool) -> None:
        self._progress.advance(self._task)

    def jump_to(self, n_folds: int) -> None:
        """Count the folds of a cell that ended early as done."""
        self._progress.update(self._task, completed=n_folds)


@contextmanager
def _progress(n_folds: int) -> Iterator[_Bar]:
    bar = _Bar(n_folds)
    bar.start()
    try:
        yield bar
    finally:
        bar.stop()


@contextmanager
def _writing_to(tracker: Tracker, untracked: list[str]) -> Iterator[None]:
    """Wait at the end, an interrupted one too, for cells that are still being written."""
    try:
        yield
    finally:
        try:
            untracked += tracker.close()
        except KeyboardInterrupt:
            print(
                "imbench: tracking: interrupted while cells were written; the results are stored, "
                "run `python -m imbench sync` or the same command again to export what is missing.",
                file=sys.stderr,
            )
            raise


@contextmanager
def _stop_on_sigterm() -> Iterator[None]:
    """Treat SIGTERM (a scheduler that wants the machine back) like Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
