"""Cells and sentences of tables as text, shared by the terminal, Markdown, LaTeX and the page."""

from __future__ import annotations

import math
from collections.abc import Iterator

from imbench.report.board import BASELINE, NEAR_BEST, Block, Counts, Leaderboard, Row
from imbench.report.captions import repeats_line
from imbench.report.crossing import crossing_sentence
from imbench.report.questions import QUESTIONS, question_verdicts
from imbench.report.ranking import Ranking, Standing
from imbench.report.statistics.bayes import Posterior
from imbench.report.statistics.random_effects import MIN_DATASETS
from imbench.report.statistics.verdict import Comparison

MARKS = {
    "better": "▲ better",
    "probably better": "△ probably better",
    "equal": "= equal",
    "open": "· open",
    "probably worse": "▽ probably worse",
    "worse": "▼ worse",
    "mixed": "⇅ mixed",
}
LEGEND = f"{', '.join(MARKS.values())}."
MAX_BEYOND = 8  # strategies whose gains beyond the best trivial remedy are listed
RANKING_HEADS = (
    "strategy", "average rank", "win / tie / loss", "mean gain", "next data set", "I² / tau / p",
    "p (Holm)", "P(worse / equal / better)", "imputed",
)  # fmt: skip


def columns(board: Leaderboard, block: Block) -> dict[str, list[str]]:
    """Return the head and the cells of each column of a block, without columns that say nothing.

    An arrow shows which direction of a metric is better.
    """
    table: dict[str, list[str]] = {
        "strategy": [row.title for row in block.rows],
        "verdict": [verdict(row, block) for row in block.rows],
        gain_head(board): [gain(row) for row in block.rows],
    }
    asked = [question_verdicts(row.profile) for row in block.rows]
    for question in QUESTIONS:
        table[question] = [MARKS[told[question]] if question in told else "" for told in asked]
    table["found"] = [_share(row.counts, "found") for row in block.rows]
    table["false alarms"] = [_share(row.counts, "alarms") for row in block.rows]
    for name in board.columns:
        table[metric_head(board, name)] = [_metric(board, row, name) for row in block.rows]
    table["fit s"] = [number(row.fit_s, 2) if row.status == "ok" else "" for row in block.rows]
    kept = {"strategy"}
    if block.finished:
        kept |= {"fit s", *(metric_head(board, name) for name in board.columns)}
    return {head: cells for head, cells in table.items() if head in kept or any(cells)}


def gain_head(board: Leaderboard) -> str:
    """Return the head of the column of gains."""
    return f"gain in {board.sort}"


def metric_head(board: Leaderboard, name: str) -> str:
    """Return the head of the column of a metric."""
    return f"{name} {'↑' if board.higher_is_better[name] else '↓'}"


def _metric(board: Leaderboard, row: Row, name: str) -> str:
    if row.status != "ok":
        return ""
    text = spread(row.mean.get(name, math.nan), row.std.get(name, math.nan))
    return f"{text} {NEAR_BEST}" if name == board.sort and row.among_best else text


def _share(counts: Counts | None, name: str) -> str:
    """Format rows that were found, or false alarms, with the number of rows: ``37/50``."""
    if counts is None:
        return ""
    n, of = (counts.found, counts.n_rare) if name == "found" else (counts.alarms, counts.n_others)
    return f"{n:.0f}/{of:.0f}"


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
    if row.comparison is None or math.isnan(row.comparison.gain):
        return ""
    return interval(row.comparison)


def interval(told: Comparison) -> str:
    """Format a gain with its interval, if it has one.

    Examples
    --------
    >>> interval(Comparison(gain=0.041, low=0.01, high=0.072)), interval(Comparison(gain=0.041))
    ('+0.041 [+0.010, +0.072]', '+0.041')
    """
    limits = "" if math.isnan(told.low) else f" [{told.low:+.3f}, {told.high:+.3f}]"
    return f"{told.gain:+.3f}{limits}"


def verdict(row: Row, block: Block) -> str:
    """Return the verdict of a row with its mark, ``baseline`` for the baseline."""
    if row.comparison is None:
        is_base = block.baseline and row.title == block.baseline
        return "baseline" if is_base else "not complete" if row.is_partial else row_status(row)
    return MARKS[row.comparison.verdict]


def row_status(row: Row) -> str:
    """Return ``skipped`` or ``failed``, nothing for a row that is neither."""
    return "" if row.status == "ok" else row.status


