"""``imbench fit NAME FILE``: fit a row of a stored table to all rows of its file."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from imbench.cli.registered import put_in_registry, taken_from
from imbench.components.extras import require
from imbench.errors import ConfigError, DataError


def command(words: list[str]) -> int:
    """Fit a strategy as it was compared, tuned values included, and save the model.

    Raises
    ------
    ConfigError
        If there is no such row, or several and none is recommended, or MLflow is not installed.
    DataError
        If the file does not hold the rows that were compared.
    """
    from imbench.api.refit import refit
    from imbench.cli.remembered import options_of
    from imbench.cli.stored_row import row_of
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
    found = row_of(given.name, given.file, given.overrides, cells, given.runs)
    cell = found.cell
    same = [
        c
        for c in cells
        if c.config.get("fingerprint") == cell.config["fingerprint"] and c.model == cell.model
    ]
    options, _ = options_of(given.runs, found.config, (), same)
    board = build_leaderboard(same, options)
    block, row = next(
        (block, row) for block in board.blocks for row in block.rows if row.run_id == cell.run_id
    )
    print(f"fit: {cell.model}/{cell.label}{f'; {found.why}' if found.why else ''}.", flush=True)
    fitted = refit(found.words, found.config, cell, block, row, board.sort)
    out = given.out or given.runs.parent / "models" / _folder(given.name)
    fitted.save(out)
    print(f"model: {out} (python -m imbench predict {out} NEW.csv)")
    if registered is not None:
        put_in_registry(out, registered, given.runs.parent)
    return 0


def _folder(name: str) -> str:
    """Return the name of a row as that of a folder: without slashes, spaces and brackets.

    Examples
    --------
    >>> _folder("lightgbm/smote+threshold"), _folder("lightgbm/smote (k_neighbors=3)")
    ('lightgbm-smote+threshold', 'lightgbm-smote-k_neighbors=3')
    """
    return re.sub(r"[^\w.+=-]+", "-", name).strip("-")


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
