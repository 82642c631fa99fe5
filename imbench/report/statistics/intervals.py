"""Confidence intervals of metrics from stored predictions, and Wilson's interval of a share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from imbench.report.statistics.draws import as_student
from imbench.report.statistics.joint import Evidence, estimates
from imbench.results.fold import FoldResult
from imbench.results.metric_options import HIGHER_IS_BETTER, UNBOUNDED

CONFIDENCE = 0.95
Z = 1.959964  # of a normal distribution


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
    low, high = _wilson_limits(hits / n, n, float(ndtri((1 + confidence) / 2)))
    return Proportion(hits, n, low, high)


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


def metric_intervals(evidence: Evidence, metric: str) -> list[Interval | None]:
    """Return a 95 % interval of the mean of a metric for each strategy.

    It holds the variance by test rows and by fits, as the interval of a difference does, but it is
    not simultaneous.

    Parameters
    ----------
    evidence : Evidence
    metric : str

    Returns
    -------
    list of Interval or None
        None where the metric is undefined, or where nothing varies and it has no bounds.

    Notes
    -----
    A metric that lies between bounds has Wilson's interval for as many rows as would give a share
    this variance, with the quantile of Student's t. If it is at a bound on every fold, these are
    the rows of the rarest class. ``log_loss`` has an interval on the scale of the logarithm, and
    ``expected_cost``, ``net_benefit`` and a user-defined metric a symmetric one.

    References
    ----------
    Korn and Graubard 1998, "Confidence Intervals for Proportions with Small Expected Number of
    Positive Counts Estimated from Survey Data", Survey Methodology 24 (effective sample size).
    """
    zero = evidence.n_strategies
    found = _with_zero(evidence).differences
    others = np.arange(zero)
    e = estimates(found, np.full(zero, zero), others, n_rarest=np.inf)
    quantile = as_student(Z, e.df)
    return [
        _interval(evidence.sign * mean, error, q, metric, evidence.n_rarest)
        for mean, error, q in zip(e.gain.tolist(), e.error.tolist(), quantile.tolist(), strict=True)
    ]


def _with_zero(evidence: Evidence) -> Evidence:
    """Add a strategy whose metric is always 0: the difference to it is the metric itself."""
    parts = tuple(
        replace(
            part,
            values=np.append(part.values, 0.0),
            contributions=np.vstack([part.contributions, np.zeros(len(part.units))]),
        )
        for part in evidence.parts
    )
    return replace(evidence, parts=parts, n_strategies=evidence.n_strategies + 1)


def _interval(mean: float, error: float, q: float, metric: str, n_rarest: int) -> Interval | None:
    """Return an interval from a mean, its error and a quantile; None where there is none."""
    if not (np.isfinite(mean) and error >= 0):
        return None
    least = -1.0 if metric == "mcc" else 0.0
    is_share = (metric in HIGHER_IS_BETTER and metric not in UNBOUNDED) or "/" in metric
    if is_share and least <= mean <= 1:
        size = 1 - least  # of the range, which is stretched to that of a share
        share = (mean - least) / size
        spread = share * (1 - share)
        n = spread * (size / error) ** 2 if error > 0 and spread > 0 else float(n_rarest)
        low, high = _wilson_limits(share, n, q)
        return Interval(least + size * low, least + size * high)
    if error == 0:
        return None
    if metric == "log_loss" and mean > 0:
        factor = float(np.exp(q * error / mean))
        return Interval(mean / factor, mean * factor)
    return Interval(mean - q * error, mean + q * error)


def _wilson_limits(share: float, n: float, z: float) -> tuple[float, float]:
    """Return the limits of Wilson's interval."""
    centre = share + z * z / (2 * n)
    reach = z * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    scale = 1 + z * z / n
    # Exact limits for a share of 0 and of 1, so that rounding cannot move them past it.
    low = 0.0 if share == 0 else (centre - reach) / scale
    return low, 1.0 if share == 1 else (centre + reach) / scale
