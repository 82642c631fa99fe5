"""Data classes of a comparison: fold, row, block and leaderboard.

:func:`imbench.report.tables.build_leaderboard` creates them. Tables and the page lay them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imbench.report.statistics.intervals import Interval, Proportion
from imbench.report.statistics.verdict import Comparison
from imbench.results.fold import Status

if TYPE_CHECKING:
    from imbench.report.ranking import Ranking

BASELINE = "none"  # label of the strategy that changes nothing
AUTO = "auto"  # the baseline is the best of doing nothing and the trivial remedies
# Labels of the remedies that cost nothing: class weights and a moved threshold.
TRIVIAL = ("inverse_weights", "threshold")
NEAR_BEST = "*"  # marks the group of the best
# Metrics of the three questions, beside the metric sorted by and those of the rare class.
RANKING = ("average_precision", "roc_auc")
PROBABILITIES = ("brier", "log_loss", "ece")


@dataclass(frozen=True)
class FoldRow:
    """Times, sizes and metrics of one fold with status ``ok``."""

    repeat: int
    fold: int
    n_train: int
    n_test: int
    fit_s: float
    predict_s: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Counts:
    """What a strategy finds and what it costs, in rows that are tested once.

    Parameters
    ----------
    found, n_rare : float
        Rows of the rare classes that are predicted right, and all of them.
    alarms, n_others : float
        Other rows that are predicted as one of the rare classes, and all of them. Means over
        repeats.
    rare, others : str
        Name of their class, or "rare rows" and "others" of many classes.

    Examples
    --------
    >>> counts = Counts(found=37.0, n_rare=50.0, alarms=90.0, n_others=950.0)
    >>> counts.found / counts.n_rare
    0.74
    """

    found: float
    n_rare: float
    alarms: float
    n_others: float
    rare: str = "rare rows"
    others: str = "others"

    @property
    def rare_rows(self) -> str:
        """What the rare rows are called after a number: ``Yes``, but ``rows of 1``."""
        return _called(self.rare)

    @property
    def other_rows(self) -> str:
        """What the other rows are called after a number."""
        return _called(self.others)


def _called(name: str) -> str:
    return f"rows of {name}" if name[-1:].isdigit() else name


@dataclass(frozen=True)
class Row:
    """One cell of the comparison.

    Parameters
    ----------
    run_id, dataset, model, label : str
    title : str
        The label, followed by parameters if several cells have the same label.
    stages : tuple of str
        Stages that the strategy fills.
    status : {"ok", "skipped", "failed"}
    reason : str
        Why the status is not ``ok``, or how many folds are missing.
    mean, std : mapping of str to float
        Metrics over the folds. Empty unless the status is ``ok``.
    fit_s : float
        Mean seconds of fitting a fold.
    folds : tuple of FoldRow
    comparison : Comparison or None
        Comparison with the baseline. None for the baseline itself, if there is no baseline, and
        unless the status is ``ok``.
    trivial : Comparison or None
        Comparison with the best trivial remedy of the block, see :attr:`Block.trivial`.
    profile : mapping of str to Comparison
        Comparisons with the baseline in the metrics of the three questions, see
        :mod:`imbench.report.questions`.
    among_best : bool
        Whether the row is in the group of the best.
    counts : Counts or None
        None unless the status is ``ok``.
    stopped : str
        Why no further repeat was added, or empty.
    notes : mapping of str to int
        Changes that imbench made to fit a fold, with their number of folds.
    same_as : str
        Title of an earlier row with the same predictions, or empty.
    undefined : mapping of str to int
        Number of folds on which a shown metric is undefined, without zeros.
    intervals : mapping of str to Interval
        95 % intervals of the shown metrics, if they were computed.
    recalls : mapping of str to Proportion
        Recall of each class over all test rows, with Wilson's interval.
    is_partial : bool
        Whether the row has no repeat in whole while others of its block have: compared with
        nothing, see :mod:`imbench.report.partial`.
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
    trivial: Comparison | None = None
    profile: Mapping[str, Comparison] = field(default_factory=dict)
    counts: Counts | None = None
    stopped: str = ""
    notes: Mapping[str, int] = field(default_factory=dict)
    among_best: bool = False
    same_as: str = ""
    undefined: Mapping[str, int] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    recalls: Mapping[str, Proportion] = field(default_factory=dict)
    is_partial: bool = False

    @property
    def n_repeats(self) -> int:
        """Number of repeats of which at least one fold is finished."""
        return len({fold.repeat for fold in self.folds})

    @property
    def beats_baseline(self) -> bool:
        """Whether the verdict against the baseline is "better"."""
        return self.comparison is not None and self.comparison.verdict == "better"


