"""The joint distribution of differences: variances by rows and by fits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from imbench.report.statistics.draws import as_normal, as_student, largest, largest_of_pairs
from imbench.report.statistics.evidence import collect
from imbench.report.statistics.joint import CAUTION, Evidence, covariance_with, estimates
from imbench.report.statistics.joint import TestPart as Part
from imbench.results.metric_options import MetricOptions
from imbench.results.metrics import compute
from tests.factories import make_fold

OPTIONS = MetricOptions()


def random_evidence(seed, s=4, k=5, repeats=2, n=100, fits=0.3, rows=1.0):
    """Values of normal rows and fits, with known variances of both."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(s, n)) * rows
    parts = []
    for repeat in range(repeats):
        order = rng.permutation(n)
        for units in np.array_split(order, k):
            own = truth[:, units]
            size = len(units)
            values = own.mean(axis=1) + fits * rng.normal(size=s)
            centred = (own - own.mean(axis=1, keepdims=True)) / np.sqrt(size * (size - 1))
            parts.append(Part(repeat, units, values, centred))
    return Evidence(tuple(parts), s, n, n // 2)


def of(evidence, base=0):
    others = np.delete(np.arange(evidence.n_strategies), base)
    return estimates(evidence.differences, np.full(len(others), base), others, evidence.n_rarest)


def test_gains_are_mean_differences_and_antisymmetric():
    evidence = random_evidence(0)
    gain = evidence.differences.gain
    np.testing.assert_allclose(gain, -gain.T)
    means = evidence.values.mean(axis=1)
    np.testing.assert_allclose(gain, means[:, None] - means)


def test_moments_in_blocks_equal_the_sums(monkeypatch):
    from imbench.report.statistics import joint

    whole = random_evidence(1).differences
    monkeypatch.setattr(joint, "BLOCK", 7)
    blocks = random_evidence(1).differences
    np.testing.assert_allclose(blocks.covariance, whole.covariance)
    pairs = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(blocks.rows_df[pairs], whole.rows_df[pairs])


def test_degrees_of_freedom_are_those_of_satterthwaite():
    evidence = random_evidence(2, s=2, repeats=1)
    d = np.zeros(100)
    for part in evidence.parts:
        d[part.units] = (part.contributions[1] - part.contributions[0]) / 5
    v = (d**2).sum()
    found = evidence.differences
    assert found.rows[1, 0] == pytest.approx(v)
    assert found.rows_df[1, 0] == pytest.approx(2 * v**2 / ((d**4).sum() - v**2 / 100))


@pytest.mark.parametrize(("fits", "repeats"), [(0.0, 1), (0.3, 1), (0.3, 4)])
def test_the_error_is_that_of_the_simulation(fits, repeats):
    gains, errors = [], []
    for seed in range(300):
        e = of(random_evidence(seed, s=5, fits=fits, repeats=repeats))
        gains.append(e.gain)
        errors.append(e.error**2 / CAUTION)
    # Rows are the same in all repeats, fits are not. The excess is at least 0, so too large.
    truth = 2 * (1 / 100 + fits**2 / (5 * repeats))
    assert np.var(gains) == pytest.approx(truth, rel=0.2)
    assert truth * 0.85 < np.mean(errors) < truth * 1.35


def test_one_fold_has_rows_only():
    evidence = random_evidence(0, k=1, repeats=1)
    found = evidence.differences
    assert np.isnan(found.excess).all()
    e = of(evidence)
    np.testing.assert_allclose(e.error**2, CAUTION * found.rows[1:, 0])


def test_refits_on_one_split_show_the_variance_of_fits():
    rng = np.random.default_rng(0)
    excess = []
    for _ in range(200):
        rows = rng.normal(size=(3, 50))
        shared = rows.mean(axis=1)
        h = (rows - shared[:, None]) / np.sqrt(50 * 49)
        parts = [Part(r, np.arange(50), shared + 0.2 * rng.normal(size=3), h) for r in range(5)]
        excess.append(Evidence(tuple(parts), 3, 50, 20).differences.excess[1, 0])
    assert np.mean(excess) == pytest.approx(2 * 0.2**2, rel=0.2)  # of a single fit


def test_strategies_are_compared_on_the_folds_that_both_have():
    evidence = random_evidence(3)
    for part in evidence.parts[:3]:
        part.values[1], part.contributions[1] = np.nan, 0
    for part in evidence.parts:
        part.values[2], part.contributions[2] = np.nan, 0
    found = evidence.differences
    assert found.n_folds[1, 0] == 7
    assert found.n_folds[3, 0] == 10
    assert found.n_folds[2, 0] == 0
    assert np.isnan(found.gain[2, 0])
    d = evidence.values[1, 3:] - evidence.values[0, 3:]
    assert found.gain[1, 0] == pytest.approx(d.mean())
    assert np.isfinite(found.gain[3, 1])


def test_all_rows_that_change_alike_are_not_taken_for_certain():
    parts = [Part(0, np.arange(10 * f, 10 * f + 10), np.array([0.2, 0.7]), np.zeros((2, 10)))
             for f in range(5)]  # fmt: skip
    e = of(Evidence(tuple(parts), 2, 50, 6))
    assert e.error[0] == pytest.approx(np.sqrt(CAUTION * 2) * 0.5 / 6)


def test_no_fold_is_no_crash():
    found = Evidence((), 3, 0, 0).differences
    assert np.isnan(found.gain).all()
    assert (found.n_folds == 0).all()


def test_covariance_with_a_baseline_is_that_of_the_differences():
    evidence = random_evidence(4, repeats=1)
    h = np.zeros((4, 100))
    for part in evidence.parts:
        h[:, part.units] = part.contributions / 5
    d = h[[0, 1, 3]] - h[2]
    np.testing.assert_allclose(
        covariance_with(evidence.differences, 2, np.array([0, 1, 3])), d @ d.T, atol=1e-15
    )


def test_the_largest_of_correlated_variables():
    alone = largest(np.eye(1))
    assert np.quantile(alone, 0.95) == pytest.approx(1.96, abs=0.04)
    ten = largest(np.eye(10))
    assert np.quantile(ten, 0.95) == pytest.approx(stats.norm.isf((1 - 0.95**0.1) / 2), abs=0.04)
    same = largest(np.ones((10, 10)))
    assert np.quantile(same, 0.95) == pytest.approx(1.96, abs=0.04)
    assert (np.diff(ten) <= 0).all()


def test_the_largest_of_pairs_is_the_studentised_range():
    drawn = largest_of_pairs(np.eye(5))
    expected = stats.studentized_range.isf(0.05, 5, np.inf) / np.sqrt(2)
    assert np.quantile(drawn, 0.95) == pytest.approx(expected, abs=0.04)
    assert (largest_of_pairs(np.ones((3, 3))) == 0).all()


def test_normal_and_student_values_are_inverses():
    df = np.array([1.0, 3.5, 20, np.inf])
    t = as_student(2.5, df)
    np.testing.assert_allclose(as_normal(t, df), 2.5)
    assert (np.diff(t) < 0).all()


def test_groups_add_their_rows():
    folds = [make_fold(i, n=90, fold=i) for i in range(3)]
    other = [
        make_fold(i, n=90, fold=i, y_pred=np.random.default_rng(i).permuted(f.y_pred))
        for i, f in enumerate(folds)
    ]

    def evidence(change):
        table = [[change(f) for f in own] for own in (folds, other)]
        values = [[compute(f, OPTIONS)["f1_macro"] for f in own] for own in table]
        return collect(table, values, "f1_macro", OPTIONS)

    from dataclasses import replace

    plain = evidence(lambda f: f)
    single = evidence(lambda f: replace(f, test_group=f.test_index))
    np.testing.assert_allclose(single.differences.rows, plain.differences.rows)
    assert single.n_rarest == plain.n_rarest == sum((f.y_true == 1).sum() for f in folds)

    # Three equal copies of every row in a group: the variance of the rows, not a third of it.
    def tripled(f):
        three = np.repeat(np.arange(len(f.y_true)), 3)
        return replace(
            f, y_true=f.y_true[three], y_pred=f.y_pred[three], y_score=f.y_score[three],
            test_index=np.arange(len(three)) + 1000 * f.fold, test_group=f.test_index[three],
        )  # fmt: skip

    groups = evidence(tripled)
    assert groups.n_rarest == plain.n_rarest
    np.testing.assert_allclose(groups.differences.rows, plain.differences.rows, rtol=0.05)


def test_undefined_and_infinite_values_are_no_folds():
    folds = [make_fold(i, fold=i) for i in range(3)]
    found = collect([folds, folds], [[0.1, np.nan, 0.3], [0.2, 0.2, np.inf]], "f1_macro", OPTIONS)
    assert found.differences.n_folds[1, 0] == 1
    assert found.differences.gain[1, 0] == pytest.approx(0.1)


def test_folds_of_other_test_rows_are_never_compared():
    ours = [make_fold(0, fold=0)]
    theirs = [make_fold(0, fold=0, test_index=np.arange(60) + 500)]
    found = collect([ours, theirs], [[0.1], [0.2]], "f1_macro", OPTIONS)
    assert found.differences.n_folds[1, 0] == 0
