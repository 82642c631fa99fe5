"""Goals about one point of the curve: a precision or a recall that labels are to have.

The metric of such a goal depends on scores alone. So a strategy without a decision rule gets a
threshold, which is tuned to have the precision (recall) that is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from imbench.api.looks import THRESHOLD
from imbench.api.recipe import strategy_names
from imbench.config.catalogue import conf_dir, items
from imbench.config.costs import AT_POINT
from imbench.report.board import BASELINE
from imbench.results.metric_options import MetricOptions, minority_label
from imbench.results.metric_points import precision_at_recall, ranking_of

if TYPE_CHECKING:
    from imbench.api.result import ComparisonResult
    from imbench.results.fold import FoldResult

FOUND = 0.1  # share of the rare rows below which a precision is of no use


def is_of_point(metric: str) -> bool:
    """Return whether a metric is about one point of the curve.

    Examples
    --------
    >>> is_of_point("recall_at_precision"), is_of_point("f1_macro")
    (True, False)
    """
    return metric in AT_POINT


def with_threshold(strategies: Sequence[str]) -> list[str]:
    """Add a threshold to each strategy that has no decision rule of its own.

    Parameters
    ----------
    strategies : sequence of str
        Selections, such as ``smote`` or ``[smote,threshold]``.

    Returns
    -------
    list of str
        Without repetitions; the threshold alone, which is what the others are compared with, is
        the first.

    Examples
    --------
    >>> with_threshold(["none", "smote", "smote+threshold", "temperature"])
    ['threshold', 'smote+threshold', 'temperature']
    """
    ruled = {item.name for item in items("strategy", [conf_dir()]) if "decision" in item.stages}
    found = [THRESHOLD]
    for names in map(strategy_names, strategies):
        if ruled.isdisjoint(names):
            names = [*(name for name in names if name != BASELINE), THRESHOLD]
        found.append("+".join(names))
    return list(dict.fromkeys(found))


def labels(result: ComparisonResult) -> list[str]:
    """Say what precision and recall the labels of what is recommended have.

    Parameters
    ----------
    result : ComparisonResult
        Of any goal; there is a sentence for those about one point, with two classes.

    Examples
    --------
    >>> import tempfile
    >>> from imbench import compare
    >>> from imbench.data.synthetic import load_synthetic
    >>> made = load_synthetic(n_rows=200)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     where = {"results_dir": folder, "progress": False}
    ...     options = {"metric": "recall_at_precision", "overrides": ["baseline=threshold"]}
    ...     strategies = ["threshold", "inverse_weights+threshold"]
    ...     result = compare(made.X, made.y, strategies, ["knn"], **options, **where)
    >>> labels(result)[0].partition(" on training")[0]
    'The threshold is tuned to have a precision of 0.9'
    """
    metric, options = result.board.sort, result.options
    counts = result.recommended_row.counts if is_of_point(metric) else None
    n_classes = {len(fold.class_names) for cell in result.cells for fold in cell.finished}
    if counts is None or n_classes != {2}:
        return []
    _, held, key = AT_POINT[metric]
    found, labelled, rare = counts.found, counts.found + counts.alarms, counts.n_rare
    precision = f"{found / labelled:.2f}" if labelled else "none"
    return [
        f"The threshold is tuned to have a {held} of {getattr(options, key):g} on training rows. "
        f"Of the test rows it labels {labelled:,.0f} as {counts.rare}; {found:,.0f} of them are "
        f"(precision {precision}), out of {rare:,.0f} (recall {found / rare:.2f})."
    ]


def unreached(result: ComparisonResult) -> list[str]:
    """Return a sentence if most folds have no threshold with the precision of the goal.

    Parameters
    ----------
    result : ComparisonResult
        Of any goal; others than ``recall-at-precision`` can always be reached.

    Returns
    -------
    list of str
        The sentence, with a precision that still finds a tenth of the rare rows in half of the
        folds.

    Examples
    --------
    >>> import tempfile
    >>> from imbench import compare
    >>> from imbench.data.synthetic import load_synthetic
    >>> made = load_synthetic(n_rows=200)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     where = {"results_dir": folder, "progress": False}
    ...     result = compare(made.X, made.y, ["none"], ["decision_tree"], metric="roc_auc", **where)
    >>> unreached(result)
    []
    """
    if result.board.sort != "recall_at_precision":
        return []
    row = result.recommended_row
    n_missed = sum(fold.metrics[result.board.sort] == 0 for fold in row.folds)
    if 2 * n_missed <= len(row.folds):
        return []
    folds = result.recommended_cell.finished
    highest = np.median([_precision(fold, result.options) for fold in folds])
    best = math.floor(100 * highest) / 100  # half of the folds have it
    return [
        f"No threshold of {row.title} has a precision of {result.options.at_precision:g} in "
        f"{n_missed} of {len(row.folds)} folds. Half of them have one that finds "
        f"{100 * FOUND:.0f} % of the rare rows with a precision of {best:.2f}: --goal "
        f"recall-at-precision={best:.2f} asks for what can be had."
    ]


def _precision(fold: FoldResult, options: MetricOptions) -> float:
    """Return the highest precision of a threshold that finds a tenth of the rare rows."""
    weights = fold.test_weight if len(fold.test_weight) else np.ones(len(fold.y_true))
    rare = minority_label(options, fold.class_names, fold.minority)
    ranking = ranking_of(fold.y_true == rare, fold.y_score[:, rare], weights)
    return float(precision_at_recall(ranking, FOUND)[0])
