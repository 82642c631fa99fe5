"""Row-and-fit inference: all differences of a table from one joint distribution.

The variance of a mean difference has two parts. The rows part comes from the test rows, each
counted once however often it is tested. The fit part is what the differences between folds vary
beyond that, because models are fitted on other rows and with other seeds. docs/verdict.md shows
how often the verdicts are right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imbench.data.splits import LOOKS

Floats = NDArray[np.float64]
Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]

MOST_REPEATS = LOOKS[-1]  # of splits.n_repeats=auto
CAUTION = 1.25  # training parts share rows, which the differences between folds do not show
BLOCK = 4096  # units
ROUNDING = 1e-12  # of a variance that is a difference of larger ones


@dataclass(frozen=True, eq=False)
class TestPart:
    """Values of all strategies on the test rows of one fold.

    Parameters
    ----------
    repeat : int
    units : ndarray of int64 of shape (n,)
        What varies independently: rows, or groups of rows; each once.
    values : ndarray of shape (S,)
        The metric, higher is better. NaN where a strategy lacks the fold.
    contributions : ndarray of shape (S, n)
        Of each unit to the error of the metric; 0 where a strategy lacks the fold.
    """

    repeat: int
    units: NDArray[np.int64]
    values: Floats
    contributions: Floats


@dataclass(frozen=True, eq=False)
class Evidence:
    """A metric of S strategies, by fold and by row.

    Parameters
    ----------
    parts : tuple of TestPart
    n_strategies : int
    n_units : int
        Units are numbered from 0.
    n_rarest : int
        Units of the class that has the fewest.
    rows_count_once : bool
        Whether a row may be averaged over repeats. A user-defined metric knows parts of rows only,
        which other repeats divide in other ways.
    sign : float
        1 if higher values of the metric are better, else -1, which the values are multiplied by.
    unit : str
        What varies independently, in a word: ``row``, or ``group`` of rows.
    """

    parts: tuple[TestPart, ...]
    n_strategies: int
    n_units: int
    n_rarest: int
    rows_count_once: bool = True
    sign: float = 1.0
    unit: str = "row"

    @cached_property
    def differences(self) -> Differences:
        """The differences of all pairs of strategies."""
        return differences(self)

    @property
    def values(self) -> Floats:
        """The metric with shape (S, folds)."""
        if not self.parts:
            return np.empty((self.n_strategies, 0))
        return np.stack([part.values for part in self.parts], axis=1)


@dataclass(frozen=True, eq=False)
class Differences:
    """Mean differences of all pairs of S strategies; entry (s, t) is s minus t.

    Parameters
    ----------
    gain : ndarray of shape (S, S)
        NaN where two strategies share no fold.
    rows : ndarray of shape (S, S)
        Variance by test rows.
    once : ndarray of shape (S, S)
        Variance by the test rows of a single repeat.
    excess : ndarray of shape (S, S)
        Variance between folds over `once`, in excess of it; NaN with a single fold.
    n_fits : ndarray of shape (S, S)
        Degrees of freedom of `excess`.
    rows_df : ndarray of shape (S, S)
        Degrees of freedom of `rows`.
    n_repeats, n_folds : ndarray of int64 of shape (S, S)
    covariance : ndarray of shape (S, S)
        Covariance of the strategies by test rows.
    """

    gain: Floats
    rows: Floats
    once: Floats
    excess: Floats
    n_fits: Floats
    rows_df: Floats
    n_repeats: NDArray[np.int64]
    n_folds: NDArray[np.int64]
    covariance: Floats


@dataclass(frozen=True, eq=False)
class Estimates:
    """Gains of strategies with their standard errors and degrees of freedom.

    Parameters
    ----------
    gain, error, df : ndarray of shape (m,)
        The error is 0 where nothing varies.
    later : ndarray of shape (m,)
        The error to be expected of `MOST_REPEATS`; NaN with one repeat, which cannot tell.
    """

    gain: Floats
    error: Floats
    df: Floats
    later: Floats


def differences(evidence: Evidence) -> Differences:
    """Estimate the differences of all pairs of strategies, each on the folds that both have."""
    s = evidence.n_strategies
    found = Differences(
        gain=np.full((s, s), np.nan), rows=np.zeros((s, s)), once=np.zeros((s, s)),
        excess=np.full((s, s), np.nan), n_fits=np.zeros((s, s)), rows_df=np.full((s, s), np.inf),
        n_repeats=np.zeros((s, s), np.int64), n_folds=np.zeros((s, s), np.int64),
        covariance=np.zeros((s, s)),
    )  # fmt: skip
    defined = ~np.isnan(evidence.values)  # (S, folds)
    for shared, pairs in _shared_folds(defined):
        members = np.flatnonzero(defined[:, shared].all(axis=1))
        parts = [part for part, is_shared in zip(evidence.parts, shared, strict=True) if is_shared]
        _estimate(found, parts, members, pairs[np.ix_(members, members)], evidence)
    return found


def _shared_folds(
    defined: NDArray[np.bool_],
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield sets of folds, and which pairs of strategies (S, S) share exactly that set."""
    kinds, kind = np.unique(defined, axis=0, return_inverse=True)
    patterns: dict[bytes, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}
    for i in range(len(kinds)):
        for j in range(len(kinds)):
            shared = kinds[i] & kinds[j]
            if shared.any():
                empty = np.zeros((len(defined), len(defined)), dtype=bool)
                _, pairs = patterns.setdefault(shared.tobytes(), (shared, empty))
                pairs |= np.outer(kind == i, kind == j)
    yield from patterns.values()


