"""Fit the strategy of a row of a comparison to all rows, as it was compared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from imbench.api.serving.card import reference_of
from imbench.components.override import quoted
from imbench.errors import ConfigError
from imbench.report.answer import answer
from imbench.report.board import Block, Row
from imbench.results.fold import CellResult

if TYPE_CHECKING:
    from imbench.api.estimator import ImbalancedClassifier

SHOWN = ("f1_macro", "average_precision", "roc_auc", "brier", "ece")  # metrics on a card


def tuned_values(cell: CellResult) -> dict[str, Any]:
    """Return the values that tuning chose in most folds, the first of equally frequent ones.

    Examples
    --------
    >>> from imbench.results.fold import CellKey, cell_result
    >>> tuned_values(cell_result(CellKey("0", "toy", "knn", "none", (), 5, {}), []))
    {}
    """
    chosen = Counter(repr(sorted(fold.tuned.items())) for fold in cell.finished if fold.tuned)
    if not chosen:
        return {}
    most = chosen.most_common(1)[0][0]
    return next(dict(f.tuned) for f in cell.finished if repr(sorted(f.tuned.items())) == most)


def card_of(cell: CellResult, block: Block, row: Row, sort: str) -> dict[str, Any]:
    """Return what the card of a model says of the comparison that it was chosen in.

    Scores of rows that were not fitted on, of the first repeat, are what new rows are compared
    with (:mod:`imbench.api.serving.drift`).
    """
    first = cell.finished[0]
    once = [fold for fold in cell.finished if fold.repeat == first.repeat]
    labels = np.concatenate([fold.y_true for fold in once])
    scores = np.concatenate([fold.y_score for fold in once])
    shown = {name: row.mean[name] for name in (sort, *SHOWN) if name in row.mean}
    return {
        "data": {"dataset": cell.dataset, "rows": len(first.test_index) + first.n_train},
        "folds": block.caption,
        "verdict": str(answer(block, sort)),
        "metric": {"name": sort, "value": row.mean[sort]},
        "reference": reference_of(scores, labels, first.class_names),
        "means over folds": shown,
        "baseline": block.baseline,
    }


def refit(
    words: Sequence[str],
    config: Mapping[str, Any],
    cell: CellResult,
    block: Block,
    row: Row,
    sort: str,
) -> ImbalancedClassifier:
    """Return the strategy of a row, fitted to all rows of the table.

    Parameters
    ----------
    words : sequence of str
        Of the sweep, without those that choose strategies and models.
    config : mapping
        Composed configuration of the cell.
    cell : CellResult
    block, row
        Where the cell stands in the table.
    sort : str
        Metric of the comparisons.

    Raises
    ------
    ConfigError
        If the data are no table in a file.
    """
    from imbench.api.estimator import ImbalancedClassifier
    from imbench.api.recipe import is_of_estimator
    from imbench.data.table import read_frame

    node = config["dataset"]
    if "path" not in node or "target" not in node:
        raise ConfigError(
            f"dataset={cell.dataset} is no table in a file: fit needs dataset=table or a DataFrame."
        )
    frame, target = read_frame(node)
    kept = [word for word in words if is_of_estimator(word)]
    tuned = [f"{key}={_written(value)}" for key, value in tuned_values(cell).items()]
    fitted = ImbalancedClassifier(
        cell.label, cell.model, [*kept, *tuned], random_state=int(config["seed"])
    ).fit(frame, target)
    fitted.card_ = card_of(cell, block, row, sort)
    return fitted


def _written(value: Any) -> str:
    """Return a tuned value as an override has it."""
    return quoted(value) if isinstance(value, str) else json.dumps(value)
