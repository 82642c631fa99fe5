"""A leaderboard as terminal table, Markdown, JSON lines and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from imbench.report.crossing import crossing_sentence
from imbench.report.ranking import Ranking
from imbench.report.statistics.bayes import Posterior
from imbench.report.tables import BASELINE, NEAR_BEST, Block, Leaderboard, Row

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

STYLES = {"better": "green", "worse": "red", "skipped": "yellow", "failed": "bold red"}
MARK_WORDS = "▲ better, ▼ worse, · cannot be told:"
MARKS = {"better": "▲ better", "worse": "▼ worse", "cannot be told": "· cannot be told"}
CELL_COLUMNS = ("run_id", "dataset", "model", "label", "status", "reason")
FOLD_COLUMNS = ("repeat", "fold", "n_train", "n_test", "fit_s", "predict_s", "metric", "value")


def header(board: Leaderboard) -> list[str]:
    """Column heads; the arrow says which direction is better."""
    arrows = [f"{c} {'↑' if board.higher_is_better[c] else '↓'}" for c in board.columns]
    return ["strategy", "verdict", f"gain in {board.sort}", *arrows, "fit s"]


def texts(board: Leaderboard, row: Row) -> list[str]:
    """Cells of a row as text, in the order of :func:`header`."""
    if row.status != "ok":
        return [row.title, row.status, *[""] * (len(board.columns) + 2)]
    metrics = {
        c: spread(row.mean.get(c, math.nan), row.std.get(c, math.nan)) for c in board.columns
    }
    if row.among_best:
        metrics[board.sort] += f" {NEAR_BEST}"
    return [row.title, verdict(row), gain(row), *metrics.values(), number(row.fit_s, 2)]


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
    """One line for each thing that is to be explained, with the rows that it holds for."""
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


RANKING_HEADS = (
    "strategy", "average rank", "win / tie / loss", "mean gain", "p (Holm)",
    "P(worse / equal / better)", "imputed",
)  # fmt: skip


def ranking_texts(ranking: Ranking) -> list[list[str]]:
    """Cells of a ranking as text, one list a strategy, in the order of ``RANKING_HEADS``."""
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
    """Sentences below a ranking: the tests, the rule of imputation, what was left out."""
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
    """``0.032``, or ``< 0.001``."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def posterior_text(posterior: Posterior) -> str:
    """``0.02 / 0.17 / 0.81``: worse, practically equal, better."""
    return f"{posterior.worse:.2f} / {posterior.equal:.2f} / {posterior.better:.2f}"


class TerminalTables:
    """Tables for the terminal, as wide as it is.

    Names are shown as they are, never read as markup. Metrics that do not fit are left out, the
    last ones first and never the one that is sorted by, and a line says so.
    """

    def __init__(self, board: Leaderboard) -> None:
        self.board = board

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """Yield the tables; rich calls this with the width at hand."""
        yield from _tables(self.board, options.max_width)


def to_rich(board: Leaderboard) -> TerminalTables:
    """Tables that a rich console prints."""
    return TerminalTables(board)


def _tables(board: Leaderboard, width: int) -> Iterator[RenderableType]:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    layout: dict[str, Any] = {
        "title_justify": "left",
        "caption_justify": "left",
        "box": box.SIMPLE_HEAD,
        "pad_edge": False,
        "collapse_padding": True,
    }
    for block in board.blocks:
        columns = _terminal_columns(board, block)
        dropped = _drop_to_fit(columns, board.sort, width)
        table = Table(
            title=Text(block.title, "bold"),
            caption=Text(block.caption.replace("better / worse:", MARK_WORDS), "dim"),
            **layout,
        )
        for head in columns:
            table.add_column(Text(head), justify="left" if head == "strategy" else "right")
        for place, row in enumerate(block.rows):
            cells = [Text(column[place]) for column in columns.values()]
            told = row.comparison.verdict if row.comparison else row.status
            cells[-2].stylize(STYLES.get(told, ""))
            table.add_row(*cells)
        yield table
        if dropped:
            yield Text(f"  Not shown, the terminal is narrow: {', '.join(dropped)}", "dim")
        yield from (Text(f"  {line}", "yellow") for line in reasons(block))
    for ranking in board.rankings:
        table = Table(title=Text(_ranking_title(ranking), "bold"), **layout)
        for head in RANKING_HEADS:
            table.add_column(Text(head), justify="left" if head == "strategy" else "right")
        for line in ranking_texts(ranking):
            table.add_row(*map(Text, line))
        yield table
        yield from (Text(f"  {line}", "dim") for line in ranking_notes(ranking))


