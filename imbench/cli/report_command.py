"""``imbench report``: tables and a page from stored predictions."""

from __future__ import annotations

import argparse
from pathlib import Path

from imbench.cli.console import console
from imbench.cli.stored_runs import add_arguments, check_folder, read_cells
from imbench.errors import ConfigError

DRAWS = 1000
MANY = 150  # cells, whose intervals take seconds; those of thousands of cells take minutes


def command(words: list[str]) -> int:
    """Print the tables of a results folder and write the report.

    Raises
    ------
    ConfigError
        If the folder does not exist, holds no cell, none matches the filters, or the report
        cannot be written.
    """
    from imbench.cli.compose import Composer
    from imbench.cli.reproduce import commands
    from imbench.report.page import write_report
    from imbench.report.payload import Extras
    from imbench.report.tables import build_leaderboard
    from imbench.report.terminal import to_rich
    from imbench.results.metric_options import metric_options

    arguments = _parser().parse_args(words)
    if arguments.bootstrap is not None and arguments.bootstrap < 0:
        raise ConfigError(
            f"--bootstrap={arguments.bootstrap}: must be a number of draws from 0 on."
        )
    check_folder("report", arguments.runs)
    composer = Composer(arguments.config_dir)
    config = composer.cells(arguments.overrides, multirun=False)[0]
    options = metric_options(config["metrics"])
    cells, problems = read_cells("report", arguments)
    n_boot = arguments.bootstrap
    if n_boot is None:
        n_boot = DRAWS if len(cells) <= MANY else 0
    board = build_leaderboard(cells, options, n_boot)
    console().print(to_rich(board))
    out = arguments.out or arguments.runs.parent / "report"
    extras = Extras(
        commands=commands(cells, composer),
        problems=tuple(f"Left out: {problem}" for problem in problems),
    )
    try:
        page = write_report(cells, options, out, extras, board)
    except OSError as error:
        raise ConfigError(f"--out={out} cannot be written ({error.strerror}).") from error
    print(f"report: {page}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="imbench report", allow_abbrev=False)
    add_arguments(parser)
    parser.add_argument(
        "--bootstrap",
        type=int,
        metavar="DRAWS",
        help=f"bootstrap intervals of the shown metrics; 0: none (default: {DRAWS} for up to "
        f"{MANY} cells, then none)",
    )
    parser.add_argument("--out", type=Path, help="folder of the report (default: beside RUNS)")
    parser.add_argument("--config-dir", type=Path)
    parser.add_argument("--traceback", action="store_true")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="metrics.key=value", dest="overrides"
    )
    return parser
