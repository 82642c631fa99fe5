"""``imbench report``: tables and a page from stored predictions."""

from __future__ import annotations

import argparse
from pathlib import Path

from imbench.api.console import console
from imbench.cli.stored_runs import add_arguments, check_folder, read_cells
from imbench.errors import ConfigError


def command(words: list[str]) -> int:
    """Print the tables of one or more results folders and write the report.

    Raises
    ------
    ConfigError
        If the folder does not exist, holds no cell, none matches the filters, the baseline is not
        known, or the report cannot be written.
    """
    from imbench.cli.remembered import options_of
    from imbench.cli.reproduce import commands
    from imbench.config.check import BASELINES
    from imbench.config.compose import Composer
    from imbench.report.page import write_report
    from imbench.report.payload import Extras
    from imbench.report.tables import build_leaderboard
    from imbench.report.terminal import to_rich
    from imbench.results.readings import reading_key, reading_of

    arguments = _parser().parse_args(words)
    for folder in arguments.runs:
        check_folder("report", folder)
    first = arguments.runs[0]
    composer = Composer(arguments.config_dir)
    config = composer.cells(arguments.overrides, multirun=False)[0]
    baseline = config["baseline"]
    if baseline not in BASELINES:
        raise ConfigError(f"baseline={baseline} is not one of {', '.join(BASELINES)}.")
    cells, problems = read_cells("report", arguments, baseline)
    options, remembered = options_of(first, config, arguments.overrides, cells)
    board = build_leaderboard(cells, options, with_intervals=True, baseline=baseline)
    console().print(to_rich(board))
    if remembered:
        print(f"report: {remembered}")
    out = arguments.out or first.parent / "report"
    extras = Extras(
        commands=commands(cells, composer),
        problems=tuple(f"Left out: {problem}" for problem in problems),
        readings={
            key: next(filter(None, (reading_of(runs, config) for runs in arguments.runs)), ())
            for key, config in {reading_key(cell.config): cell.config for cell in cells}.items()
        },
    )
    try:
        page = write_report(cells, options, out, extras, board)
    except OSError as error:
        raise ConfigError(f"--out={out} cannot be written ({error.strerror}).") from error
    print(f"report: {page}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="imbench report", allow_abbrev=False)
    add_arguments(parser, several=True)
    parser.add_argument(
        "--out", type=Path, help="folder of the report (default: beside the first RUNS)"
    )
    parser.add_argument("--config-dir", type=Path)
    parser.add_argument("--traceback", action="store_true")
    parser.add_argument(
        "--set",
        nargs="*",
        default=[],
        metavar="key=value",
        dest="overrides",
        help="keys of the group metrics (default: those of the latest run), costs, and "
        "baseline=none|threshold|auto",
    )
    return parser
