"""What a table says: better, worse or cannot be told, and which rows may be the best.

``scripts/verdict_check.py`` tests what is here on tables in which nothing is to be found;
docs/verdict.md holds the rates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from imbench.report.statistics.bayes import Posterior, correlated_posterior
from imbench.report.statistics.ttest import (
    ALPHA,
    TTest,
    corrected_t_test,
    holm,
    is_constant,
    pairwise_p_values,
)

Verdict = Literal["better", "worse", "cannot be told"]
# On fewer folds, rare classes of some ten rows a fold give equal or nearly equal differences by
# chance, and t is then huge (docs/verdict.md, "Without a rule").
MIN_FOLDS = 5


@dataclass(frozen=True)
class Comparison:
    """What can be said about one strategy against the baseline of its block.

    Parameters
    ----------
    test : TTest
        Of the gains, turned so that above 0 is better, whatever the metric's direction. Its
        interval stands for this strategy alone.
    p_holm : float
        The p-value after Holm's correction for the strategies of the block; NaN if it was not
        tested.
    verdict : {"better", "worse", "cannot be told"}
        From `p_holm` at 5 %, on at least five folds.
    note : str
        Why there is no interval or no verdict, or empty.
    posterior : Posterior or None
        Of the mean gain, with the region of practical equivalence ``metrics.rope``.
    """

    test: TTest
    p_holm: float
    verdict: Verdict
    note: str = ""
    posterior: Posterior | None = None


def compare(
    gains: Mapping[str, Sequence[float]],
    test_train_ratio: float,
    rope: float = 0.01,
    same: Collection[str] = (),
) -> dict[str, Comparison]:
    """Compare the strategies of one block with its baseline.

    Parameters
    ----------
    gains : mapping of str to sequence of float
        For each strategy its paired differences to the baseline on the folds that both have,
        above 0 where the strategy is better.
    test_train_ratio : float
    rope : float, default=0.01
    same : collection of str
        Strategies whose predictions are those of the baseline. They are not tested, and Holm's
        correction does not count them.
    """
    tests = {name: corrected_t_test(d, test_train_ratio) for name, d in gains.items()}
    tested = {name for name, t in tests.items() if t.n >= MIN_FOLDS and name not in same}
    nan = float("nan")
    adjusted = holm([t.p_value if name in tested else nan for name, t in tests.items()])
    return {
        name: Comparison(
            test=test,
            p_holm=float(p),
            verdict=_verdict(test, float(p)),
            note=_note(test, gains[name], name in same),
            posterior=correlated_posterior(gains[name], test_train_ratio, rope),
        )
        for (name, test), p in zip(tests.items(), adjusted, strict=True)
    }


def among_best(values: ArrayLike, best: int, test_train_ratio: float) -> list[bool]:
    """Tell which strategies cannot be told from the best one of their block.

    Parameters
    ----------
    values : array of shape (k, n)
        The metric of k strategies on n folds, NaN where it is missing.
    best : int
        Row of the strategy with the best mean.
    test_train_ratio : float

    Notes
    -----
    Holm's correction runs over all pairs of the block and not only over those with the best:
    the best is chosen after looking, and when only its own pairs are counted, more than 5 % of
    tables without any difference lose a strategy (docs/verdict.md, "Without a rule").
    """
    v = np.asarray(values, dtype=np.float64)
    p = pairwise_p_values(v, test_train_ratio)
    enough = (~np.isnan(v)).astype(np.int64) @ (~np.isnan(v)).T.astype(np.int64) >= MIN_FOLDS
    p[~enough] = np.nan
    upper = np.triu_indices(len(v), 1)
    adjusted = np.full_like(p, np.nan)
    adjusted[upper] = holm(p[upper])
    against = np.fmax(adjusted[best], adjusted[:, best])  # (k,), NaN for the best itself
    return [not a < ALPHA for a in against]


def _verdict(test: TTest, p_holm: float) -> Verdict:
    if not p_holm < ALPHA:  # NaN as well
        return "cannot be told"
    return "better" if test.mean > 0 else "worse"


def _note(test: TTest, gains: Sequence[float], same: bool) -> str:
    if same:
        return "same predictions as none"
    if test.n == 0:
        return "no fold shared with none"
    if test.n == 1:
        return "one fold: no interval"
    constant = test.mean != 0 and is_constant(np.asarray(gains, dtype=np.float64))
    parts = [f"{test.n} equal differences: no interval"] if constant else []
    if test.n < MIN_FOLDS:
        parts.append(f"{test.n} folds: no verdict below {MIN_FOLDS}")
    return ", ".join(parts)
