"""``imbench drift MODEL FILE``: whether new rows are like those that a model was judged on."""

from __future__ import annotations

import argparse
from pathlib import Path

from imbench.components.visible import say


def command(words: list[str]) -> int:
    """Print what differs, a sentence a line.

    Raises
    ------
    ImbenchError
        If the folder holds no saved model, or there is nothing to compare with.
    DataError
        If a file cannot be read, or a column is missing or of another kind.
    """
    from imbench.api.serving.drift import compare, labels_in
    from imbench.api.serving.loading import load
    from imbench.cli.new_rows import read_rows

    arguments = _parser().parse_args(words)
    model = load(arguments.model)
    names, target = model.schema.class_names, arguments.target
    frame = read_rows(arguments.file, model)
    labels = None if target is None else labels_in(frame, target, names)
    old = None
    if arguments.reference is not None:
        rows = read_rows(arguments.reference, model)
        old = rows, None if target is None else labels_in(rows, target, names)
    for line in compare(model, frame, labels, old):
        say(line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="imbench drift", allow_abbrev=False)
    parser.add_argument("model", metavar="MODEL", type=Path, help="folder of a saved model")
    parser.add_argument("file", metavar="FILE", type=Path, help="a table with new rows")
    parser.add_argument("--target", metavar="COLUMN", help="column of the classes, where known")
    parser.add_argument(
        "--reference", metavar="FILE", type=Path, help="rows to compare with, for the card's"
    )
    parser.add_argument("--traceback", action="store_true")
    return parser
