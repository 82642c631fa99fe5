"""``imbench fit NAME FILE``: fit a row of a stored table to all rows of its file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbench.cli.registered import put_in_registry, taken_from
from imbench.components.extras import require
from imbench.errors import ConfigError, DataError

if TYPE_CHECKING:
    from imbench.results.fold import CellResult


def command(words: list[str]) -> int:
    """Fit a strategy as it was compared, tuned values included, and save the model.

    Raises
    ------
    ConfigError
        If there is no such row, or MLflow is not installed.
    DataError
        If the file does not hold the rows that were compared.
    """
    from imbench.api.refit import refit
    from imbench.cli.remembered import options_of
    from imbench.report.tables import build_leaderboard
    from imbench.results.store import Store

    given = _parser().parse_intermixed_args(words)
    require("mlflow", "fit: a saved model has MLflow's format")  # before an hour of fitting
    given.overrides += given.settings
    registered = taken_from(given.overrides)
    stored = Store(given.runs.parent, given.runs).read_cells() if given.runs.is_dir() else ()
    cells = [cell for cell in stored if not isinstance(cell, DataError)]
    if not cells:
        raise ConfigError(f"fit: {given.runs} holds no stored cell: run a comparison first.")
    cell, kept, config = _compared(_named(given.name, cells), given)
    same = [
        c
        for c in cells
        if c.config.get("fingerprint") == cell.config["fingerprint"] and c.model == cell.model
    ]
    options, _ = options_of(given.runs, config, (), same)
    board = build_leaderboard(same, options)
    block, row = next(
        (block, row) for block in board.blocks for row in block.rows if row.run_id == cell.run_id
    )
    fitted = refit(kept, config, cell, block, row, board.sort)
    out = given.out or given.runs.parent / "models" / given.name.replace("/", "-")
    fitted.save(out)
    print(f"model: {out} (python -m imbench predict {out} NEW.csv)")
    if registered is not None:
        put_in_registry(out, registered, given.runs.parent)
    return 0


def _named(name: str, cells: Sequence[CellResult]) -> list[CellResult]:
    """Return the finished cells of a name, such as ``threshold`` or ``lightgbm/threshold``."""
    from imbench.components.construct import closest

    done = [cell for cell in cells if cell.status == "ok" and cell.finished]
    found = [cell for cell in done if name in (cell.label, f"{cell.model}/{cell.label}")]
    if not found:
        names = sorted({f"{cell.model}/{cell.label}" for cell in done})
        raise ConfigError(
            f"fit {name}: no finished cell has this name{closest(name, names)}; there are "
            f"{', '.join(names[:20])}."
        )
    return found


def _compared(
    cells: Sequence[CellResult], given: argparse.Namespace
) -> tuple[CellResult, list[str], Mapping[str, Any]]:
    """Return the cell that was compared on the file, with its words and configuration."""
    from imbench.cli.reproduce import commands
    from imbench.components.override import quoted
    from imbench.config.compose import Composer
    from imbench.config.parse import Draft
    from imbench.run.cell import Runner

    composer = Composer(None)
    found = commands(cells, composer)
    for cell in cells:
        words = [w for w in found.get(cell.run_id, ()) if not w.startswith("dataset.path=")]
        if not any(word == "dataset=table" for word in words):
            continue
        words = [*words, f"dataset.path={quoted(str(given.file))}", *given.overrides]
        config = composer.cells(words, multirun=False)[0]
        data = Runner(given.runs.parent).data(Draft(config, composer.folders).outline.dataset)
        if data.fingerprint == cell.config.get("fingerprint"):
            return cell, words, config
    raise DataError(
        f"{given.file} does not hold the rows that {given.name} was compared on: give the file of "
        "the run, and how it was read, such as --set dataset.decimal=','."
    )


def _parser() -> argparse.ArgumentParser:
    runs = Path(os.environ.get("IMBENCH_RESULTS", "results")) / "runs"
    parser = argparse.ArgumentParser(prog="imbench fit", allow_abbrev=False)
    parser.add_argument(
        "name", metavar="NAME", help="a row of the table: threshold, lightgbm/smote"
    )
    parser.add_argument("file", metavar="FILE", help="the table that was compared")
    parser.add_argument(
        "settings", nargs="*", metavar="key=value",
        help="how the file was read; registered=NAME puts the model into MLflow's registry",
    )  # fmt: skip
    parser.add_argument("--runs", type=Path, default=runs, help=f"default: {runs}")
    parser.add_argument("--out", type=Path, help="folder of the model")
    parser.add_argument("--traceback", action="store_true", help="where an error came from")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="key=value", dest="overrides",
        help="how the file was read: dataset.decimal=','",
    )  # fmt: skip
    return parser
