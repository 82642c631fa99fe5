r"""Render a leaderboard as LaTeX tables, which need ``\usepackage{booktabs}``."""

from __future__ import annotations

from collections.abc import Sequence

from imbench.report.board import NEAR_BEST, Block, Leaderboard
from imbench.report.questions import QUESTIONS
from imbench.report.ranking import Ranking
from imbench.report.texts import (
    LEGEND,
    MARKS,
    RANKING_HEADS,
    columns,
    gain_head,
    metric_head,
    number,
    ranking_notes,
    ranking_texts,
    reasons,
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
        "²": r"$^2$",
        "·": r"$\cdot$",
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        "▲": r"$\uparrow$",
        "△": r"$\nearrow$",
        "▽": r"$\searrow$",
        "▼": r"$\downarrow$",
        "⇅": r"$\updownarrow$",
        "…": r"\ldots{}",
        '"': r"\textquotedbl{}",
    }
)


def to_latex(board: Leaderboard) -> str:
    """Return one ``table`` per block and ranking.

    It has the verdicts as marks, the gains with their intervals, and the metrics of
    ``metrics.columns``. The metric sorted by, or the strategy where that is not a column, is bold
    for the group of the best.
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
    metrics = board.chosen or board.columns
    table = columns(board, block)
    table |= {
        head: list(map(_mark, table[head])) for head in ("verdict", *QUESTIONS) if head in table
    }
    heads = ["strategy", "verdict", gain_head(board), *QUESTIONS]
    heads += [metric_head(board, name) for name in metrics]
    kept = [head for head in heads if head in table]
    bold = metric_head(board, board.sort) if board.sort in metrics else "strategy"
    lines = [
        [
            _cell(table[head][i], is_bold=head == bold and row.among_best and row.status == "ok")
            for head in kept
        ]
        for i, row in enumerate(block.rows)
    ]
    caption = block.caption.replace(f"{NEAR_BEST} the group", "bold: the group")
    caption = caption.replace("; fit s is per fold", "")
    notes = "".join(f" {line.removesuffix('.')}." for line in reasons(block))
    legend = f" {LEGEND}" if block.baseline else ""
    left = "ll" if "verdict" in kept else "l"
    return _table(kept, lines, f"{block.title}. {caption}{legend}{notes}", left)


def _mark(verdict: str) -> str:
    """Return the mark of a verdict; words without one stay."""
    return verdict[:1] if any(verdict.startswith(mark) for mark in MARKS.values()) else verdict


def _cell(text: str, is_bold: bool) -> str:
    """Return the text of a cell as LaTeX; of a mean and its spread the mean is bold."""
    text = text.removesuffix(f" {NEAR_BEST}")
    if not is_bold:
        return escape_latex(text)
    mean, plus_minus, spread = text.partition(" ± ")
    rest = f" {escape_latex(plus_minus + spread)}" if spread else ""
    return rf"\textbf{{{escape_latex(mean)}}}{rest}"


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
