"""Rank strategies over several data sets, with tests of their differences.

Called by :func:`imbench.report.tables.build_leaderboard` with the blocks that share a model and
settings. `RULE` says how strategies that did not run are scored. It is shown with the ranking.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imbench.report.board import Block, Row
from imbench.report.statistics.across import (
    Friedman,
    average_ranks,
    critical_difference,
    friedman,
    wilcoxon,
)
from imbench.report.statistics.bayes import Posterior, signed_rank_posteriors
from imbench.report.statistics.random_effects import RandomEffects, random_effects
from imbench.report.statistics.ttest import holm

MIN_DATASETS, MIN_STRATEGIES = 3, 3
RULE = (
    "A strategy that was skipped scores what {baseline} scores there, because who cannot apply it "
    "does nothing; one that failed, or whose metric is undefined, ranks last there and counts in "
    "differences as the lowest score of that data set."
)


@dataclass(frozen=True)
class Standing:
    """Standing of one strategy in a ranking.

    Parameters
    ----------
    title : str
    average_rank : float
        Average rank, 1 is best. NaN if nothing is ranked.
    among_best : bool
        Whether the average rank is within the critical difference of the best.
    win, tie, loss : int
        Number of data sets by verdict against the baseline: ``better``, ``worse`` and the rest.
        Skipped is a tie, failed is a loss.
    mean_gain : float
        Plain mean of the gains over the baseline. NaN for the baseline.
    p_wilcoxon, p_holm : float
        p-values of the signed-rank test against the baseline, without and with Holm's
        correction. NaN if not tested.
    posterior : Posterior or None
        Bayesian signed-rank test against the baseline.
    n_imputed : int
        Data sets on which the score is imputed by `RULE`.
    effect : RandomEffects or None
        Gain over the baseline by the random-effects model, on the data sets where the strategy
        ran. None with fewer than three of them.
    """

    title: str
    average_rank: float
    among_best: bool
    win: int
    tie: int
    loss: int
    mean_gain: float
    p_wilcoxon: float
    p_holm: float
    posterior: Posterior | None
    n_imputed: int
    effect: RandomEffects | None = None


@dataclass(frozen=True)
class Ranking:
    """Ranking of strategies over the data sets of one model.

    Parameters
    ----------
    title : str
        The model, followed by settings if several rankings have the same model.
    metric : str
    datasets : tuple of str
        Titles of the blocks.
    standings : tuple of Standing
        Sorted by average rank.
    friedman : Friedman or None
        None if nothing is tested.
    critical_difference : float
        Nemenyi's critical difference, NaN if nothing is tested.
    n_imputed : int
        Number of imputed scores.
    rule : str
        How scores are imputed, in words.
    left_out : tuple of str
        Strategies that were not run on all data sets.
    reason : str
        Why nothing is tested, or empty.
    baseline : str
        What gains are over: a title, or "the baseline" where data sets have different ones.
    """

    title: str
    metric: str
    datasets: tuple[str, ...]
    standings: tuple[Standing, ...]
    friedman: Friedman | None = None
    critical_difference: float = math.nan
    n_imputed: int = 0
    rule: str = ""
    left_out: tuple[str, ...] = field(default=())
    reason: str = ""
    baseline: str = ""


def rank_strategies(
    title: str, blocks: Sequence[Block], metric: str, higher_is_better: bool, rope: float
) -> Ranking:
    """Rank the strategies that were run on all data sets.

    Parameters
    ----------
    title : str
    blocks : sequence of Block
        One block per data set, compared in `metric`.
    metric : str
    higher_is_better : bool
    rope : float
        Half width of the region of practical equivalence.
    """
    by_title: list[Mapping[str, Row]] = [
        {row.title: row for row in b.rows if not row.is_partial} for b in blocks
    ]
    everywhere = [t for t in by_title[0] if all(t in rows for rows in by_title)]
    left_out = sorted({t for rows in by_title for t in rows} - set(everywhere))
    bases, baseline = _baselines(blocks)
    scores, own, imputed = _scores(by_title, everywhere, metric, higher_is_better, bases)
    reason = _too_few(len(blocks), len(everywhere))
    ranks = average_ranks(scores) if not reason else np.full(len(everywhere), np.nan)
    critical = math.nan if reason else critical_difference(len(everywhere), len(blocks))
    has_base = all(base in rows for base, rows in zip(bases, by_title, strict=True))
    gains = _gains(scores, own, [t for t in everywhere if has_base and t != baseline], everywhere)
    p_values = {t: wilcoxon(d) for t, d in gains.items()} if not reason else {}
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    posteriors = signed_rank_posteriors(gains, rope) if not reason else {}
    standings = [
        Standing(
            title=t,
            average_rank=float(ranks[i]),
            among_best=bool(ranks[i] - ranks.min() < critical),
            **_wins([rows[t] for rows in by_title]),
            mean_gain=float(np.mean(gains[t])) if t in gains else math.nan,
            p_wilcoxon=p_values.get(t, math.nan),
            p_holm=float(adjusted.get(t, math.nan)),
            posterior=posteriors.get(t),
            n_imputed=int(imputed[:, i].sum()),
            effect=_effect([rows[t] for rows in by_title], bases) if t in gains else None,
        )
        for i, t in enumerate(everywhere)
    ]
    return Ranking(
        title=title,
        metric=metric,
        datasets=tuple(b.title for b in blocks),
        standings=tuple(sorted(standings, key=_place)),
        friedman=None if reason else friedman(scores),
        critical_difference=critical,
        n_imputed=int(imputed.sum()),
        rule=RULE.format(baseline=baseline),
        left_out=tuple(left_out),
        reason=reason,
        baseline=baseline,
    )


def _baselines(blocks: Sequence[Block]) -> tuple[list[str], str]:
    """Return the title of the baseline of each block, and a name for all of them."""
    titles = {block.baseline for block in blocks if block.baseline}
    # A baseline that failed on one data set is the baseline there as well.
    common = next(iter(titles)) if len(titles) == 1 else ""
    return [block.baseline or common for block in blocks], common or "the baseline"


def _scores(
    by_title: Sequence[Mapping[str, Row]],
    titles: Sequence[str],
    metric: str,
    higher_is_better: bool,
    bases: Sequence[str],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return scores (N, k), scores of the baselines (N,), and a mask of imputed scores (N, k).

    Higher is better. Scores of failed strategies are minus infinity.
    """
    sign = 1.0 if higher_is_better else -1.0

    def score(row: Row | None) -> float:
        return math.nan if row is None else sign * row.mean.get(metric, math.nan)

    scores = np.array([[score(rows[t]) for t in titles] for rows in by_title])
    scores = scores.reshape(len(by_title), len(titles))
    own = np.array([score(rows.get(b)) for rows, b in zip(by_title, bases, strict=True)])
    imputed = np.isnan(scores)
    for i, rows in enumerate(by_title):
        skipped = [rows[t].status == "skipped" for t in titles]
        scores[i, skipped] = own[i]
    own = np.where(np.isnan(own), -np.inf, own)
    return np.where(np.isnan(scores), -np.inf, scores), own, imputed


