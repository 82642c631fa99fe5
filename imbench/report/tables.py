"""The comparison as data: rows, means, gains and verdicts, grouped by (data set, model).

``build_leaderboard`` is called once over the cells of a command or of a result folder; the
renderers of :mod:`imbench.report.render` and the page only lay out what it returns.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.report.board import Block, FoldRow, Leaderboard, Row
from imbench.report.crossing import crossings
from imbench.report.ranking import Ranking, rank_strategies
from imbench.report.statistics import MIN_FOLDS, Comparison, among_best, compare
from imbench.report.statistics.intervals import Interval, bootstrap, recall_intervals
from imbench.results.fold import CellResult, FoldResult
from imbench.results.metric_options import MetricOptions
from imbench.results.metrics import compute, summarise

__all__ = [
    "BASELINE",
    "NEAR_BEST",
    "Block",
    "FoldRow",
    "Leaderboard",
    "Row",
    "build_leaderboard",
    "flatten",
]

BASELINE = "none"
NEAR_BEST = "*"  # marks what cannot be told from the best
# What cells must share beside the strategy for their folds to be the same folds.
SHARED = ("dataset", "fingerprint", "model", "splits", "tuning", "seed")
SHARED_BY_DATASETS = ("model", "splits", "tuning", "seed")
STATUS_ORDER = {"ok": 0, "skipped": 1, "failed": 2}


def build_leaderboard(
    cells: Iterable[CellResult], options: MetricOptions, n_boot: int = 0
) -> Leaderboard:
    """Compute metrics, sort, and compare with the baseline.

    Parameters
    ----------
    cells : iterable of CellResult
    options : MetricOptions
    n_boot : int, default=0
        Draws of the bootstrap intervals of the shown metrics; 0: none, they take most of the
        time.

    Raises
    ------
    ConfigError
        If ``metrics.minority`` or a user metric does not fit the data.
    """
    groups: dict[str, list[CellResult]] = {}
    for cell in cells:
        groups.setdefault(_group_key(cell, SHARED), []).append(cell)
    ordered = sorted(groups.values(), key=lambda g: (g[0].dataset, g[0].model))
    titles = _distinguish(
        [f"{g[0].dataset} · {g[0].model}" for g in ordered],
        [{key: g[0].config.get(key) for key in SHARED} for g in ordered],
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
    """One ranking for the blocks that differ in nothing but the data set."""
    together: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        together.setdefault(_group_key(group[0], SHARED_BY_DATASETS), []).append(i)
    several = [places for places in together.values() if len(places) > 1]
    titles = _distinguish(
        [blocks[places[0]].model for places in several],
        [{key: groups[p[0]][0].config.get(key) for key in SHARED_BY_DATASETS} for p in several],
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
    titles = _titles(cells)
    rows = [_row(c, name, columns, options) for c, name in zip(cells, titles, strict=True)]
    sign = 1 if options.higher_is_better(options.sort) else -1

    def place(i: int) -> tuple[int, bool, float, str]:
        value = rows[i].mean.get(options.sort, math.nan)
        undefined = math.isnan(value)
        return (
            STATUS_ORDER[rows[i].status], undefined, 0.0 if undefined else -sign * value,
            rows[i].title,
        )  # fmt: skip

    order = sorted(range(len(cells)), key=place)
    cells, rows = [cells[i] for i in order], [rows[i] for i in order]
    finished = {i: _finished(cells[i]) for i, row in enumerate(rows) if row.status == "ok"}
    same_as = _same_predictions({i: folds for i, folds in finished.items() if folds})
    boot = _bootstrap(finished, columns, options, n_boot)
    rows = [
        replace(
            row,
            same_as=rows[same_as[i]].title if i in same_as else "",
            intervals=boot.get(i, {}),
        )
        for i, row in enumerate(rows)
    ]
    judged = judge(rows, cells, options)
    has_baseline = any(row.status == "ok" and row.label == BASELINE for row in judged)
    tested = sum(r.comparison is not None and not math.isnan(r.comparison.p_holm) for r in judged)
    return Block(
        dataset=cells[0].dataset,
        model=cells[0].model,
        title=title,
        caption=_caption(judged, has_baseline, tested, options)
        + _budget(cells[0].config.get("tuning")),
        rows=judged,
        crossings=crossings(judged, options.sort, sign > 0),
    )


def judge(
    rows: Sequence[Row], cells: Sequence[CellResult], options: MetricOptions
) -> tuple[Row, ...]:
    """Compare the rows of a block with doing nothing, and mark the best, by ``options.sort``.

    Called for the table, and by the page for every other metric.

    Parameters
    ----------
    rows : sequence of Row
    cells : sequence of CellResult
        In the order of the rows.
    options : MetricOptions
    """
    sign = 1 if options.higher_is_better(options.sort) else -1
    done = [i for i, row in enumerate(rows) if row.status == "ok"]
    finished = {i: _finished(cells[i]) for i in done}
    values = sign * _fold_values([finished[i] for i in done], [rows[i] for i in done], options.sort)
    baseline = next((i for i in done if cells[i].label == BASELINE), None)
    ratio = _test_train_ratio(finished[done[0] if baseline is None else baseline] if done else [])
    comparisons: dict[int, Comparison] = {}
    if baseline is not None:
        gains = values - values[done.index(baseline)]
        first = [row.same_as or row.title for row in rows]
        told = compare(
            {str(i): g[~np.isnan(g)].tolist() for i, g in zip(done, gains, strict=True)
             if i != baseline},
            ratio, options.rope, same={str(i) for i in done if first[i] == first[baseline]},
        )  # fmt: skip
        comparisons = {int(i): comparison for i, comparison in told.items()}
    means = [sign * rows[i].mean.get(options.sort, math.nan) for i in done]
    defined = [k for k, mean in enumerate(means) if not math.isnan(mean)]
    best: set[int] = set()
    if defined:
        top = max(range(len(defined)), key=lambda k: means[defined[k]])
        near = among_best(values[defined], top, ratio)
        best = {done[k] for k, is_near in zip(defined, near, strict=True) if is_near}
    return tuple(
        replace(row, comparison=comparisons.get(i), among_best=i in best)
        for i, row in enumerate(rows)
    )


def _finished(cell: CellResult) -> list[FoldResult]:
    return [f for f in cell.folds if f.status == "ok"]


def _fold_values(
    folds: Sequence[Sequence[FoldResult]], rows: Sequence[Row], metric: str
) -> NDArray[np.float64]:
    """Return a metric as (strategies, folds): a column for each fold with its test rows."""
    columns: dict[tuple[int, int, bytes], int] = {}
    found = [
        [
            (columns.setdefault((f.repeat, f.fold, f.test_index.tobytes()), len(columns)), value)
            for f, value in zip(of_row, _values(row, metric), strict=True)
        ]
        for of_row, row in zip(folds, rows, strict=True)
    ]
    values = np.full((len(rows), len(columns)), np.nan)
    for i, pairs in enumerate(found):
        for column, value in pairs:
            values[i, column] = value
    return values


def _values(row: Row, metric: str) -> list[float]:
    """Return a metric by fold; NaN where a data set has no class of the name in ``recall/x``."""
    return [fold.metrics.get(metric, math.nan) for fold in row.folds]


def _same_predictions(finished: Mapping[int, Sequence[FoldResult]]) -> dict[int, int]:
    """For each row whose predictions an earlier row has too, that row."""
    first: dict[bytes, int] = {}
    same = {}
    for i, folds in finished.items():
        digest = hashlib.blake2b()
        for f in folds:
            digest.update(repr((f.repeat, f.fold, f.y_score.shape)).encode())
            for array in (f.test_index, f.y_pred, f.y_score):
                digest.update(np.ascontiguousarray(array).tobytes())
        earlier = first.setdefault(digest.digest(), i)
        if earlier != i:
            same[i] = earlier
    return same


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
    finished = _finished(cell)
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


def _test_train_ratio(folds: Sequence[FoldResult]) -> float:
    return sum(len(f.y_true) for f in folds) / max(sum(f.n_train for f in folds), 1)


def _caption(rows: Sequence[Row], has_baseline: bool, m: int, options: MetricOptions) -> str:
    """One line: on what the numbers stand and what the verdict means."""
    shown = next((r for r in rows if r.status == "ok" and r.folds), None)
    if shown is None:
        return "No strategy finished here."
    n_folds = max(len(r.folds) for r in rows)
    sizes = [f.n_test for f in shown.folds]
    size = str(min(sizes)) if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
    base = (
        f"Mean ± sd over {n_folds} fold{'s' if n_folds > 1 else ''} of {size} test rows; "
        f"fit s is per fold"
    )
    if sum(r.status == "ok" for r in rows) > 1:
        base += f"; {NEAR_BEST} the best and what cannot be told from it"
    if not has_baseline:
        return f"{base}. No gains: run strategy={BASELINE} too, to compare with doing nothing."
    if n_folds == 1:
        return (
            f"{base}. gain: {options.sort} against {BASELINE}; one fold has no interval, so no "
            "difference can be told from chance: set splits.n_splits or splits.n_repeats."
        )
    gained = f"gain: improvement of {options.sort} over {BASELINE} with its 95 % interval"
    if n_folds < MIN_FOLDS:
        return (
            f"{base}. {gained}; no verdict below {MIN_FOLDS} folds: set splits.n_splits or "
            "splits.n_repeats."
        )
    strategies = f"{m} strateg{'ies' if m != 1 else 'y'}"
    return (
        f"{base}. {gained}; better / worse: corrected resampled t-test on the same folds, Holm "
        f"over {strategies} ({NEAR_BEST}: over all pairs), 5 %."
    )


def _budget(tuning: Mapping[str, Any] | None) -> str:
    """One sentence on what every strategy of a block was given to be tuned; empty if nothing."""
    if not tuning:
        return ""
    trials, inner = tuning["trials"], tuning["inner_splits"]
    late = f" or {tuning['timeout']} s" if tuning.get("timeout") else ""
    return (
        f" Tuned: {trials} trials{late} of {inner} inner folds for every strategy "
        f"({tuning['sampler']}, {tuning['metric']}), {trials * inner} fits a fold at most."
    )


def _group_key(cell: CellResult, keys: Sequence[str]) -> str:
    shared = {key: cell.config.get(key) for key in keys}
    dataset = cell.dataset if "dataset" in keys else ""
    return json.dumps([dataset, cell.model, shared], sort_keys=True, default=str)


def _distinguish(names: Sequence[str], configs: Sequence[Any]) -> list[str]:
    """Append to equal names the parameters in which their configurations differ."""
    flat = [flatten(config) if isinstance(config, Mapping) else {} for config in configs]
    result = list(names)
    for i, name in enumerate(names):
        twins = [flat[j] for j, other in enumerate(names) if other == name]
        keys = sorted(
            {k for twin in twins for k in twin if any(t.get(k) != twin[k] for t in twins)}
        )
        if len(twins) > 1 and keys:
            parts = [f"{k.rpartition('.')[2]}={flat[i].get(k)}" for k in keys[:3]]
            result[i] = f"{name} ({', '.join(parts)})"
    return result


def _titles(cells: Sequence[CellResult]) -> list[str]:
    """Return labels, with what tells cells of equal labels apart: parameters, then the search."""
    searches = [dict(cell.config.get("neighbors") or {}) for cell in cells]
    kinds = [str(node.pop("_target_", "exact")).rpartition(".")[2] for node in searches]
    kinds = [kind.removesuffix("Neighbors").lower() for kind in kinds]
    chosen = [
        {**(cell.config.get("strategy") or {}), "neighbors": kind}
        for cell, kind in zip(cells, kinds, strict=True)
    ]
    return _distinguish(_distinguish([cell.label for cell in cells], chosen), searches)


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn a nested configuration into ``{"model.lr": 0.1}``; lists stay values."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