def _ranking_title(ranking: Ranking) -> str:
    return f"{len(ranking.datasets)} data sets · {ranking.title}"


def _terminal_columns(board: Leaderboard, block: Block) -> dict[str, list[str]]:
    """Head and cells of every column; the verdict is a mark before the gain."""
    table = [texts(board, row) for row in block.rows]
    first, verdict_head, gain_head, *metrics, fit_head = header(board)
    heads = [first, verdict_head, gain_head, *map(_broken, metrics), fit_head]
    columns = {head: [line[i] for line in table] for i, head in enumerate(heads)}
    verdicts, fit_s = columns.pop(verdict_head), columns.pop(fit_head)
    gains = columns.pop(gain_head)
    marked = [
        f"{MARKS[row.comparison.verdict][0]} {gained}" if row.comparison else told
        for row, gained, told in zip(block.rows, gains, verdicts, strict=True)
    ]
    return {**columns, gain_head: marked, fit_head: fit_s}


def _broken(head: str) -> str:
    """Break a long metric name after an underscore, so that its column stays narrow."""
    cut = head.find("_", len(head) // 2 - 3) + 1
    return f"{head[:cut]}\n{head[cut:]}" if len(head) > 15 and cut > 0 else head


def _drop_to_fit(columns: dict[str, list[str]], sort: str, width: int) -> list[str]:
    """Remove metric columns until the table fits; return the names of those removed."""
    wide = {
        head: 2 + max(len(line) for line in [*head.split("\n"), *cells])
        for head, cells in columns.items()
    }
    dropped: list[str] = []
    for head in reversed(list(columns)[1:-2]):
        name = head.replace("\n", "").rpartition(" ")[0]
        if sum(wide[h] for h in columns) > width and name != sort:
            del columns[head]
            dropped.insert(0, name)
    return dropped


def to_markdown(board: Leaderboard) -> str:
    """Tables for ``report.md``."""
    parts = []
    for block in board.blocks:
        heads = [escape_markdown(head) for head in header(board)]
        lines = [heads, ["---", "---", *["---:"] * (len(board.columns) + 2)]]
        lines += [[escape_markdown(text) for text in texts(board, row)] for row in block.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        notes = "\n".join(f"- {escape_markdown(line)}" for line in reasons(block))
        parts.append(
            f"## {escape_markdown(block.title)}\n\n{table}\n\n{block.caption}\n\n{notes}".strip()
        )
    parts += [_markdown_ranking(ranking) for ranking in board.rankings]
    return "\n\n".join(parts) + "\n"


def _markdown_ranking(ranking: Ranking) -> str:
    lines = [list(RANKING_HEADS), ["---", *["---:"] * (len(RANKING_HEADS) - 1)]]
    lines += [[escape_markdown(text) for text in texts] for texts in ranking_texts(ranking)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = "\n".join(f"- {escape_markdown(line)}" for line in ranking_notes(ranking))
    return f"## {escape_markdown(_ranking_title(ranking))}\n\n{table}\n\n{notes}".strip()


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
            "notes": dict(row.notes),
            "among_best": row.among_best,
            "same_as": row.same_as,
            "undefined": dict(row.undefined),
            "intervals": {name: _finite(asdict(i)) for name, i in row.intervals.items()},
            "recall": {name: _finite(asdict(r)) for name, r in row.recalls.items()},
        }
        if row.comparison is not None:
            test = row.comparison.test
            numbers = {"mean": test.mean, "low": test.low, "high": test.high, "p": test.p_value}
            content["gain"] = {
                "metric": board.sort,
                **_finite(numbers | {"p_holm": row.comparison.p_holm}),
                "verdict": row.comparison.verdict,
                "note": row.comparison.note,
                "rope": None
                if row.comparison.posterior is None
                else asdict(row.comparison.posterior),
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
