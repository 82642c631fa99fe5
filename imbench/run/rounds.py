"""Run cells in rounds of repeats, until their verdicts are told or a budget is spent.

``splits.n_repeats=auto`` looks at the results after 1, 3 and 10 repeats. What is told or hopeless
stops, the rest goes on. What is told is for the caller to judge, who knows about statistics.

Early stopping of what is hopeless: Bergman, Purucker and Hutter 2024, "Don't Waste Your Time: Early
Stopping Cross-Validation", arXiv 2405.03389.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Protocol

import numpy as np

from imbench.config.cell import CellOutline
from imbench.data.splits import AUTO, LOOKS, repeats_of
from imbench.results.fold import BUDGET, CellResult
from imbench.results.store import Store
from imbench.run import lookup
from imbench.run.budget import Budget, Spent

MAX_S = 600.0  # what the next look may take, fit after fit, where no budget is given
ALONE = "nothing to compare with"  # a reason of the judge: no look was taken
NOTE_ALONE = (
    f"splits.n_repeats=auto makes 1 repeat where there is {ALONE}: splits.n_repeats=3 makes more."
)

Judge = Callable[[Sequence[CellResult]], Mapping[str, str]]
Run = Callable[[Mapping[int, CellOutline]], Generator[CellResult]]


class Watch(Protocol):
    """Is told of the progress."""

    def round_starts(self, n_new: Mapping[int, int]) -> None:
        """Take the number of further folds of each cell."""
        ...

    def cell_starts(self, index: int) -> None:
        """Take the number of the cell that is waited for."""
        ...

    def cell_ends(self, index: int) -> None:
        """Take the number of the cell whose folds are all there."""
        ...


@dataclass(eq=False)
class Rounds:
    """Runs the cells of a command and yields each, with its number, as soon as it is final.

    Parameters
    ----------
    cells : sequence of CellOutline
    store : Store
    run : callable
        Runs cells, of which some folds may be stored, and returns their results in order.
    judge : callable
        Takes all cells with ``splits.n_repeats=auto``, the stopped ones too, and returns by
        ``run_id`` why one is to stop.
    watch : Watch
    budget : Budget or None
        With a budget, repeats are added to all cells in turns.
    stored : mapping of int to CellResult
        Cells that are known to be stored in full, by their number.

    Attributes
    ----------
    latest : dict of int to CellResult
        The cells so far.
    notes : list of str
        Sentences on why repeats were not added, and how to have them.
    is_spent : bool
        Whether the budget has left out folds.
    """

    cells: Sequence[CellOutline]
    store: Store
    run: Run
    judge: Judge
    watch: Watch
    budget: Budget | None = None
    stored: Mapping[int, CellResult] = field(default_factory=dict)
    latest: dict[int, CellResult] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    is_spent: bool = False

    def __iter__(self) -> Iterator[tuple[int, CellResult]]:
        going = dict.fromkeys(range(len(self.cells)))
        wanted: dict[int, CellOutline] = {}
        try:
            for k in count():
                wanted |= {i: self._in_round(i, k) for i in going}
                for i in self._round({i: wanted[i] for i in going}):
                    if self.latest[i].status != "ok" or self._is_last(i, k):
                        del going[i]
                        yield i, self.latest[i]
                if not going:
                    return
                for i in self._look([i for i in going if self._is_auto(i)], k):
                    del going[i]
                    yield i, self.latest[i]
        except Spent:
            for i in going:
                part = self._part(i, wanted[i])
                self.is_spent |= part is None or part.stopped == BUDGET
                if part is not None:
                    self.latest[i] = part
                    yield i, part

    def _schedule(self, i: int) -> Sequence[int]:
        """Return the numbers of repeats of the rounds of a cell; nothing if it has but one."""
        n = repeats_of(self.cells[i].splitter)
        if n == AUTO:
            return LOOKS
        if n is None or self.budget is None or i in self.stored:
            return ()
        return [*(look for look in LOOKS if look < n), n]

    def _in_round(self, i: int, k: int) -> CellOutline:
        cell, schedule = self.cells[i], self._schedule(i)
        if not schedule:
            return cell
        return cell.with_repeats(schedule[k], sequential=self._is_auto(i) and k > 0)

    def _is_auto(self, i: int) -> bool:
        return repeats_of(self.cells[i].splitter) == AUTO

    def _is_last(self, i: int, k: int) -> bool:
        return not self._is_auto(i) and k + 1 >= len(self._schedule(i))

    def _round(self, wanted: Mapping[int, CellOutline]) -> Iterator[int]:
        """Read or run some cells; yield the number of each as soon as it is in ``latest``."""
        before = {i: len(self.latest[i].folds) if i in self.latest else 0 for i in wanted}
        found = {i: cell for i, c in wanted.items() if (cell := self._find(i, c)) is not None}
        missing = {i: c for i, c in wanted.items() if i not in found}
        n_new = {i: c.splitter.n_folds - before[i] for i, c in missing.items()}
        self.watch.round_starts(n_new | dict.fromkeys(found, 0))
        with closing(self._watched(missing)) as ran:
            for i in wanted:
                self.watch.cell_starts(i)
                self.latest[i] = found[i] if i in found else next(ran)
                self.watch.cell_ends(i)
                yield i

    def _find(self, i: int, cell: CellOutline) -> CellResult | None:
        known = self.stored.get(i)
        if known is not None and known.n_folds == cell.splitter.n_folds:
            return known
        return lookup.find(cell, self.store)

    def _watched(self, missing: Mapping[int, CellOutline]) -> Generator[CellResult]:
        """Run cells for as long as the budget lasts."""
        if not missing:
            return
        with closing(self.run(missing)) as ran:
            for _ in missing:
                with nullcontext() if self.budget is None else self.budget.watching():
                    result = next(ran)
                yield result

    def _look(self, going: Sequence[int], k: int) -> list[int]:
        """Decide which cells stop after a round, and return them."""
        if not going:
            return []
        n, is_last = LOOKS[k], k + 1 == len(LOOKS)
        auto = [i for i in self.latest if self._is_auto(i)]
        slow = {} if is_last or self.budget is not None else self._slow(going, n)
        if k == 0:  # where there is but one look, it need not share its level with others
            auto = [i for i in auto if i not in slow]
        seen = [replace(self.latest[i], sequential=True) for i in auto]
        told = {} if is_last else self.judge(seen)
        stopped = []
        for i in going:
            reason = told.get(self.latest[i].run_id) if i in auto else slow[i]
            reason = reason or slow.get(i) or (f"{n} repeats" if is_last else None)
            if reason:
                self._stop(i, reason, sequential=i in auto and reason != ALONE)
                stopped.append(i)
        if any(self.latest[i].stopped == ALONE for i in stopped):
            self.notes.append(NOTE_ALONE)
        return stopped

    def _stop(self, i: int, reason: str, sequential: bool) -> None:
        self.latest[i] = replace(self.latest[i], stopped=reason, sequential=sequential)
        if self.latest[i].folds:
            self.store.write_cell(self.latest[i].key)

    def _slow(self, going: Sequence[int], n: int) -> dict[int, str]:
        """Return the cells whose next look would take too long, with a reason.

        Cells that are compared with each other stop or go on together, the fastest first.
        """
        after = LOOKS[LOOKS.index(n) + 1]
        groups: dict[str, list[int]] = {}
        for i in going:
            groups.setdefault(_group(self.cells[i]), []).append(i)
        times = {name: sum(self._seconds(i, after) for i in some) for name, some in groups.items()}
        slow: dict[int, str] = {}
        total = 0.0
        for name in sorted(groups, key=lambda name: times[name]):
            total += times[name]
            if total > MAX_S:
                reason = f"{after} repeats take about {_duration(times[name])}"
                slow |= dict.fromkeys(groups[name], reason)
                first = self.latest[groups[name][0]]
                self.notes.append(
                    f"{first.dataset} with {first.model}: {n} repeat{'s' if n > 1 else ''}, as "
                    f"{after} would take about {_duration(times[name])} more: "
                    f"splits.n_repeats={after} makes them, budget=1h as many as fit."
                )
        return slow

    def _seconds(self, i: int, n_repeats: int) -> float:
        """Predict the seconds of the folds that a cell lacks up to so many repeats."""
        cell = self.cells[i].with_repeats(n_repeats)
        if self._find(i, cell) is not None:
            return 0.0
        spent = [f.fit_s - f.reused_s + f.predict_s + f.tune_s for f in self.latest[i].folds]
        return float(np.mean(spent)) * (cell.splitter.n_folds - len(spent)) if spent else 0.0

    def _part(self, i: int, cell: CellOutline) -> CellResult | None:
        """Return what there is of a cell when the budget is spent."""
        whole, part = self.latest.get(i), lookup.find_part(cell, self.store)
        if part is None or (whole is not None and len(part.folds) <= len(whole.folds)):
            part = whole
        if part is None:
            return None
        if not self._is_auto(i) and len(part.folds) == self.cells[i].splitter.n_folds:
            return part  # nothing is missing
        part = replace(part, stopped=BUDGET, sequential=self._is_auto(i))
        if part.folds:
            self.store.write_cell(part.key)
        return part


def _group(cell: CellOutline) -> str:
    """Return what cells have in common that are compared with each other."""
    return json.dumps([cell.dataset.node, cell.model_name], sort_keys=True, default=str)


def _duration(seconds: float) -> str:
    """Return a duration in the unit of a budget.

    Examples
    --------
    >>> _duration(1500.0), _duration(9000.0)
    ('25m', '2.5h')
    """
    minutes = math.ceil(seconds / 60)
    return f"{minutes}m" if minutes < 100 else f"{seconds / 3600:.1f}h"
