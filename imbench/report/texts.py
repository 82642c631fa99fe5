"""Cells and sentences of tables as text, shared by the terminal, Markdown, LaTeX and the page."""

from __future__ import annotations

import math
from collections.abc import Iterator

from imbench.report.board import BASELINE, NEAR_BEST, Block, Leaderboard, Row
from imbench.report.crossing import crossing_sentence
from imbench.report.ranking import Ranking
from imbench.report.statistics.bayes import Posterior

MARKS = {"better": "▲ better", "worse": "▼ worse", "cannot be told": "· cannot be told"}
RANKING_HEADS = (
    "strategy", "average rank", "win / tie / loss", "mean gain", "p (Holm)",
    "P(worse / equal / better)", "imputed",
)  # fmt: skip


def header(board: Leaderboard) -> list[str]:
    """Return the column heads. An arrow shows which direction of a metric is better."""
    arrows = [f"{c} {'↑' if board.higher_is_better[c] else '↓'}" for c in board.columns]
    return ["strategy", "verdict", f"gain in {board.sort}", *arrows, "fit s"]


def texts(board: Leaderboard, row: Row) -> list[str]:
    """Return the cells of a row, in the order of :func:`header`."""
    if row.status != "ok":
        return [row.title, row.status, *[""] * (len(board.columns) + 2)]
    metrics = {
        c: spread(row.mean.get(c, math.nan), row.std.get(c, math.nan)) for c in board.columns
    }
    if row.among_best:
        metrics[board.sort] += f" {NEAR_BEST}"
    return [row.title, verdict(row), gain(row), *metrics.values(), number(row.fit_s, 2)]


def spread(mean: float, std: float) -> str:
    """Format mean and standard deviation, or a dash if the mean is undefined.

    Examples
    --------
    >>> spread(0.9123, 0.0131), spread(0.9123, math.nan), spread(math.nan, math.nan)
    ('0.912 ± 0.013', '0.912', '-')
    """
    if math.isnan(mean):
        return "-"
    return f"{mean:.3f}" if math.isnan(std) else f"{mean:.3f} ± {std:.3f}"


def number(value: float, digits: int) -> str:
    """Format a number, or a dash if it is undefined."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def gain(row: Row) -> str:
    """Format the gain over the baseline with its interval: ``+0.041 [+0.010, +0.072]``."""
    if row.comparison is None or math.isnan(row.comparison.test.mean):
        return ""
    test = row.comparison.test
    interval = "" if math.isnan(test.low) else f" [{test.low:+.3f}, {test.high:+.3f}]"
    return f"{test.mean:+.3f}{interval}"


def verdict(row: Row) -> str:
    """Return the verdict of a row with its mark and note, ``baseline`` for the baseline."""
    if row.comparison is None:
        return "baseline" if row.label == BASELINE else ""
    note = f" ({row.comparison.note})" if row.comparison.note else ""
    return MARKS[row.comparison.verdict] + note


def reasons(block: Block) -> list[str]:
    """Return the footnotes of a block, one line per footnote with the rows it applies to."""
    titles: dict[str, list[str]] = {}
    for row in block.rows:
        for line in _explanations(row):
            titles.setdefault(line, []).append(row.title)
    lines = [f"{', '.join(names)}: {reason}" for reason, names in titles.items()]
    return [*lines, *map(crossing_sentence, block.crossings)]


def _explanations(row: Row) -> Iterator[str]:
    if row.reason:
        yield f"{row.status}, {row.reason}"
    if row.same_as:
        yield f"same predictions as {row.same_as}"
    for metric, n in row.undefined.items():
        yield f"{metric} is undefined on {n} of {len(row.folds)} folds, which its mean leaves out"
    for note, n_folds in row.notes.items():
        where = f" ({n_folds} of {len(row.folds)} folds)" if row.folds else ""
        yield f"{note.removesuffix('.')}{where}."


def ranking_title(ranking: Ranking) -> str:
    """Return the title of a ranking with its number of data sets."""
    return f"{len(ranking.datasets)} data sets · {ranking.title}"


def ranking_texts(ranking: Ranking) -> list[list[str]]:
    """Return the cells of a ranking, one list per strategy, in the order of ``RANKING_HEADS``."""
    return [
        [
            s.title,
            number(s.average_rank, 2) + (f" {NEAR_BEST}" if s.among_best else ""),
            f"{s.win} / {s.tie} / {s.loss}",
            "" if math.isnan(s.mean_gain) else f"{s.mean_gain:+.3f}",
            "" if math.isnan(s.p_holm) else p_text(s.p_holm),
            "" if s.posterior is None else posterior_text(s.posterior),
            str(s.n_imputed or ""),
        ]
        for s in ranking.standings
    ]


def ranking_notes(ranking: Ranking) -> list[str]:
    """Return the sentences below a ranking: its tests, imputed scores, strategies left out."""
    lines = [ranking.reason] if ranking.reason else []
    if ranking.friedman is not None:
        lines.append(
            f"Average rank of {ranking.metric} over {len(ranking.datasets)} data sets. Friedman: "
            f"chi-square {ranking.friedman.statistic:.2f}, p {p_text(ranking.friedman.p_value)}; "
            f"Iman-Davenport F {ranking.friedman.f_statistic:.2f}, "
            f"p {p_text(ranking.friedman.f_p_value)}. {NEAR_BEST}: within Nemenyi's critical "
            f"difference of {ranking.critical_difference:.2f} of the best rank. Win, tie and loss "
            f"are the verdicts against {BASELINE}; p: Wilcoxon against {BASELINE}; P: Bayesian "
            "signed-rank test."
        )
    n = ranking.n_imputed
    lines.append(f"{n} score{'s' if n != 1 else ''} imputed. {ranking.rule}" if n else "")
    if ranking.left_out:
        lines.append(f"Left out, not run on every data set: {', '.join(ranking.left_out)}.")
    return [line for line in lines if line]


def p_text(p: float) -> str:
    """Format a p-value.

    Examples
    --------
    >>> p_text(0.0324), p_text(1e-7)
    ('0.032', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def posterior_text(posterior: Posterior) -> str:
    """Format the probabilities of worse, practically equal and better.

    Examples
    --------
    >>> posterior_text(Posterior(worse=0.02, equal=0.17, better=0.81))
    '0.02 / 0.17 / 0.81'
    """
    return f"{posterior.worse:.2f} / {posterior.equal:.2f} / {posterior.better:.2f}"
