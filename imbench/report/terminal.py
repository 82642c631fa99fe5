"""Render a leaderboard as tables for the terminal, with rich."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Any

from imbench.components.visible import visible
from imbench.report.board import Block, Leaderboard
from imbench.report.captions import repeats_of
from imbench.report.forest import forest
from imbench.report.questions import QUESTIONS
from imbench.report.ranking import Ranking
from imbench.report.texts import (
    LEGEND,
    MARKS,
    RANKING_HEADS,
    columns,
    gain_head,
    metric_head,
    ranking_notes,
    ranking_texts,
    ranking_title,
    reasons,
)
from imbench.report.words import answers

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

STYLES = {"better": "green", "worse": "red", "skipped": "yellow", "failed": "bold red"}
COUNTS = ("found", "false alarms")
LETTERS = " ".join(question[0] for question in QUESTIONS)  # their heads where it is narrow
MAX_PICTURES = 4  # blocks; more are too long for a terminal


class TerminalTables:
    """A leaderboard that a rich console can print.

    The answers in words are the last lines. If the console is too narrow, metrics are dropped from
    the right, except the one that the table is sorted by, and a line names them. Names are shown
    literally, never read as markup.

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
        from rich.text import Text

        board = self.board
        for block in board.blocks:
            is_pictured = len(board.blocks) <= MAX_PICTURES
            is_last = block is board.blocks[-1]
            if block is not board.blocks[0]:
                yield Text("")
            yield from _block(board, block, options.max_width, is_pictured, is_last)
        for ranking in board.rankings:
            yield from _ranking(ranking)
        lines = answers(board.blocks, board.sort)
        yield from (Text(("" if i else "\n") + visible(line)) for i, line in enumerate(lines))


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


def _block(
    board: Leaderboard, block: Block, width: int, is_pictured: bool, is_last: bool
) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    columns = _columns(board, block)
    dropped = fit(columns, board, width)
    title = " · ".join(filter(None, [block.title, repeats_of(block.rows)]))
    table = Table(
        title=Text(visible(title), "bold"),
        caption=Text(block.caption, "dim"),
        **_layout(),
    )
    for head in columns:
        shown = "\n".join(map(visible, head.split("\n")))  # long heads are broken
        table.add_column(Text(shown), justify="left" if head == "strategy" else "right")
    for place, row in enumerate(block.rows):
        cells = {head: Text(visible(column[place])) for head, column in columns.items()}
        told = row.comparison.verdict if row.comparison else row.status
        if gain_head(board) in cells:
            cells[gain_head(board)].stylize(STYLES.get(told, ""))
        table.add_row(*cells.values())
    yield table
    if dropped:
        yield Text(f"  Not shown, the terminal is narrow: {', '.join(dropped)}", "dim")
    if is_last and block.baseline:
        yield Text(f"  {legend(columns)}", "dim")
    yield from (Text(f"  {line}", "yellow") for line in reasons(block))
    lines = forest(block, width) if is_pictured else []
    if lines:
        head = f"gain in {board.sort} over {block.baseline}, shaded: no practical difference"
        yield Text(f"\n {head}", "bold")
        yield from (Text(line, STYLES.get(told, "")) for line, told in lines)


def _ranking(ranking: Ranking) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(ranking_title(ranking), "bold"), **_layout())
    for head in RANKING_HEADS:
        table.add_column(Text(visible(head)), justify="left" if head == "strategy" else "right")
    for line in ranking_texts(ranking):
        table.add_row(*map(Text, line))
    yield table
    yield from (Text(f"  {line}", "dim") for line in ranking_notes(ranking))


def _columns(board: Leaderboard, block: Block) -> dict[str, list[str]]:
    """Return head and cells of each column; marks stand for verdicts, metrics come last."""
    table = columns(board, block)
    gains, verdicts = table.pop(gain_head(board), None), table.pop("verdict", None)
    heads = [metric_head(board, name) for name in board.columns]
    metrics = {_broken(head): table[head] for head in heads if head in table}
    found = {"strategy": table.pop("strategy")}
    if verdicts:
        marked = [
            f"{MARKS[row.comparison.verdict][0]} {gained}".rstrip() if row.comparison else told
            for row, gained, told in zip(
                block.rows, gains or [""] * len(verdicts), verdicts, strict=True
            )
        ]
        found[gain_head(board) if block.baseline else "status"] = marked
    found |= {name: [text[:1] for text in table[name]] for name in QUESTIONS if name in table}
    found |= {_broken(name): table[name] for name in COUNTS if name in table}
    return {**found, **metrics, **({"fit s": table["fit s"]} if "fit s" in table else {})}


def legend(columns: Container[str]) -> str:
    """Return the meaning of the marks, and of the heads if they are cut to letters."""
    letters = f"{LETTERS}: {', '.join(QUESTIONS)}. " if LETTERS in columns else ""
    return letters + LEGEND


def _broken(head: str) -> str:
    """Insert a line break into a long head to narrow its column."""
    if " " in head and not head.endswith(("↑", "↓")):
        return head.replace(" ", "\n", 1)
    cut = head.find("_", len(head) // 2 - 3) + 1
    return f"{head[:cut]}\n{head[cut:]}" if len(head) > 15 and cut > 0 else head


def fit(columns: dict[str, list[str]], board: Leaderboard, width: int) -> list[str]:
    """Narrow a table in place until it fits, and return the names of what was left out.

    Metrics go first, from the right; then the seconds, the questions become letters, and the
    counts go. Strategy, gain and the metric sorted by always stay.
    """
    sort = _broken(metric_head(board, board.sort))
    metrics = [_broken(metric_head(board, name)) for name in board.columns]
    dropped: list[str] = []
    for head in [*(head for head in reversed(metrics) if head != sort), "fit s"]:
        if _width(columns) > width and head in columns:
            del columns[head]
            name = head.replace("\n", "")
            dropped.insert(0, name[:-2] if head in metrics else name)
    if _width(columns) > width and any(name in columns for name in QUESTIONS):
        _abbreviate(columns)
    for head in map(_broken, reversed(COUNTS)):
        if _width(columns) > width and head in columns:
            del columns[head]
            dropped.append(head.replace("\n", " "))
    return dropped


def _abbreviate(columns: dict[str, list[str]]) -> None:
    """Join the columns of the questions to one, whose head has their first letters."""
    names = [name for name in QUESTIONS if name in columns]
    marks = zip(*(columns[name] for name in names), strict=True)
    joined = [" ".join(mark or " " for mark in row).rstrip() for row in marks]
    joined = [text.ljust(len(LETTERS)) if text else "" for text in joined]
    content = dict(columns)
    columns.clear()
    for head, cells in content.items():
        if head == names[0]:
            columns[LETTERS] = joined
        elif head not in names:
            columns[head] = cells


def _width(columns: dict[str, list[str]]) -> int:
    """Return the width of a table: rich adds two columns between cells, and one at the left."""
    return sum(
        2 + max(len(line) for line in [*head.split("\n"), *cells])
        for head, cells in columns.items()
    )
