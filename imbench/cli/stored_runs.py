"""Arguments and stored cells of the commands `report` and `audit`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from imbench.components.visible import say
from imbench.errors import ConfigError, DataError

if TYPE_CHECKING:
    from imbench.results.fold import CellResult


def add_arguments(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """Add the arguments for a folder of runs, or for several, and for filters of cells."""
    default = Path(os.environ.get("IMBENCH_RESULTS", "results")) / "runs"
    if several:
        about = f"one or more, read together; default: {default}"
        parser.add_argument("runs", nargs="*", type=Path, default=[default], help=about)
    else:
        about = f"default: {default}"
        parser.add_argument("runs", nargs="?", type=Path, default=default, help=about)
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="key=pattern",
        dest="filters",
        help="dataset, model, strategy, stage or status, as 'strategy=smote*'; repeatable",
    )


def check_folder(command: str, runs: Path) -> None:
    """Raise ConfigError if the folder of runs does not exist."""
    if not runs.is_dir():
        raise ConfigError(f"{command} {runs}: there is no such folder; give a runs/ folder.")


def read_cells(
    command: str, arguments: argparse.Namespace, baseline: str = "none"
) -> tuple[list[CellResult], list[DataError]]:
    """Return the cells that match the filters, and the errors of damaged and conflicting files.

    Raises
    ------
    ConfigError
        If the folders contain no cell, or no cell matches the filters.
    """
    from imbench.report.filters import select
    from imbench.results.merge import read_together

    runs = arguments.runs if isinstance(arguments.runs, list) else [arguments.runs]
    cells, problems = [], []
    for found in read_together(runs):
        if isinstance(found, DataError):
            problems.append(found)
            say(f"imbench: left out: {found}", sys.stderr)
        else:
            cells.append(found)
    if not cells:
        shown = " ".join(map(str, runs))
        raise ConfigError(f"{command} {shown}: there is no stored cell in it; run one first.")
    return select(cells, arguments.filters, baseline), problems
