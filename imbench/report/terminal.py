"""Render a leaderboard as tables for the terminal, with rich."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from imbench.report.board import Block, Leaderboard
from imbench.report.ranking import Ranking
from imbench.report.texts import (
    MARKS,
    RANKING_HEADS,
    header,
    ranking_notes,
    ranking_texts,
    ranking_title,
    reasons,
    texts,
)

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

STYLES = {"better": "green", "worse": "red", "skipped": "yellow", "failed": "bold red"}
MARK_WORDS = "▲ better, ▼ worse, · cannot be told:"


class TerminalTables:
    """A leaderboard that a rich console can print.

    If the console is too narrow, metrics are dropped from the right, except the one that the
    table is sorted by, and a line names them. Names are shown literally, never read as markup.

    Parameters
    ----------
    board : Leaderboard
    """

    def __init__(self, board: Leaderboard) -> None:
        self.board = board

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """Yield the tables. Called by rich with the width of the console."""
        for block in self.board.blocks:
            yield from _block(self.board, block, options.max_width)
        for ranking in self.board.rankings:
            yield from _ranking(ranking)


def to_rich(board: Leaderboard) -> TerminalTables:
    """Return the tables of a leaderboard, to be printed by a rich console."""
    return TerminalTables(board)


def _layout() -> dict[str, Any]:
    """Return the keyword arguments that all tables share."""
    from rich import box

    return {
        "title_justify": "left",
        "caption_justify": "left",
        "box": box.SIMPLE_HEAD,
        "pad_edge": False,
        "collapse_padding": True,
    }


def _block(board: Leaderboard, block: Block, width: int) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    columns = _columns(board, block)
    dropped = _drop_to_fit(columns, board.sort, width)
    table = Table(
        title=Text(block.title, "bold"),
        caption=Text(block.caption.replace("better / worse:", MARK_WORDS), "dim"),
        **_layout(),
    )
    for head in columns:
        table.add_column(Text(head), justify="left" if head == "strategy" else "right")
    for place, row in enumerate(block.rows):
        cells = [Text(column[place]) for column in columns.values()]
        told = row.comparison.verdict if row.comparison else row.status
        cells[-2].stylize(STYLES.get(told, ""))
        table.add_row(*cells)
    yield table
    if dropped:
        yield Text(f"  Not shown, the terminal is narrow: {', '.join(dropped)}", "dim")
    yield from (Text(f"  {line}", "yellow") for line in reasons(block))


def _ranking(ranking: Ranking) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(ranking_title(ranking), "bold"), **_layout())
    for head in RANKING_HEADS:
        table.add_column(Text(head), justify="left" if head == "strategy" else "right")
    for line in ranking_texts(ranking):
        table.add_row(*map(Text, line))
    yield table
    yield from (Text(f"  {line}", "dim") for line in ranking_notes(ranking))


def _columns(board: Leaderboard, block: Block) -> dict[str, list[str]]:
    """Return head and cells of each column. The verdict becomes a mark before the gain."""
    table = [texts(board, row) for row in block.rows]
    first, verdict_head, gain_head, *metrics, fit_head = header(board)
    heads = [first, verdict_head, gain_head, *map(_broken, metrics), fit_head]
    columns = {head: [line[i] for line in table] for i, head in enumerate(heads)}
    verdicts, fit_s = columns.pop(verdict_head), columns.pop(fit_head)
    gains = columns.pop(gain_head)
    marked = [
        f"{MARKS[row.comparison.verdict][0]} {gained}" if row.comparison else told
        for row, gained, told in zip(block.rows, gains, verdicts, strict=True)
    ]
    return {**columns, gain_head: marked, fit_head: fit_s}


def _broken(head: str) -> str:
    """Insert a line break after an underscore of a long metric name to narrow its column."""
    cut = head.find("_", len(head) // 2 - 3) + 1
    return f"{head[:cut]}\n{head[cut:]}" if len(head) > 15 and cut > 0 else head


def _drop_to_fit(columns: dict[str, list[str]], sort: str, width: int) -> list[str]:
    """Remove metric columns in place until the table fits. Return the removed names."""
    wide = {
        head: 2 + max(len(line) for line in [*head.split("\n"), *cells])
        for head, cells in columns.items()
    }
    dropped: list[str] = []
    for head in reversed(list(columns)[1:-2]):
        name = head.replace("\n", "").rpartition(" ")[0]
        if sum(wide[h] for h in columns) > width and name != sort:
            del columns[head]
            dropped.insert(0, name)
    return dropped
