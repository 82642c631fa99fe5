"""What to run next: the end of an answer that leaves something open."""

from __future__ import annotations

from collections.abc import Sequence

from imbench.report.board import Block, Row
from imbench.report.names import joined
from imbench.results.fold import BUDGET


def unfinished(block: Block) -> list[Row]:
    """Return the rows that were asked for and have no whole repeat to compare.

    Parameters
    ----------
    block : Block
    """
    return [r for r in block.rows if r.status == "ok" and (r.is_partial or not r.folds)]


def nothing_yet(block: Block, rows: Sequence[Row]) -> str:
    """Say what a run that ended early lacks for a comparison, and how to go on.

    Parameters
    ----------
    block : Block
    rows : sequence of Row
        What is not finished, at least one.

    Examples
    --------
    >>> row = Row("0", "toy", "knn", "rose", "rose", (), "ok", "", {}, {}, 0.5, ())
    >>> nothing_yet(Block("toy", "knn", "toy · knn", "", rows=(row,)), [row])
    'nothing can be compared yet: the run ended before rose. Run the same command again to go on.'
    """
    ended = _is_spent(block.rows)
    return (
        f"nothing can be compared yet: the {'budget' if ended else 'run'} ended before "
        f"{joined([row.title for row in rows])}. Run the same command "
        f"{'with a larger budget' if ended else 'again'} to go on."
    )


def _is_spent(rows: Sequence[Row]) -> bool:
    return any(row.stopped == BUDGET for row in rows)
