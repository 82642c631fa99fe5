"""Verdicts of a table: better, worse or cannot be told, and which strategies may be the best.

``scripts/verdict_check.py`` measures the rate of false verdicts on tables without differences.
The rates are in docs/verdict.md.
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
# With fewer folds, rare classes of about ten rows per fold give nearly equal differences by
# chance, and t becomes huge (docs/verdict.md, "Without a rule").
MIN_FOLDS = 5


@dataclass(frozen=True)
class Comparison:
    """Comparison of one strategy with the baseline of its block.

    Parameters
    ----------
    test : TTest
        Test of the gains, which are positive for improvements in any metric. Its interval is not
        adjusted for multiple testing.
    p_holm : float
        The p-value after Holm's correction for the strategies of the block, NaN if not tested.
    verdict : {"better", "worse", "cannot be told"}
        Significant at 5 % by `p_holm`, on at least five folds.
    note : str
        Why there is no interval or no verdict, or empty.
    posterior : Posterior or None
        Posterior of the mean gain with the region of practical equivalence ``metrics.rope``.

    Examples
    --------
    >>> test = TTest(n=5, mean=0.04, low=0.01, high=0.07, p_value=0.02)
    >>> Comparison(test, p_holm=0.04, verdict="better").verdict
    'better'
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
        Paired differences of each strategy to the baseline on their common folds, positive where
        the strategy is better.
    test_train_ratio : float
        Rows of a test part divided by rows of a training part.
    rope : float, default=0.01
        Half width of the region of practical equivalence.
    same : collection of str
        Strategies with the same predictions as the baseline. They are not tested and not counted
        by Holm's correction.

    Examples
    --------
    >>> gains = {"smote": [0.06, 0.08, 0.07, 0.06, 0.07], "focal": [0.01, -0.02, 0.0, 0.02, 0.0]}
    >>> {name: c.verdict for name, c in compare(gains, test_train_ratio=0.25).items()}
    {'smote': 'better', 'focal': 'cannot be told'}
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
    """Return for each strategy whether it cannot be told from the best one of its block.

    Parameters
    ----------
    values : array of shape (k, n)
        Metric of k strategies on n folds, NaN where it is missing. Higher is better.
    best : int
        Row of the strategy with the best mean.
    test_train_ratio : float
        Rows of a test part divided by rows of a training part.

    Notes
    -----
    Holm's correction counts all pairs of the block, because the best strategy is chosen after
    looking at the data. If only the pairs with the best one are counted, a strategy is falsely
    excluded in more than 5 % of tables without differences (docs/verdict.md, "Without a rule").

    Examples
    --------
    >>> values = [
    ...     [0.90, 0.91, 0.92, 0.91, 0.90],
    ...     [0.90, 0.92, 0.91, 0.90, 0.91],
    ...     [0.70, 0.72, 0.71, 0.72, 0.70],
    ... ]
    >>> among_best(values, best=0, test_train_ratio=0.25)
    [True, True, False]
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
