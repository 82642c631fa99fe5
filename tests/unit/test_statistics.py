"""The corrected resampled t-test and Holm's adjustment."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imbench.report.statistics.ttest import corrected_t_test, holm


def test_equals_the_formula_of_the_paper():
    from scipy import integrate

    d = np.array([0.031, 0.012, -0.004, 0.022, 0.017])
    ratio, n = 0.25, 5
    result = corrected_t_test(d, ratio)
    error = math.sqrt((1 / n + ratio) * ((d - d.mean()) ** 2).sum() / (n - 1))
    t = d.mean() / error

    def density(x):  # Student's t with 4 degrees of freedom, written out
        return math.gamma(2.5) / (math.sqrt(4 * math.pi) * math.gamma(2)) * (1 + x * x / 4) ** -2.5

    tail = integrate.quad(density, t, np.inf)[0]
    assert result.p_value == pytest.approx(2 * tail, rel=1e-6)
    assert result.low == pytest.approx(d.mean() - 2.7764451052 * error, rel=1e-8)  # t table, df 4
    assert result.high == pytest.approx(d.mean() + 2.7764451052 * error, rel=1e-8)


def test_is_more_careful_than_the_plain_paired_test():
    from scipy import stats

    rng = np.random.default_rng(0)
    a, b = rng.normal(0.03, 0.02, 10), rng.normal(0, 0.02, 10)
    plain = stats.ttest_rel(a, b).pvalue
    assert corrected_t_test(a - b, 0.0).p_value == pytest.approx(plain)
    assert corrected_t_test(a - b, 1 / 9).p_value > plain


def null_table(rng, n_folds, n_strategies):
    """Differences of strategies that change nothing, correlated as folds are that share rows.

    Nadeau and Bengio's correction is exact for normal differences of correlation
    n_test / (n_train + n_test), here 1 / n_folds.
    """
    rho = 1 / n_folds
    shared = rng.normal(size=(n_strategies, 1)) * math.sqrt(rho)
    return shared + rng.normal(size=(n_strategies, n_folds)) * math.sqrt(1 - rho)


def test_false_alarms_on_null_tables_are_near_five_percent():
    rng = np.random.default_rng(20_240)
    tables = 3000
    alarms = sum(
        corrected_t_test(null_table(rng, 5, 1)[0], 0.25).p_value < 0.05 for _ in range(tables)
    )
    # Two-sided 99.9 % limits of a binomial with p = 0.05.
    assert abs(alarms / tables - 0.05) < 3.3 * math.sqrt(0.05 * 0.95 / tables)


def test_holm_equals_its_definition():
    # Worked by hand: 0.01 * 4, then 0.02 * 3, then 0.03 * 2 raised to 0.06, then 0.5.
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.4, 0.9]) == pytest.approx([0.8, 0.9])
    assert holm([0.7]) == pytest.approx([0.7])
    assert holm([]).shape == (0,)


def test_holm_does_not_count_what_was_not_tested():
    adjusted = holm([math.nan, 0.02, math.nan, 0.04])
    assert np.isnan(adjusted[[0, 2]]).all()
    assert adjusted[[1, 3]] == pytest.approx([0.04, 0.04])


def test_one_fold_has_a_mean_and_nothing_else():
    found = corrected_t_test([0.3], 0.25)
    assert (found.n, found.mean) == (1, 0.3)
    assert all(math.isnan(value) for value in (found.low, found.high, found.p_value))
    assert math.isnan(corrected_t_test([], 0.25).mean)


def test_identical_predictions_differ_by_nothing():
    found = corrected_t_test([0.0] * 5, 0.25)
    assert (found.mean, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_a_constant_gain_has_the_p_value_of_the_sign_test():
    from scipy import stats

    for n in (2, 5, 6, 15):
        found = corrected_t_test([0.1] * n, 0.25)
        assert found.p_value == pytest.approx(stats.binomtest(n, n).pvalue)
        assert math.isnan(found.low)
