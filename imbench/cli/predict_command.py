"""``imbench predict MODEL FILE``: labels and probabilities as CSV."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from imbench.errors import DataError


def command(words: list[str]) -> int:
    """Print ``label`` and a column ``p_CLASS`` for each class, one line a row of the file.

    What decides the label, and how many cells hold a category that was not fitted, goes to
    standard error.

    Raises
    ------
    ImbenchError
        If the folder holds no saved model, or one that was changed.
    DataError
        If the file cannot be read, or a column is missing or of another kind.
    """
    from imbench.api.serving.loading import load
    from imbench.cli.new_rows import read_rows

    arguments = _parser().parse_args(words)
    model = load(arguments.model)
    frame = read_rows(arguments.file, model)
    try:
        answers, notices = model.answers_and_notices(frame)
    except DataError as error:
        lines = [f"{arguments.file}: {line}" for line in str(error).splitlines()]
        raise DataError("\n".join(lines)) from error
    print(model.rule, file=sys.stderr)
    for line in notices:
        print(line, file=sys.stderr)
    answers.to_csv(sys.stdout, index=False)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="imbench predict", allow_abbrev=False)
    parser.add_argument("model", metavar="MODEL", type=Path, help="folder of a saved model")
    parser.add_argument("file", metavar="FILE", type=Path, help="a table with new rows")
    parser.add_argument("--traceback", action="store_true")
    return parser
