"""Ranks over data sets against the worked example of Demsar 2006 and other implementations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imbench.report.statistics.across import (
    average_ranks,
    cliques,
    critical_difference,
    friedman,
    wilcoxon,
)

# AUC of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets: Demsar 2006, table 6. The paper
# prints 0.975 twice in the line of 0.9751 but ranks the two apart.
AUC = np.array(
    [
        [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
    ]
)  # fmt: skip


def test_average_ranks_are_the_published_ones():
    assert average_ranks(AUC) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)


def test_friedman_is_near_the_published_figures_and_equals_scipy():
    from scipy import stats

    found = friedman(AUC)
    reference = stats.friedmanchisquare(*AUC.T)
    assert found.statistic == pytest.approx(reference.statistic)
    assert found.p_value == pytest.approx(reference.pvalue)
    # The paper has 9.28 and 3.69 without the correction for ties.
    ranks = average_ranks(AUC)
    plain = 12 * 14 / (4 * 5) * ((ranks**2).sum() - 4 * 25 / 4)
    assert plain == pytest.approx(9.28, abs=0.01)
    assert found.statistic >= plain
    assert found.f_statistic == pytest.approx(13 * found.statistic / (42 - found.statistic))
    assert found.f_p_value < found.p_value


@pytest.mark.parametrize(
    ("k", "q"),
    list(enumerate([1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164], start=2)),
)
def test_critical_difference_is_that_of_the_published_table(k, q):
    assert critical_difference(k, 14) == pytest.approx(q * math.sqrt(k * (k + 1) / 84), abs=2e-3)


def test_critical_difference_of_the_published_example():
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, alpha=0.10) == pytest.approx(1.12, abs=0.01)


def test_ranks_within_the_critical_difference_are_those_that_nemenyi_does_not_tell_apart():
    import scikit_posthocs

    rng = np.random.default_rng(2)
    scores = rng.normal(size=(10, 6)) + np.array([0, 0.5, 1, 1.5, 2, 3])
    ranks, critical = average_ranks(scores), critical_difference(6, 10)
    p = scikit_posthocs.posthoc_nemenyi_friedman(scores).to_numpy()
    for i in range(6):
        for j in range(i):
            assert (abs(ranks[i] - ranks[j]) < critical) == (p[i, j] > 0.05)
    assert 0 < (p < 0.05).sum() < 30  # some are told apart and some are not


def test_wilcoxon_splits_zeros_as_the_published_example():
    # C4.5 against C4.5+m: rank sums 93 and 12 (Demsar 2006, section 3.1.3).
    d = AUC[:, 1] - AUC[:, 0]
    z = (12 - 14 * 15 / 4) / math.sqrt(14 * 15 * 29 / 24)
    normal = math.erfc(abs(z) / math.sqrt(2))
    assert wilcoxon(d) == pytest.approx(normal, rel=0.05)  # the variance is corrected for ties
    assert wilcoxon(d) == pytest.approx(wilcoxon(-d))
    assert wilcoxon([0.0, 0.0, 0.0]) == 1.0


def test_all_scores_equal_is_no_difference():
    assert friedman(np.ones((4, 3))).p_value == 1.0
    assert average_ranks(np.ones((4, 3))) == pytest.approx([2, 2, 2])


def test_a_failure_ranks_last_and_breaks_nothing():
    scores = np.array([[0.9, 0.8, -np.inf], [0.9, 0.8, 0.7], [0.9, -np.inf, -np.inf]])
    assert average_ranks(scores) == pytest.approx([1, (2 + 2 + 2.5) / 3, (3 + 3 + 2.5) / 3])
    assert np.isfinite(friedman(scores).p_value)


def test_cliques_are_the_longest_runs_within_the_critical_difference():
    assert cliques([1.0, 1.5, 2.5, 2.9, 4.5], 1.6) == [(0, 2), (1, 3)]
    assert cliques([1.0, 3.0], 1.0) == []
    assert cliques([1.0, 1.1, 1.2], 5.0) == [(0, 2)]
