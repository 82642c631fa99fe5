"""What to run next: the end of an answer that leaves something open."""

from __future__ import annotations

from collections.abc import Sequence

from imbench.data import splits as splitters
from imbench.report.board import Block, Row
from imbench.report.names import joined
from imbench.report.statistics.verdict import NO_VERDICT, REPEATS_OF_FEW_ROWS
from imbench.results.fold import BUDGET, HOPELESS, CellResult
from imbench.results.run_ids import COUNTS, OWN

FEW_REPEATS = 10  # more of them narrow intervals no further
SPENT = " The budget has ended: the same command with a larger one tells more."


def repeat_key(cells: Sequence[CellResult]) -> str:
    """Return the key of ``splits`` that adds fits to the cells of a block, empty without one.

    Results of folders without a configuration of splits are taken for repeated folds. Seeds and
    shuffles of a hold-out exclude each other, so that the one in use is named.

    Parameters
    ----------
    cells : sequence of CellResult

    Examples
    --------
    >>> splits = {"_target_": "imbench.data.splits.OfficialTest"}
    >>> cell = CellResult("0", "toy", "knn", "none", (), "ok", "", 1, config={"splits": splits})
    >>> repeat_key([cell])
    'n_seeds'
    """
    node = next((cell.config["splits"] for cell in cells if cell.config.get("splits")), None)
    if node is None:
        return COUNTS[0]
    # A stored configuration is without the numbers; those of older versions name other modules.
    target = str(node.get("_target_"))
    kind = getattr(splitters, target.rpartition(".")[2], None) if target.startswith(OWN) else None
    found = [key for key in COUNTS if key in node or hasattr(kind, key)]
    has_seeds = len(found) > 1 and any(f.fold for cell in cells for f in cell.finished)
    return found[-1] if has_seeds else next(iter(found), "")


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


def first_verdict(block: Block, note: str) -> str:
    """Say what gives a first verdict where there is none, after a space.

    Parameters
    ----------
    block : Block
    note : str
        Why there is none.
    """
    if NO_VERDICT in note:
        if _is_spent(block.rows):
            return SPENT
        return f" Set splits.{block.repeat_key}={REPEATS_OF_FEW_ROWS}."
    return "" if block.repeat_key else _no_repeats(block)


def more_repeats(block: Block, rows: Sequence[Row]) -> str:
    """Say what tells more about rows that are open, after a space; empty if nothing does.

    Parameters
    ----------
    block : Block
    rows : sequence of Row
        With comparisons.
    """
    found = [(row, row.comparison) for row in rows if row.comparison is not None]
    is_open = [(row, told) for row, told in found if not told.is_told]
    n = max((told.n_repeats for _, told in is_open), default=FEW_REPEATS)
    if not is_open:
        return ""
    if not block.repeat_key:
        return _no_repeats(block)
    if n >= FEW_REPEATS:
        return ""
    if _is_spent(block.rows):
        return SPENT
    what = "seeds" if block.repeat_key == "n_seeds" else "repeats"
    if all(told.hardly_told or row.stopped.startswith(HOPELESS) for row, told in is_open):
        return f" {FEW_REPEATS} {what} would hardly tell it: it takes more {_rare_rows(block)}."
    return f" More {what} tell more: splits.{block.repeat_key}={FEW_REPEATS}."


def _no_repeats(block: Block) -> str:
    rare = _rare_rows(block)
    return f" This split has no repeats: more {rare}, or a longer test period, would tell more."


def _rare_rows(block: Block) -> str:
    base = block.base
    return base.counts.rare_rows if base is not None and base.counts is not None else "rare rows"


def _is_spent(rows: Sequence[Row]) -> bool:
    return any(row.stopped == BUDGET for row in rows)
