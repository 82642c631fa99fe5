"""Draw the gains of a block with their intervals as lines of text: a forest plot."""

from __future__ import annotations

import math
from dataclasses import dataclass

from imbench.report.board import Block
from imbench.report.statistics.verdict import Comparison

MIN_BAR, MAX_BAR = 24, 80  # columns of the axis
MAX_TITLE = 30
COLUMNS_OF_TICK = 7  # at least, from one number of the axis to the next


@dataclass(frozen=True)
class Axis:
    """Places of values on a line of characters.

    Parameters
    ----------
    low, high : float
        Values of the first and of the last column.
    width : int
        Columns.

    Examples
    --------
    >>> Axis(-1.0, 1.0, 21).place(0.5)
    15
    """

    low: float
    high: float
    width: int

    def place(self, value: float) -> int:
        """Return the column of a value, that of the nearest end for values outside."""
        share = (value - self.low) / (self.high - self.low)
        return min(max(round(share * (self.width - 1)), 0), self.width - 1)


def forest(block: Block, width: int) -> list[tuple[str, str]]:
    """Return the lines of a forest plot, each with the verdict that it may be coloured by.

    ``●`` is the gain, the line its simultaneous interval, ``│`` a gain of 0, and shaded is the
    region of practical equivalence.

    Parameters
    ----------
    block : Block
    width : int
        Columns of the longest line.

    Returns
    -------
    list of (str, str)
        Empty if no strategy has an interval of some width, or if the terminal is too narrow.

    Examples
    --------
    >>> from imbench.report.board import Block, FoldRow, Row
    >>> fold = FoldRow(0, 0, n_train=80, n_test=20, fit_s=0.5, predict_s=0.1, metrics={})
    >>> def row(title, told=None):
    ...     return Row("0", "toy", "knn", title, title, (), "ok", "", {}, {}, 0.5, (fold,), told)
    >>> told = Comparison(0.05, low=0.02, high=0.08, p_adjusted=0.01, p_better=0.99, rope=0.01)
    >>> rows = (row("smote", told), row("none"))
    >>> block = Block("toy", "knn", "toy · knn", caption="", rows=rows, baseline="none")
    >>> for line, verdict in forest(block, width=46):
    ...     print(line)
                 0    +0.02   +0.04  +0.06
     smote   ░░░░│░░░░  ━━━━━━━━━━━━●━━━━━━━━━━━
    """
    told = [(r.title, r.comparison) for r in block.rows if r.comparison and r.comparison.low <= 1e9]
    titles = [_cut(title) for title, _ in told]
    label = max(map(len, titles), default=0) + 2
    columns = min(width - label - 2, MAX_BAR)
    if columns < MIN_BAR or all(c.low == c.high for _, c in told):
        return []
    axis = _axis([c for _, c in told], columns)
    ropes = [axis.place(side * told[0][1].rope) for side in (-1, 1)]
    lines = [(f" {_ticks(axis, label)}", "")]
    for title, (_, comparison) in zip(titles, told, strict=True):
        bar = _bar(axis, comparison, ropes)
        lines.append((f" {title.ljust(label)}{bar}".rstrip(), comparison.verdict))
    return lines


def _axis(told: list[Comparison], columns: int) -> Axis:
    """Return an axis that shows all intervals, 0, and the region of practical equivalence."""
    ends = [0.0, *(end for c in told for end in (c.low, c.high, c.rope, -c.rope))]
    low, high = min(ends), max(ends)
    margin = 0.03 * (high - low) or 1.0
    return Axis(low - margin, high + margin, columns)


def _bar(axis: Axis, told: Comparison, ropes: list[int]) -> str:
    cells = [" "] * axis.width
    cells[ropes[0] : ropes[1] + 1] = "░" * (ropes[1] - ropes[0] + 1)
    cells[axis.place(0.0)] = "│"
    first, last = axis.place(told.low), axis.place(told.high)
    cells[first : last + 1] = "━" * (last - first + 1)
    cells[axis.place(told.gain)] = "●"
    return "".join(cells)


def _ticks(axis: Axis, label: int) -> str:
    """Return the line of numbers above the bars, each centred at its place."""
    step = _step(axis.high - axis.low, axis.width / COLUMNS_OF_TICK)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    cells = [" "] * (label + axis.width + 4)
    value = math.ceil(axis.low / step) * step
    while value <= axis.high:
        text = "0" if abs(value) < step / 2 else f"{value:+.{digits}f}"
        start = label + axis.place(value) - len(text) // 2
        if start >= label - 1 and start + len(text) <= label + axis.width:
            cells[start : start + len(text)] = text
        value += step
    return "".join(cells).rstrip()


def _step(span: float, n: float) -> float:
    """Return 1, 2 or 5 times a power of ten, so that about `n` steps fit into a span."""
    rough = span / max(n, 1.0)
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= rough)


def _cut(title: str) -> str:
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…"
