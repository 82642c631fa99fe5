"""``imbench list``: what there is, read from the yaml files without importing what they name."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from imbench.components.construct import closest
from imbench.config import catalogue
from imbench.errors import ConfigError

Row = tuple[str, ...]
LISTS = (*catalogue.GROUPS, "metrics", "checks")


def command(words: list[str]) -> int:
    """Print a table of what there is of a kind.

    Raises
    ------
    ConfigError
        If the list or the folder of ``--config-dir`` does not exist.
    """
    parser = argparse.ArgumentParser(prog="imbench list", allow_abbrev=False)
    parser.add_argument("group", nargs="?", default="strategies", help="|".join(LISTS))
    parser.add_argument("--config-dir", type=Path, metavar="DIR", help="yaml files of your own")
    parser.add_argument("--traceback", action="store_true")
    options = parser.parse_args(words)
    group = options.group
    if group not in LISTS:
        raise ConfigError(
            f"list {group}: there is no such list{closest(group, LISTS)}; "
            f"there are {', '.join(LISTS)}."
        )
    if options.config_dir and not options.config_dir.is_dir():
        raise ConfigError(f"--config-dir={options.config_dir} is not a folder.")
    folders = [catalogue.conf_dir(), *([options.config_dir] if options.config_dir else [])]
    if group == "checks":
        _print(("checks", "kind", "what it says"), _checks())
    elif group == "metrics":
        _print(("metrics", "better", "what it is"), _metrics(folders))
    else:
        _print_items(catalogue.items(catalogue.GROUPS[group], folders), group)
    return 0


def _print_items(items: Sequence[catalogue.Item], group: str) -> None:
    """Print one row per item: name, stage (of strategies), summary, and paper or source."""
    head = [group, *(["stage"] if group == "strategies" else []), "what it is"]
    if group not in ("splits", "experiments"):  # which come from no paper
        head.append("source" if group == "datasets" else "paper")
    rows = []
    for item in items:
        stage = ["+".join(item.stages) or "-"] if group == "strategies" else []
        rows.append((item.name, *stage, item.summary, item.paper)[: len(head)])
    _print(head, rows)


def _checks() -> list[Row]:
    """Return code, kind and sentence of each notice of a data set."""
    from imbench.data.notices import CODE_WORDS, LEAKS

    return [
        (code, "leak" if code in LEAKS else "notice", words) for code, words in CODE_WORDS.items()
    ]


def _metrics(folders: Sequence[Path]) -> list[Row]:
    """Return name, direction and sentence of each metric, those of ``conf/metrics`` last."""
    from imbench.results.metric_options import HIGHER_IS_BETTER
    from imbench.results.metric_words import METRIC_WORDS

    rows: list[Row] = [
        (name, "higher" if is_higher else "lower", METRIC_WORDS[name])
        for name, is_higher in HIGHER_IS_BETTER.items()
    ]
    for item in catalogue.items("metrics", folders):
        for name, node in catalogue.extra_metrics(item.path).items():
            better = "higher" if node.get("higher_is_better", True) else "lower"
            rows.append((name, better, item.summary or f"Added by metrics=[default,{item.name}]."))
    return rows


def _print(head: Sequence[str], rows: Sequence[Row]) -> None:
    """Print a table; the last column and the one of sentences may be wrapped."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from imbench.api.console import console

    table = Table(box=box.SIMPLE_HEAD)
    for i, name in enumerate(head):
        is_long = name in ("what it is", "what it says", "paper", "source")
        table.add_column(name, no_wrap=not is_long, style="" if i else "bold")
    for row in rows:
        table.add_row(*map(Text, row))  # brackets are no markup here
    console().print(table)
