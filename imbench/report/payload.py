"""The page's data: one compact JSON object, from which the browser draws everything.

Numbers of all strategies, metrics and folds of a block are packed as float32 in base64, which
takes a third of the space of JSON and is read without parsing. ``assets/data.js`` unpacks them;
the order of axes is said here and there.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.report import words
from imbench.report.audit import audit_cells, duplicate_warnings
from imbench.report.board import Crossed
from imbench.report.curves import Curve, classes_shown, confusion, curves
from imbench.report.provenance import provenance
from imbench.report.ranking import rank_strategies
from imbench.report.render import RANKING_HEADS, ranking_notes, ranking_texts, reasons
from imbench.report.statistics import Comparison
from imbench.report.statistics.across import cliques
from imbench.report.tables import BASELINE, Block, Leaderboard, Row, judge
from imbench.results.fold import CellResult, FoldResult
from imbench.results.metric_options import HIGHER_IS_BETTER, MetricOptions, minority_label
from imbench.strategies import STAGES

# Fields of a row in "stats", for each metric. Verdicts: 1 better, -1 worse, 0 cannot be told;
# best: 1 if the row is the best of its block or cannot be told from it.
STATS = ("mean", "std", "gain", "low", "high", "p_holm", "verdict", "best")
VERDICTS = {"better": 1.0, "worse": -1.0, "cannot be told": 0.0}
# Curves of a page at most, so that 3,000 cells stay within 15 MB (tests/unit/test_page.py).
MAX_CURVES = 6_000
MAX_CLASS_CURVES = 10  # a cell


@dataclass(frozen=True)
class Extras:
    """What the page shows beside the stored cells.

    Parameters
    ----------
    commands : mapping of str to tuple of str
        Override words that reproduce a cell, by ``run_id``; see :mod:`imbench.cli.reproduce`.
    problems : tuple of str
        Sentences about files that were left out.
    """

    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def build_payload(
    board: Leaderboard, cells: Iterable[CellResult], options: MetricOptions, extras: Extras
) -> dict[str, Any]:
    """Return the data of the page; called by :func:`imbench.report.page.write_report`.

    Parameters
    ----------
    board : Leaderboard
        Of these cells.
    cells : iterable of CellResult
    options : MetricOptions
    extras : Extras
    """
    by_id = {cell.run_id: cell for cell in cells}
    metrics = tuple(dict.fromkeys([*board.columns, *HIGHER_IS_BETTER, *options.extra]))
    n_curves = max(1, min(MAX_CLASS_CURVES, MAX_CURVES // max(len(by_id), 1)))
    blocks, told = [], []
    for block in board.blocks:
        members = [by_id[row.run_id] for row in block.rows]
        by_metric = {m: with_metric(block, members, m, options) for m in metrics}
        told.append(by_metric)
        blocks.append(_block(block, members, by_metric, n_curves, board, options, extras))
    return {
        "sort": board.sort,
        "metrics": [
            {"key": m, "name": words.metric_name(m), "up": options.higher_is_better(m)}
            for m in metrics
        ],
        "columns": list(board.columns),
        "baseline": BASELINE,
        "rope": options.rope,
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
    """Dump for a ``<script>`` element: nothing in it can close or open a tag."""
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def with_metric(
    block: Block, cells: Sequence[CellResult], metric: str, options: MetricOptions
) -> Block:
    """Return a block whose comparisons are about another metric, in the order that it had."""
    if metric == options.sort:
        return block
    return replace(block, rows=judge(block.rows, cells, replace(options, sort=metric)))


def paired_folds(cell: CellResult, baseline: CellResult) -> list[tuple[int, int]]:
    """Return (repeat, fold) of the folds that have the same test rows in both cells."""
    theirs = {(f.repeat, f.fold): f.test_index for f in baseline.folds if f.status == "ok"}
    return [
        (f.repeat, f.fold)
        for f in cell.folds
        if f.status == "ok"
        and (f.repeat, f.fold) in theirs
        and np.array_equal(f.test_index, theirs[f.repeat, f.fold])
    ]


def _rankings(
    board: Leaderboard,
    told: Sequence[Mapping[str, Block]],
    metric: str,
    options: MetricOptions,
) -> list[dict[str, Any]]:
    """Strategies over the data sets of each model, by one metric."""
    blocks = {
        block.title: by_metric[metric] for block, by_metric in zip(board.blocks, told, strict=True)
    }
    found = []
    for ranking in board.rankings:
        members = [blocks[title] for title in ranking.datasets]
        if metric != options.sort:
            higher = options.higher_is_better(metric)
            ranking = rank_strategies(
                ranking.title, members, metric, higher, options.rope, BASELINE
            )
        ranks = [s.average_rank for s in ranking.standings]
        tested = not ranking.reason
        found.append(
            {
                "title": ranking.title,
                "model": members[0].model,
                "ranks": [_short(rank) for rank in ranks],
                "cd": _short(ranking.critical_difference),
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
    """Everything about the strategies that met one data set and model."""
    done = [[f for f in cell.folds if f.status == "ok"] for cell in cells]
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
        "stats": _packed(_stats(block, by_metric)),
        "values": _packed(_fold_values(block, places, tuple(by_metric))),
        "paired": [[places.index(p) for p in paired] for paired in _paired(cells)],
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
            "before": _mean_counts([f.counts_before for folds in done for f in folds], shown),
        }
        content["rows"] = [
            _row(row, folds, minority, n_curves, shown)
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
    optional = {"stages": list(row.stages), "reason": row.reason}
    content |= {key: value for key, value in optional.items() if value}
    if row.status != "ok":
        content["status"] = row.status
    if not folds or row.status != "ok":  # a failed cell may have folds that were finished
        return content
    return content | {
        "fit_s": _short(row.fit_s),
        "rope": _posterior(row),
        "recall": _recalls(row, folds[0].class_names, shown),
        "interval": {m: [_short(i.low), _short(i.high)] for m, i in row.intervals.items()},
        "curves": [_curve(c) for c in curves(folds, minority, n_curves)],
        "confusion": confusion(folds, shown).ravel().tolist(),
        "after": _mean_counts([f.counts_after for f in folds], shown),
    }


def _posterior(row: Row) -> list[float | None] | None:
    """Probabilities of worse, practically equal and better, in the metric of the report."""
    told = row.comparison.posterior if row.comparison else None
    return None if told is None else [_short(p) for p in (told.worse, told.equal, told.better)]


def _recalls(
    row: Row, class_names: Sequence[str], shown: NDArray[np.int64]
) -> list[list[float | None]]:
    """Recall, the limits of its interval and rows, for each class with a row of its own."""
    found = [row.recalls[class_names[k]] for k in shown]
    return [
        [_short(p.hits / p.n) if p.n else None, _short(p.low), _short(p.high), p.n] for p in found
    ]


def _curve(curve: Curve) -> dict[str, Any]:
    """Return a curve with its counts as steps from point to point, which are short numbers."""
    return {
        "label": curve.label,
        "n": [curve.n_positive, curve.n_negative],
        "tp": np.diff(curve.true_positives).tolist(),
        "fp": np.diff(curve.false_positives).tolist(),
        "ap": _short(curve.average_precision),
        "auc": _short(curve.roc_auc),
        "bins": [[int(n), int(true), _short(mean)] for n, true, mean in curve.bins],
    }


def _stats(block: Block, by_metric: Mapping[str, Block]) -> NDArray[np.float32]:
    """Array of shape (n_rows, n_metrics, len(STATS)), NaN where undefined."""
    values = np.full((len(block.rows), len(by_metric), len(STATS)), np.nan, dtype=np.float32)
    for j, (metric, told) in enumerate(by_metric.items()):
        for i, row in enumerate(told.rows):
            values[i, j, 0] = row.mean.get(metric, math.nan)
            values[i, j, 1] = row.std.get(metric, math.nan)
            if row.comparison is not None:
                values[i, j, 2:7] = _compared(row.comparison)
            if row.status == "ok":
                values[i, j, 7] = row.among_best
    return values


def _compared(told: Comparison) -> list[float]:
    test = told.test
    return [test.mean, test.low, test.high, told.p_holm, VERDICTS[told.verdict]]


def _fold_values(
    block: Block, places: Sequence[tuple[int, int]], metrics: Sequence[str]
) -> NDArray[np.float32]:
    """Array of shape (n_rows, n_folds, n_metrics), NaN where a fold is missing."""
    values = np.full((len(block.rows), len(places), len(metrics)), np.nan, dtype=np.float32)
    column = {place: j for j, place in enumerate(places)}
    for i, row in enumerate(block.rows):
        for fold in row.folds:
            found = [fold.metrics.get(m, math.nan) for m in metrics]
            values[i, column[fold.repeat, fold.fold]] = found
    return values


def _paired(cells: Sequence[CellResult]) -> list[list[tuple[int, int]]]:
    """For each cell the folds that have the baseline's test rows."""
    baseline = next((c for c in cells if c.label == BASELINE and c.status == "ok"), None)
    if baseline is None:
        return [[] for _ in cells]
    return [paired_folds(cell, baseline) if cell.status == "ok" else [] for cell in cells]


