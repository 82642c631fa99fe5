"""Data for comparing runs in the MLflow UI: intervals, a table of folds, and a shared view.

Called by :mod:`imbench.report.mlflow.tracker` when it writes a cell.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from imbench.report.board import Row
from imbench.results.metric_options import MetricOptions


def intervals(row: Row) -> dict[str, float]:
    """Return the limits of the 95 % interval of each shown mean: ``f1_macro_low``, ``_high``.

    Metrics of single classes have none: two more columns per class would hide the others. A mean
    that does not vary, such as a recall of 1 on all folds, has none either. Gains and verdicts
    belong to a comparison, and a run holds one strategy.
    """
    limits: dict[str, float] = {}
    for name, interval in row.intervals.items():
        if "/" not in name:
            limits |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
    return limits


def fold_table(row: Row, sort: str) -> dict[str, list[Any]]:
    """Return a table with one row per fold, as a mapping of columns.

    MLflow compares the tables of several runs by their first column and shows the second one:
    the position of the fold, and the metric ``sort``.
    """
    names = dict.fromkeys([sort, *(name for fold in row.folds for name in fold.metrics)])
    table: dict[str, list[Any]] = {
        "place": [f"repeat {fold.repeat}, fold {fold.fold}" for fold in row.folds]
    }
    for name in names:
        values = [fold.metrics.get(name, math.nan) for fold in row.folds]
        table[name] = [None if math.isnan(value) else value for value in values]
    facts = ("repeat", "fold", "n_train", "n_test", "fit_s", "predict_s")
    table |= {name: [getattr(fold, name) for fold in row.folds] for name in facts}
    return table | {"strategy": [row.label] * len(row.folds)}


def as_split(table: Mapping[str, Sequence[Any]]) -> str:
    """Return a table as JSON in the ``split`` orientation of pandas, which the MLflow UI reads.

    Examples
    --------
    >>> as_split({"fold": [0, 1], "f1_macro": [0.5, None]})
    '{"columns": ["fold", "f1_macro"], "data": [[0, 0.5], [1, null]]}'
    """
    rows = list(zip(*table.values(), strict=True))
    return json.dumps({"columns": list(table), "data": rows}, ensure_ascii=False)


def shared_view(
    options: MetricOptions, mlflow_names: Callable[[Iterable[str]], Mapping[str, str]]
) -> dict[str, Any]:
    """Return a view of the MLflow UI: runs grouped by strategy, mean and interval as columns.

    The UI has room for three metrics on a screen of 1,400 pixels, and orders them by their names:
    those before the metric ``sort`` would push it out of sight, and are left out.

    This is the format in which the UI stores a shared view. A UI of another version that cannot
    read it shows a notice and its default view.

    Parameters
    ----------
    options : MetricOptions
    mlflow_names : callable
        Maps names of metrics to their MLflow names.
    """
    interval = [] if "/" in options.sort else [f"{options.sort}_low", f"{options.sort}_high"]
    first, *others = mlflow_names([options.sort, *interval, *options.shown]).values()
    columns = [f"metrics.`{name}`" for name in [first, *(n for n in others if n > first)]]
    return {
        "orderByKey": columns[0],
        "orderByAsc": not options.higher_is_better(options.sort),
        "selectedColumns": ["tags.`dataset`", "tags.`model`", *columns],
        "groupBy": {
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "tag", "groupByData": "strategy"}],
        },
    }
