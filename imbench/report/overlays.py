"""Draw several strategies in one figure: what a comparison from Python shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imbench.report.board import Block, Row
from imbench.report.names import metric_name
from imbench.results.fold import FoldResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_CURVES = 8  # strategies whose colours can be told apart
N_BINS = 10  # of reliability diagrams, with as many rows in each
SIZE = (6.4, 4.8)  # inches

Scores = tuple[NDArray[np.bool_], NDArray[np.float64]]


def pooled(folds: Sequence[FoldResult], label: int) -> Scores:
    """Return whether each test row is of a class, and its score for it; all folds together.

    Parameters
    ----------
    folds : sequence of FoldResult
        Finished.
    label : int

    Returns
    -------
    truth : ndarray of bool of shape (n,)
    score : ndarray of shape (n,)
    """
    truth = np.concatenate([fold.y_true for fold in folds]) == label
    return truth, np.concatenate([fold.y_score[:, label] for fold in folds])


def figure_curves(kind: str, named: Sequence[tuple[str, Scores]], of: str) -> Figure:
    """Draw a curve for each strategy.

    Parameters
    ----------
    kind : {"pr", "roc", "reliability"}
    named : sequence of (title, (truth, score))
    of : str
        Name of the class that the scores are for.

    Examples
    --------
    >>> truth, score = np.array([True, False, False]), np.array([0.9, 0.2, 0.4])
    >>> figure = figure_curves("pr", [("none", (truth, score))], of="yes")
    >>> figure.axes[0].get_ylabel()
    'precision of yes'
    """
    figure, axes = _axes()
    draw = CURVES[kind]
    for title, (truth, score) in named[:MAX_CURVES]:
        draw(axes, title, truth, score)
    x, y = LABELS[kind]
    axes.set(xlabel=x.format(of=of), ylabel=y.format(of=of), xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    if kind != "pr":
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=0.8)
    _finish(axes)
    return figure


def figure_cost(named: Sequence[tuple[str, Scores]], missed: float, false_alarm: float) -> Figure:
    """Draw what a row costs over the threshold above which it counts as the rare class.

    Parameters
    ----------
    named : sequence of (title, (truth, score))
    missed, false_alarm : float
        Cost of an error of each kind.
    """
    figure, axes = _axes()
    thresholds = np.linspace(0, 1, 201)
    for title, (truth, score) in named[:MAX_CURVES]:
        called = score >= thresholds[:, None]
        cost = missed * (truth & ~called) + false_alarm * (~truth & called)
        axes.plot(thresholds, cost.mean(axis=1), label=title)
    best = thresholds[0] if not missed + false_alarm else false_alarm / (missed + false_alarm)
    axes.axvline(best, color="grey", linestyle=":", linewidth=0.8, label="if scores are calibrated")
    axes.set(xlabel="threshold", ylabel="expected cost of a row", xlim=(0, 1))
    _finish(axes)
    return figure


def figure_gains(block: Block, metric: str) -> Figure:
    """Draw the gain of each strategy over the baseline, with its interval.

    Parameters
    ----------
    block : Block
    metric : str
        Metric of the comparisons.
    """
    rows = [row for row in block.rows if row.comparison is not None][::-1]
    figure, axes = _axes(height=1.2 + 0.3 * max(len(rows), 2))
    for place, row in enumerate(rows):
        told = row.comparison
        assert told is not None
        colour = {"better": "#1a7f37", "worse": "#cf222e"}.get(told.verdict, "#57606a")
        axes.plot([told.low, told.high], [place, place], color=colour)
        axes.plot([told.gain], [place], "o", color=colour)
    axes.axvline(0, color="grey", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [_escaped(row) for row in rows])
    axes.set_xlabel(f"gain in {metric_name(metric)} over {block.baseline or 'the baseline'}")
    axes.grid(axis="x", alpha=0.25)
    return figure


def _escaped(row: Row) -> str:
    return row.title.replace("$", r"\$")


def _precision_recall(axes: Axes, title: str, truth: Any, score: Any) -> None:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth, score, drop_intermediate=True)
    area = average_precision_score(truth, score)
    axes.step(recall, precision, where="post", label=f"{title}: AP {area:.3f}")


def _roc(axes: Axes, title: str, truth: Any, score: Any) -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    false_alarms, recall, _ = roc_curve(truth, score)
    axes.plot(false_alarms, recall, label=f"{title}: AUC {roc_auc_score(truth, score):.3f}")


def _reliability(axes: Axes, title: str, truth: Any, score: Any) -> None:
    from sklearn.calibration import calibration_curve

    shares, means = calibration_curve(truth, score, n_bins=N_BINS, strategy="quantile")
    axes.plot(means, shares, "o-", markersize=3, label=title)


CURVES: dict[str, Callable[[Axes, str, Any, Any], None]] = {
    "pr": _precision_recall,
    "roc": _roc,
    "reliability": _reliability,
}
LABELS = {
    "pr": ("recall of {of}", "precision of {of}"),
    "roc": ("false positive rate", "true positive rate of {of}"),
    "reliability": ("mean score of {of}", "share of {of}"),
}


def _axes(height: float = SIZE[1]) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIZE[0], height), layout="constrained")
    return figure, figure.subplots()


def _finish(axes: Axes) -> None:
    axes.grid(alpha=0.25)
    axes.legend(fontsize="small")