@dataclass(frozen=True)
class Crossed:
    """Gains of a strategy, of a decision rule, and of both, on the same folds.

    Parameters
    ----------
    strategy, rule, metric : str
    as_is : Comparison
        Gain of the strategy over the baseline.
    rule_alone : Comparison
        Gain of the rule over the baseline.
    beyond : Comparison
        Gain of the strategy with the rule over the rule alone.
    """

    strategy: str
    rule: str
    metric: str
    as_is: Comparison
    rule_alone: Comparison
    beyond: Comparison


@dataclass(frozen=True)
class Block:
    """Strategies compared on the same data set, model and folds, best first.

    Parameters
    ----------
    dataset, model : str
    title : str
        Data set and model, followed by settings if several blocks have the same.
    caption : str
        What the numbers are means of, and how gains were tested.
    rows : tuple of Row
    crossings : tuple of Crossed
        Strategies combined with decision rules.
    baseline : str
        Title of the row that the others are compared with, or empty.
    trivial : str
        Title of the best of doing nothing, class weights and a moved threshold, or empty.
    asked : str
        The baseline that was asked for: a label, or ``auto``.
    repeat_key : str
        Key of ``splits`` that adds fits, ``n_repeats`` or ``n_seeds``. Empty if there is none.
    """

    dataset: str
    model: str
    title: str
    caption: str
    rows: tuple[Row, ...]
    crossings: tuple[Crossed, ...] = ()
    baseline: str = ""
    trivial: str = ""
    asked: str = BASELINE
    repeat_key: str = "n_repeats"

    @property
    def base(self) -> Row | None:
        """The row that the others are compared with."""
        return next((row for row in self.rows if row.title == self.baseline), None)

    @property
    def finished(self) -> list[Row]:
        """The rows that have metrics."""
        return [row for row in self.rows if row.status == "ok" and row.folds]


@dataclass(frozen=True)
class Leaderboard:
    """The compared strategies of all data sets and models.

    Parameters
    ----------
    columns : tuple of str
        The metrics shown, including `sort`.
    sort : str
        The metric that rows are sorted by and that gains and verdicts refer to.
    higher_is_better : mapping of str to bool
        Direction of each column.
    blocks : tuple of Block
    rankings : tuple of Ranking
        Rankings over data sets, one per model and settings, if there are at least two data sets.
    chosen : tuple of str
        The metrics of ``metrics.columns``; `columns` without `sort` if that was not chosen.

    Examples
    --------
    >>> fold = FoldRow(0, 0, n_train=80, n_test=20, fit_s=0.5, predict_s=0.1, metrics={"mcc": 0.9})
    >>> row = Row(
    ...     "0f1a", "toy", "knn", label="none", title="none", stages=(), status="ok", reason="",
    ...     mean={"mcc": 0.9}, std={}, fit_s=0.5, folds=(fold,),
    ... )
    >>> block = Block("toy", "knn", "toy · knn", caption="", rows=(row,))
    >>> board = Leaderboard(("mcc",), "mcc", {"mcc": True}, blocks=(block,))
    >>> [row.title for row in board.rows]
    ['none']
    """

    columns: tuple[str, ...]
    sort: str
    higher_is_better: Mapping[str, bool]
    blocks: tuple[Block, ...]
    rankings: tuple[Ranking, ...] = ()
    chosen: tuple[str, ...] = ()

    @property
    def rows(self) -> list[Row]:
        """The rows of all blocks."""
        return [row for block in self.blocks for row in block.rows]
