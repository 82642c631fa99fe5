"""How small a gain a table can show, before anything is fitted and after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imbench.report.statistics.draws import as_student
from imbench.report.statistics.evidence import collect
from imbench.report.statistics.joint import estimates
from imbench.report.statistics.verdict import (
    ALPHA,
    FEW_ROWS,
    REPEATS_OF_FEW_ROWS,
    Comparison,
)
from imbench.results.fold import FoldResult
from imbench.results.metric_options import MetricOptions

DEFAULT = MetricOptions()
POWER = 0.8
SHARED = 0.9  # correlation of the scores of two models of one algorithm
# How far the scores of a class lie from those of the others, in standard deviations: a ROC AUC of
# 0.91 with two classes.
SKILL = 1.4
PRIOR = 0.5  # power of the class sizes in decisions: at 1 very rare classes are never predicted
# Of what two models differ in on a row, the share that is new in each repeat.
NEW = 0.5
SIMULATED = 20_000  # rows
FEWEST = 50  # rare rows that a large table keeps where it is simulated by a part


def detectable_gain(
    counts: Sequence[float],
    n_splits: int,
    n_repeats: int = 1,
    n_strategies: int = 1,
    metric: str = "f1_macro",
    level: float = ALPHA,
    seed: int = 0,
    options: MetricOptions = DEFAULT,
    n_rarest: int | None = None,
) -> float:
    """Return the gain that a table tells at best, with a power of 80 %.

    Scores of a baseline and of a strategy are simulated: normal variables whose mean is larger
    for the true class, correlated by 0.9, with labels by the largest probability over the root of
    the class size. The standard error of the gain is that of the verdict, and its critical value
    is adjusted for the number of strategies (Bonferroni). Half of the difference between two
    models on a row is new in each repeat. Fits that vary beyond that, and strategies that change
    more decisions, need larger gains.

    Parameters
    ----------
    counts : sequence of float
        Rows of each class that are tested in a repeat.
    n_splits : int
        Folds of a repeat.
    n_repeats : int, default=1
    n_strategies : int, default=1
        Strategies that are compared with the baseline.
    metric : str, default="f1_macro"
    level, seed
    options : MetricOptions
        Of `metric`; costs as a matrix of the classes that have rows, which have no names here.
    n_rarest : int or None, default=None
        Groups of the class with the fewest, where rows have groups; else its number of rows.

    Returns
    -------
    float
        NaN if the table is too small for a verdict, or the metric is not one of imbench.

    Examples
    --------
    >>> [round(detectable_gain((19 * n, n), n_splits=5), 2) for n in (2, 50, 500)]
    [nan, 0.08, 0.02]
    """
    sizes = np.asarray([n for n in counts if n > 0], dtype=float)
    if metric not in options.known or len(sizes) < 2 or sizes.min() < n_splits:
        return math.nan
    is_few = (n_rarest or sizes.min()) < FEW_ROWS * n_splits
    if is_few and n_repeats < REPEATS_OF_FEW_ROWS:  # no verdict
        return math.nan
    part = min(1.0, max(SIMULATED / sizes.sum(), FEWEST / sizes.min()))
    labels = np.repeat(np.arange(len(sizes)), np.round(sizes * part).astype(int))
    draws = range(seed, seed + math.ceil(SIMULATED / 5 / len(labels)))
    found = [_error(labels, n_splits, replace(options, sort=metric), draw) for draw in draws]
    variance, df = np.mean(found, axis=0)
    critical = float(as_student(_critical(n_strategies, level), np.array([df]))[0])
    error = math.sqrt(variance * part * (1 - NEW + NEW / n_repeats))
    return (critical + _normal(POWER)) * error or math.nan


def gain_from(told: Sequence[Comparison]) -> float:
    """Return the gain that a table tells with a power of 80 %, from its intervals.

    Parameters
    ----------
    told : sequence of Comparison
        At least one has an interval with a width. Those of equal values, which have none, are left
        out.

    Raises
    ------
    ValueError
        If no interval has a width, so that nothing says how much gains vary.

    Examples
    --------
    >>> round(gain_from([Comparison(gain=0.01, low=-0.05, high=0.07)]), 3)
    0.086
    """
    halves = [(c.high - c.low) / 2 for c in told if c.high > c.low]
    if not halves:
        raise ValueError("No interval has a width: it takes a comparison whose values differ.")
    return float(np.median(halves)) * (1 + _normal(POWER) / _critical(len(halves), ALPHA))


def _error(
    labels: NDArray[np.int64], n_splits: int, options: MetricOptions, seed: int
) -> tuple[float, float]:
    """Simulate a table; return the variance of a gain by its rows, and degrees of freedom."""
    rng = np.random.default_rng(seed)
    k = int(labels.max()) + 1
    base, new = rng.standard_normal((2, len(labels), k))
    other = SHARED * base + math.sqrt(1 - SHARED**2) * new
    part = np.arange(len(labels)) % n_splits  # stratified, as labels are sorted
    scores = [_scores(labels, base, SKILL), _scores(labels, other, SKILL)]
    finished = [
        [_fold(labels, score, part == fold, fold, k) for fold in range(n_splits)]
        for score in scores
    ]
    # Equal values: what varies between folds, beyond rows, is not simulated.
    evidence = collect(finished, np.zeros((2, n_splits)).tolist(), options.sort, options)
    e = estimates(evidence.differences, np.array([0]), np.array([1]), evidence.n_rarest)
    return float(e.error[0] ** 2), float(min(e.df[0], 1e6))


def _scores(
    labels: NDArray[np.int64], noise: NDArray[np.float64], skill: float
) -> NDArray[np.float64]:
    """Return the probabilities of the classes, given normal scores that are larger for the true."""
    z = noise.copy()
    z[np.arange(len(labels)), labels] += skill
    counts = np.bincount(labels, minlength=z.shape[1])
    logits = skill * z + np.log(np.maximum(counts, 1) / len(labels))
    score = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(score / score.sum(axis=1, keepdims=True))


def _fold(
    labels: NDArray[np.int64],
    score: NDArray[np.float64],
    test: NDArray[np.bool_],
    fold: int,
    k: int,
) -> FoldResult:
    y, counts = labels[test], np.bincount(labels, minlength=k)
    weights = np.maximum(counts, 1) ** PRIOR
    return FoldResult(
        run_id="", dataset="", model="", label="", repeat=0, fold=fold, status="ok", reason="",
        class_names=tuple(map(str, range(k))), minority=int(counts.argmin()),
        counts_before=tuple(counts.tolist()), test_index=np.flatnonzero(test),
        y_true=y, y_pred=(score[test] / weights).argmax(axis=1), y_score=score[test],
    )  # fmt: skip


def _critical(n_strategies: int, level: float) -> float:
    return -_normal(level / 2 / max(n_strategies, 1))


def _normal(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))
