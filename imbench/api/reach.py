"""Say how far a precision that was asked for is out of reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imbench.results.metric_options import MetricOptions, minority_label
from imbench.results.metric_points import precision_at_recall, ranking_of

if TYPE_CHECKING:
    from imbench.api.result import ComparisonResult
    from imbench.results.fold import FoldResult

FOUND = 0.1  # share of the rare rows below which a precision is of no use


def unreached(result: ComparisonResult) -> list[str]:
    """Return a sentence if no threshold of what is recommended has the precision of the goal.

    Parameters
    ----------
    result : ComparisonResult
        Of any goal; others than ``recall-at-precision`` can always be reached.

    Returns
    -------
    list of str
        The sentence, with the highest precision that still finds a tenth of the rare rows.

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
    model, _, title = result.recommended.partition("/")
    rows = [row for block in result.board.blocks for row in block.finished]
    row = next(row for row in rows if (row.model, row.title) == (model, title))
    n_missed = sum(fold.metrics[result.board.sort] == 0 for fold in row.folds)
    if not n_missed:
        return []
    cell = next(cell for cell in result.cells if cell.run_id == row.run_id)
    best = float(np.mean([_precision(fold, result.options) for fold in cell.finished]))
    asked = result.options.at_precision
    return [
        f"No threshold of {title} has a precision of {asked:g} in {n_missed} of {len(row.folds)} "
        f"folds. The highest that still finds {100 * FOUND:.0f} % of the rare rows is {best:.2f} "
        f"on average: --goal recall-at-precision={best:.2f} asks for what can be had."
    ]


def _precision(fold: FoldResult, options: MetricOptions) -> float:
    """Return the highest precision of a threshold that finds a tenth of the rare rows."""
    weights = fold.test_weight if len(fold.test_weight) else np.ones(len(fold.y_true))
    rare = minority_label(options, fold.class_names, fold.minority)
    ranking = ranking_of(fold.y_true == rare, fold.y_score[:, rare], weights)
    return float(precision_at_recall(ranking, FOUND)[0])
