"""``imbench list strategies|datasets|models``, read from the yaml files without importing them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from imbench.config import catalogue
from imbench.errors import ConfigError


def command(words: list[str]) -> int:
    """Print the table of a group.

    Raises
    ------
    ConfigError
        If the group or the folder of ``--config-dir`` does not exist.
    """
    parser = argparse.ArgumentParser(prog="imbench list")
    parser.add_argument("group", nargs="?", default="strategies", help="strategies|datasets|models")
    parser.add_argument("--config-dir", type=Path)
    parser.add_argument("--traceback", action="store_true")
    options = parser.parse_args(words)
    if options.group not in catalogue.GROUPS:
        raise ConfigError(
            f"list {options.group}: there is no such list; there are {', '.join(catalogue.GROUPS)}."
        )
    if options.config_dir and not options.config_dir.is_dir():
        raise ConfigError(f"--config-dir={options.config_dir} is not a folder.")
    folders = [catalogue.conf_dir(), *([options.config_dir] if options.config_dir else [])]
    print_items(catalogue.items(catalogue.GROUPS[options.group], folders), options.group)
    return 0


def print_items(items: Sequence[catalogue.Item], group: str) -> None:
    """Print one row per item: name, stage (of strategies), summary, and paper or source."""
    from rich import box
    from rich.table import Table

    from imbench.api.console import console

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(group, no_wrap=True, style="bold")
    if group == "strategies":
        table.add_column("stage", no_wrap=True)
    table.add_column("what it is")
    table.add_column("source" if group == "datasets" else "paper")
    for item in items:
        stage = ["+".join(item.stages) or "-"] if group == "strategies" else []
        table.add_row(item.name, *stage, item.summary, item.paper)
    console().print(table)
