"""Build the leaderboard: rows with means, gains and verdicts, in blocks of (data set, model).

:func:`build_leaderboard` is called once for the cells of a command or of a results folder. Tables
and the page only lay out what it returns.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from imbench.report.board import BASELINE, Block, Counts, FoldRow, Leaderboard, Row
from imbench.report.captions import caption
from imbench.report.comparisons import Judge, same_predictions
from imbench.report.crossing import crossings
from imbench.report.partial import are_partial, comparable
from imbench.report.questions import profile_metrics
from imbench.report.ranking import Ranking, rank_strategies
from imbench.report.statistics.intervals import Interval, metric_intervals, recall_intervals
from imbench.report.statistics.verdict import Comparison
from imbench.report.titles import (
    SHARED,
    SHARED_BY_DATASETS,
    distinguish,
    group_key,
    part_of,
    row_titles,
)
from imbench.results.fold import CellResult, FoldResult
from imbench.results.metric_options import MetricOptions, minority_label, rare_labels
from imbench.results.metrics import compute, summarise

STATUS_ORDER = {"ok": 0, "skipped": 1, "failed": 2}


def build_leaderboard(
    cells: Iterable[CellResult],
    options: MetricOptions,
    with_intervals: bool = False,
    baseline: str = BASELINE,
) -> Leaderboard:
    """Compute metrics, sort the strategies, and compare them with the baseline.

    Parameters
    ----------
    cells : iterable of CellResult
    options : MetricOptions
    with_intervals : bool, default=False
        Whether to compute intervals of the shown metrics themselves, beside those of gains.
    baseline : str, default="none"
        Label of the strategy that the others are compared with; ``auto`` is the best of doing
        nothing, class weights and a moved threshold.

    Raises
    ------
    ConfigError
        If ``metrics.minority`` or a user-defined metric does not fit the data.

    Examples
    --------
    >>> from imbench.results.fold import CellKey, cell_result
    >>> def cell(label, p):
    ...     ids = {"run_id": label, "dataset": "toy", "model": "knn", "label": label}
    ...     y_score = np.column_stack([1 - np.array(p), p])
    ...     fold = FoldResult(
    ...         **ids, repeat=0, fold=0, status="ok", reason="", class_names=("no", "yes"),
    ...         minority=1, test_index=np.arange(4), y_true=np.array([0, 0, 0, 1]),
    ...         y_pred=y_score.argmax(axis=1), y_score=y_score, n_train=12,
    ...     )
    ...     return cell_result(CellKey(**ids, stages=(), n_folds=1, config={}), [fold])
    >>> cells = [cell("none", [0.1, 0.2, 0.3, 0.4]), cell("smote", [0.1, 0.2, 0.6, 0.7])]
    >>> row, _ = build_leaderboard(cells, MetricOptions()).rows
    >>> row.title, round(row.comparison.gain, 3), row.comparison.note
    ('smote', 0.305, '1 rare row: no verdict below 3 repeats')
    """
    ordered = _groups(cells)
    titles = distinguish(
        [f"{g[0].dataset} · {g[0].model}" for g in ordered],
        [part_of(g[0], SHARED) for g in ordered],
    )
    shown = options.shown
    columns = shown if options.sort in shown else (options.sort, *shown)
    blocks = [
        _block(g, t, columns, options, with_intervals, baseline)
        for g, t in zip(ordered, titles, strict=True)
    ]
    return Leaderboard(
        columns=columns,
        chosen=shown,
        sort=options.sort,
        higher_is_better={name: options.higher_is_better(name) for name in columns},
        blocks=tuple(blocks),
        rankings=_rankings(ordered, blocks, options),
    )


def _groups(cells: Iterable[CellResult]) -> list[list[CellResult]]:
    """Return the cells of each block, blocks ordered by data set and model."""
    groups: dict[str, list[CellResult]] = {}
    for cell in cells:
        groups.setdefault(group_key(cell, SHARED), []).append(cell)
    return sorted(groups.values(), key=lambda g: (g[0].dataset, g[0].model))


def _rankings(
    groups: Sequence[Sequence[CellResult]], blocks: Sequence[Block], options: MetricOptions
) -> tuple[Ranking, ...]:
    """Return one ranking for each set of blocks that differ in the data set only."""
    together: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        together.setdefault(group_key(group[0], SHARED_BY_DATASETS), []).append(i)
    several = [places for places in together.values() if len(places) > 1]
    titles = distinguish(
        [blocks[places[0]].model for places in several],
        [part_of(groups[places[0]][0], SHARED_BY_DATASETS) for places in several],
    )
    higher, rope = options.higher_is_better(options.sort), options.rope_of(options.sort)
    return tuple(
        rank_strategies(title, [blocks[i] for i in places], options.sort, higher, rope)
        for title, places in zip(titles, several, strict=True)
    )


def _block(
    cells: Sequence[CellResult],
    title: str,
    columns: Sequence[str],
    options: MetricOptions,
    with_intervals: bool,
    baseline: str,
) -> Block:
    """Return the sorted and compared rows of cells that share data set, model and folds."""
    stored, cells = cells, comparable(cells)
    rows = [
        replace(
            _row(cell, row_title, columns, options),
            reason=_reason(cell, whole, part),
            is_partial=part,
        )
        for cell, whole, part, row_title in zip(
            cells, stored, are_partial(cells), row_titles(cells), strict=True
        )
    ]
    higher = options.higher_is_better(options.sort)
    order = sorted(range(len(rows)), key=lambda i: _sort_key(rows[i], options.sort, higher))
    cells, rows = [cells[i] for i in order], [rows[i] for i in order]
    finished = {i: cells[i].finished for i, row in enumerate(rows) if row.status == "ok"}
    same_as = same_predictions({i: folds for i, folds in finished.items() if folds})
    rows = [
        replace(row, same_as=rows[same_as[i]].title if i in same_as else "")
        for i, row in enumerate(rows)
    ]
    judge = Judge(rows, cells, options, baseline)
    profile = _profile(judge)
    intervals = _intervals(judge, columns) if with_intervals else {}
    judged = tuple(
        replace(row, profile=profile.get(i, {}), intervals=intervals.get(i, {}))
        for i, row in enumerate(judge.rows_by(options.sort))
    )
    return Block(
        dataset=cells[0].dataset,
        model=cells[0].model,
        title=title,
        caption=caption(judged, options.sort, cells[0].config.get("tuning"), judge.sequential),
        rows=judged,
        crossings=crossings(judge, options.sort),
        baseline="" if judge.baseline is None else rows[judge.baseline].title,
        trivial="" if judge.trivial is None else rows[judge.trivial].title,
        asked=baseline,
        repeat_key=judge.repeat_key,
    )


def _sort_key(row: Row, sort: str, higher_is_better: bool) -> tuple[int, bool, bool, float, str]:
    """Sort by status, unfinished rows last, then by metric, undefined last, then by title."""
    value = row.mean.get(sort, math.nan)
    undefined = math.isnan(value)
    key = 0.0 if undefined else -value if higher_is_better else value
    return STATUS_ORDER[row.status], row.is_partial or not row.folds, undefined, key, row.title


def _profile(judge: Judge) -> dict[int, dict[str, Comparison]]:
    """Return the comparisons with the baseline in the metrics of the three questions, by row."""
    found: dict[int, dict[str, Comparison]] = {}
    if judge.baseline is None:
        return found
    base = judge.rows[judge.baseline]
    rare = base.counts.rare if base.counts and len(base.recalls) == 2 else None
    for metric in profile_metrics(judge.options.sort, rare):
        for i, comparison in judge.against(judge.baseline, metric).items():
            found.setdefault(i, {})[metric] = comparison
    return found


def _intervals(judge: Judge, columns: Sequence[str]) -> dict[int, dict[str, Interval]]:
    """Return the intervals of the shown metrics, by row."""
    found: dict[int, dict[str, Interval]] = {}
    for metric in columns:
        evidence = judge.evidence(metric)
        if not evidence.parts:
            continue
        for i, interval in zip(judge.done, metric_intervals(evidence, metric), strict=True):
            if interval is not None:
                found.setdefault(i, {})[metric] = interval
    return found


def _counts(folds: Sequence[FoldResult], options: MetricOptions) -> Counts | None:
    """Count what was found of the rare classes, and false alarms, each row once."""
    if not folds:
        return None
    first, n = folds[0], len({fold.repeat for fold in folds})
    rare = rare_labels(options, first.class_names, first.counts_before, first.rare)
    names = first.class_names
    if len(names) == 2 or not rare:
        rare = [minority_label(options, names, first.minority)]
    y = np.concatenate([fold.y_true for fold in folds])
    guess = np.concatenate([fold.y_pred for fold in folds])
    is_rare = np.isin(y, rare)
    found = np.count_nonzero(is_rare & (y == guess))
    alarms = np.count_nonzero(~is_rare & np.isin(guess, rare))
    n_rare = np.count_nonzero(is_rare)
    called = (names[rare[0]], names[1 - rare[0]]) if len(names) == 2 else ()
    return Counts(found / n, n_rare / n, alarms / n, (len(y) - n_rare) / n, *called)


def _row(cell: CellResult, title: str, columns: Sequence[str], options: MetricOptions) -> Row:
    finished = cell.finished
    folds = tuple(_fold_row(f, options) for f in finished)
    mean, std = summarise([f.metrics for f in folds]) if cell.status == "ok" else ({}, {})
    return Row(
        run_id=cell.run_id,
        dataset=cell.dataset,
        model=cell.model,
        label=cell.label,
        title=title,
        stages=cell.stages,
        status=cell.status,
        reason=cell.reason,
        mean=mean,
        std=std,
        fit_s=float(np.mean([f.fit_s for f in folds])) if folds else math.nan,
        folds=folds,
        notes=Counter(note for fold in cell.folds for note in dict.fromkeys(fold.notes)),
        undefined=_undefined(folds, columns) if cell.status == "ok" else {},
        recalls=recall_intervals(finished) if cell.status == "ok" else {},
        counts=_counts(finished, options) if cell.status == "ok" else None,
        stopped=cell.stopped,
    )


def _reason(shown: CellResult, stored: CellResult, is_partial: bool) -> str:
    """Say why a cell is not ``ok``, or how many folds it lacks and what follows from that."""
    n = len(stored.finished)
    if stored.status != "ok" or n >= stored.n_folds:
        return stored.reason
    words = f"{n} of {stored.n_folds} folds: run the command again to go on"
    if is_partial:
        return f"{words}; until then it is not compared"
    if n > len(shown.finished):
        return f"{words}; the {len(shown.finished)} of whole repeats are shown"
    return words


def _undefined(folds: Sequence[FoldRow], columns: Sequence[str]) -> dict[str, int]:
    """Count for each metric the folds on which it is undefined, without zeros."""
    counts = {
        name: sum(math.isnan(f.metrics.get(name, math.nan)) for f in folds) for name in columns
    }
    return {name: n for name, n in counts.items() if n}


def _fold_row(fold: FoldResult, options: MetricOptions) -> FoldRow:
    return FoldRow(
        fold.repeat,
        fold.fold,
        fold.n_train,
        len(fold.y_true),
        fold.fit_s,
        fold.predict_s,
        compute(fold, options),
    )
