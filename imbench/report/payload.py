"""Build the data of the page: one JSON object, from which the browser draws everything.

:mod:`imbench.report.packing` packs the large arrays in it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.report import words
from imbench.report.answer import answer
from imbench.report.audit import audit_cells, duplicate_warnings
from imbench.report.board import (
    BASELINE,
    Block,
    Crossed,
    Leaderboard,
    Row,
)
from imbench.report.comparisons import Judge
from imbench.report.curves import Curve, classes_shown, confusion, curves
from imbench.report.packing import STATS, mean_counts, packed_fold_values, packed_stats, short
from imbench.report.partial import comparable
from imbench.report.provenance import provenance
from imbench.report.questions import question_of
from imbench.report.ranking import rank_strategies
from imbench.report.statistics.across import cliques
from imbench.report.statistics.verdict import VERDICTS, Comparison
from imbench.report.texts import MARKS, RANKING_HEADS, ranking_notes, ranking_texts, reasons
from imbench.results.fold import CellResult, FoldResult
from imbench.results.metric_options import MetricOptions, minority_label
from imbench.results.readings import reading_key
from imbench.strategies import STAGES

# Maximum number of curves, so that a page with 3,000 cells has at most 15 MB
# (tests/unit/test_page.py).
MAX_CURVES = 6_000
MAX_CLASS_CURVES = 10  # per cell
QUESTIONS = ("ranking", "decisions", "probabilities")


@dataclass(frozen=True)
class Extras:
    """Additional content of the page.

    Parameters
    ----------
    commands : mapping of str to tuple of str
        Override words that reproduce a cell, by ``run_id``, see :mod:`imbench.cli.reproduce`.
    problems : tuple of str
        Sentences about files that could not be read.
    readings : mapping of str to tuple of str
        What was read of a table, by :func:`imbench.results.readings.reading_key`.
    advice : tuple of str
        Sentences of a recommendation that stand below the verdict.
    """

    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    readings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    advice: tuple[str, ...] = ()


def build_payload(
    board: Leaderboard, cells: Iterable[CellResult], options: MetricOptions, extras: Extras
) -> dict[str, Any]:
    """Return the data of the page. Called by :func:`imbench.report.page.write_report`.

    Parameters
    ----------
    board : Leaderboard
        Leaderboard of the cells.
    cells : iterable of CellResult
    options : MetricOptions
    extras : Extras
    """
    by_id = {cell.run_id: cell for cell in cells}
    metrics = tuple(dict.fromkeys([*board.columns, *options.known, *options.extra]))
    n_curves = max(1, min(MAX_CLASS_CURVES, MAX_CURVES // max(len(by_id), 1)))
    blocks, told = [], []
    for block in board.blocks:
        members = comparable([by_id[row.run_id] for row in block.rows])
        judge = Judge(block.rows, members, options, _label_of(block))
        by_metric = {m: with_metric(block, judge, m) for m in metrics}
        told.append(by_metric)
        blocks.append(_block(block, members, by_metric, n_curves, board, options, extras))
    return {
        "sort": board.sort,
        "metrics": [
            {
                "key": m,
                "name": words.metric_name(m),
                "up": options.higher_is_better(m),
                "rope": options.rope_of(m),
            }
            for m in metrics
        ],
        "columns": list(board.columns),
        "baseline": BASELINE,
        "verdicts": [MARKS[verdict].split(" ", 1) for verdict in VERDICTS],
        "stages": list(STAGES),
        "stats": list(STATS),
        "blocks": blocks,
        "summaries": [words.summary([b[m] for b in told], m) for m in metrics],
        "rankings": [_rankings(board, told, m, options) for m in metrics],
        "problems": [
            *extras.problems,
            *_audited(list(by_id.values())),
            *filter(None, [words.version_note(f for c in by_id.values() for f in c.folds)]),
        ],
    }


def to_json(payload: Mapping[str, Any]) -> str:
    """Return JSON for a ``<script>`` element, in which nothing can open or close a tag."""
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def with_metric(block: Block, judge: Judge, metric: str) -> Block:
    """Return a block with comparisons by another metric and unchanged order of rows."""
    if metric == judge.options.sort:
        return block
    return replace(block, rows=judge.rows_by(metric))


def _label_of(block: Block) -> str:
    """Return the label of the baseline of a block."""
    place = _place(block, block.baseline)
    return BASELINE if place < 0 else block.rows[place].label


def _place(block: Block, title: str) -> int:
    """Return the place of a row in its block, -1 if there is none with this title."""
    return next((i for i, row in enumerate(block.rows) if title and row.title == title), -1)


def beside_baseline(block: Block, sort: str) -> str:
    """Return the title of the row to show beside the baseline, empty if there is none.

    It is what the answer takes, else the largest gain, else the first other row.

    Parameters
    ----------
    block : Block
        With comparisons in `sort`.
    sort : str
    """
    if pick := answer(block, sort).pick:
        return pick
    others = [row for row in block.finished if row.title != block.baseline]
    compared = [row for row in others if row.comparison and not math.isnan(row.comparison.gain)]
    if compared:
        return max(compared, key=lambda row: row.comparison.gain if row.comparison else 0.0).title
    return others[0].title if others else ""


def _profile(row: Row, sort: str) -> dict[str, dict[str, Comparison]]:
    """Return the comparisons with the baseline in the metrics of each of three questions."""
    found: dict[str, dict[str, Comparison]] = {name: {} for name in QUESTIONS}
    for metric, told in row.profile.items():
        found[question_of(metric)][metric] = told
    if not found["decisions"] and question_of(sort) == "decisions" and row.comparison is not None:
        found["decisions"][sort] = row.comparison
    return found


def _questions(block: Block, sort: str) -> list[list[Any]]:
    """Return the questions that the rows of a block answer, with the names of their metrics."""
    metrics: dict[str, dict[str, Comparison]] = {}
    for row in block.rows:
        for name, told in _profile(row, sort).items():
            metrics[name] = {**metrics.get(name, {}), **told}
    return [[name, [words.metric_name(m) for m in told]] for name, told in metrics.items()]


def paired_folds(cell: CellResult, baseline: CellResult) -> list[tuple[int, int]]:
    """Return (repeat, fold) of the folds with the same test rows in both cells."""
    theirs = {(f.repeat, f.fold): f.test_index for f in baseline.finished}
    return [
        (f.repeat, f.fold)
        for f in cell.finished
        if (f.repeat, f.fold) in theirs and np.array_equal(f.test_index, theirs[f.repeat, f.fold])
    ]


def _rankings(
    board: Leaderboard,
    told: Sequence[Mapping[str, Block]],
    metric: str,
    options: MetricOptions,
) -> list[dict[str, Any]]:
    """Return the rankings by one metric, for JSON."""
    blocks = {
        block.title: by_metric[metric] for block, by_metric in zip(board.blocks, told, strict=True)
    }
    found = []
    for ranking in board.rankings:
        members = [blocks[title] for title in ranking.datasets]
        if metric != options.sort:
            higher, rope = options.higher_is_better(metric), options.rope_of(metric)
            ranking = rank_strategies(ranking.title, members, metric, higher, rope)
        ranks = [s.average_rank for s in ranking.standings]
        tested = not ranking.reason
        found.append(
            {
                "title": ranking.title,
                "model": members[0].model,
                "ranks": [short(rank) for rank in ranks],
                "cd": short(ranking.critical_difference),
                "cliques": cliques(ranks, ranking.critical_difference) if tested else [],
                "heads": list(RANKING_HEADS),
                "texts": ranking_texts(ranking),
                "notes": ranking_notes(ranking),
                "reason": ranking.reason,
            }
        )
    return found


def _block(
    block: Block,
    cells: Sequence[CellResult],
    by_metric: Mapping[str, Block],
    n_curves: int,
    board: Leaderboard,
    options: MetricOptions,
    extras: Extras,
) -> dict[str, Any]:
    """Return the content of one block."""
    done = [cell.finished for cell in cells]
    some = next((folds[0] for folds in done if folds), None)
    finished = tuple(row for row in block.rows if row.status == "ok")
    places = sorted({(f.repeat, f.fold) for folds in done for f in folds})
    content: dict[str, Any] = {
        "dataset": block.dataset,
        "model": block.model,
        "title": block.title,
        "caption": block.caption.replace(board.sort, "{metric}"),
        "verdicts": [words.sentence(by_metric[m], m) for m in by_metric],
        "notes": reasons(replace(block, rows=finished, crossings=())),
        "crossings": [_crossing(c) for c in block.crossings],
        "folds": [f"{repeat}.{fold}" for repeat, fold in places],
        "stats": packed_stats(block, by_metric),
        "values": packed_fold_values(block, places, tuple(by_metric)),
        "baseline": _place(block, block.baseline),
        "recommended": [
            _place(block, beside_baseline(told, metric)) for metric, told in by_metric.items()
        ],
        "questions": _questions(block, board.sort),
        "trivial": _place(block, block.trivial),
        "paired": [[places.index(p) for p in paired] for paired in _paired(block, cells)],
        "read": list(extras.readings.get(reading_key(cells[0].config), ())),
        **provenance(cells, block, extras.commands),
    }
    if some is not None:
        minority = minority_label(options, some.class_names, some.minority)
        counts = np.asarray(some.counts_before or np.zeros(len(some.class_names)))
        shown = classes_shown(counts)
        names = [some.class_names[k] for k in shown]
        content |= {
            "classes": list(some.class_names),
            "minority": minority,
            "shown": names + (["all others"] if len(shown) < len(some.class_names) else []),
            "before": mean_counts([f.counts_before for folds in done for f in folds], shown),
        }
        content["rows"] = [
            _row(row, folds, minority, n_curves, shown) | _marks(row, board.sort)
            for row, folds in zip(block.rows, done, strict=True)
        ]
    else:
        content["rows"] = [_row(row, [], 0, n_curves, np.arange(0)) for row in block.rows]
    return content


def _row(
    row: Row,
    folds: Sequence[FoldResult],
    minority: int,
    n_curves: int,
    shown: NDArray[np.int64],
) -> dict[str, Any]:
    content: dict[str, Any] = {"title": row.title, "label": row.label}
    note = "" if row.comparison is None else row.comparison.note
    optional = {
        "stages": list(row.stages),
        "reason": row.reason,
        "note": note,
        "stopped": row.stopped,
        "beyond": _compared(row.trivial),
    }
    content |= {key: value for key, value in optional.items() if value}
    if row.status != "ok":
        content["status"] = row.status
    if not folds or row.status != "ok":  # a failed cell may have finished folds
        return content
    return content | {
        "fit_s": short(row.fit_s),
        "repeats": len({fold.repeat for fold in folds}),
        "counts": _counts(row),
        "recall": _recalls(row, folds[0].class_names, shown),
        "interval": {m: [short(i.low), short(i.high)] for m, i in row.intervals.items()},
        "curves": [_curve(c) for c in curves(folds, minority, n_curves)],
        "confusion": confusion(folds, shown).ravel().tolist(),
        "after": mean_counts([f.counts_after for f in folds], shown),
    }


def _compared(told: Comparison | None) -> list[float | None]:
    """Return gain, interval, p-value, probability and place of the verdict, for JSON."""
    if told is None or math.isnan(told.gain):
        return []
    numbers = (told.gain, told.low, told.high, told.p_adjusted, told.p_better)
    return [*map(short, numbers), VERDICTS.index(told.verdict)]


def _counts(row: Row) -> list[float | None]:
    """Return found and all rows of the rare classes, false alarms and all other rows."""
    c = row.counts
    return [] if c is None else [round(n, 1) for n in (c.found, c.n_rare, c.alarms, c.n_others)]


def _marks(row: Row, sort: str) -> dict[str, Any]:
    """Return the places of the verdicts in the metrics of each question, for JSON."""
    told = [
        [VERDICTS.index(c.verdict) for c in metrics.values()]
        for metrics in _profile(row, sort).values()
    ]
    return {"profile": told} if any(told) else {}


def _recalls(
    row: Row, class_names: Sequence[str], shown: NDArray[np.int64]
) -> list[list[float | None]]:
    """Return recall, limits of its interval and number of rows of each shown class."""
    found = [row.recalls[class_names[k]] for k in shown]
    return [[short(p.hits / p.n) if p.n else None, short(p.low), short(p.high), p.n] for p in found]


def _curve(curve: Curve) -> dict[str, Any]:
    """Return a curve for JSON. Differences of the counts are stored, which have fewer digits."""
    return {
        "label": curve.label,
        "n": [curve.n_positive, curve.n_negative],
        "tp": np.diff(curve.true_positives).tolist(),
        "fp": np.diff(curve.false_positives).tolist(),
        "ap": short(curve.average_precision),
        "auc": short(curve.roc_auc),
        "bins": [[int(n), int(true), short(mean)] for n, true, mean in curve.bins],
    }


def _paired(block: Block, cells: Sequence[CellResult]) -> list[list[tuple[int, int]]]:
    """Return for each cell the folds with the same test rows as the baseline."""
    base = _place(block, block.baseline)
    if base < 0:
        return [[] for _ in cells]
    return [paired_folds(cell, cells[base]) if cell.status == "ok" else [] for cell in cells]


def _audited(cells: Sequence[CellResult]) -> list[str]:
    """Return leaks and duplicate rows as sentences."""
    leaks = [
        f"{audit.dataset}, {audit.model}, {audit.label}: {leak}"
        for audit in audit_cells(cells)
        for leak in audit.leaks
    ]
    return [*leaks, *duplicate_warnings(cells)]


def _crossing(crossed: Crossed) -> list[Any]:
    """Return strategy, rule, and the gains of :class:`Crossed`, for JSON."""
    c = crossed.beyond
    gains = (crossed.as_is.gain, crossed.rule_alone.gain, c.gain, c.low, c.high, c.p_adjusted)
    return [crossed.strategy, crossed.rule, *map(short, gains)]
