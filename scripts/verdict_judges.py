"""Judge a table by the verdict of the product and by the test that it replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from verdict_tables import METRICS, PLANTED, Condition, Table, plant

from imbench.components.seeding import derive
from imbench.report.statistics.evidence import collect
from imbench.report.statistics.joint import Evidence
from imbench.report.statistics.ttest import ALPHA, corrected_t_test, holm
from imbench.report.statistics.verdict import LEVELS, Comparison, among_best, compare
from imbench.results.metric_options import MetricOptions
from imbench.results.metrics import compute

OPTIONS = MetricOptions()
TOLD = ("better", "worse", "equal")
Values = Sequence[Sequence[Mapping[str, float]]]  # the metrics of each fold of each strategy


@dataclass(frozen=True)
class Seen:
    """What a null table said in one metric; each is 0 or 1.

    Parameters
    ----------
    better : int
        Whether any strategy was told better than doing nothing.
    told : int
        Whether any was told better or worse: some simultaneous interval misses 0.
    probably : int
        Whether any was called probably better.
    left_out : int
        Whether any was told from the best.
    old : int
        Whether the corrected t-test with Holm's adjustment told any better.
    looks : int
        Whether any was told better at any of several looks; 0 where there was one.
    """

    better: int
    told: int
    probably: int
    left_out: int
    old: int
    looks: int = 0


@dataclass(frozen=True, eq=False)
class Look:
    """What was seen in one table.

    Parameters
    ----------
    null : mapping of str to Seen
        By metric.
    power : ndarray of shape (len(PLANTED), 4)
        Of the first metric: the gain; whether it was told better, or probably so, by the new
        verdict; and told better by the old one.
    """

    null: Mapping[str, Seen]
    power: NDArray[np.float64]


def values_of(table: Table) -> Values:
    """Compute all metrics of a table."""
    return [[compute(fold, OPTIONS) for fold in folds] for folds in table]


def evidence_of(table: Table, values: Values, metric: str) -> Evidence:
    """Collect the evidence as a report does."""
    found = [[fold[metric] for fold in folds] for folds in values]
    return collect(table, found, metric, OPTIONS)


def told_of(evidence: Evidence, sequential: bool = False) -> list[Comparison]:
    """Compare all strategies with the first."""
    found = compare(evidence, 0, OPTIONS.rope, sequential)
    return [comparison for comparison in found if comparison is not None]


def old_better(evidence: Evidence, ratio: float) -> list[bool]:
    """Judge by the corrected resampled t-test with Holm's adjustment, on five folds or more.

    Parameters
    ----------
    evidence : Evidence
    ratio : float
        Test rows over training rows.
    """
    gains = evidence.values[1:] - evidence.values[0]
    if gains.shape[1] < 5:
        return [False] * len(gains)
    tests = [corrected_t_test(d[~np.isnan(d)], ratio) for d in gains]
    adjusted = holm([t.p_value for t in tests])
    return [bool(p < ALPHA and t.mean > 0) for t, p in zip(tests, adjusted, strict=True)]


def ratio_of(table: Table) -> float:
    """Return the test rows over the training rows of a table."""
    fold = table[0][0]
    return len(fold.y_true) / fold.n_train


def judge(table: Table, values: Values, metric: str, looks: bool) -> Seen:
    """Judge a null table in one metric."""
    evidence = evidence_of(table, values, metric)
    told = told_of(evidence)
    verdicts = {c.verdict for c in told}
    best = among_best(evidence, [None, *told], 0, OPTIONS.rope)
    return Seen(
        better=int("better" in verdicts),
        told=int(any(c.p_adjusted < ALPHA for c in told)),
        probably=int("probably better" in verdicts),
        left_out=int(not all(best)),
        old=int(any(old_better(evidence, ratio_of(table)))),
        looks=int(looks and any(c.verdict == "better" for c in after_looks(table, values, metric))),
    )


def after_looks(table: Table, values: Values, metric: str) -> list[Comparison]:
    """Judge after each of several numbers of repeats; strategies that were told stop there."""
    last = [max(LEVELS)] * len(table)
    told: list[Comparison] = []
    for n in LEVELS:
        seen = [
            [i for i, fold in enumerate(folds) if fold.repeat < min(n, end)]
            for folds, end in zip(table, last, strict=True)
        ]
        evidence = evidence_of(
            [[folds[i] for i in own] for folds, own in zip(table, seen, strict=True)],
            [[found[i] for i in own] for found, own in zip(values, seen, strict=True)],
            metric,
        )
        told = told_of(evidence, sequential=True)
        for i, comparison in enumerate(told, 1):
            if comparison.verdict in TOLD:
                last[i] = min(last[i], n)
    return told


def power_of(table: Table, values: Values, seed: int) -> NDArray[np.float64]:
    """Plant gains of several sizes and judge each."""
    found = []
    for share in PLANTED:
        planted = plant(table, share, seed)
        own = [values[0], [compute(fold, OPTIONS) for fold in planted[1]], *values[2:]]
        evidence = evidence_of(planted, own, METRICS[0])
        first = told_of(evidence)[0]
        old = old_better(evidence, ratio_of(table))[0]
        found.append((first.gain, first.verdict == "better", first.verdict.endswith("better"), old))
    return np.array(found, dtype=np.float64)


def look(condition: Condition, seed: int) -> Look:
    """Make a null table and judge it, with planted gains where wanted."""
    table = condition.make(condition, seed)
    values = values_of(table)
    null = {metric: judge(table, values, metric, condition.looks) for metric in METRICS}
    power = power_of(table, values, seed) if condition.power else np.empty((0, 4))
    return Look(null, power)


def run(condition: Condition, n_tables: int, n_jobs: int = 1) -> list[Look]:
    """Judge many tables of a condition, each of its own data set."""
    return parallel(
        n_jobs,
        look,
        [(condition, derive(0, "verdict", condition.words, i)) for i in range(n_tables)],
    )


def parallel(n_jobs: int, function: Any, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Call a function with each of several tuples of arguments."""
    from joblib import Parallel, delayed

    return list(Parallel(n_jobs=n_jobs)(delayed(function)(*call) for call in calls))
