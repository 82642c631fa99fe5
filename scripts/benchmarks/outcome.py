"""From measured pairs to a row of the table: the ratio, the comparison of F1, the judgement."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

SMALLEST_TOLERANCE = 0.02
F1_RULE = (
    f"macro F1 counts as equal if the mean of the differences fold by fold, over all pairs, is at "
    f"most max({SMALLEST_TOLERANCE}, 2 standard deviations of those differences)"
)


class NotMeasured(Exception):
    """A row that cannot be measured here; the message is a sentence that says why."""


class Failed(Exception):
    """Our side ended with an error, or did not do what the row measures."""


@dataclass(frozen=True)
class Aim:
    """What a row measures, and the bound that it must reach.

    Parameters
    ----------
    name : str
    words : str
        What is compared, for people.
    reach, aim : float or None
        None for rows that inform only.
    unit : {"x", "s"}
        Times as fast (or as slow, for ``at_most``), or seconds.
    at_most : bool
        Whether ``reach`` is an upper bound.
    """

    name: str
    words: str
    reach: float | None = None
    aim: float | None = None
    unit: str = "x"
    at_most: bool = False

    def is_reached(self, ratio: float) -> bool | None:
        """Compare with the reach; None where there is none."""
        if self.reach is None:
            return None
        return ratio <= self.reach if self.at_most else ratio >= self.reach


@dataclass(frozen=True)
class Pair:
    """One measurement of both sides, one right after the other.

    Parameters
    ----------
    ratio : float
    ours_s, peer_s : float or None
        Seconds, as far as there are two sides.
    ours_f1, peer_f1 : sequence of float
        Macro F1 of the same folds; empty where nothing is predicted.
    """

    ratio: float
    ours_s: float | None = None
    peer_s: float | None = None
    ours_f1: Sequence[float] = ()
    peer_f1: Sequence[float] = ()


@dataclass(frozen=True)
class Outcome:
    """A row of the table, as it is stored."""

    name: str
    ratio: float | None
    reach: float | None
    ok: bool | None
    conditions: str
    words: str = ""
    reason: str = ""
    aim: float | None = None
    unit: str = "x"
    at_most: bool = False
    ratios: tuple[float, ...] = ()
    ours_s: float | None = None
    peer_s: float | None = None
    f1_ours: float | None = None
    f1_peer: float | None = None
    n_pairs: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def f1_tolerance(differences: Sequence[float]) -> float:
    """Return the largest mean difference that counts as noise."""
    n = len(differences)
    if n < 2:
        return SMALLEST_TOLERANCE
    mean = sum(differences) / n
    deviation = math.sqrt(sum((d - mean) ** 2 for d in differences) / (n - 1))
    return max(SMALLEST_TOLERANCE, 2 * deviation)


def f1_problem(pairs: Sequence[Pair]) -> str:
    """Return why a row does not count, or nothing.

    Both sides have predicted the same folds; see :data:`F1_RULE`.
    """
    differences: list[float] = []
    for pair in pairs:
        if len(pair.ours_f1) != len(pair.peer_f1):
            return (
                f"the sides have predicted {len(pair.ours_f1)} and {len(pair.peer_f1)} folds: "
                "the row does not count."
            )
        differences += [a - b for a, b in zip(pair.ours_f1, pair.peer_f1, strict=True)]
    if not differences:
        return ""
    if not all(map(math.isfinite, differences)):
        return "an F1 is not a number: the row does not count."
    mean, allowed = sum(differences) / len(differences), f1_tolerance(differences)
    if abs(mean) <= allowed:
        return ""
    return (
        f"macro F1 differs by {mean:+.3f}, more than {allowed:.3f} that counts as noise: the row "
        "does not count."
    )


def judge(
    aim: Aim, pairs: Sequence[Pair], conditions: str, more: Mapping[str, Any] | None = None
) -> Outcome:
    """Return the row for measured pairs: medians, and whether the reach is reached.

    A row whose F1 differs by more than noise is not ok, however fast.
    """
    ratio = median(pair.ratio for pair in pairs)
    problem = f1_problem(pairs)
    reached = aim.is_reached(ratio)
    reason = problem
    if not problem and reached is False:
        bound = "at most" if aim.at_most else "at least"
        reason = f"{ratio:.2f} {aim.unit} is not {bound} {aim.reach:g} {aim.unit}."
    return Outcome(
        name=aim.name,
        words=aim.words,
        ratio=ratio,
        reach=aim.reach,
        ok=False if problem else reached,
        conditions=conditions,
        reason=reason,
        aim=aim.aim,
        unit=aim.unit,
        at_most=aim.at_most,
        ratios=tuple(pair.ratio for pair in pairs),
        ours_s=_median([pair.ours_s for pair in pairs]),
        peer_s=_median([pair.peer_s for pair in pairs]),
        f1_ours=_mean([f for pair in pairs for f in pair.ours_f1]),
        f1_peer=_mean([f for pair in pairs for f in pair.peer_f1]),
        n_pairs=len(pairs),
        more=more or {},
    )


def not_measured(aim: Aim, reason: str, ok: bool | None = None) -> Outcome:
    """Return the row of something that could not be measured: here (None), or at all (False)."""
    return Outcome(
        name=aim.name,
        words=aim.words,
        ratio=None,
        reach=aim.reach,
        ok=ok,
        conditions="",
        reason=f"not measured: {reason}",
        aim=aim.aim,
        unit=aim.unit,
        at_most=aim.at_most,
    )


def _median(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return median(there) if there else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
