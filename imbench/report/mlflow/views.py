"""What the MLflow UI compares: limits of means, a table of folds, and a view that shows them.

Called by :mod:`imbench.report.mlflow.tracker` when it writes a cell.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from imbench.report.board import Row
from imbench.report.statistics import corrected_t_test
from imbench.results.metric_options import MetricOptions


def intervals(row: Row) -> dict[str, float]:
    """Return the limits of the 95 % interval of each mean, as ``f1_macro_low`` and ``_high``.

    The corrected resampled interval of Nadeau and Bengio over the fold values, for metrics of
    all classes together: two columns more a class would hide the rest. It knows no bounds, and
    may end above 1. NaN without a second fold.
    """
    if row.status != "ok":
        return {}
    ratio = sum(f.n_test for f in row.folds) / max(sum(f.n_train for f in row.folds), 1)
    limits: dict[str, float] = {}
    for name in (name for name in row.mean if "/" not in name):
        values = [f.metrics[name] for f in row.folds if not math.isnan(f.metrics[name])]
        test = corrected_t_test(values, ratio)
        limits |= {f"{name}_low": test.low, f"{name}_high": test.high}
    return limits


def fold_table(row: Row, sort: str) -> dict[str, list[Any]]:
    """Return one line a fold with all its values, column by column.

    MLflow's comparison of tables lines runs up by the first column and shows the second: the
    place of the fold, and the metric ``sort``.
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
    """Return a table as the JSON that pandas calls ``split``, which the MLflow UI reads."""
    rows = list(zip(*table.values(), strict=True))
    return json.dumps({"columns": list(table), "data": rows}, ensure_ascii=False)


def shared_view(
    options: MetricOptions, mlflow_names: Callable[[Iterable[str]], Mapping[str, str]]
) -> dict[str, Any]:
    """Return a view of the MLflow UI: runs grouped by strategy, mean and interval as columns.

    It is what the UI itself stores where a view is shared. A UI that cannot read it says so and
    shows its own default.

    Parameters
    ----------
    options : MetricOptions
    mlflow_names : callable
        From names of metrics to what they are called in MLflow.
    """
    interval = [] if "/" in options.sort else [f"{options.sort}_low", f"{options.sort}_high"]
    shown = [options.sort, *interval, *(n for n in options.shown if n != options.sort)]
    columns = [f"metrics.`{name}`" for name in mlflow_names(shown).values()]
    return {
        "orderByKey": columns[0],
        "orderByAsc": not options.higher_is_better(options.sort),
        "selectedColumns": ["tags.`dataset`", "tags.`model`", *columns],
        "groupBy": {
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "tag", "groupByData": "strategy"}],
        },
    }