def reasons(block: Block) -> list[str]:
    """Return the footnotes of a block, one line per footnote with the rows it applies to."""
    titles: dict[str, list[str]] = {}
    for row in block.rows:
        for line in _explanations(row):
            titles.setdefault(line, []).append(row.title)
    lines = [f"{', '.join(names)}: {reason}" for reason, names in titles.items()]
    more = [repeats_line(block.rows), beyond_trivial(block)]
    return [*filter(None, more), *lines, *map(crossing_sentence, block.crossings)]


def beyond_trivial(block: Block) -> str:
    """Say what each strategy gains beyond the best trivial remedy, if that is not the baseline."""
    told = [(row.title, row.trivial) for row in block.rows if row.trivial is not None]
    told = [(title, c) for title, c in told if title != block.baseline and not math.isnan(c.gain)]
    if not told or block.asked != BASELINE or block.trivial == block.baseline:
        return ""
    order = sorted(told, key=lambda item: -item[1].gain)
    shown = [f"{title} {interval(c)} {c.verdict}" for title, c in order[:MAX_BEYOND]]
    left = len(order) - len(shown)
    more = f"; {left} more gain less" if left else ""
    return f"Beyond {block.trivial}, the best trivial remedy: {'; '.join(shown)}{more}."


def _explanations(row: Row) -> Iterator[str]:
    if row.reason:
        yield f"{row.status}, {row.reason}"
    if row.same_as:
        yield f"same predictions as {row.same_as}"
    elif row.comparison is not None and row.comparison.note and row.comparison.n_folds != 1:
        yield row.comparison.note
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
            *_effect_texts(s),
            "" if math.isnan(s.p_holm) else p_text(s.p_holm),
            "" if s.posterior is None else posterior_text(s.posterior),
            str(s.n_imputed or ""),
        ]
        for s in ranking.standings
    ]


def _effect_texts(standing: Standing) -> list[str]:
    """Return the mean gain, the gain to expect on a further data set, and the heterogeneity."""
    effect = standing.effect
    if effect is None:
        return ["" if math.isnan(standing.mean_gain) else f"{standing.mean_gain:+.3f}", "", ""]
    return [
        f"{effect.mean:+.3f} [{effect.low:+.3f}, {effect.high:+.3f}]",
        f"{effect.next_low:+.3f} to {effect.next_high:+.3f}",
        f"{100 * effect.i2:.0f} % / {effect.tau:.3f} / {p_text(effect.p_homogeneous)}",
    ]


def _effect_notes(ranking: Ranking) -> Iterator[str]:
    """Say how the mean gains were computed, and where there are only plain means."""
    effects = [s.effect for s in ranking.standings if s.effect is not None]
    plain = [s.title for s in ranking.standings if s.effect is None and s.mean_gain == s.mean_gain]
    if effects:
        yield (
            f"Mean gain in {ranking.metric} over {ranking.baseline} with its 95 % interval: a "
            "random-effects model (Paule-Mandel, Hartung-Knapp), which weighs data sets by their "
            "standard errors; one that changed nothing weighs as much as the surest other, and one "
            "where the strategy was skipped or failed is left out. Next data set: 95 % prediction "
            "interval of the true gain on a further data set like these. I²: share of the variance "
            "of gains that is between data sets; tau: its standard deviation; p: that it is 0 "
            "(Cochran's Q)."
        )
    if plain:
        yield (
            f"Plain mean gain without an interval, which takes gains with an error on "
            f"{MIN_DATASETS} data sets: {', '.join(plain)}."
        )


def ranking_notes(ranking: Ranking) -> list[str]:
    """Return the sentences below a ranking: its tests, imputed scores, strategies left out."""
    lines = [ranking.reason] if ranking.reason else []
    if ranking.friedman is not None:
        lines.append(
            f"Average rank of {ranking.metric} over {len(ranking.datasets)} data sets. Friedman: "
            f"chi-square {ranking.friedman.statistic:.2f}, p {p_text(ranking.friedman.p_value)}; "
            f"Iman-Davenport F {ranking.friedman.f_statistic:.2f}, "
            f"p {p_text(ranking.friedman.f_p_value)}. {NEAR_BEST}: within Nemenyi's critical "
            f"difference of {ranking.critical_difference:.2f} of the best rank. Win and loss: the "
            f"verdicts better and worse against {ranking.baseline}, tie: all others; p (Holm): "
            f"Wilcoxon against {ranking.baseline}; P: Bayesian signed-rank test."
        )
    lines += _effect_notes(ranking)
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