def _audited(cells: Sequence[CellResult]) -> list[str]:
    """Return what the leak audit found that a reader of the numbers must know."""
    leaks = [
        f"{audit.dataset}, {audit.model}, {audit.label}: {leak}"
        for audit in audit_cells(cells)
        for leak in audit.leaks
    ]
    return [*leaks, *duplicate_warnings(cells)]


def _crossing(crossed: Crossed) -> list[Any]:
    """Strategy, rule and the gains that :class:`Crossed` sets side by side."""
    beyond = crossed.beyond
    gains = (crossed.as_is.mean, crossed.rule_alone.mean, beyond.mean, beyond.low, beyond.high)
    return [crossed.strategy, crossed.rule, *map(_short, (*gains, crossed.p_holm))]


def _mean_counts(counts: Sequence[Sequence[float]], shown: NDArray[np.int64]) -> list[float]:
    """Mean rows a class over the folds that say; classes not shown are the last one."""
    said = [c for c in counts if c]
    if not said:
        return []
    mean = np.mean(np.asarray(said, dtype=np.float64), axis=0)
    parts = list(mean[shown])
    if len(shown) < len(mean):
        parts.append(mean.sum() - mean[shown].sum())
    return [float(_short(float(value)) or 0.0) for value in parts]


def _packed(values: NDArray[np.float32]) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")


def _short(value: float) -> float | None:
    """Four significant digits, None where undefined."""
    return float(f"{value:.4g}") if math.isfinite(value) else None
