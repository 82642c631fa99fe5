"""Posteriors against baycomp, by the authors of the papers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from imbench.report.statistics.bayes import signed_rank_posteriors

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # invalid escape sequences in its docstrings
    import baycomp


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
