"""``imbench [run]``: compose, check, run every cell, track, print one table."""

from __future__ import annotations

import argparse
import atexit
import gc
import signal
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import yaml

from imbench import __version__
from imbench.cli.compose import Composer
from imbench.cli.console import console
from imbench.cli.progress import progress_bar
from imbench.components.construct import bind, construct
from imbench.components.hashing import run_id_of
from imbench.components.startup import quick_imports, resume_collection
from imbench.config.cell import Cell, RefusedCell
from imbench.config.parse import Draft
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
    drafts = _distinct([Draft(config, composer.folders) for config in composed])
    stored = _stored_cells(drafts, Path(composed[0]["results_dir"]))
    # At exit Python would inspect every object of torch once more, for 0.9 s; frozen ones are not.
    atexit.register(gc.freeze)
    tracker = _tracker_of(composed, at_once=len(stored) < len(drafts))
    try:
        cells = _parse_all(drafts, stored)
        return _run_all(drafts, cells, stored, tracker, options.traceback)
    finally:
        tracker.close()


def _distinct(drafts: Sequence[Draft]) -> Sequence[Draft]:
    """Leave out repeated cells: strategy=none is the same for every neighbor search of a sweep."""
    cells: dict[str, Draft] = {}
    try:
        for draft in drafts:
            outline = draft.outline
            same = {"identity": outline.identity, "dataset": outline.dataset.node}
            cells.setdefault(run_id_of(same), draft)
    except ConfigError:  # reported with all others, once every cell is parsed
        return drafts
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


def _stored_cells(drafts: Sequence[Draft], results_dir: Path) -> dict[int, CellResult]:
    """Return the cells that are stored in full, by their index in the sweep."""
    from imbench.run import lookup

    store, found = Store(results_dir), {}
    for i, draft in enumerate(drafts):
        with suppress(ConfigError):  # reported once every cell is parsed
            if cell := lookup.find(draft.outline, store):
                found[i] = cell
    return found


def _parse_all(drafts: Sequence[Draft], stored: Container[int] = ()) -> list[Cell | RefusedCell]:
    """Parse the cells that are not stored.

    In a sweep a cell with a refused value of its strategy fails by itself, with the sentence, as
    long as another cell is left to run.

    Raises
    ------
    ConfigError
        With everything that is wrong with what is about to run, one line each.
    """
    from imbench.config.parse import Problems

    cells, problems = [], Problems()
    for i, draft in enumerate(drafts):
        if i not in stored:
            with problems.collected():
                cells.append(draft.cell())
    problems += bind(drafts[0].config["tracking"], "tracking")
    refused = [cell.reason for cell in cells if isinstance(cell, RefusedCell)]
    if problems or (not stored and len(refused) == len(drafts)):
        problems += [line for reason in refused for line in reason.splitlines()]
    problems.raise_if_any()
    return cells


def _tracker_of(configs: Sequence[Mapping[str, Any]], at_once: bool) -> Tracker:
    """Return what `tracking` asks for; what is wrong with it the check says.

    If a cell is to run, the tracker is at work on its imports.
    """
    from imbench.report.mlflow.export import in_background
    from imbench.report.mlflow.tracker import NullTracker

    if bind(configs[0]["tracking"], "tracking"):
        return NullTracker()
    tracker: Tracker = construct(configs[0]["tracking"], "tracking")
    return in_background(tracker, Path(configs[0]["results_dir"]), at_once)


def _run_all(
    drafts: Sequence[Draft],
    missing: Sequence[Cell | RefusedCell],
    stored: Mapping[int, CellResult],
    tracker: Tracker,
    show_tracebacks: bool,
) -> int:
    options, output = drafts[0].metrics, drafts[0].config["output"]
    results_dir = Path(drafts[0].config["results_dir"])
    _prepare(missing, results_dir)
    if missing or not all(tracker.has(cell, options) for cell in stored.values()):
        tracker.open()
    outlines = [draft.outline for draft in drafts]
    cells: list[CellResult] = []
    untracked: list[str] = []
    with _writing_to(tracker, untracked):
        with progress_bar(outlines) as bar, _stop_on_sigterm():
            try:
                ran = _run(missing, results_dir, drafts[0].config["n_jobs"], bar.fold_done)
                for i in range(len(outlines)):
                    bar.cell_starts(i)
                    cells.append(stored[i] if i in stored else next(ran))
                    bar.cell_ends(i)
                    try:
                        tracker.log_cell(cells[-1], options)
                    except ImbenchError as error:
                        untracked.append(str(error))
            except KeyboardInterrupt:
                bar.stop()
                print(
                    f"imbench: interrupted after {len(cells)} of {len(outlines)} cells; every "
                    f"finished fold is stored in {Store(results_dir).runs}, and the same command "
                    "goes on from there.",
                    file=sys.stderr,
                )
                return 130
        # The table need not wait for what MLflow still writes.
        _print_results(cells, options, output, show_tracebacks)
        sys.stdout.flush()
    if tracker.hint and output == "table" and exit_code(cells) == 0:
        print(f"compare in the MLflow UI: {tracker.hint}")
    for sentence in dict.fromkeys(untracked):
        print(f"imbench: tracking: {sentence}", file=sys.stderr)
    return 1 if untracked else exit_code(cells)


def _prepare(cells: Sequence[Cell | RefusedCell], results_dir: Path) -> None:
    """Prove that results and studies can be written, before anything is computed."""
    Store(results_dir).prepare()
    tuners = [cell.tuning.tuner for cell in cells if isinstance(cell, Cell) and cell.tuning]
    for tuner in dict.fromkeys(tuners):
        tuner.prepare(results_dir)


def _run(
    cells: Sequence[Cell | RefusedCell],
    results_dir: Path,
    n_jobs: int | Literal["auto"],
    on_fold: Callable[[FoldResult, bool], None],
) -> Iterator[CellResult]:
    """Run cells and yield their results in order; nothing is imported where there is none."""
    if cells:
        from imbench.run.cell import Runner
        from imbench.run.sweep import run_cells

        resume_collection()
        yield from run_cells(Runner(results_dir, on_fold), cells, n_jobs)


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
