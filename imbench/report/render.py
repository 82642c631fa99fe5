"""A leaderboard as terminal table, Markdown, JSON lines and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from imbench.report.tables import BASELINE, Block, Leaderboard, Row

if TYPE_CHECKING:
    from rich.console import RenderableType

MARKS = {"better": "▲ better", "worse": "▼ worse", "cannot be told": "· cannot be told"}
CELL_COLUMNS = ("run_id", "dataset", "model", "label", "status", "reason")
FOLD_COLUMNS = ("repeat", "fold", "n_train", "n_test", "fit_s", "predict_s", "metric", "value")


def header(board: Leaderboard) -> list[str]:
    """Column heads; the arrow says which direction is better."""
    arrows = [f"{c} {'↑' if board.higher_is_better[c] else '↓'}" for c in board.columns]
    return ["strategy", *arrows, f"gain in {board.sort}", "verdict", "fit s"]


def texts(board: Leaderboard, row: Row) -> list[str]:
    """Cells of a row as text, in the order of :func:`header`."""
    if row.status != "ok":
        return [row.title, *[""] * len(board.columns), "", row.status, ""]
    metrics = [spread(row.mean.get(c, math.nan), row.std.get(c, math.nan)) for c in board.columns]
    return [row.title, *metrics, gain(row), verdict(row), number(row.fit_s, 2)]


def spread(mean: float, std: float) -> str:
    """``0.912 ± 0.013``, or a dash where the mean is undefined."""
    if math.isnan(mean):
        return "-"
    return f"{mean:.3f}" if math.isnan(std) else f"{mean:.3f} ± {std:.3f}"


def number(value: float, digits: int) -> str:
    """Format a number, or a dash where it is undefined."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def gain(row: Row) -> str:
    """``+0.041 [+0.010, +0.072]``."""
    if row.comparison is None or math.isnan(row.comparison.test.mean):
        return ""
    test = row.comparison.test
    interval = "" if math.isnan(test.low) else f" [{test.low:+.3f}, {test.high:+.3f}]"
    return f"{test.mean:+.3f}{interval}"


def verdict(row: Row) -> str:
    """Mark and words; the baseline says what it is."""
    if row.comparison is None:
        return "baseline" if row.label == BASELINE else ""
    note = f" ({row.comparison.note})" if row.comparison.note else ""
    return MARKS[row.comparison.verdict] + note


def reasons(block: Block) -> list[str]:
    """One line for each row that has something to explain."""
    return [f"{row.title}: {row.status}, {row.reason}" for row in block.rows if row.reason]


def to_rich(board: Leaderboard) -> RenderableType:
    """Tables for the terminal. Names are shown as they are, never read as markup."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    styles = {"better": "green", "worse": "red", "skipped": "yellow", "failed": "bold red"}
    parts: list[RenderableType] = []
    for block in board.blocks:
        table = Table(title=Text(block.title, "bold"), caption=Text(block.caption, "dim"))
        table.title_justify = table.caption_justify = "left"
        heads = header(board)
        for head in heads:
            words = head in ("strategy", "verdict")
            table.add_column(Text(head), justify="left" if words else "right")
        for row in block.rows:
            cells = [Text(text) for text in texts(board, row)]
            told = row.comparison.verdict if row.comparison else row.status
            cells[heads.index("verdict")].stylize(styles.get(told, ""))
            table.add_row(*cells)
        parts.append(table)
        parts += [Text(f"  {line}", "yellow") for line in reasons(block)]
    return Group(*parts)


def to_markdown(board: Leaderboard) -> str:
    """Tables for ``report.md``."""
    parts = []
    for block in board.blocks:
        heads = [escape_markdown(head) for head in header(board)]
        lines = [heads, ["---"] + ["---:"] * (len(board.columns) + 1) + ["---", "---:"]]
        lines += [[escape_markdown(text) for text in texts(board, row)] for row in block.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        notes = "\n".join(f"- {escape_markdown(line)}" for line in reasons(block))
        parts.append(
            f"## {escape_markdown(block.title)}\n\n{table}\n\n{block.caption}\n\n{notes}".strip()
        )
    return "\n\n".join(parts) + "\n"


def to_json_lines(board: Leaderboard) -> Iterator[str]:
    """One JSON object a cell, for programs; undefined values are null."""
    for row in board.rows:
        content = {
            "run_id": row.run_id,
            "dataset": row.dataset,
            "model": row.model,
            "label": row.label,
            "status": row.status,
            "reason": row.reason,
            "metrics": _finite(row.mean),
            "std": _finite(row.std),
            "n_folds": len(row.folds),
            "fit_s": None if math.isnan(row.fit_s) else row.fit_s,
        }
        if row.comparison is not None:
            test = row.comparison.test
            numbers = {"mean": test.mean, "low": test.low, "high": test.high, "p": test.p_value}
            content["gain"] = {
                "metric": board.sort,
                **_finite(numbers | {"p_holm": row.comparison.p_holm}),
                "verdict": row.comparison.verdict,
            }
        yield json.dumps(content, ensure_ascii=False, allow_nan=False)


def to_csv(board: Leaderboard) -> str:
    """One line for each cell, fold and metric, so that data sets with other classes line up.

    A cell without a finished fold has one line with an empty metric. Undefined values are
    empty.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*CELL_COLUMNS, *FOLD_COLUMNS])
    for row in board.rows:
        cell = [row.run_id, row.dataset, row.model, row.title, row.status, row.reason]
        if not row.folds:
            writer.writerow([*cell, *[""] * len(FOLD_COLUMNS)])
        for fold in row.folds:
            facts = [fold.repeat, fold.fold, fold.n_train, fold.n_test, fold.fit_s, fold.predict_s]
            for name, value in fold.metrics.items():
                writer.writerow([*cell, *facts, name, "" if math.isnan(value) else repr(value)])
    return buffer.getvalue()


def escape_markdown(text: str) -> str:
    """Keep a name from becoming markup: table bars, tags and emphasis."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    text = re.sub(r"([\\|*`\[\]])", r"\\\1", text)
    # An underscore inside a word, as in f1_macro, is no emphasis.
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)


def _finite(values: Mapping[str, float]) -> dict[str, Any]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
