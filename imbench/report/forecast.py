"""Say before a run how small a gain a table can show."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imbench.report.names import metric_name
from imbench.report.statistics.detectable import detectable_gain
from imbench.report.statistics.verdict import ALPHA, LEVELS
from imbench.results.metric_options import HIGHER_IS_BETTER


def forecast(
    dataset: str,
    class_names: Sequence[str],
    counts: Sequence[int],
    n_splits: int,
    n_repeats: int | None,
    n_strategies: int,
    metric: str,
) -> str:
    """Return a sentence; empty for a metric that imbench does not know.

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
    metric : str

    Examples
    --------
    >>> forecast("toy", ("no", "yes"), (950, 50), 5, 1, n_strategies=4, metric="f1_macro")
    'toy: 50 test rows of yes in 5 folds can show gains in macro F1 from about 0.09 on.'
    """
    if metric not in HIGHER_IS_BETTER:
        return ""
    n, level = (max(LEVELS), LEVELS[max(LEVELS)]) if n_repeats is None else (n_repeats, ALPHA)
    gain = detectable_gain(counts, n_splits, n, n_strategies, metric, level)
    rare = min(range(len(counts)), key=lambda k: counts[k])
    where = f"{counts[rare]:,} test rows of {class_names[rare]} in "
    where += f"{n_splits} folds" if n_splits > 1 else "one fold"
    if n > 1:
        where += f" and {'up to ' if n_repeats is None else ''}{n} repeats"
    if math.isnan(gain):
        return f"{dataset}: {where} are too few to show a gain in {metric_name(metric)}."
    shown = f"{gain:.2f}" if gain >= 0.02 else f"{gain:.3f}"
    return f"{dataset}: {where} can show gains in {metric_name(metric)} from about {shown} on."
