"""Turn what was seen into lines of tables and into reasons to fail; used by verdict_check.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from verdict_judges import OPTIONS, Look
from verdict_populations import Call
from verdict_tables import METRICS, PLANTED, Condition

ALLOWED = 0.05  # of null tables with a false `better`
WRONG = 0.01  # of comparisons on real populations with a wrong `better`
POWER = {0.15: 0.85, 0.08: 0.40}  # smallest share told, by gain, tree on 5 x 3 folds
Lines = list[list[str]]
Found = Mapping[Condition, Sequence[Look]]


def exact(count: int, n: int) -> tuple[float, float]:
    """Exact 95 % interval of a rate (Clopper and Pearson)."""
    from scipy.stats import binomtest

    limits = binomtest(count, n).proportion_ci(method="exact")
    return float(limits.low), float(limits.high)


def rate_text(count: int, n: int) -> str:
    """``3 of 250, 1.2 % [0.2, 3.5]``."""
    if n == 0:
        return "-"
    low, high = exact(count, n)
    return f"{count} of {n}, {100 * count / n:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def share_text(count: int, n: int) -> str:
    """``3 %``, or a dash where there is nothing to count."""
    return f"{100 * count / n:.1f} %" if n else "-"


def too_many(count: int, n: int, allowed: float = ALLOWED) -> bool:
    """Whether so many false calls are more than chance explains."""
    return n > 0 and exact(count, n)[0] > allowed


def null_lines(found: Found) -> tuple[Lines, Lines, list[str]]:
    """Count false calls of every condition and metric.

    Returns
    -------
    nulls, looks : list of list of str
        Lines of the page; `looks` are about tables that were judged several times.
    reasons : list of str
        Why the check fails.
    """
    nulls: Lines = []
    sequential: Lines = []
    reasons = []
    for condition, looks in found.items():
        n = len(looks)
        for metric in METRICS:
            seen = [look.null[metric] for look in looks]
            better, several = sum(s.better for s in seen), sum(s.looks for s in seen)
            others = (sum(getattr(s, kind) for s in seen) for kind in ("told", "left_out"))
            probably, old = sum(s.probably for s in seen), sum(s.old for s in seen)
            nulls.append(
                [condition.words, f"`{metric}`", rate_text(better, n),
                 *(share_text(count, n) for count in (*others, probably, old))]
            )  # fmt: skip
            if condition.looks:
                sequential.append([condition.words, f"`{metric}`", rate_text(several, n)])
            for count in (better, several):
                if too_many(count, n):
                    reasons.append(
                        f"{condition.words}, {metric}: {rate_text(count, n)} false 'better'"
                    )
    return nulls, sequential, reasons


def power_lines(found: Found) -> tuple[Lines, dict[str, NDArray[np.float64]], list[str]]:
    """Average the planted tables: lines, curves (gain, new, probably, old), reasons to fail."""
    lines: Lines = []
    curves = {}
    reasons = []
    for condition, looks in found.items():
        if not condition.power or not looks:
            continue
        power = np.mean([look.power for look in looks], axis=0)  # (PLANTED, 4)
        name = f"{condition.name}, {condition.folds}"
        curves[name] = power
        for share, row in zip(PLANTED, power, strict=True):
            rates = (f"{100 * value:.0f} %" for value in row[1:])
            lines.append([name, f"{share:.2f}", f"{row[0]:+.3f}", *rates])
        if condition.name.startswith("tree") and condition.n_repeats == 3:
            for gain, least in POWER.items():
                share = told_at(power, gain)
                if share < least:
                    reasons.append(f"{name}: a gain of {gain} is told in {100 * share:.0f} %")
    return lines, curves, reasons


def told_at(power: NDArray[np.float64], gain: float, column: int = 1) -> float:
    """Interpolate the share of tables that tell a gain."""
    return float(np.interp(gain, power[:, 0], power[:, column]))


def at_gains(curves: Mapping[str, NDArray[np.float64]]) -> Lines:
    """Return the power at the two gains of the reaches, where the planted gains span them."""
    return [
        [name, f"{gain:.2f}", *(f"{100 * told_at(power, gain, c):.0f} %" for c in (1, 2, 3))]
        for name, power in curves.items()
        for gain in sorted(POWER)
        if gain <= power[-1, 0]
    ]


def is_right(call: Call) -> bool | None:
    """Whether a verdict holds; None where there is none."""
    if call.verdict == "equal":
        return abs(call.truth) <= OPTIONS.rope
    if call.verdict.endswith("better"):
        return call.truth > 0
    if call.verdict.endswith("worse"):
        return call.truth < 0
    return None


def without_same(calls: Iterable[Call]) -> list[Call]:
    """Leave out rankings of a moved threshold, which are those of ``none``."""
    ranking = ("average_precision", "roc_auc", "log_loss")
    return [c for c in calls if not (c.strategy == "threshold" and c.metric in ranking)]


def population_lines(calls: Sequence[Call]) -> tuple[Lines, list[str]]:
    """Count right and wrong verdicts by metric and repeats; lines, and reasons to fail."""
    lines: Lines = []
    reasons = []
    calls = without_same(calls)
    for n_repeats in (1, 3):
        for metric in ("", *dict.fromkeys(c.metric for c in calls)):
            own = [c for c in calls if c.n_repeats == n_repeats and metric in ("", c.metric)]
            if not own:
                continue
            told = [c for c in own if c.verdict in ("better", "worse", "equal")]
            better = [c for c in own if c.verdict == "better"]
            worse = [c for c in own if c.verdict == "worse"]
            probably = [c for c in own if c.verdict.startswith("probably")]
            old = [c for c in own if c.old_better]
            wrong = sum(c.truth <= 0 for c in better)
            if not metric and too_many(wrong, len(own), WRONG):
                reasons.append(f"real populations, 5 x {n_repeats}: {wrong} wrong 'better'")
            lines.append(
                [f"5 x {n_repeats}", f"`{metric}`" if metric else "all", str(len(own)),
                 share_text(sum(is_right(c) is True for c in told), len(own)),
                 f"{len(better) - wrong} / {wrong}",
                 f"{sum(c.truth < 0 for c in worse)} / {sum(c.truth >= 0 for c in worse)}",
                 share_text(sum(is_right(c) is True for c in probably), len(probably)),
                 f"{sum(c.truth > 0 for c in old)} / {sum(c.truth <= 0 for c in old)}",
                 share_text(sum(c.covers for c in own), len(own))]
            )  # fmt: skip
    return lines, reasons


def target_lines(calls: Sequence[Call]) -> Lines:
    """Count wrong ``better`` for the two targets.

    The truth about the algorithm is the mean of the truths of all samples of a population.
    """
    calls = without_same(calls)
    truths: dict[tuple[str, ...], list[float]] = {}
    for c in calls:
        key = (c.population, c.model, c.strategy, c.metric, str(c.n_repeats))
        truths.setdefault(key, []).append(c.truth)
    lines: Lines = []
    for n_repeats in (1, 3):
        own = [c for c in calls if c.n_repeats == n_repeats]
        for name, told in (
            ("new verdict", [c for c in own if c.verdict == "better"]),
            ("corrected t-test with Holm", [c for c in own if c.old_better]),
        ):
            algorithm = [
                np.mean(truths[c.population, c.model, c.strategy, c.metric, str(n_repeats)]) <= 0
                for c in told
            ]
            lines.append(
                [f"5 x {n_repeats}", name, str(len(told)),
                 rate_text(sum(c.truth <= 0 for c in told), len(told)),
                 rate_text(int(sum(algorithm)), len(told))]
            )  # fmt: skip
    return lines


def coverage_lines(found: Iterable[tuple[str, int, int, int, float]]) -> Lines:
    """Return a line for each metric: the coverage for each number of rare rows, and the width."""
    lines: dict[str, list[str]] = {}
    for metric, _, count, n, width in found:
        cell = f"{100 * count / n:.1f} % ({width:.2f})"
        lines.setdefault(metric, [f"`{metric}`"]).append(cell)
    return list(lines.values())


def effects_lines(found: Iterable[tuple[int, float, int, int, int]]) -> Lines:
    """Return a line for each number of data sets and spread of the gains."""
    return [
        [str(n), f"{tau:.2f}", rate_text(mean, tables), rate_text(further, tables)]
        for n, tau, mean, further, tables in found
    ]
