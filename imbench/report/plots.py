"""Plot the stored predictions of one cell.

Figures are created without pyplot, which has global state and may need a display. Each
``figure_x(cell)`` uses the folds with status ``ok``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imbench.report.canvas import (
    AFTER,
    BEFORE,
    LABELS,
    MAX_CURVES,
    N_STEPS,
    axes_of,
    class_names,
    row_of_axes,
    width_of,
)
from imbench.report.made_rows import figure_made_rows
from imbench.report.trials import draw_trials
from imbench.results.fold import CellResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_NAMES = 30  # class names that fit on an axis


def figure_confusion_matrix(cell: CellResult) -> Figure:
    """Draw the confusion matrix of the pooled folds, coloured by the share of the true class."""
    from sklearn.metrics import confusion_matrix

    y_true, y_pred, _ = _pooled(cell)
    names = class_names(cell)
    counts = confusion_matrix(y_true, y_pred, labels=np.arange(len(names)))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(max(4.2, 2.6 + 0.45 * len(names)), 9.0)
    rotate = len(names) > 4 or max(map(len, names)) > 7
    figure, axes = axes_of(
        cell,
        "confusion matrix, folds pooled",
        (side, side * 0.92),
        left=LABELS + width_of(names),
        right=0.85,
        bottom=LABELS + width_of(names) * 0.75 if rotate else LABELS,
    )
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03, ticks=[0, 0.5, 1])
    bar.set_label("share of the true class")
    axes.set(xlabel="predicted", ylabel="true")
    _name_axis(axes, names, "x", rotate)
    _name_axis(axes, names, "y")
    if len(names) <= 15:
        for row, column in np.ndindex(counts.shape):
            colour = "white" if share[row, column] > 0.55 else "black"
            text = f"{counts[row, column]}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize="small")
    return figure


def figure_precision_recall(cell: CellResult) -> Figure:
    """Draw precision-recall curves of the pooled folds, one per class (binary: minority only)."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    figure, axes = _curve_axes(cell, f"precision and recall, {_pooled_title(cell)}")
    for name, truth, score in _one_vs_rest(cell):
        precision, recall, _ = precision_recall_curve(truth, score, drop_intermediate=True)
        area = average_precision_score(truth, score)
        axes.step(recall, precision, where="post", label=f"{name}: AP {area:.3f}")
        if len(class_names(cell)) == 2:
            chance = "chance: share of the class"
            axes.axhline(truth.mean(), color="grey", linestyle=":", linewidth=0.8, label=chance)
    axes.set(xlabel="recall", ylabel="precision")
    _finish_curves(axes)
    return figure


def figure_roc(cell: CellResult) -> Figure:
    """Draw ROC curves of the pooled folds, one per class (binary: minority only)."""
    from sklearn.metrics import roc_auc_score, roc_curve

    figure, axes = _curve_axes(cell, f"ROC, {_pooled_title(cell)}")
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=0.8)
    for name, truth, score in _one_vs_rest(cell):
        false_alarms, recall, _ = roc_curve(truth, score)
        area = roc_auc_score(truth, score)
        axes.plot(false_alarms, recall, label=f"{name}: AUC {area:.3f}")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    _finish_curves(axes)
    return figure


