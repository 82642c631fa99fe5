"""The random-effects model against its estimating equation, and against known truths."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from imbench.report.statistics.random_effects import random_effects


def by_hand(y, v):
    """Paule and Mandel's variance as the root of their equation; mean and its error."""
    from scipy.optimize import brentq

    def excess(tau2):
        w = 1 / (v + tau2)
        return (w * (y - (w * y).sum() / w.sum()) ** 2).sum() - (len(y) - 1)

    tau2 = brentq(excess, 0, 100) if excess(0) > 0 else 0.0
    w = 1 / (v + tau2)
    return tau2, (w * y).sum() / w.sum(), math.sqrt(1 / w.sum())


@pytest.mark.parametrize("seed", range(6))
def test_the_estimates_solve_their_equation(seed):
    from scipy import stats

    rng = np.random.default_rng(seed)
    n = 3 + 4 * seed
    errors = rng.uniform(0.01, 0.05, n)
    gains = rng.normal(0.03, 0.02 * (seed % 3), n) + rng.normal(0, errors)
    found = random_effects(gains, errors)
    tau2, mean, error = by_hand(gains, errors**2)
    assert found.tau == pytest.approx(math.sqrt(tau2), abs=1e-6)
    assert found.mean == pytest.approx(mean, abs=1e-6)
    reach = stats.t.isf(0.025, n - 1) * error
    assert (found.low, found.high) == pytest.approx((mean - reach, mean + reach), abs=1e-6)
    fixed = np.average(gains, weights=errors**-2.0)
    q = (((gains - fixed) / errors) ** 2).sum()
    assert found.p_homogeneous == pytest.approx(stats.chi2.sf(q, n - 1))
    assert found.i2 == pytest.approx(max(0, (q - n + 1) / q))
    assert found.next_low <= found.low < found.high <= found.next_high
    assert found.n_datasets == n


@pytest.mark.slow
@pytest.mark.parametrize("tau", [0.0, 0.03])
def test_intervals_cover_the_mean_and_the_next_gain(tau):
    rng = np.random.default_rng(1)
    n_tables, covered, foreseen = 300, 0, 0
    for _ in range(n_tables):
        errors = rng.uniform(0.01, 0.04, 8)
        gains = rng.normal(0.02, tau, 8) + rng.normal(0, errors)
        found = random_effects(gains, errors)
        covered += found.low <= 0.02 <= found.high
        foreseen += found.next_low <= rng.normal(0.02, tau) <= found.next_high
    # 95 % nominally; three standard errors of a share of 300 tables are 0.038.
    assert covered / n_tables >= 0.912
    assert foreseen / n_tables >= 0.912
    if tau:
        assert covered / n_tables <= 0.988


def test_a_gain_of_zero_without_an_error_weighs_as_the_surest_other():
    found = random_effects([0.04, 0.05, 0.03, 0.0], [0.02, 0.01, 0.03, 0.0])
    assert found == random_effects([0.04, 0.05, 0.03, 0.0], [0.02, 0.01, 0.03, 0.01])
    assert found == random_effects([0.04, 0.05, 0.03, 0.0], [0.02, 0.01, 0.03, math.nan])
    assert found.mean > 0.01, "one exact 0 does not decide the mean"


def test_data_sets_without_a_gain_are_left_out():
    some = random_effects([0.04, math.nan, 0.03, 0.05], [0.02, 0.02, 0.01, 0.02])
    assert some == random_effects([0.04, 0.03, 0.05], [0.02, 0.01, 0.02])
    assert some.n_datasets == 3


def test_too_few_gains_or_errors_give_no_summary():
    assert random_effects([0.1, 0.2], [0.1, 0.1]) is None
    assert random_effects([0.1, 0.2, math.nan], [0.1, 0.1, 0.1]) is None
    assert random_effects([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]) is None
    assert random_effects([], []) is None


def test_extreme_errors_neither_warn_nor_stop_too_early():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tiny = random_effects([0.5, 0.2, 0.9, -0.3], [1e-9, 1e-7, 1e-8, 1e-12])
        equal = random_effects([0.02] * 5, [0.01] * 5)
    assert tiny.mean == pytest.approx(0.325)
    assert tiny.tau == pytest.approx(np.std([0.5, 0.2, 0.9, -0.3], ddof=1), rel=1e-3)
    assert (equal.mean, equal.tau, equal.i2) == (pytest.approx(0.02), 0.0, 0.0)
    assert equal.low < 0.02 < equal.high
