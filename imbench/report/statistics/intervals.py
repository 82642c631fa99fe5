"""Confidence intervals from stored predictions: Wilson's interval and a stratified bootstrap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from imbench.results.fold import FoldResult
from imbench.results.metric_formulas import weighted_metrics
from imbench.results.metric_options import MetricOptions, minority_label
from imbench.results.metrics import compute, compute_user_metrics

CONFIDENCE = 0.95
CHUNK = 4_000_000  # weights in memory at once: 32 MB
RESAMPLES_OF_USER_METRICS = 200  # each calls the user's function once per fold


@dataclass(frozen=True)
class Interval:
    """A 95 % confidence interval.

    Parameters
    ----------
    low, high : float

    Examples
    --------
    >>> Interval(low=0.81, high=0.93).high
    0.93
    """

    low: float
    high: float


@dataclass(frozen=True)
class Proportion:
    """A share of rows with its 95 % confidence interval.

    Parameters
    ----------
    hits : float
        Number of hits, as a mean over repeats.
    n : int
        Number of rows, each counted once.
    low, high : float
        Limits of the interval.

    Examples
    --------
    >>> Proportion(hits=8, n=10, low=0.49, high=0.94).n
    10
    """

    hits: float
    n: int
    low: float
    high: float


def wilson(hits: float, n: int, confidence: float = CONFIDENCE) -> Proportion:
    """Return a share with Wilson's score interval, which is valid for few rows and extreme shares.

    Parameters
    ----------
    hits : float
        Number of hits, at most `n`.
    n : int
        Number of rows. The limits are NaN for 0.
    confidence : float, default=0.95

    References
    ----------
    Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference", Journal
    of the American Statistical Association 22, 209-212, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> share = wilson(hits=8, n=10)
    >>> round(share.low, 3), round(share.high, 3)
    (0.49, 0.943)
    """
    from scipy.special import ndtri

    if n == 0:
        return Proportion(0.0, 0, float("nan"), float("nan"))
    z, share = float(ndtri((1 + confidence) / 2)), hits / n
    centre = share + z * z / (2 * n)
    reach = z * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    scale = 1 + z * z / n
    # Exact limits for 0 and n hits, so that rounding cannot move them past the share.
    low = 0.0 if hits == 0 else (centre - reach) / scale
    return Proportion(hits, n, low, 1.0 if hits == n else (centre + reach) / scale)


def recall_intervals(folds: Sequence[FoldResult]) -> dict[str, Proportion]:
    """Return the recall of each class over all test rows, each row counted once.

    The folds of a repeat are pooled, because a fold may have only few rows of a rare class.
    Repeats test the same rows again, so hits are averaged over them instead of added.

    Parameters
    ----------
    folds : sequence of FoldResult
        Finished folds of one cell.

    Returns
    -------
    dict of str to Proportion
        By class name.

    Examples
    --------
    >>> fold = FoldResult(
    ...     run_id="0", dataset="toy", model="knn", label="none", repeat=0, fold=0, status="ok",
    ...     reason="", class_names=("no", "yes"), minority=1,
    ...     y_true=np.array([0, 0, 1, 1]), y_pred=np.array([0, 0, 0, 1]),
    ... )
    >>> recalls = recall_intervals([fold])
    >>> recalls["yes"].hits, recalls["yes"].n
    (1.0, 2)
    """
    if not folds:
        return {}
    names = folds[0].class_names
    k, n_repeats = len(names), len({f.repeat for f in folds})
    y = np.concatenate([f.y_true for f in folds])
    hit = y == np.concatenate([f.y_pred for f in folds])
    rows = np.bincount(y, minlength=k) / n_repeats
    hits = np.bincount(y[hit], minlength=k) / n_repeats
    # Repeated hold-outs have different test rows, so the number of rows is a rounded mean.
    return {
        name: wilson(float(min(h, round(n))), round(n))
        for name, h, n in zip(names, hits, rows, strict=True)
    }


def bootstrap(
    cells: Mapping[str, Sequence[FoldResult]],
    names: Sequence[str],
    options: MetricOptions,
    n_boot: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, Interval]]:
    """Compute bootstrap percentile intervals of metrics, averaged over folds.

    A Bayesian bootstrap: each row draws one exponential weight, the same in all repeats and for
    all strategies. It is stratified: the weights of a class in a fold sum to its number of rows.

    Parameters
    ----------
    cells : mapping of str to sequence of FoldResult
        Finished folds of strategies that were tested on the same rows.
    names : sequence of str
        Metrics.
    options : MetricOptions
    n_boot : int, default=1000
        Draws. User-defined metrics take no weights: they use 200 resamples of one repeat.
    seed : int, default=0

    Returns
    -------
    dict of str to dict of str to Interval
        By cell and metric, without metrics that no fold defines.

    Notes
    -----
    The models are not fitted again: the intervals are about the test rows only. Random weights
    increase the calibration error, so its draws are shifted to the mean in the table.

    References
    ----------
    Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13; Rubin 1981, "The
    Bayesian Bootstrap", Annals of Statistics 9, doi:10.1214/aos/1176345338.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y_true = np.repeat([0, 1], [80, 20])
    >>> y_score = rng.dirichlet([1, 1], size=100)
    >>> fold = FoldResult(
    ...     run_id="0", dataset="toy", model="knn", label="none", repeat=0, fold=0, status="ok",
    ...     reason="", class_names=("no", "yes"), minority=1, test_index=np.arange(100),
    ...     y_true=y_true, y_pred=y_score.argmax(axis=1), y_score=y_score,
    ... )
    >>> found = bootstrap({"none": [fold]}, ["accuracy"], MetricOptions(), n_boot=100)
    >>> interval = found["none"]["accuracy"]
    >>> bool(interval.low < (fold.y_true == fold.y_pred).mean() < interval.high)
    True
    """
    built_in = [name for name in names if name not in options.extra]
    draws = _draws(cells, built_in, options, n_boot, seed)
    extra = [name for name in names if name in options.extra]
    return {
        cell: _intervals(folds, draws[cell], extra, options, seed) for cell, folds in cells.items()
    }


def _draws(
    cells: Mapping[str, Sequence[FoldResult]],
    names: Sequence[str],
    options: MetricOptions,
    n_boot: int,
    seed: int,
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return the draws (n_boot,) of each cell and metric, averaged over folds."""
    n_rows = 1 + max(
        (int(f.test_index.max(initial=-1)) for c in cells.values() for f in c), default=0
    )
    chunks: dict[str, dict[str, list[NDArray[np.float64]]]] = {
        cell: {name: [] for name in names} for cell in cells
    }
    for weights in _row_weights(n_rows, n_boot, seed):
        for cell, folds in cells.items():
            of_folds = [_fold_metrics(f, weights, names, options) for f in folds]
            for name in names:
                values = np.array([m[name] for m in of_folds if name in m])  # (folds, chunk)
                if len(values):
                    chunks[cell][name].append(_mean_of_defined(values))
    return {
        cell: {name: np.concatenate(parts) for name, parts in found.items() if parts}
        for cell, found in chunks.items()
    }