def _gains(
    scores: NDArray[np.float64],
    own: NDArray[np.float64],
    wanted: Sequence[str],
    titles: Sequence[str],
) -> dict[str, list[float]]:
    """Return the gains over the baselines by strategy; none if all failed on a data set."""
    finite = np.isfinite(scores)
    if not finite.any(axis=1).all():
        return {}
    lowest = np.where(finite, scores, np.inf).min(axis=1)
    filled = np.where(finite, scores, lowest[:, None])
    gains = filled - np.where(np.isfinite(own), own, lowest)[:, None]
    return {t: gains[:, titles.index(t)].tolist() for t in wanted}


def _effect(rows: Sequence[Row], bases: Sequence[str]) -> RandomEffects | None:
    """Combine the gains of a strategy where it ran; it gains 0 where it is the baseline."""
    gains, errors = np.full((2, len(rows)), np.nan)
    for i, (row, base) in enumerate(zip(rows, bases, strict=True)):
        if row.status == "ok" and row.title == base:
            gains[i] = errors[i] = 0.0
        elif row.comparison is not None:
            gains[i], errors[i] = row.comparison.gain, row.comparison.error
    return random_effects(gains, errors)


def _wins(rows: Sequence[Row]) -> dict[str, int]:
    verdicts = [r.comparison.verdict for r in rows if r.comparison is not None]
    return {
        "win": verdicts.count("better"),
        "tie": sum(v not in ("better", "worse") for v in verdicts)
        + sum(r.status == "skipped" for r in rows),
        "loss": verdicts.count("worse") + sum(r.status == "failed" for r in rows),
    }


def _too_few(n_datasets: int, n_strategies: int) -> str:
    if n_datasets >= MIN_DATASETS and n_strategies >= MIN_STRATEGIES:
        return ""
    return (
        f"Nothing is tested across data sets: there are {n_datasets} data "
        f"set{'s' if n_datasets != 1 else ''} and {n_strategies} "
        f"strateg{'ies' if n_strategies != 1 else 'y'} run on all of them, and it takes "
        f"{MIN_DATASETS} of each."
    )


def _place(standing: Standing) -> tuple[float, float, str]:
    rank = standing.average_rank
    gain = standing.mean_gain
    return (
        math.inf if math.isnan(rank) else rank,
        0.0 if math.isnan(gain) else -gain,
        standing.title,
    )
