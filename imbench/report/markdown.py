"""Render a leaderboard as Markdown tables for ``report.md``."""

from __future__ import annotations

import re

from imbench.report.board import Block, Leaderboard
from imbench.report.ranking import Ranking
from imbench.report.texts import (
    LEGEND,
    RANKING_HEADS,
    columns,
    ranking_notes,
    ranking_texts,
    ranking_title,
    reasons,
)


def to_markdown(board: Leaderboard) -> str:
    """Return one section with a table per block and ranking.

    Examples
    --------
    >>> from imbench.report.board import Block, FoldRow, Row
    >>> fold = FoldRow(0, 0, n_train=80, n_test=20, fit_s=0.5, predict_s=0.1, metrics={"mcc": 0.9})
    >>> row = Row(
    ...     "0f1a", "toy", "knn", label="none", title="none", stages=(), status="ok", reason="",
    ...     mean={"mcc": 0.9}, std={}, fit_s=0.5, folds=(fold,),
    ... )
    >>> block = Block("toy", "knn", "toy · knn", caption="One fold.", rows=(row,))
    >>> print(to_markdown(Leaderboard(("mcc",), "mcc", {"mcc": True}, (block,))), end="")
    ## toy · knn
    <BLANKLINE>
    | strategy | mcc ↑ | fit s |
    | --- | ---: | ---: |
    | none | 0.900 | 0.50 |
    <BLANKLINE>
    One fold.
    """
    parts = []
    for block in board.blocks:
        notes = "\n".join(f"- {escape_markdown(line)}" for line in reasons(block))
        parts.append(
            f"## {escape_markdown(block.title)}\n\n{_table(board, block)}\n\n"
            f"{block.caption}{f' {LEGEND}' if block.baseline else ''}\n\n{notes}".strip()
        )
    parts += [_ranking(ranking) for ranking in board.rankings]
    return "\n\n".join(parts) + "\n"


def _table(board: Leaderboard, block: Block) -> str:
    table = columns(board, block)
    lines = [
        [escape_markdown(head) for head in table],
        ["---" if head in ("strategy", "verdict") else "---:" for head in table],
        *[[escape_markdown(text) for text in row] for row in zip(*table.values(), strict=True)],
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escape_markdown(text: str) -> str:
    r"""Escape table bars, tags and emphasis in a name. Line breaks become spaces.

    Examples
    --------
    >>> print(escape_markdown("*a|b* in f1_macro"))
    \*a\|b\* in f1_macro
    """
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    text = re.sub(r"([\\|*`\[\]])", r"\\\1", text)
    # An underscore inside a word, as in f1_macro, is no emphasis.
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)


def _ranking(ranking: Ranking) -> str:
    lines = [list(RANKING_HEADS), ["---", *["---:"] * (len(RANKING_HEADS) - 1)]]
    lines += [[escape_markdown(text) for text in texts] for texts in ranking_texts(ranking)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = "\n".join(f"- {escape_markdown(line)}" for line in ranking_notes(ranking))
    return f"## {escape_markdown(ranking_title(ranking))}\n\n{table}\n\n{notes}".strip()
