"""``imbench check FILE --target COLUMN``: what a table is like, before anything is fitted."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from itertools import chain
from pathlib import Path

from imbench.cli.words import as_override
from imbench.components.override import override
from imbench.components.visible import say
from imbench.errors import ConfigError


def command(words: list[str]) -> int:
    """Print what was read of a table, and every notice about it.

    Returns
    -------
    int
        1 if a notice is about a possible leak, else 0.

    Raises
    ------
    ConfigError
        If a key or a value is wrong.
    DataError
        If the file cannot be read or used, or not be split.
    """
    from imbench.api.notices import ignored_codes, notices_of
    from imbench.config.compose import Composer
    from imbench.config.parse import Draft
    from imbench.data.description import describe
    from imbench.data.load import load
    from imbench.data.notices import LEAKS
    from imbench.data.split_checks import check_k
    from imbench.results.metric_options import check_classes

    arguments = _parser().parse_intermixed_args(words)
    composer = Composer(arguments.config_dir)
    config = composer.cells(_overrides(arguments), multirun=False)[0]
    outline = Draft(config, composer.folders).outline
    data = load(outline.dataset)
    for line in describe(data):
        say(line)
    check_classes(outline.metrics, data.class_names)
    node = outline.dataset.node
    notices = notices_of(data, outline.splitter, node, ignored_codes(config))
    for notice in notices:
        say(f"notice: {notice}")
    if not notices:
        print("no notice.")
    folds = outline.splitter.split(data, outline.seed)
    check_k(outline.metrics.k, data, folds)
    return int(any(notice.code in LEAKS for notice in notices))


def _overrides(arguments: argparse.Namespace) -> list[str]:
    """Return the overrides that name the file and its target, and those that are given."""
    file, words = _file_and_words(arguments.words)
    given = [as_override(word) for word in [*words, *chain(*arguments.overrides)]]
    if file is None:
        if not any(word.startswith("dataset=") for word in given):
            raise ConfigError("check: give a FILE, or a data set such as dataset=digits.")
        return given
    named = ["dataset=table", *shlex.split(override("dataset.path", file))]
    if (target := arguments.target) is not None:
        is_place = re.fullmatch(r"-?\d+", target)
        named += (
            [f"dataset.target={target}"]
            if is_place
            else shlex.split(override("dataset.target", target))
        )
    return [*named, *given]


def _file_and_words(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the file, if there is one, and the words ``key=value`` beside it.

    Raises
    ------
    ConfigError
        If there are two files.
    """
    files = [word for word in words if "=" not in word or os.path.exists(word)]
    if len(files) > 1:
        raise ConfigError(
            f"check {' '.join(files)}: there is one FILE; everything else is key=value."
        )
    return files[0] if files else None, [word for word in words if word not in files]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="imbench check", allow_abbrev=False)
    parser.add_argument(
        "words", nargs="*", metavar="FILE key=value",
        help="a table; keys of the groups dataset and splits, and checks.ignore=[code]",
    )  # fmt: skip
    parser.add_argument("--target", metavar="COLUMN", help="column of the classes")
    parser.add_argument("--config-dir", type=Path)
    parser.add_argument("--traceback", action="store_true")
    parser.add_argument(
        "--set",
        nargs="*",
        action="append",
        default=[],
        metavar="key=value",
        dest="overrides",
        help="the same",
    )
    return parser
