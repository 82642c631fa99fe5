"""``imbench report``: tables and a page from nothing but stored predictions."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from imbench.cli.console import console
from imbench.errors import ConfigError, DataError

DRAWS = 1000
MANY = 150  # cells; their intervals take seconds, those of thousands minutes


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
    from imbench.metrics import metric_options
    from imbench.report.choose import select
    from imbench.report.page import write_report
    from imbench.report.payload import Extras
    from imbench.report.render import to_rich
    from imbench.report.tables import build_leaderboard
    from imbench.results import Store

    default = Path(os.environ.get("IMBENCH_RESULTS", "results")) / "runs"
    parser = argparse.ArgumentParser(prog="imbench report", allow_abbrev=False)
    parser.add_argument("runs", nargs="?", type=Path, default=default, help=f"default: {default}")
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="key=pattern",
        dest="filters",
        help="dataset, model, strategy, stage or status, as 'strategy=smote*'; repeatable",
    )
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
    arguments = parser.parse_args(words)
    if arguments.bootstrap is not None and arguments.bootstrap < 0:
        raise ConfigError(
            f"--bootstrap={arguments.bootstrap}: must be a number of draws from 0 on."
        )
    if not arguments.runs.is_dir():
        raise ConfigError(f"report {arguments.runs}: there is no such folder; give a runs/ folder.")
    composer = Composer(arguments.config_dir)
    config = composer.cells(arguments.overrides, multirun=False)[0]
    options = metric_options(config["metrics"])
    cells, problems = [], []
    for found in Store(arguments.runs.parent, arguments.runs).read_cells():
        if isinstance(found, DataError):
            problems.append(f"Left out: {found}")
            print(f"imbench: left out: {found}", file=sys.stderr)
        else:
            cells.append(found)
    if not cells:
        raise ConfigError(f"report {arguments.runs}: there is no stored cell in it; run one first.")
    cells = select(cells, arguments.filters)
    n_boot = arguments.bootstrap
    if n_boot is None:
        n_boot = DRAWS if len(cells) <= MANY else 0
    board = build_leaderboard(cells, options, n_boot)
    console().print(to_rich(board))
    out = arguments.out or arguments.runs.parent / "report"
    extras = Extras(commands=commands(cells, composer), problems=tuple(problems))
    try:
        page = write_report(cells, options, out, extras, board)
    except OSError as error:
        raise ConfigError(f"--out={out} cannot be written ({error.strerror}).") from error
    print(f"report: {page}")
    return 0
