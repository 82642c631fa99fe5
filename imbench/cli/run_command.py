"""``imbench [run]``: compose, check, run every cell, track, print one table."""

from __future__ import annotations

import argparse
import atexit
import gc
import re
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from imbench import __version__
from imbench.api.console import console
from imbench.api.progress import progress_bar
from imbench.api.sweep import Sweep, distinct, parse_all, stored_cells
from imbench.cli.words import as_override
from imbench.components.construct import TARGET, bind, construct, is_component, locate
from imbench.components.extras import absent
from imbench.components.startup import quick_imports
from imbench.components.visible import say
from imbench.config.compose import Composer
from imbench.config.parse import Draft
from imbench.config.places import check_places
from imbench.errors import CannotWrite, ConfigError, ImbenchError, masked
from imbench.results.fold import CellResult
from imbench.results.last_metrics import write_metrics
from imbench.run.rounds import Rounds

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
    started = time.monotonic()
    composer = Composer(options.config_dir)
    composed = composer.cells(list(map(as_override, options.overrides)), options.multirun)
    if options.cfg:
        texts = (yaml.safe_dump(_masked(c), sort_keys=False, allow_unicode=True) for c in composed)
        print("---\n".join(texts))
        return 0
    check_places(composed[0])
    drafts = distinct([Draft(config, composer.folders) for config in composed])
    stored = stored_cells(drafts, Path(composed[0]["results_dir"]))
    executor = composed[0].get("executor") or {}
    if len(stored) < len(drafts) and _plans(executor):
        return _plan(options, executor)
    # At exit Python would inspect every object of torch once more, for 0.9 s; frozen ones are not.
    atexit.register(gc.freeze)
    asked = [word for word in options.overrides if re.match(r"[+~]*tracking[=.]", word)]
    tracker = _tracker_of(composed, asked, at_once=len(stored) < len(drafts))
    try:
        cells = parse_all(drafts, stored)
        sweep = Sweep(drafts, cells, stored, started, partial(say, stream=sys.stderr))
        with closing(sweep):
            return _run_all(sweep, tracker, options.traceback)
    except KeyboardInterrupt:
        _close_soon(tracker)
        raise
    finally:
        tracker.close()


def _plans(executor: Any) -> bool:
    """Return whether the class of an executor says that it plans; what is wrong the check says."""
    if isinstance(executor, Mapping) and is_component(executor):
        with suppress(ConfigError):
            return getattr(locate(executor[TARGET], "executor"), "plans", False) is True
    return False


def _plan(options: argparse.Namespace, executor: Mapping[str, Any]) -> int:
    """Write a plan in the place of a run."""
    from imbench.cli.planning import write_plan

    planner = construct(executor, "executor", runner=None, n_jobs=1)
    words = list(map(as_override, options.overrides))
    write_plan(words, options.config_dir, planner.chunks, Path(planner.out))
    return 0


def _masked(node: Any) -> Any:
    """Return a copy of a configuration without the passwords of its addresses."""
    if isinstance(node, Mapping):
        return {key: _masked(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_masked(value) for value in node]
    return masked(node) if isinstance(node, str) else node


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="imbench", add_help=False, allow_abbrev=False)
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    parser.add_argument("-m", "--multirun", action="store_true")
    parser.add_argument("-c", "--cfg", action="store_true")
    parser.add_argument("--config-dir", type=Path)
    parser.add_argument("--traceback", action="store_true")
    parser.add_argument("--version", action="store_true")
    return parser


def _tracker_of(
    configs: Sequence[Mapping[str, Any]], asked: Sequence[str], at_once: bool
) -> Tracker:
    """Return what `tracking` asks for; what is wrong with it the check says.

    If a cell is to run, the tracker is at work on its imports.

    Raises
    ------
    ConfigError
        If MLflow is asked for and is not installed; as a default it is then left out.
    """
    from imbench.report.mlflow.export import in_background
    from imbench.report.mlflow.protocol import NotInstalled
    from imbench.report.mlflow.tracker import MlflowTracker, NullTracker

    if bind(configs[0].get("tracking"), "tracking"):
        return NullTracker()
    tracker: Tracker = construct(configs[0]["tracking"], "tracking")
    if isinstance(tracker, MlflowTracker) and (lacks := absent("mlflow")):
        if asked:
            raise ConfigError(f"{asked[0]}: {lacks}; or set tracking=none.")
        return NotInstalled(str(configs[0]["results_dir"]))
    return in_background(tracker, Path(configs[0]["results_dir"]), at_once)