def figure_class_distribution(cell: CellResult) -> Figure:
    """Draw training rows per class before and after the strategy, as means over folds."""
    from matplotlib.ticker import MaxNLocator

    folds = cell.finished
    names = class_names(cell)
    before = np.mean([f.counts_before for f in folds], axis=0)
    after = np.mean([f.counts_after for f in folds], axis=0)
    place = np.arange(len(names))
    size = (min(max(5.0, 2.5 + 0.5 * len(names)), 12.0), 3.8)
    rotate = len(names) > 8 or max(map(len, names)) > 9
    figure, axes = axes_of(
        cell,
        "training rows a class, mean over folds",
        size,
        left=0.95,
        bottom=LABELS / 2 + width_of(names) * 0.75 if rotate else LABELS,
        top=0.9,
        pad=28,
    )
    bars = [
        axes.bar(place - 0.2, before, 0.4, color=BEFORE, label="before the strategy"),
        axes.bar(place + 0.2, after, 0.4, color=AFTER, label="that trained the model"),
    ]
    if len(names) <= 10:
        for container in bars:
            axes.bar_label(container, fmt="%.0f", fontsize="x-small", padding=1)
    counts = np.concatenate([before, after])
    if counts.max() > 50 * max(counts[counts > 0].min(initial=counts.max()), 1e-9):
        axes.set_yscale("log")
    else:
        axes.yaxis.set_major_locator(MaxNLocator(N_STEPS))
    axes.margins(y=0.12)
    _name_axis(axes, names, "x", rotate)
    axes.set(ylabel="rows")
    axes.legend(fontsize="small", ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def figure_training_curve(cell: CellResult) -> Figure:
    """Draw training loss and validation score per epoch, one line per fold."""
    from matplotlib.ticker import MaxNLocator

    figure, (left, right) = row_of_axes(cell, "training, a line a fold", (7.6, 3.6))
    for fold in cell.finished:
        epochs = np.arange(1, len(fold.history) + 1)
        name = f"{fold.repeat}.{fold.fold}"
        marker = "o" if len(epochs) == 1 else None  # a single point is no visible line
        left.plot(epochs, fold.history[:, 0], linewidth=1, marker=marker, label=name)
        right.plot(epochs, fold.history[:, 1], linewidth=1, marker=marker, label=name)
    for axes, label in ((left, "training loss"), (right, "validation score")):
        axes.set(xlabel="epoch", ylabel=label)
        whole = MaxNLocator(N_STEPS, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
        axes.xaxis.set_major_locator(whole)
        axes.yaxis.set_major_locator(MaxNLocator(N_STEPS))
        axes.grid(alpha=0.25)
    if not any(np.isfinite(f.history[:, 1]).any() for f in cell.finished):
        right.text(0.5, 0.5, "none was held out", ha="center", transform=right.transAxes)
    if len(cell.finished) <= MAX_CURVES:
        right.legend(title="repeat.fold", fontsize="x-small", title_fontsize="x-small")
    return figure


def figure_tuning_history(cell: CellResult) -> Figure:
    """Draw the value of each tuning trial and the best value so far, one line per fold."""
    figure, axes = axes_of(cell, "trials of tuning", (6.4, 4.0), left=0.95, bottom=0.9)
    draw_trials(axes, cell)
    return figure


def figures(cell: CellResult) -> Iterator[tuple[str, Figure]]:
    """Yield file name and figure of each plot that the cell has data for."""
    folds = cell.finished
    if not folds:
        return
    drawn: dict[str, Callable[[CellResult], Figure]] = {}
    if sum(len(f.y_true) for f in folds):
        drawn |= {
            "confusion_matrix": figure_confusion_matrix,
            "precision_recall": figure_precision_recall,
            "roc": figure_roc,
        }
    if all(f.counts_before and f.counts_after for f in folds):
        drawn["class_distribution"] = figure_class_distribution
    if any(len(f.history) for f in folds):
        drawn["training_curve"] = figure_training_curve
    if any(len(f.picture) for f in folds):
        drawn["made_rows"] = figure_made_rows
    if any(f.trials for f in folds):
        drawn["tuning_history"] = figure_tuning_history
    for name, draw in drawn.items():
        yield name, draw(cell)


def _pooled(
    cell: CellResult,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    folds = cell.finished
    return (
        np.concatenate([f.y_true for f in folds]),
        np.concatenate([f.y_pred for f in folds]),
        np.concatenate([f.y_score for f in folds]),
    )


def _one_vs_rest(cell: CellResult) -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.float64]]]:
    """Yield name, truth and score of the classes to draw, at most the ten rarest."""
    y_true, _, y_score = _pooled(cell)
    names = class_names(cell)
    counts = np.bincount(y_true, minlength=len(names))
    classes = np.flatnonzero((counts > 0) & (counts < len(y_true)))
    if len(names) == 2:
        classes = classes[classes == cell.finished[0].minority]
    rarest = classes[np.argsort(counts[classes], kind="stable")][:MAX_CURVES]
    finite = np.isfinite(y_score).all(axis=1)  # scores of diverged nets are NaN
    for k in sorted(rarest):
        truth = y_true[finite] == k
        if truth.any() and not truth.all():
            yield names[k], truth, y_score[finite, k]


def _pooled_title(cell: CellResult) -> str:
    many = len(class_names(cell)) > MAX_CURVES
    return f"the {MAX_CURVES} rarest classes, folds pooled" if many else "folds pooled"


def _curve_axes(cell: CellResult, what: str) -> tuple[Figure, Axes]:
    """Return a figure with one plot, and room for a legend next to it if it has many curves."""
    names = class_names(cell)
    if len(names) == 2:
        return axes_of(cell, what, (5.4, 4.4))
    return axes_of(cell, what, (7.2, 4.4), right=0.6 + width_of([f"{max(names, key=len)}: AUC"]))


def _finish_curves(axes: Axes) -> None:
    quarters = np.linspace(0, 1, N_STEPS + 1)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=quarters, yticks=quarters)
    axes.grid(alpha=0.25)
    handles, _ = axes.get_legend_handles_labels()
    if not handles:
        axes.text(0.5, 0.5, "undefined: one class only", ha="center", transform=axes.transAxes)
    elif len(handles) <= 2:
        axes.legend(fontsize="small", loc="best")
    else:
        axes.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1.0, 0.5))


def _name_axis(axes: Axes, names: list[str], which: str, rotate: bool = False) -> None:
    """Label an axis with class names, with every n-th one if there are too many."""
    step = -(-len(names) // MAX_NAMES)
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_ticks(range(0, len(names), step), names[::step], fontsize="small")
    if rotate:
        for label in axis.get_ticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
