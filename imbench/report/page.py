"""Write the report: an HTML page, and tables as Markdown, LaTeX, CSV and Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from pathlib import Path

from imbench.errors import ConfigError
from imbench.report.board import Leaderboard
from imbench.report.export import to_csv, write_parquet
from imbench.report.latex import to_latex
from imbench.report.markdown import escape_markdown, to_markdown
from imbench.report.payload import Extras, build_payload, to_json
from imbench.report.tables import build_leaderboard
from imbench.report.words import sentence, summary
from imbench.results.fold import CellResult
from imbench.results.metric_options import MetricOptions

# Concatenated to one script in this order, because files use functions of those before them.
SCRIPTS = (
    "base.js",
    "data.js",
    "answer.js",
    "leaderboard.js",
    "figures.js",
    "forest.js",
    "curves.js",
    "overview.js",
    "details.js",
    "about.js",
    "main.js",
)


def write_report(
    cells: Iterable[CellResult],
    options: MetricOptions,
    out_dir: Path,
    extras: Extras | None = None,
    board: Leaderboard | None = None,
) -> Path:
    """Write the report of the given cells and return the path of the page.

    Parameters
    ----------
    cells : iterable of CellResult
    options : MetricOptions
    out_dir : Path
        Created if missing. ``index.html``, ``report.md``, ``tables.tex``, ``results.csv`` and
        ``results.parquet`` in it are overwritten.
    extras : Extras or None
        Commands and problems that the page shows.
    board : Leaderboard or None
        Leaderboard of these cells. None builds it.

    Raises
    ------
    ConfigError
        If the folder cannot be written.
    """
    cells = list(cells)
    extras = extras or Extras()
    board = board or build_leaderboard(cells, options, with_intervals=True)
    payload = build_payload(board, cells, options, extras)
    files = {
        "results.csv": to_csv(board),
        "tables.tex": to_latex(board),
        "report.md": to_report_markdown(board, payload["problems"], extras),
        "index.html": to_html(board, to_json(payload), extras.advice),
    }
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            # A name may contain a lone surrogate, from a file name that is no valid UTF-8.
            (out_dir / name).write_text(content, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(
            f"The report cannot be written to {out_dir} ({error.strerror}): "
            "choose a folder that you may write to."
        ) from error
    write_parquet(board, out_dir / "results.parquet")
    return out_dir / "index.html"


def to_html(board: Leaderboard, data: str, advice: Sequence[str] = ()) -> str:
    """Return a self-contained page with styles, scripts, plotting library and data.

    Parameters
    ----------
    board : Leaderboard
        Its verdicts are readable without JavaScript.
    data : str
        JSON that is safe inside a ``<script>`` element.
    advice : sequence of str
        Sentences below the verdicts.
    """
    from plotly.offline import get_plotlyjs

    assets = resources.files("imbench.report") / "assets"
    parts = {
        "STYLE": (assets / "page.css").read_text(encoding="utf-8"),
        "VERDICTS": "".join(f"<li>{escape(words)}</li>" for words in _answers(board)),
        "ADVICE": "".join(f"<p>{escape(words)}</p>" for words in advice),
        "EMPTY": "" if board.blocks else "<p>There are no results here yet.</p>",
        "DATA": data,
        "SCRIPT": "\n".join((assets / name).read_text(encoding="utf-8") for name in SCRIPTS),
        "PLOTLY": get_plotlyjs(),
    }
    skeleton = (assets / "page.html").read_text(encoding="utf-8")
    # One pass, so that placeholders inside the inserted data are not replaced.
    return re.sub(r"<!--([A-Z]+)-->", lambda found: parts[found[1]], skeleton)


def to_report_markdown(board: Leaderboard, problems: Sequence[str], extras: Extras) -> str:
    """Return the content of ``report.md``: problems, verdicts, advice, what was read, tables."""
    together = summary(board.blocks, board.sort)
    lines = [*([together] if together else []), *_answers(board), *extras.advice]
    verdicts = "\n".join(f"- {escape_markdown(line)}" for line in lines)
    warned = "".join(f"> {escape_markdown(line)}\n" for line in problems)
    told = dict.fromkeys(line for lines in extras.readings.values() for line in lines)
    read = "\n".join(f"- {escape_markdown(line)}" for line in told)
    read = f"## What was read\n\n{read}" if read else ""
    parts = ["# imbench report", warned, verdicts, read, to_markdown(board)]
    return "\n\n".join(filter(None, parts))


def _answers(board: Leaderboard) -> list[str]:
    """Return what is told of each block, in words."""
    return [sentence(block, board.sort) for block in board.blocks]