def _intervals(
    folds: Sequence[FoldResult],
    draws: Mapping[str, NDArray[np.float64]],
    extra: Sequence[str],
    options: MetricOptions,
    seed: int,
) -> dict[str, Interval]:
    """Return the intervals of one cell; ``extra`` are the user-defined metrics."""
    found = dict(draws)
    if "ece" in found:
        shown = _mean_of_defined(np.array([compute(f, options)["ece"] for f in folds]))
        found["ece"] = np.maximum(found["ece"] - found["ece"].mean() + shown, 0.0)
    found |= _user_metrics(folds, extra, options, seed)
    intervals = {name: _percentiles(values) for name, values in found.items()}
    return {name: i for name, i in intervals.items() if not np.isnan(i.low)}


def _row_weights(n_rows: int, n_boot: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield arrays of weights of shape (chunk, n_rows), `n_boot` rows in total."""
    rng = np.random.default_rng(seed)
    size = max(1, CHUNK // n_rows)
    for start in range(0, n_boot, size):
        yield rng.standard_exponential((min(size, n_boot - start), n_rows))


def _fold_metrics(
    fold: FoldResult,
    row_weights: NDArray[np.float64],
    names: Sequence[str],
    options: MetricOptions,
) -> dict[str, NDArray[np.float64]]:
    if len(fold.y_true) == 0:
        return {}
    weights = row_weights[:, fold.test_index]  # (chunk, n)
    for label in np.unique(fold.y_true):
        rows = fold.y_true == label
        own = weights[:, rows]
        weights[:, rows] = own * (own.shape[1] / own.sum(axis=1, keepdims=True))
    return weighted_metrics(
        fold.y_true,
        fold.y_pred,
        fold.y_score,
        weights,
        fold.class_names,
        minority_label(options, fold.class_names, fold.minority),
        options.ece_bins,
        only=names,
    )


def _user_metrics(
    folds: Sequence[FoldResult], names: Sequence[str], options: MetricOptions, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Return bootstrap draws of user-defined metrics by name, each of shape (draws,).

    The rows of the first repeat are resampled, and the draws are shifted to the mean over all
    repeats.
    """
    if not names or not folds:
        return {}
    rng = np.random.default_rng(seed)
    first = [f for f in folds if f.repeat == folds[0].repeat and len(f.y_true)]

    def means(parts: Sequence[FoldResult]) -> NDArray[np.float64]:
        found = [compute_user_metrics(f, options) for f in parts]
        return _mean_of_defined(np.array([[m[name] for name in names] for m in found]))

    drawn = []
    for _ in range(RESAMPLES_OF_USER_METRICS):
        parts = []
        for f in first:
            rows = np.concatenate(
                [
                    rng.choice(np.flatnonzero(f.y_true == c), np.count_nonzero(f.y_true == c))
                    for c in np.unique(f.y_true)
                ]
            )
            y_true, y_pred, y_score = f.y_true[rows], f.y_pred[rows], f.y_score[rows]
            parts.append(replace(f, y_true=y_true, y_pred=y_pred, y_score=y_score))
        drawn.append(means(parts))
    moved = np.array(drawn) + (means(folds) - means(first))  # (draws, names)
    return dict(zip(names, moved.T, strict=True))


def _mean_of_defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the first axis without NaN, NaN if all values are."""
    defined = ~np.isnan(values)
    counts = defined.sum(axis=0)
    total = np.where(defined, values, 0.0).sum(axis=0)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)


def _percentiles(values: NDArray[np.float64]) -> Interval:
    tails = (100 * (1 - CONFIDENCE) / 2, 100 * (1 + CONFIDENCE) / 2)
    low, high = np.percentile(values, tails)  # NaN if any draw is NaN
    return Interval(float(low), float(high))
