r"""Render a leaderboard as LaTeX tables, which need ``\usepackage{booktabs}``."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imbench.report.board import NEAR_BEST, Block, Leaderboard, Row
from imbench.report.ranking import Ranking
from imbench.report.texts import (
    RANKING_HEADS,
    gain,
    number,
    ranking_notes,
    ranking_texts,
    reasons,
    verdict,
)

ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "±": r"$\pm$",
        "·": r"$\cdot$",
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        "▲": r"$\uparrow$",
        "▼": r"$\downarrow$",
        '"': r"\textquotedbl{}",
    }
)


def to_latex(board: Leaderboard) -> str:
    """Return one ``table`` per block and ranking.

    The metric sorted by is bold for the best strategy and those that cannot be told from it.
    """
    parts = [_block_table(board, block) for block in board.blocks]
    parts += [_ranking_table(ranking) for ranking in board.rankings]
    return "\n\n".join(parts) + ("\n" if parts else "")


def escape_latex(text: str) -> str:
    r"""Escape the special characters of LaTeX. Line breaks become spaces.

    Examples
    --------
    >>> print(escape_latex("f1_macro & 5 %"))
    f1\_macro \& 5 \%
    """
    return " ".join(text.split()).translate(ESCAPES)


def _block_table(board: Leaderboard, block: Block) -> str:
    arrows = [f"{c} {'↑' if board.higher_is_better[c] else '↓'}" for c in board.columns]
    heads = ["strategy", "verdict", f"gain in {board.sort}", *arrows, "fit s"]
    lines = [_cells(board, row) for row in block.rows]
    caption = block.caption.replace(f"{NEAR_BEST} the best", "bold: the best")
    caption = caption.replace(f"({NEAR_BEST}:", "(bold:")
    notes = "".join(f" {line}." for line in reasons(block))
    return _table(heads, lines, f"{block.title}. {caption}{notes}", "ll")


def _cells(board: Leaderboard, row: Row) -> list[str]:
    """Return the cells of a row as LaTeX."""
    if row.status != "ok":
        empty = [""] * (len(board.columns) + 2)
        return [escape_latex(row.title), escape_latex(row.status), *empty]
    values = []
    for name in board.columns:
        mean, std = row.mean.get(name, math.nan), row.std.get(name, math.nan)
        text = number(mean, 3)
        if name == board.sort and row.among_best:
            text = rf"\textbf{{{text}}}"
        values.append(text if math.isnan(mean) or math.isnan(std) else rf"{text} $\pm$ {std:.3f}")
    told = [escape_latex(text) for text in (row.title, verdict(row), gain(row))]
    return [*told, *values, number(row.fit_s, 2)]


def _ranking_table(ranking: Ranking) -> str:
    lines = []
    for standing, texts in zip(ranking.standings, ranking_texts(ranking), strict=True):
        cells = [escape_latex(text) for text in texts]
        if standing.among_best:
            cells[1] = rf"\textbf{{{number(standing.average_rank, 2)}}}"
        lines.append(cells)
    notes = " ".join(ranking_notes(ranking)).replace(f"{NEAR_BEST}: within", "Bold: within")
    return _table(RANKING_HEADS, lines, f"{ranking.title}. {notes}", "l")


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]], caption: str, left: str) -> str:
    """Return a table. Cells are LaTeX already, heads and caption are escaped."""
    rows = "\n".join(f"    {' & '.join(line)} \\\\" for line in lines)
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{escape_latex(caption)}}}",
            rf"  \begin{{tabular}}{{{left}{'r' * (len(heads) - len(left))}}}",
            r"    \toprule",
            f"    {' & '.join(map(escape_latex, heads))} \\\\",
            r"    \midrule",
            rows,
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
        ]
    )
