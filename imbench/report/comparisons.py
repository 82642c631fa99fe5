"""Compare the rows of a block with the baseline, with trivial remedies and with one another."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from imbench.report.advice import repeat_key
from imbench.report.board import AUTO, BASELINE, TRIVIAL, Row
from imbench.report.statistics.evidence import collect
from imbench.report.statistics.joint import Evidence
from imbench.report.statistics.verdict import NO_VERDICT, Comparison, among_best, compare
from imbench.results.fold import CellResult, FoldResult
from imbench.results.metric_options import MetricOptions


class Judge:
    """Compares the strategies of one block in any metric.

    Parameters
    ----------
    rows : sequence of Row
    cells : sequence of CellResult
        In the order of the rows, with the folds of these at least.
    options : MetricOptions
    baseline : str, default="none"
        Label of the row that the others are compared with; ``auto`` is the best of doing nothing,
        class weights and a moved threshold.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        cells: Sequence[CellResult],
        options: MetricOptions,
        baseline: str = BASELINE,
    ) -> None:
        self.rows = rows
        self.options = options
        self.done = [
            i for i, r in enumerate(rows) if r.status == "ok" and r.folds and not r.is_partial
        ]
        self.finished = [_shown(rows[i], cells[i]) for i in self.done]
        self.repeat_key = repeat_key(cells)
        self.sequential = any(cells[i].sequential for i in self.done)
        self.trivial = self._best_of((BASELINE, *TRIVIAL))
        self.baseline = self.trivial if baseline == AUTO else self._best_of((baseline,))
        self._evidence: dict[str, Evidence] = {}

    def evidence(self, metric: str) -> Evidence:
        """Return the evidence of the finished rows on a metric."""
        if metric not in self._evidence:
            values = [
                [fold.metrics.get(metric, math.nan) for fold in self.rows[i].folds]
                for i in self.done
            ]
            self._evidence[metric] = collect(self.finished, values, metric, self.options)
        return self._evidence[metric]

    def against(self, base: int | None, metric: str) -> dict[int, Comparison]:
        """Compare all other finished rows with the row `base`; nothing without one."""
        if base is None:
            return {}
        rope = self.options.rope_of(metric)
        found = compare(self.evidence(metric), self.done.index(base), rope, self.sequential)
        title = self.rows[base].title
        return {
            i: replace(comparison, baseline=title, note=self._note(comparison))
            for i, comparison in zip(self.done, found, strict=True)
            if comparison is not None
        }

    def best(self, metric: str, told: Mapping[int, Comparison]) -> set[int]:
        """Return the group of the best; `told` are the comparisons with the baseline."""
        base = None if self.baseline is None else self.done.index(self.baseline)
        comparisons = [told.get(i) for i in self.done]
        rope = self.options.rope_of(metric)
        inside = among_best(self.evidence(metric), comparisons, base, rope, self.sequential)
        return {i for i, is_inside in zip(self.done, inside, strict=True) if is_inside}

    def rows_by(self, metric: str) -> tuple[Row, ...]:
        """Return the rows with their comparisons and the group of the best in a metric."""
        told = self.against(self.baseline, metric)
        best = self.best(metric, told)
        beyond = {} if self.trivial == self.baseline else self.against(self.trivial, metric)
        return tuple(
            replace(row, comparison=told.get(i), trivial=beyond.get(i), among_best=i in best)
            for i, row in enumerate(self.rows)
        )

    def _note(self, comparison: Comparison) -> str:
        """Return why there is no verdict, without repeats where the splitter has none."""
        if self.repeat_key:
            return comparison.note
        return comparison.note.replace(NO_VERDICT, "too few for a verdict")

    def _best_of(self, labels: Sequence[str]) -> int | None:
        """Return the finished row with the best mean among those with some labels."""
        metric = self.options.sort
        sign = 1 if self.options.higher_is_better(metric) else -1
        rows = [i for i in self.done if self.rows[i].label in labels]
        means = {i: sign * self.rows[i].mean.get(metric, math.nan) for i in rows}
        defined = [i for i in rows if not math.isnan(means[i])] or rows
        # The first of equal ones in the order of `labels`, which is that of effort.
        order = sorted(defined, key=lambda i: labels.index(self.rows[i].label))
        return max(order, key=lambda i: means[i], default=None)


def _shown(row: Row, cell: CellResult) -> list[FoldResult]:
    """Return the folds that a row shows."""
    places = {(fold.repeat, fold.fold) for fold in row.folds}
    return [fold for fold in cell.finished if (fold.repeat, fold.fold) in places]


def same_predictions(finished: Mapping[int, Sequence[FoldResult]]) -> dict[int, int]:
    """Map each row with the predictions of an earlier row to that row.

    Parameters
    ----------
    finished : mapping of int to sequence of FoldResult
        Finished folds by row.
    """
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
