"""The nouns of a comparison: fold, row, block, leaderboard.

:func:`imbench.report.tables.build_leaderboard` makes them; renderers and the page lay them out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imbench.report.statistics import Comparison, TTest
from imbench.report.statistics.intervals import Interval, Proportion
from imbench.results.fold import Status

if TYPE_CHECKING:
    from imbench.report.ranking import Ranking


@dataclass(frozen=True)
class FoldRow:
    """Every metric of one fold that is ``ok``."""

    repeat: int
    fold: int
    n_train: int
    n_test: int
    fit_s: float
    predict_s: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Row:
    """One cell of the comparison.

    Parameters
    ----------
    run_id, dataset, model, label : str
    title : str
        The label, with the parameters that tell it from other cells of that label.
    stages : tuple of str
    status : {"ok", "skipped", "failed"}
    reason : str
        Why the status is not ``ok``, or how many folds are missing.
    mean, std : mapping of str to float
        Over the folds; empty unless the status is ``ok``.
    fit_s : float
        Mean seconds of fitting a fold.
    folds : tuple of FoldRow
    comparison : Comparison or None
        None for the baseline, without one, and unless the status is ``ok``.
    among_best : bool
        Whether the row is the best of its block or cannot be told from it.
    notes : mapping of str to int
        What imbench changed to fit a fold, and in how many folds.
    same_as : str
        Title of an earlier row with the same predictions, or empty.
    undefined : mapping of str to int
        For each shown metric the number of folds on which it is undefined, where there are any.
    intervals : mapping of str to Interval
        Bootstrap intervals of the shown metrics; empty unless they were asked for.
    recalls : mapping of str to Proportion
        Recall of each class over all test rows, with Wilson's interval.
    """

    run_id: str
    dataset: str
    model: str
    label: str
    title: str
    stages: tuple[str, ...]
    status: Status
    reason: str
    mean: Mapping[str, float]
    std: Mapping[str, float]
    fit_s: float
    folds: tuple[FoldRow, ...]
    comparison: Comparison | None = None
    notes: Mapping[str, int] = field(default_factory=dict)
    among_best: bool = False
    same_as: str = ""
    undefined: Mapping[str, int] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    recalls: Mapping[str, Proportion] = field(default_factory=dict)

    @property
    def beats_baseline(self) -> bool:
        """Whether the strategy can be told to be better than doing nothing."""
        return self.comparison is not None and self.comparison.verdict == "better"


@dataclass(frozen=True)
class Crossed:
    """A strategy and a decision rule, on the same folds.

    Parameters
    ----------
    strategy, rule, metric : str
    as_is : TTest
        Gain of the strategy over doing nothing.
    rule_alone : TTest
        Gain of the rule over doing nothing.
    beyond : TTest
        Gain of the strategy with the rule over the rule alone.
    p_holm : float
        Of ``beyond``, after Holm's correction for the strategies crossed with this rule.
    """

    strategy: str
    rule: str
    metric: str
    as_is: TTest
    rule_alone: TTest
    beyond: TTest
    p_holm: float = math.nan


@dataclass(frozen=True)
class Block:
    """The strategies that met the same data set, model and folds, best first."""

    dataset: str
    model: str
    title: str
    caption: str
    rows: tuple[Row, ...]
    crossings: tuple[Crossed, ...] = ()


@dataclass(frozen=True)
class Leaderboard:
    """Everything that a table shows.

    Parameters
    ----------
    columns : tuple of str
        The metrics shown; `sort` is always one of them.
    sort : str
        The metric that rows are sorted by and that gains and verdicts are about.
    higher_is_better : mapping of str to bool
        Direction of every column.
    blocks : tuple of Block
    rankings : tuple of Ranking
        For each model and its settings the strategies over the data sets; only where there are
        two data sets or more.
    """

    columns: tuple[str, ...]
    sort: str
    higher_is_better: Mapping[str, bool]
    blocks: tuple[Block, ...]
    rankings: tuple[Ranking, ...] = ()

    @property
    def rows(self) -> list[Row]:
        """Rows of all blocks."""
        return [row for block in self.blocks for row in block.rows]
