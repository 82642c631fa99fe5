"""The report on disk: ``index.html``, ``report.md`` and ``results.csv``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from pathlib import Path

from imbench.errors import ConfigError
from imbench.metrics import MetricOptions
from imbench.report.render import escape_markdown, header, reasons, texts, to_csv, to_markdown
from imbench.report.tables import BASELINE, Block, Leaderboard, Row, build_leaderboard
from imbench.results import CellResult

STYLE = """
:root { color-scheme: light dark; --line: #d0d4da; --soft: #5b6472; --good: #0a6b2d;
  --bad: #a81c1c; --paper: #fff; --ink: #16191d; --band: #f4f6f8; }
@media (prefers-color-scheme: dark) { :root { --line: #3a414b; --soft: #a3adba; --good: #62d28a;
  --bad: #ff8d85; --paper: #14171b; --ink: #e8eaed; --band: #1d2126; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 75rem;
  background: var(--paper); color: var(--ink); }
h2 { margin: 2.5rem 0 .5rem; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th { text-align: right; vertical-align: bottom; }
th:first-child { text-align: left; position: sticky; left: 0;
  background: var(--paper); min-width: min(13rem, 35vw); max-width: 16rem;
  overflow-wrap: anywhere; white-space: normal; }
th:nth-child(2), td:nth-child(2) { text-align: left; }
tbody tr:hover td, tbody tr:hover th { background: var(--band); }
.note { color: var(--soft); font-size: .9rem; }
.better { color: var(--good); font-weight: 600; } .worse, .failed { color: var(--bad); }
"""


def write_report(cells: Iterable[CellResult], options: MetricOptions, out_dir: Path) -> Path:
    """Write the report of the given cells and return the path of its page.

    Parameters
    ----------
    cells : iterable of CellResult
    options : MetricOptions
    out_dir : Path
        Created if absent; the three files are overwritten.

    Raises
    ------
    ConfigError
        If the folder cannot be written.
    """
    board = build_leaderboard(cells, options)
    files = {
        "results.csv": to_csv(board),
        "report.md": f"# imbench report\n\n{_markdown_verdicts(board)}\n\n{to_markdown(board)}",
        "index.html": to_html(board),
    }
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            # A lone surrogate in a name (a file name that is not UTF-8) must not end the report.
            (out_dir / name).write_text(content, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(
            f"The report cannot be written to {out_dir} ({error.strerror}): "
            "choose a folder that you may write to."
        ) from error
    return out_dir / "index.html"


def sentence(block: Block, sort: str) -> str:
    """Say in words what the table of a block says about doing nothing."""
    place = f"On {block.dataset} with {block.model}"
    done = [row for row in block.rows if row.status == "ok"]
    if not done:
        return f"{place}, no strategy finished."
    judged = [row for row in done if row.comparison is not None]
    if not judged:
        missing = not any(row.label == BASELINE for row in done)
        hint = f": run strategy={BASELINE} to learn whether it helps" if missing else ""
        return f"{place}, {done[0].title} has the best {sort}{hint}."
    better = [row for row in judged if row.comparison and row.comparison.verdict == "better"]
    worse = [row for row in judged if row.comparison and row.comparison.verdict == "worse"]
    open_ = [row for row in judged if row not in better and row not in worse]
    parts = [_gain_words(row) for row in better]
    if parts:
        words = f"{place}, " + "; ".join(parts) + f" in {sort} over doing nothing"
    else:
        words = f"{place}, no strategy can be shown to beat doing nothing in {sort}"
    if worse:
        words += f"; worse: {', '.join(row.title for row in worse)}"
    if open_:
        words += f"; cannot be told from doing nothing: {', '.join(row.title for row in open_)}"
    return f"{words}."


def to_html(board: Leaderboard) -> str:
    """One self-contained page: no script, no network, light and dark."""
    verdicts = "".join(f"<li>{escape(sentence(b, board.sort))}</li>" for b in board.blocks)
    blocks = "".join(_html_block(board, block) for block in board.blocks)
    empty = "" if board.blocks else "<p>There are no results here yet.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>imbench report</title><style>{STYLE}</style></head><body><main>"
        f"<h1>Which strategy helps?</h1>{empty}<ul>{verdicts}</ul>{blocks}</main></body></html>\n"
    )


def _html_block(board: Leaderboard, block: Block) -> str:
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in header(board))
    rows = "".join(_html_row(board, row) for row in block.rows)
    notes = "".join(f"<li>{escape(line)}</li>" for line in reasons(block))
    return (
        f'<section><h2>{escape(block.title)}</h2><div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(block.title)}"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="note">{escape(block.caption)}</p>'
        + (f'<ul class="note">{notes}</ul>' if notes else "")
        + "</section>"
    )


def _html_row(board: Leaderboard, row: Row) -> str:
    first, *rest = texts(board, row)
    kind = row.comparison.verdict if row.comparison else row.status
    css = kind if kind in ("better", "worse", "failed") else ""
    verdict, *numbers = (escape(text) for text in rest)
    cells = "".join(f"<td>{text}</td>" for text in numbers)
    return f'<tr><th scope="row">{escape(first)}</th><td class="{css}">{verdict}</td>{cells}</tr>'


def _gain_words(row: Row) -> str:
    assert row.comparison is not None
    test = row.comparison.test
    if math.isnan(test.low):
        return f"{row.title} gains {test.mean:.3f}"
    return f"{row.title} gains {test.mean:.3f} (95 % interval {test.low:.3f} to {test.high:.3f})"


def _markdown_verdicts(board: Leaderboard) -> str:
    return "\n".join(f"- {escape_markdown(sentence(b, board.sort))}" for b in board.blocks)