def _run_all(sweep: Sweep, tracker: Tracker, show_tracebacks: bool) -> int:
    sweep.prepare(sweep.cells.values())
    with suppress(OSError):  # results that are read only
        write_metrics(sweep.store.runs, sweep.config)
    known = (sweep.store.whole(cell) for cell in sweep.stored.values())
    if sweep.cells or not all(tracker.has(cell, sweep.options) for cell in known):
        tracker.open()
    final: dict[int, CellResult] = {}
    untracked: list[str] = []
    with _writing_to(tracker, untracked):
        with progress_bar(sweep.outlines) as bar:
            rounds = sweep.rounds(bar)
            try:
                for i, cell in rounds:
                    final[i] = cell
                    try:
                        tracker.log_cell(sweep.store.whole(cell), sweep.options)
                    except ImbenchError as error:
                        untracked.append(str(error))
            except (KeyboardInterrupt, ImbenchError) as error:
                is_broken = isinstance(error, ImbenchError)
                if is_broken and (show_tracebacks or not sweep.n_run):
                    raise  # exit code 2: nothing ran
                bar.stop()
                _close_soon(tracker)
                _print_stop(error, sweep, len(final))
                return 3 if is_broken else 130
        # The table need not wait for what MLflow still writes.
        cells = [final[i] for i in sorted(final)]
        if any(cell.folds for cell in cells) or not rounds.is_spent:
            _print_results(cells, sweep.drafts[0], show_tracebacks)
        _print_notes(sweep, rounds)
        sys.stdout.flush()
    _print_ways_on(sweep, cells, "" if untracked else tracker.hint)
    for sentence in dict.fromkeys(untracked):
        say(f"imbench: tracking: {sentence}", sys.stderr)
    return exit_code(cells)  # whatever MLflow says: the results are stored


def _print_ways_on(sweep: Sweep, cells: Sequence[CellResult], hint: str) -> None:
    """Name the commands that show more of what was run."""
    if sweep.config["output"] != "table":
        return
    if any(cell.folds for cell in cells):
        words = ["python", "-m", "imbench", "report", str(sweep.store.runs)]
        if sweep.config["baseline"] != "none":
            words += ["--set", f"baseline={sweep.config['baseline']}"]
        say(f"report: {shlex.join(words)}")
    if hint and exit_code(cells) == 0:
        print(f"compare in the MLflow UI: {hint}")


def _print_stop(error: BaseException, sweep: Sweep, n_complete: int) -> None:
    """Say why a sweep ended in the middle, and how to go on."""
    lines = str(error).splitlines() if isinstance(error, ImbenchError) else []
    how = "ended" if lines else "interrupted"
    if not isinstance(error, CannotWrite):  # which says that itself
        lines.append(
            f"{how} with {n_complete} of {len(sweep.outlines)} cells complete; every finished fold "
            f"is stored in {sweep.store.runs}, and the same command goes on from there."
        )
    for line in lines:
        say(f"imbench: {line}", sys.stderr)


def _print_notes(sweep: Sweep, rounds: Rounds) -> None:
    """Say why there are no more repeats, and that the budget is spent."""
    for note in rounds.notes:
        say(note, sys.stdout if sweep.config["output"] == "table" else sys.stderr)
    if sweep.budget is None or not rounds.is_spent:
        return
    n_folds = sum(len(cell.folds) for cell in rounds.latest.values())
    words = (
        f"ended after {n_folds} folds: the table shows what they say, they are stored, and the "
        "same command goes on from there."
        if n_folds
        else "ended inside of the first fold: there is nothing to show; set one such as budget=1h."
    )
    print(f"imbench: budget={sweep.budget.limit.text} {words}", file=sys.stderr)


def exit_code(cells: Sequence[CellResult]) -> int:
    """Return 1 if a cell failed or none was run (all skipped, or no budget), else 0."""
    statuses = {cell.status for cell in cells if cell.folds or cell.status != "ok"}
    return 1 if "failed" in statuses or "ok" not in statuses else 0


def _print_results(cells: Sequence[CellResult], draft: Draft, show_tracebacks: bool) -> None:
    from imbench.report.export import to_json_lines
    from imbench.report.tables import build_leaderboard
    from imbench.report.terminal import to_rich
    from imbench.report.words import answers

    board = build_leaderboard(cells, draft.metrics, baseline=draft.config["baseline"])
    if draft.config["output"] == "json":
        for line in to_json_lines(board):
            print(line)
        for line in answers(board.blocks, board.sort):
            say(line, sys.stderr)
    elif len(cells) > 1 or cells[0].status == "ok":
        console().print(to_rich(board))
    # One cell that did not run is an error message; in a sweep it is a row of the table.
    if len(cells) == 1 and cells[0].status != "ok":
        say(f"imbench: {cells[0].status}: {cells[0].reason}", sys.stderr)
    if show_tracebacks:
        for fold in (f for cell in cells for f in cell.folds if f.traceback):
            print(fold.traceback, file=sys.stderr)


@contextmanager
def _writing_to(tracker: Tracker, untracked: list[str]) -> Iterator[None]:
    """Wait at the end for cells that are still being written; two seconds after an error."""
    try:
        yield
    except BaseException:
        _close_soon(tracker)
        raise
    try:
        untracked += tracker.close()
    except KeyboardInterrupt:
        print(
            "imbench: tracking: interrupted while cells were written; the results are stored, "
            "run `python -m imbench sync` or the same command again to export what is missing.",
            file=sys.stderr,
        )
        raise


def _close_soon(tracker: Tracker) -> None:
    """Give the export two more seconds, and say what is missing then."""
    from imbench.report.mlflow.export import close_soon

    for sentence in dict.fromkeys(close_soon(tracker)):
        print(f"imbench: tracking: {sentence}", file=sys.stderr)
