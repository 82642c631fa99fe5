"""Which strategies need no further repeats: told, or hopeless."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from imbench.results.fold import HOPELESS
from imbench.run.rounds import ALONE

if TYPE_CHECKING:
    from imbench.report.board import Block, Row
    from imbench.results.fold import CellResult
    from imbench.results.metric_options import MetricOptions
    from imbench.run.rounds import Judge

THRESHOLD = "threshold"


def judge_by(options: MetricOptions, baseline: str) -> Judge:
    """Return the judge of :class:`imbench.run.rounds.Rounds`.

    A strategy stops if its verdict against the baseline is told, if 10 repeats would hardly tell
    it, or if it is hopeless: its mean is below the worst fold of the best one. What the others are
    compared with stops last: the baseline, a tuned threshold and the best trivial remedy.

    Parameters
    ----------
    options : MetricOptions
        ``sort`` is the metric of the verdicts.
    baseline : str
        As in :func:`imbench.report.tables.build_leaderboard`.
    """

    def judge(cells: Sequence[CellResult]) -> Mapping[str, str]:
        from imbench.report.tables import build_leaderboard

        board = build_leaderboard(cells, options, baseline=baseline)
        sign = 1 if options.higher_is_better(options.sort) else -1
        return {
            run_id: reason
            for block in board.blocks
            for run_id, reason in _reasons(block, options.sort, sign)
            if reason
        }

    return judge


def _reasons(block: Block, metric: str, sign: int) -> Iterator[tuple[str, str]]:
    """Yield the run id of each row of a block that stops, and why."""
    from imbench.report.board import BASELINE

    rows = [row for row in block.rows if row.status == "ok" and row.folds]
    compared = [row for row in rows if row.comparison is not None]
    if not compared:
        yield from ((row.run_id, ALONE) for row in rows)
        return
    worst = _worst_of_best(rows, metric, sign)
    reasons = {row.run_id: _reason(row, metric, sign, worst) for row in compared}
    is_open = not all(reasons.values())
    kept = (BASELINE, THRESHOLD, block.trivial)
    for row in rows:
        if is_open and (row.comparison is None or row.title in kept):
            continue
        yield row.run_id, reasons.get(row.run_id, f"others stopped after {_repeats(row)}")


def _reason(row: Row, metric: str, sign: int, worst: float) -> str:
    """Return why a row stops, or nothing."""
    assert row.comparison is not None
    if row.comparison.is_told:
        return f"told after {_repeats(row)}"
    if math.isnan(row.comparison.gain):
        return f"no {metric} to compare"
    if sign * row.mean[metric] < worst:
        return f"{HOPELESS} after {_repeats(row)}"
    if row.comparison.hardly_told:
        return f"10 repeats would hardly tell, seen after {_repeats(row)}"
    return ""


def _worst_of_best(rows: Sequence[Row], metric: str, sign: int) -> float:
    """Return the worst fold of the row with the best mean, higher is better."""
    means = [(sign * row.mean.get(metric, math.nan), row) for row in rows]
    known = [pair for pair in means if not math.isnan(pair[0])]
    if not known:
        return -math.inf
    _, best = max(known, key=lambda pair: pair[0])
    values = [sign * fold.metrics.get(metric, math.nan) for fold in best.folds]
    return min(value for value in values if not math.isnan(value))


def _repeats(row: Row) -> str:
    n = len({fold.repeat for fold in row.folds})
    return f"{n} repeat{'s' if n > 1 else ''}"
