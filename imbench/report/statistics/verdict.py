"""Verdicts of a table, all from one joint distribution: gains, intervals, p-values, the best.

``scripts/verdict_check.py`` measures how often they are right. The rates are in docs/verdict.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imbench.data.splits import LOOKS
from imbench.report.statistics.draws import (
    as_normal,
    as_student,
    critical_value,
    largest,
    largest_of_pairs,
)
from imbench.report.statistics.joint import (
    Differences,
    Estimates,
    Evidence,
    Floats,
    covariance_with,
    estimates,
)

Verdict = Literal["better", "worse", "equal", "probably better", "probably worse", "open"]
VERDICTS: tuple[Verdict, ...] = (
    "better", "probably better", "equal", "open", "probably worse", "worse",
)  # fmt: skip
ALPHA = 0.05
PROBABLE = 0.9
UNLIKELY = 0.05  # a probability of being told below which no repeat is added
# What each look of splits.n_repeats=auto may spend of ALPHA, by its number of repeats.
LEVELS = dict(zip(LOOKS, (0.01, 0.015, 0.025), strict=True))
FEW_ROWS = 5  # rare rows a fold; with fewer, one repeat tells nothing
REPEATS_OF_FEW_ROWS = 3
NO_VERDICT = f"no verdict below {REPEATS_OF_FEW_ROWS} repeats"


@dataclass(frozen=True)
class Comparison:
    """Comparison of one strategy with the baseline of its block.

    Parameters
    ----------
    gain : float
        Mean difference on the common folds, positive for improvements in any metric. NaN without
        a common fold.
    low, high : float
        Simultaneous 95 % interval, NaN if there is none.
    p_adjusted : float
        p-value, adjusted for all strategies of the block and all looks. NaN if not tested.
    p_better : float
        Probability that the gain is positive, given how large the gains of this table are.
    rope : float
        Half width of the region of practical equivalence.
    note : str
        Why there is no interval or no verdict, or empty.
    n_folds, n_repeats : int
        Common folds and their repeats.
    baseline : str
        Title of the baseline.
    error : float
        Standard error of the gain, 0 where nothing varies.
    p_told : float
        Probability that 10 repeats tell a verdict (better, worse or equal), from two repeats on.

    Examples
    --------
    >>> c = Comparison(gain=0.04, low=0.01, high=0.07, p_adjusted=0.02, p_better=0.99)
    >>> c.verdict
    'better'
    """

    gain: float
    low: float = math.nan
    high: float = math.nan
    p_adjusted: float = math.nan
    p_better: float = math.nan
    rope: float = 0.0
    note: str = ""
    n_folds: int = 0
    n_repeats: int = 0
    baseline: str = "none"
    error: float = math.nan
    p_told: float = math.nan

    @property
    def is_told(self) -> bool:
        """Whether the verdict is sure, so that more repeats need not be added."""
        return self.verdict in ("better", "worse", "equal")

    @property
    def hardly_told(self) -> bool:
        """Whether 10 repeats would hardly tell a verdict; unknown, so False, of one repeat."""
        return self.p_told < UNLIKELY

    @property
    def verdict(self) -> Verdict:
        """What the numbers say, in a word.

        ``equal`` if the interval lies inside the region of practical equivalence, else ``better``
        or ``worse`` if it leaves out 0, else ``probably`` so from a probability of 0.9 on.
        """
        if -self.rope <= self.low <= self.high <= self.rope:
            return "equal"
        if self.p_adjusted < ALPHA:
            return "better" if self.gain > 0 else "worse"
        if not math.isnan(self.p_adjusted):
            if self.p_better >= PROBABLE:
                return "probably better"
            if self.p_better <= 1 - PROBABLE:
                return "probably worse"
        return "open"


def level_of(n_repeats: int) -> float:
    """Return what a sequential table may spend with so many repeats.

    Examples
    --------
    >>> level_of(1), level_of(3), level_of(10)
    (0.01, 0.015, 0.025)
    """
    return next((level for n, level in LEVELS.items() if n_repeats <= n), LEVELS[LOOKS[-1]])


def compare(
    evidence: Evidence, baseline: int, rope: float = 0.01, sequential: bool = False
) -> list[Comparison | None]:
    """Compare all strategies of a block with its baseline.

    Parameters
    ----------
    evidence : Evidence
    baseline : int
        Its place among the strategies.
    rope : float, default=0.01
        Half width of the region of practical equivalence.
    sequential : bool, default=False
        Whether repeats were added until the verdict was told, so that each look spends a part of
        the 5 %. Strategies that stopped early are judged by the folds that the table had then.

    Returns
    -------
    list of Comparison or None
        None for the baseline itself.

    References
    ----------
    Hothorn, Bretz and Westfall 2008, "Simultaneous Inference in General Parametric Models",
    Biometrical Journal 50, doi:10.1002/bimj.200810425, section 3 (the joint distribution);
    O'Brien and Fleming 1979, Biometrics 35, and Lan and DeMets 1983, Biometrika 70,
    doi:10.1093/biomet/70.3.659 (spending the level over looks).
    """
    whole = evidence.differences
    others = np.delete(np.arange(evidence.n_strategies), baseline)
    told: list[Comparison | None] = [None] * evidence.n_strategies
    repeats = whole.n_repeats[:, baseline]
    looks = np.unique(repeats[others]) if sequential else [0]
    for n in map(int, looks):
        seen = whole if n in (0, repeats.max()) else _first_repeats(evidence, n).differences
        # Those that went on are in the family of this look, and judged at a later one.
        family = others[repeats[others] >= n]
        level = level_of(n) if sequential else ALPHA
        found = _compare(evidence, seen, baseline, family, rope, level)
        for i in family:
            if not sequential or repeats[i] == n:
                told[i] = found[i]
    return told


def among_best(
    evidence: Evidence,
    told: Sequence[Comparison | None],
    baseline: int | None,
    rope: float = 0.0,
    sequential: bool = False,
) -> list[bool]:
    """Return for each strategy whether it is in the group of the best.

    A strategy is in the group unless another one is told to be better, and not by so little that
    it is practically equal: by the comparison with the baseline, or by the simultaneous comparison
    of all pairs.

    Parameters
    ----------
    evidence : Evidence
    told : sequence of Comparison or None
        From :func:`compare`.
    baseline : int or None
        Its place among the strategies.
    rope : float, default=0.0
        Half width of the region of practical equivalence.
    sequential : bool, default=False

    References
    ----------
    Tukey 1953, "The Problem of Multiple Comparisons" (all pairs); its generalisation to any joint
    distribution is in Hothorn, Bretz and Westfall 2008.
    """
    found = evidence.differences
    inside = ~np.isnan(np.diag(found.gain))
    for i, comparison in enumerate(told):
        if comparison is None or baseline is None:
            continue
        inside[i] &= comparison.verdict != "worse"
        inside[baseline] &= comparison.verdict != "better"
    others, base = np.nonzero(np.triu(~np.isnan(found.gain), 1))
    if len(others) == 0:
        return [bool(i) for i in inside]
    pairs = estimates(found, base, others, evidence.n_rarest)
    level = level_of(int(found.n_repeats.max())) if sequential else ALPHA
    critical = _critical(largest_of_pairs(found.covariance), level)
    enough = _are_tested(evidence, found, base, others)
    for k in np.flatnonzero((_normal_values(pairs) > critical) & enough):
        reach = float(as_student(critical, pairs.df[k])) * pairs.error[k]
        if abs(pairs.gain[k]) + reach > rope:
            inside[base[k] if pairs.gain[k] > 0 else others[k]] = False
    return [bool(i) for i in inside]


def _compare(
    evidence: Evidence,
    found: Differences,
    baseline: int,
    family: NDArray[np.intp],
    rope: float,
    level: float,
) -> dict[int, Comparison]:
    """Compare the strategies of a family at a level, which their p-values are scaled to."""
    base = np.full(len(family), baseline)
    e = estimates(found, base, family, evidence.n_rarest)
    tested = _are_tested(evidence, found, base, family) & (e.error > 0)
    z, p, critical = _normal_values(e), np.full(len(family), np.nan), 0.0
    if tested.any():
        drawn = _largest(covariance_with(found, baseline, family[tested]))
        critical = _critical(drawn, level)
        p[tested] = np.minimum(_p_values(drawn, z[tested]) * (ALPHA / level), 1.0)
    chance = _probabilities(e, z, p, tested)
    same = (e.error == 0) & (e.gain == 0)
    reach = np.where(same, 0.0, np.nan)
    reach[tested] = as_student(critical, e.df[tested]) * e.error[tested]
    notes = _notes(evidence, found, baseline, family, same)
    later = _told_later(e, critical, rope)
    return {
        int(i): Comparison(
            gain=float(e.gain[k]),
            low=float(e.gain[k] - reach[k]),
            high=float(e.gain[k] + reach[k]),
            p_adjusted=float(p[k]),
            p_better=float(chance[k]),
            rope=rope,
            note=notes[k],
            n_folds=int(found.n_folds[i, baseline]),
            n_repeats=int(found.n_repeats[i, baseline]),
            error=float(e.error[k]),
            p_told=float(later[k]),
        )
        for k, i in enumerate(family)
    }


def _told_later(e: Estimates, critical: float, rope: float) -> Floats:
    """Return the probability that 10 repeats tell a verdict (conditional power).

    The gain of then is normal around that of now, with the variance that goes away. It is told if
    its interval leaves out 0, or lies inside the region of practical equivalence.

    References
    ----------
    Lan, Simon and Halperin 1982, "Stochastically curtailed testing in long-term clinical trials",
    Communications in Statistics 1, doi:10.1080/07474948208836014.
    """
    from scipy.special import ndtr

    spread = np.sqrt(np.maximum(e.error**2 - e.later**2, 1e-12 * e.error**2))
    reach = critical * e.later
    with np.errstate(invalid="ignore", divide="ignore"):
        different = ndtr((e.gain - reach) / spread) + ndtr((-e.gain - reach) / spread)
        inside = np.maximum(rope - reach, 0.0)
        equal = ndtr((inside - e.gain) / spread) - ndtr((-inside - e.gain) / spread)
    return np.minimum(different + equal, 1.0)


def _largest(covariance: Floats) -> Floats:
    """Draw the largest of the strategies; of a single one nothing need be drawn."""
    return largest(covariance) if len(covariance) > 1 else np.empty(0)


def _critical(drawn: Floats, level: float) -> float:
    """Return the normal value beyond which a difference is told."""
    from scipy.special import ndtri

    single = float(-ndtri(level / 2))
    return max(single, critical_value(drawn, level)) if len(drawn) else single


def _p_values(drawn: Floats, z: Floats) -> Floats:
    """Return the adjusted p-values of normal values, never below those of a single test."""
    from scipy.special import ndtr

    single = 2 * ndtr(-z)
    if not len(drawn):
        return np.asarray(single)
    above = np.searchsorted(-drawn, -z, side="right")  # `drawn` descends
    return np.maximum(single, above / len(drawn))


def _normal_values(e: Estimates) -> Floats:
    """Return |gain / error| as a normal value; 0 where nothing varies."""
    varies = e.error > 0
    t = np.where(varies, np.nan_to_num(e.gain), 0.0) / np.where(varies, e.error, 1.0)
    return as_normal(t, e.df)


def _probabilities(e: Estimates, z: Floats, p: Floats, tested: NDArray[np.bool_]) -> Floats:
    """Return the probability that each gain is positive, for gains of mean 0 over the table.

    The variance of the true gains is what the estimated ones vary beyond their errors. A gain that
    is told by its p-value is at least as sure as that.
    """
    from scipy.special import ndtr

    chance = np.full(len(e.gain), np.nan)
    if tested.any():
        gain, variance = e.gain[tested], e.error[tested] ** 2
        spread = max(float(np.mean(gain**2 - variance)), 0.0)
        kept = np.sqrt(spread / (spread + variance))
        sure = ndtr(np.where(kept > 0, z[tested], 0.0) * kept)  # z of a sure gain may be infinite
        sure = np.where(p[tested] < ALPHA, np.maximum(sure, 1 - p[tested] / 2), sure)
        chance[tested] = np.where(gain < 0, 1 - sure, sure)
    return chance


def _are_tested(
    evidence: Evidence, found: Differences, base: NDArray[np.intp], others: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return which pairs have enough rows of the rarest class."""
    n_folds, n_repeats = found.n_folds[others, base], found.n_repeats[others, base]
    few = evidence.n_rarest * n_repeats < FEW_ROWS * n_folds  # a fold, over its repeat
    return (n_folds > 0) & ~(few & (n_repeats < REPEATS_OF_FEW_ROWS))


def _notes(
    evidence: Evidence,
    found: Differences,
    baseline: int,
    family: NDArray[np.intp],
    same: NDArray[np.bool_],
) -> list[str]:
    """Say for each strategy why there is no verdict, or what it leaves out."""
    notes = []
    tested = _are_tested(evidence, found, np.full(len(family), baseline), family)
    for i, is_tested, is_same in zip(family, tested, same, strict=True):
        if found.n_folds[i, baseline] == 0:
            notes.append("no common fold")
        elif is_same:
            notes.append("same values")
        elif not is_tested:
            n, unit = evidence.n_rarest, evidence.unit
            notes.append(f"{n} rare {unit}{'s' if n != 1 else ''}: {NO_VERDICT}")
        elif found.n_folds[i, baseline] == 1:
            notes.append("one fit: without the variance of training")
        else:
            notes.append("")
    return notes


def _first_repeats(evidence: Evidence, n: int) -> Evidence:
    """Return the evidence of the first repeats."""
    first = sorted({part.repeat for part in evidence.parts})[:n]
    return replace(evidence, parts=tuple(p for p in evidence.parts if p.repeat in first))
