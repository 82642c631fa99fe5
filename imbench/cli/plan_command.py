"""``imbench plan``: divide a sweep into chunks, for array jobs and machines of all kinds."""

from __future__ import annotations

import argparse
from pathlib import Path


def command(words: list[str]) -> int:
    """Write a plan and print how to run it; nothing is run.

    Raises
    ------
    ConfigError
        If a word is wrong, or no cell can run.
    """
    from imbench.cli.planning import write_plan
    from imbench.cli.words import as_override

    arguments = _parser().parse_intermixed_args(words)
    overrides = list(map(as_override, arguments.overrides))
    write_plan(overrides, arguments.config_dir, arguments.chunks, arguments.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imbench plan",
        allow_abbrev=False,
        description="Divide a sweep into chunks that `imbench work` runs, wherever.",
    )
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="as after `imbench -m`")
    parser.add_argument("-m", "--multirun", action="store_true", help="implied")
    parser.add_argument("--chunks", type=int, required=True, metavar="N", help="parts of the work")
    parser.add_argument("--out", type=Path, default=Path("plan.json"), help="default: plan.json")
    parser.add_argument("--config-dir", type=Path)
    parser.add_argument("--traceback", action="store_true")
    return parser
