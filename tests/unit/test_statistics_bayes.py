"""Posteriors against baycomp, by the authors of the papers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from imbench.report.statistics import Posterior, correlated_posterior, signed_rank_posteriors

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # invalid escape sequences in its docstrings
    import baycomp


@pytest.mark.parametrize("rope", [0.001, 0.01, 0.05])
@pytest.mark.parametrize("runs", [1, 3])
def test_correlated_posterior_equals_baycomp(rope, runs):
    rng = np.random.default_rng(runs)
    x, y = rng.normal(0.8, 0.03, (2, 5 * runs))
    found = correlated_posterior(y - x, 1 / 4, rope)  # 5 folds: one part tested, four trained
    worse, equal, better = baycomp.two_on_single(x, y, rope=rope, runs=runs)
    assert found.worse == pytest.approx(worse, abs=1e-12)
    assert found.equal == pytest.approx(equal, abs=1e-12)
    assert found.better == pytest.approx(better, abs=1e-12)


def test_correlated_posterior_equals_draws_from_its_definition():
    d = np.array([0.031, 0.012, -0.004, 0.022, 0.017])
    rng = np.random.default_rng(0)
    scale = np.sqrt((1 / 5 + 0.25) * d.var(ddof=1))
    # A Student t as a normal over the root of a chi-square.
    draws = d.mean() + scale * rng.normal(size=400_000) / np.sqrt(rng.chisquare(4, 400_000) / 4)
    found = correlated_posterior(d, 0.25, 0.01)
    for probability, share in (
        (found.worse, (draws < -0.01).mean()),
        (found.equal, (abs(draws) <= 0.01).mean()),
        (found.better, (draws > 0.01).mean()),
    ):
        assert probability == pytest.approx(share, abs=0.004)  # five standard errors


def test_constant_gains_have_no_posterior_unless_they_are_zero():
    assert correlated_posterior([0.1], 0.25, 0.01) is None
    assert correlated_posterior([0.1] * 5, 0.25, 0.01) is None
    assert correlated_posterior([0.0] * 5, 0.25, 0.01) == Posterior(0.0, 1.0, 0.0)


@pytest.mark.parametrize("rope", [0.0, 0.01])
def test_signed_rank_posterior_equals_baycomp(rope):
    rng = np.random.default_rng(4)
    x = rng.normal(0.8, 0.05, 12)
    y = x + rng.normal(0.008, 0.02, 12)
    found = signed_rank_posteriors({"smote": list(y - x)}, rope)["smote"]
    expected = baycomp.SignedRankTest.probs(x, y, rope=rope, nsamples=20_000, random_state=1)
    worse, equal, better = expected if rope else (expected[0], 0.0, expected[1])
    # Two samples of 20,000 draws: four standard errors of their difference.
    assert found.worse == pytest.approx(worse, abs=0.02)
    assert found.equal == pytest.approx(equal, abs=0.02)
    assert found.better == pytest.approx(better, abs=0.02)
    assert 0.05 < found.better < 0.95 or rope == 0  # the case is not a trivial one


def test_signed_rank_posterior_is_the_same_twice_and_knows_the_direction():
    gains = {"up": [0.05] * 8, "down": [-0.05] * 8, "flat": [0.001] * 8}
    found = signed_rank_posteriors(gains, 0.01)
    assert found == signed_rank_posteriors(gains, 0.01)
    assert found["up"].better > 0.99
    assert found["down"].worse > 0.99
    assert found["flat"].equal > 0.99
