"""Measure how often intervals of metrics hold the truth; used by verdict_check.py.

Scores are drawn, so that the truth is known: a rare row has a normal score of mean 2, a common one
of mean 0, and every fold adds its own shift, as another fit does. The truth of a metric is its
mean over all simulated tables, because a metric of a fold with few rare rows has its own mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from verdict_judges import evidence_of, parallel, values_of

from imbench.components.seeding import derive
from imbench.report.statistics.intervals import metric_intervals, recall_intervals
from imbench.report.statistics.random_effects import random_effects
from imbench.results.fold import FoldResult

RARE_ROWS = (3, 5, 10, 40)  # in a fold; 19 common rows for each
METRICS = (
    "f1_macro", "f1_minority", "average_precision", "roc_auc", "brier", "log_loss", "ece",
    "balanced_accuracy", "g_mean", "mcc", "recall/c1", "precision/c1",
)  # fmt: skip
WILSON = "recall/c1, Wilson"
SEPARATION, SHIFT, THRESHOLD = 2.0, 0.2, 0.2
DATASETS, TAUS, GAIN = (3, 8, 20), (0.0, 0.03), 0.02  # of claims over several data sets


def draw_fold(rng: np.random.Generator, n_rare: int, fold: int) -> FoldResult:
    """Draw the test part of a fold."""
    y = np.repeat([0, 1], [19 * n_rare, n_rare])
    x = rng.normal(size=len(y)) + SEPARATION * y + SHIFT * rng.normal()
    p = 1 / (1 + 19 * np.exp(SEPARATION**2 / 2 - SEPARATION * x))  # of the unshifted mixture
    return FoldResult(
        run_id="", dataset="drawn", model="drawn", label="", repeat=0, fold=fold, status="ok",
        reason="", class_names=("c0", "c1"), minority=1, counts_before=(19, 1),
        test_index=np.arange(len(y)) + fold * len(y), y_true=y,
        y_score=np.stack([1 - p, p], axis=1), y_pred=(p > THRESHOLD).astype(np.int64),
    )  # fmt: skip


def measure(n_rare: int, seed: int) -> NDArray[np.float64]:
    """Draw five folds; return mean, low and high of each metric and of Wilson's recall."""
    rng = np.random.default_rng(seed)
    table = [[draw_fold(rng, n_rare, fold) for fold in range(5)]]
    values = values_of(table)
    found = []
    for metric in METRICS:
        evidence = evidence_of(table, values, metric)
        interval = metric_intervals(evidence, metric)[0]
        mean = float(np.nanmean([fold[metric] for fold in values[0]]))
        limits = (math.nan, math.nan) if interval is None else (interval.low, interval.high)
        found.append((mean, *limits))
    recall = recall_intervals(table[0])["c1"]
    found.append((recall.hits / recall.n, recall.low, recall.high))
    return np.array(found)


def coverage(n_tables: int, n_jobs: int) -> Iterator[tuple[str, int, int, int, float]]:
    """Yield metric, rare rows of a fold, tables that cover, tables, and the mean width.

    A table without an interval does not cover.
    """
    for n_rare in RARE_ROWS:
        calls = [(n_rare, derive(0, "coverage", str(n_rare), i)) for i in range(n_tables)]
        found = np.stack(parallel(n_jobs, measure, calls))  # (tables, metrics, 3)
        truth = np.nanmean(found[:, :, 0], axis=0)
        covers = (found[:, :, 1] <= truth) & (truth <= found[:, :, 2])
        width = np.nanmean(found[:, :, 2] - found[:, :, 1], axis=0)
        for k, metric in enumerate((*METRICS, WILSON)):
            yield metric, n_rare, int(covers[:, k].sum()), n_tables, float(width[k])


def measure_effects(n_datasets: int, tau: float, seed: int) -> tuple[bool, bool]:
    """Draw gains on data sets; return whether the mean and the gain on a further one are covered.

    Parameters
    ----------
    n_datasets : int
    tau : float
        Standard deviation of the true gains between data sets.
    seed : int
    """
    rng = np.random.default_rng(seed)
    errors = rng.uniform(0.01, 0.04, n_datasets)
    found = random_effects(rng.normal(GAIN, tau, n_datasets) + rng.normal(0, errors), errors)
    assert found is not None
    further = rng.normal(GAIN, tau)
    return found.low <= GAIN <= found.high, found.next_low <= further <= found.next_high


def effects_coverage(n_tables: int, n_jobs: int) -> Iterator[tuple[int, float, int, int, int]]:
    """Yield data sets, tau, how often the mean and the further gain are covered, and tables."""
    for n in DATASETS:
        for tau in TAUS:
            calls = [(n, tau, derive(0, "effects", f"{n} {tau}", i)) for i in range(n_tables)]
            mean, further = np.sum(parallel(n_jobs, measure_effects, calls), axis=0)
            yield n, tau, int(mean), int(further), n_tables