def _estimate(
    found: Differences,
    parts: list[TestPart],
    members: NDArray[np.intp],
    wanted: NDArray[np.bool_],
    evidence: Evidence,
) -> None:
    """Fill in the pairs of strategies that share exactly these folds."""
    n = len(parts)
    repeats = sorted({part.repeat for part in parts})
    r, m = len(repeats), len(members)
    mean = np.zeros((m, evidence.n_units))  # contributions, each row averaged over repeats
    single, between = np.zeros((m, m)), np.zeros((m, m))
    for repeat in repeats:
        own = [part for part in parts if part.repeat == repeat]
        for part in own:
            h = part.contributions if m == evidence.n_strategies else part.contributions[members]
            mean[:, part.units] += h / n
            single += h @ h.T * (r / n**2)
        if len(own) > 1:
            values = np.stack([part.values[members] for part in own], axis=1)
            between += np.cov(values) / len(own) / r
    values = np.stack([part.values[members] for part in parts], axis=1)
    once = of_pairs(single)
    covariance, fourth = _moments(mean)
    rows = once if not evidence.rows_count_once else of_pairs(covariance)
    if n > r:  # several folds a repeat
        excess, n_fits = of_pairs(between) - once, 2.0 * (n - r)
    elif r > 1:  # hold-outs: what they share varies in no repeat
        both = (r * rows - once) / (r - 1)
        excess, n_fits = of_pairs(np.atleast_2d(np.cov(values))) + both - once, 1.0 * (r - 1)
    else:
        excess, n_fits = np.full((m, m), np.nan), 0.0
    place = tuple(axis[wanted] for axis in np.meshgrid(members, members, indexing="ij"))
    center = values.mean(axis=1)
    filled = (
        (found.gain, center[:, None] - center),
        (found.rows, rows),
        (found.once, once),
        (found.excess, excess),
        (found.n_fits, np.full((m, m), n_fits)),
        (found.rows_df, _degrees_of_freedom(fourth, rows, evidence.n_units)),
        (found.n_repeats, np.full((m, m), r)),
        (found.n_folds, np.full((m, m), n)),
        (found.covariance, covariance),
    )
    for target, source in filled:
        target[place] = source[wanted]


