"""Build the leaderboard: rows with means, gains and verdicts, in blocks of (data set, model).

:func:`build_leaderboard` is called once for the cells of a command or of a results folder. Tables
and the page only lay out what it returns.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from imbench.report.board import BASELINE, Block, FoldRow, Leaderboard, Row
from imbench.report.captions import caption
from imbench.report.comparisons import judge, same_predictions
from imbench.report.crossing import crossings
from imbench.report.ranking import Ranking, rank_strategies
from imbench.report.statistics.intervals import Interval, bootstrap, recall_intervals
from imbench.report.titles import (
    SHARED,
    SHARED_BY_DATASETS,
    distinguish,
    group_key,
    part_of,
    row_titles,
)
from imbench.results.fold import CellResult, FoldResult
from imbench.results.metric_options import MetricOptions
from imbench.results.metrics import compute, summarise

STATUS_ORDER = {"ok": 0, "skipped": 1, "failed": 2}


def build_leaderboard(
    cells: Iterable[CellResult], options: MetricOptions, n_boot: int = 0
) -> Leaderboard:
    """Compute metrics, sort the strategies, and compare them with the baseline.

    Parameters
    ----------
    cells : iterable of CellResult
    options : MetricOptions
    n_boot : int, default=0
        Draws of the bootstrap intervals of the shown metrics. They take most of the time; 0
        computes none.

    Raises
    ------
    ConfigError
        If ``metrics.minority`` or a user-defined metric does not fit the data.

    Examples
    --------
    >>> from imbench.results.fold import CellKey, cell_result
    >>> y_true = np.array([0, 0, 0, 1])
    >>> def cell(label, p):
    ...     ids = {"run_id": label, "dataset": "toy", "model": "knn", "label": label}
    ...     y_score = np.column_stack([1 - np.array(p), p])
    ...     fold = FoldResult(
    ...         **ids, repeat=0, fold=0, status="ok", reason="", class_names=("no", "yes"),
    ...         minority=1, test_index=np.arange(4), y_true=y_true,
    ...         y_pred=y_score.argmax(axis=1), y_score=y_score, n_train=12,
    ...     )
    ...     return cell_result(CellKey(**ids, stages=(), n_folds=1, config={}), [fold])
    >>> cells = [cell("none", [0.1, 0.2, 0.3, 0.4]), cell("smote", [0.1, 0.2, 0.6, 0.7])]
    >>> board = build_leaderboard(cells, MetricOptions())
    >>> [(row.title, round(row.mean["f1_macro"], 3)) for row in board.rows]
    [('smote', 0.733), ('none', 0.429)]
    >>> round(board.rows[0].comparison.test.mean, 3), board.rows[0].comparison.note
    (0.305, 'one fold: no interval')
    """
    groups: dict[str, list[CellResult]] = {}
    for cell in cells:
        groups.setdefault(group_key(cell, SHARED), []).append(cell)
    ordered = sorted(groups.values(), key=lambda g: (g[0].dataset, g[0].model))
    titles = distinguish(
        [f"{g[0].dataset} · {g[0].model}" for g in ordered],
        [part_of(g[0], SHARED) for g in ordered],
    )
    shown = options.shown
    columns = shown if options.sort in shown else (options.sort, *shown)
    blocks = [_block(g, t, columns, options, n_boot) for g, t in zip(ordered, titles, strict=True)]
    return Leaderboard(
        columns=columns,
        sort=options.sort,
        higher_is_better={name: options.higher_is_better(name) for name in columns},
        blocks=tuple(blocks),
        rankings=_rankings(ordered, blocks, options),
    )


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
    higher = options.higher_is_better(options.sort)
    return tuple(
        rank_strategies(
            title, [blocks[i] for i in places], options.sort, higher, options.rope, BASELINE
        )
        for title, places in zip(titles, several, strict=True)
    )


def _block(
    cells: Sequence[CellResult],
    title: str,
    columns: Sequence[str],
    options: MetricOptions,
    n_boot: int,
) -> Block:
    """Return the sorted and compared rows of cells that share data set, model and folds."""
    rows = [
        _row(cell, row_title, columns, options)
        for cell, row_title in zip(cells, row_titles(cells), strict=True)
    ]
    higher = options.higher_is_better(options.sort)
    order = sorted(range(len(rows)), key=lambda i: _sort_key(rows[i], options.sort, higher))
    cells, rows = [cells[i] for i in order], [rows[i] for i in order]
    finished = {i: cells[i].finished for i, row in enumerate(rows) if row.status == "ok"}
    same_as = same_predictions({i: folds for i, folds in finished.items() if folds})
    intervals = _bootstrap(finished, columns, options, n_boot)
    rows = [
        replace(
            row,
            same_as=rows[same_as[i]].title if i in same_as else "",
            intervals=intervals.get(i, {}),
        )
        for i, row in enumerate(rows)
    ]
    judged = judge(rows, cells, options)
    return Block(
        dataset=cells[0].dataset,
        model=cells[0].model,
        title=title,
        caption=caption(judged, options.sort, cells[0].config.get("tuning")),
        rows=judged,
        crossings=crossings(judged, options.sort, higher),
    )


def _sort_key(row: Row, sort: str, higher_is_better: bool) -> tuple[int, bool, float, str]:
    """Sort by status, then by metric with undefined values last, then by title."""
    value = row.mean.get(sort, math.nan)
    undefined = math.isnan(value)
    key = 0.0 if undefined else -value if higher_is_better else value
    return STATUS_ORDER[row.status], undefined, key, row.title


def _bootstrap(
    finished: Mapping[int, Sequence[FoldResult]],
    columns: Sequence[str],
    options: MetricOptions,
    n_boot: int,
) -> dict[int, dict[str, Interval]]:
    if n_boot == 0:
        return {}
    drawn = bootstrap({str(i): folds for i, folds in finished.items()}, columns, options, n_boot)
    return {int(i): intervals for i, intervals in drawn.items()}


def _row(cell: CellResult, title: str, columns: Sequence[str], options: MetricOptions) -> Row:
    finished = cell.finished
    folds = tuple(_fold_row(f, options) for f in finished)
    mean, std = summarise([f.metrics for f in folds]) if cell.status == "ok" else ({}, {})
    reason = cell.reason
    if cell.status == "ok" and len(folds) < cell.n_folds:
        reason = f"{len(folds)} of {cell.n_folds} folds: run the command again to go on"
    return Row(
        run_id=cell.run_id,
        dataset=cell.dataset,
        model=cell.model,
        label=cell.label,
        title=title,
        stages=cell.stages,
        status=cell.status,
        reason=reason,
        mean=mean,
        std=std,
        fit_s=float(np.mean([f.fit_s for f in folds])) if folds else math.nan,
        folds=folds,
        notes=Counter(note for fold in cell.folds for note in dict.fromkeys(fold.notes)),
        undefined=_undefined(folds, columns) if cell.status == "ok" else {},
        recalls=recall_intervals(finished) if cell.status == "ok" else {},
    )


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
