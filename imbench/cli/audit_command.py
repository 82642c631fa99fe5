"""``imbench audit``: the leak audit of stored results."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from imbench.api.console import console
from imbench.cli.stored_runs import add_arguments, check_folder, read_cells
from imbench.components.visible import say
from imbench.data.notices import LEAKS
from imbench.results.readings import reading_of

if TYPE_CHECKING:
    from pathlib import Path

    from imbench.report.audit import CellAudit
    from imbench.results.fold import CellResult


def command(words: list[str]) -> int:
    """Print the leak audit of a results folder.

    Returns
    -------
    int
        1 if a row of a test part was fitted on, else 0.

    Raises
    ------
    ConfigError
        If the folder does not exist, holds no cell, or none matches the filters.
    """
    from imbench.report.audit import audit_cells, duplicate_warnings

    parser = argparse.ArgumentParser(prog="imbench audit", allow_abbrev=False)
    add_arguments(parser)
    parser.add_argument("--fits", action="store_true", help="say what was fitted on which rows")
    parser.add_argument("--traceback", action="store_true")
    arguments = parser.parse_args(words)
    check_folder("audit", arguments.runs)
    cells, _ = read_cells("audit", arguments)
    audits = audit_cells(cells)
    _print(audits, arguments.fits)
    warnings = [*duplicate_warnings(cells), *suspicions(arguments.runs, cells)]
    for sentence in warnings:
        say(f"warning: {sentence}")
    leaks = [(a, sentence) for a in audits for sentence in a.leaks]
    for audit, sentence in leaks:
        say(f"leak: {audit.dataset} {audit.model} {audit.label}, {sentence}")
    n_folds = sum(audit.n_recorded for audit in audits)
    if n_folds and not leaks:
        fitted_on = f"no row of a test part was fitted on in {n_folds} folds"
        print(f"{fitted_on}; the warnings stand." if warnings else f"no leak: {fitted_on}.")
    return 1 if leaks else 0


def suspicions(runs: Path, cells: Sequence[CellResult]) -> list[str]:
    """Return what was noticed of the data before the run, after which scores may be too good.

    Copies of rows are left out: the audit has counted them.

    Parameters
    ----------
    runs : Path
        Folder of the cells.
    cells : sequence of CellResult
    """
    codes = [f"[{code}]" for code in LEAKS if code != "duplicate-rows"]
    lines = [line for cell in cells for line in reading_of(runs, cell.config)]
    return [line for line in dict.fromkeys(lines) if line.endswith(tuple(codes))]


def _print(audits: Sequence[CellAudit], with_fits: bool) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from imbench.report.audit import SHORT

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for head in ("data set", "model", "strategy", "folds", "train", "test"):
        table.add_column(head)
    for head in ("test rows", "in training", "same values", "other label"):
        table.add_column(head, justify="right")
    table.add_column("notes")
    for audit in audits:
        notes = [*(["leak"] if audit.leaks else []), *audit.notes]
        numbers = (audit.n_test, audit.overlap, audit.copies, audit.contradictory)
        texts = [
            *(audit.dataset, audit.model, audit.label),
            str(audit.n_folds),
            *(audit.train[:SHORT], audit.test[:SHORT]),
            *(map(str, numbers) if audit.n_recorded else ["-"] * len(numbers)),
            " ".join(notes),
        ]
        style = "bold red" if audit.leaks else None
        table.add_row(*(Text(text) for text in texts), style=style)
    console().print(table)
    for audit in audits if with_fits else ():
        say(f"{audit.dataset} {audit.model} {audit.label}")
        for line in audit.fitted or ("nothing was fitted",):
            say(f"  {line}")