def of_pairs(matrix: Floats) -> Floats:
    """Return the variances of differences from a covariance matrix."""
    own = np.diag(matrix)
    both = own[:, None] + own
    found = both - 2 * matrix
    return np.where(found > ROUNDING * both, found, 0.0)


def _moments(h: Floats) -> tuple[Floats, Floats]:
    """Return sums over units: of products (m, m), and of fourth powers of differences (m, m)."""
    m = len(h)
    products, squares, cubes = np.zeros((m, m)), np.zeros((m, m)), np.zeros((m, m))
    for start in range(0, h.shape[1], BLOCK):  # small blocks stay in the cache
        x = np.ascontiguousarray(h[:, start : start + BLOCK])
        x2 = x * x
        products += x @ x.T
        squares += x2 @ x2.T
        cubes += (x2 * x) @ x.T
    own = np.diag(squares)
    fourth = own[:, None] + own - 4 * (cubes + cubes.T) + 6 * squares
    return products, np.maximum(fourth, 0.0)


def _degrees_of_freedom(fourth: Floats, rows: Floats, n_units: int) -> Floats:
    """Return the degrees of freedom of a sum of squares, by its fourth moment (Satterthwaite)."""
    spread = fourth - rows**2 / max(n_units, 1)
    positive = spread > 1e-12 * rows**2
    return np.where(positive, 2 * rows**2 / np.where(positive, spread, 1.0), np.inf)


def estimates(
    found: Differences, base: NDArray[np.intp], others: NDArray[np.intp], n_rarest: float
) -> Estimates:
    """Return the gains of some strategies over others, with their errors.

    Parameters
    ----------
    found : Differences
    base : ndarray of shape (m,)
        What is compared with.
    others : ndarray of shape (m,)
    n_rarest : float
        Rows of the rarest class: if all of them changed in the same way, their variance would be
        taken for 0.

    Notes
    -----
    The fit part is estimated from few folds, so its ratio to the rows part is drawn half way to
    the mean of the table, and it is never below zero.
    """
    at = (others, base)
    gain, rows, once = found.gain[at], found.rows[at], found.once[at]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = found.excess[at] / once
    known = np.isfinite(ratio)
    mean = ratio[known].mean() if known.any() else 0.0
    ratio = np.maximum(np.where(known, 0.5 * (ratio + mean), mean), 0.0)
    fit = ratio * once / np.maximum(found.n_repeats[at], 1)
    smallest = 2 * (gain / max(n_rarest, 1)) ** 2
    floored = np.maximum(rows, smallest)
    variance = CAUTION * (floored + fit)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = floored**2 / found.rows_df[at] + np.where(fit > 0, fit**2 / found.n_fits[at], 0.0)
        df = np.where(parts > 0, (floored + fit) ** 2 / parts, np.inf)
    later = _error_with_more(found, at, ratio, smallest)
    return Estimates(gain, np.sqrt(variance), np.maximum(df, 1.0), later)


def _error_with_more(found: Differences, at: Pairs, ratio: Floats, smallest: Floats) -> Floats:
    """Return the errors to be expected of `MOST_REPEATS`; NaN if there is one repeat.

    What a row contributes in every repeat stays; the rest is averaged out.
    """
    r, rows, once = found.n_repeats[at], found.rows[at], found.once[at]
    several = r > 1
    stays = np.clip((r * rows - once) / np.where(several, r - 1, 1), 0.0, once)
    n = np.maximum(r, MOST_REPEATS)
    left = np.maximum(stays + (once - stays) / n, smallest) + ratio * once / n
    return np.where(several, np.sqrt(CAUTION * left), np.nan)


def covariance_with(found: Differences, base: int, others: NDArray[np.intp]) -> Floats:
    """Return the covariance by test rows of the differences of some strategies from one, (m, m)."""
    c = found.covariance
    across = c[others, base]
    return np.asarray(c[np.ix_(others, others)] - across[:, None] - across + c[base, base])
