"""Say before a run how small a gain a table can show."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imbench.errors import ConfigError
from imbench.report.names import metric_name
from imbench.report.statistics.detectable import detectable_gain
from imbench.report.statistics.verdict import ALPHA, LEVELS
from imbench.results.metric_options import MetricOptions, costs_by_label, minority_label
from imbench.strategies.label_metrics import EXPECTED_COST


def forecast(
    dataset: str,
    class_names: Sequence[str],
    counts: Sequence[int],
    n_splits: int,
    n_repeats: int | None,
    n_strategies: int,
    options: MetricOptions,
    n_groups: Sequence[int] | None = None,
) -> str:
    """Return a sentence; empty for a metric that is not known or depends on the number of rows.

    Parameters
    ----------
    dataset : str
    class_names : sequence of str
    counts : sequence of int
        Rows of each class that are tested in a repeat.
    n_splits : int
        Folds of a repeat.
    n_repeats : int or None
        None if repeats are added until verdicts are told.
    n_strategies : int
        Strategies that are compared with the baseline.
    options : MetricOptions
        ``sort`` is the metric.
    n_groups : sequence of int or None, default=None
        Tested groups with rows of each class, where rows have groups.

    Examples
    --------
    >>> forecast("toy", ("no", "yes"), (950, 50), 5, 1, 4, MetricOptions())
    'toy: 50 test rows of yes in 5 folds can show gains in macro F1 from about 0.09 on, at best.'
    """
    metric, simulated = options.sort, _simulated(options, class_names, counts)
    if simulated is None:
        return ""
    n, level = (max(LEVELS), LEVELS[max(LEVELS)]) if n_repeats is None else (n_repeats, ALPHA)
    n_rarest = None if n_groups is None else min(filter(None, n_groups), default=0)
    gain = detectable_gain(
        counts, n_splits, n, n_strategies, metric, level, options=simulated, n_rarest=n_rarest
    )
    rarest = _rarest(counts)
    where = f"{counts[rarest]:,} test rows of {class_names[rarest]} in "
    where += f"{n_groups[rarest]:,} groups and " if n_groups is not None else ""
    where += f"{n_splits} folds" if n_splits > 1 else "one fold"
    if n > 1:
        where += f" and {'up to ' if n_repeats is None else ''}{n} repeats"
    if math.isnan(gain):
        return f"{dataset}: {where} are too few to show a gain in {metric_name(metric)}."
    shown = f"{gain:.2f}" if gain >= 0.02 else f"{gain:.3f}"
    gains = f"gains in {metric_name(metric)} from about {shown} on, at best"
    return f"{dataset}: {where} can show {gains}."


def _simulated(
    options: MetricOptions, class_names: Sequence[str], counts: Sequence[int]
) -> MetricOptions | None:
    """Return the options of the metric for numbered classes; None if it cannot be simulated."""
    metric = options.sort
    if metric not in options.known or (metric == "recall_at_k" and options.k is not None):
        return None
    try:
        minority = minority_label(options, class_names, _rarest(counts))
        costs = costs_by_label(options, class_names, minority)
    except ConfigError:  # the run says it
        return None
    if metric != EXPECTED_COST:
        costs = None
    elif min(counts) == 0:
        return None
    return MetricOptions(
        sort=metric, ece_bins=options.ece_bins, at_precision=options.at_precision,
        at_recall=options.at_recall, net_benefit_threshold=options.net_benefit_threshold,
        costs=None if costs is None else costs.tolist(),
    )  # fmt: skip


def _rarest(counts: Sequence[int]) -> int:
    return min(range(len(counts)), key=lambda k: counts[k])
