"""One story: interval, p-value, verdict, probability and the group of the best agree."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from imbench.report.statistics.evidence import collect
from imbench.report.statistics.joint import Estimates, estimates
from imbench.report.statistics.verdict import (
    ALPHA,
    LEVELS,
    PROBABLE,
    VERDICTS,
    _normal_values,
    _probabilities,
    among_best,
    compare,
    level_of,
)
from imbench.results.metric_options import MetricOptions
from imbench.results.metrics import compute
from tests.factories import make_fold

OPTIONS = MetricOptions()
ROPE = 0.01


def make_table(seed, skills, *, k=5, repeats=1, n=120, classes=2):
    """Folds of strategies of different skill that test the same rows."""
    table = []
    for s, skill in enumerate(skills):
        own = []
        for repeat in range(repeats):
            for f in range(k):
                base = make_fold(seed * 1000 + 10 * repeat + f, n=n, k=classes, fold=f)
                rng = np.random.default_rng((seed, s, repeat, f))
                noise = np.random.default_rng((seed, repeat, f)).normal(size=(n, classes))
                logits = noise + 0.5 * rng.normal(size=(n, classes))
                logits[np.arange(n), base.y_true] += skill
                score = np.exp(logits)
                score /= score.sum(axis=1, keepdims=True)
                own.append(replace(base, repeat=repeat, y_score=score, y_pred=score.argmax(axis=1)))
        table.append(own)
    return table


def evidence_of(table, metric="f1_macro", options=OPTIONS):
    values = [[compute(f, options)[metric] for f in folds] for folds in table]
    return collect(table, values, metric, options)


def random_table(seed):
    rng = np.random.default_rng(seed)
    skills = 1 + rng.choice([0, 0, 0.02, 0.3, 1, -0.5], size=rng.integers(2, 8))
    kind = {"k": int(rng.integers(1, 6)), "repeats": int(rng.integers(1, 4))}
    classes = int(rng.integers(2, 5))
    metric = rng.choice(["f1_macro", "roc_auc", "log_loss", "recall_rare", "mcc"])
    return make_table(seed, skills, **kind, n=int(rng.integers(40, 300)), classes=classes), metric


@pytest.mark.parametrize("seed", range(60))
def test_the_numbers_of_a_table_never_contradict_one_another(seed):
    table, metric = random_table(seed)
    sequential = seed % 3 == 0
    evidence = evidence_of(table, metric)
    base = seed % len(table)
    told = compare(evidence, base, ROPE, sequential)
    inside = among_best(evidence, told, base, ROPE, sequential)
    assert told[base] is None
    assert any(inside)
    means = evidence.values.mean(axis=1)
    assert inside[int(means.argmax())]
    for i, c in enumerate(told):
        if c is None:
            continue
        assert c.verdict in VERDICTS
        assert c.gain == pytest.approx(means[i] - means[base])
        if math.isnan(c.p_adjusted):
            assert c.verdict in ("open", "equal")
            assert c.note
            continue
        assert c.low <= c.gain <= c.high
        leaves_out_zero = c.low > 0 or c.high < 0
        assert leaves_out_zero == (c.p_adjusted < ALPHA)
        in_region = c.low >= -ROPE and c.high <= ROPE
        assert (c.verdict == "equal") == in_region
        if not in_region:
            assert (c.verdict == "better") == (c.low > 0)
            assert (c.verdict == "worse") == (c.high < 0)
        assert (c.p_better >= 0.5) == (c.gain >= 0) or c.p_better == 0.5
        if c.verdict.endswith("better"):
            assert c.p_better >= PROBABLE
        if c.verdict.endswith("worse"):
            assert c.p_better <= 1 - PROBABLE
        if c.verdict == "worse":
            assert not inside[i]
        if c.verdict == "better":
            assert not inside[base]


def test_a_clear_gain_is_better_and_noise_is_not():
    evidence = evidence_of(make_table(1, [1, 2.5, 1, 0], k=5, n=300))
    told = compare(evidence, 0)
    assert told[1].verdict == "better"
    assert told[3].verdict == "worse"
    assert told[2].verdict not in ("better", "worse")
    assert among_best(evidence, told, 0) == [False, True, False, False]


@pytest.mark.slow
def test_null_tables_raise_few_alarms():
    alarms = 0
    for seed in range(100):
        told = compare(evidence_of(make_table(seed + 500, [1] * 6, n=200)), 0)
        alarms += any(c is not None and c.p_adjusted < ALPHA for c in told)
    assert alarms <= 12  # 99.9 % of a binomial of 5 %


def test_equal_predictions_are_equal_and_not_tested():
    table = make_table(2, [1, 1.5])
    told = compare(evidence_of([table[0], table[0], table[1]]), 0)
    assert told[1].verdict == "equal"
    assert (told[1].low, told[1].gain, told[1].high) == (0, 0, 0)
    assert math.isnan(told[1].p_adjusted)
    assert told[1].note == "same values"
    alone = compare(evidence_of([table[0], table[1]]), 0)
    assert told[2].p_adjusted == pytest.approx(alone[1].p_adjusted)  # not counted in the family


def test_copies_of_strategies_do_not_change_the_errors_of_others():
    # Sums of rounded products differ in their last digits between equal strategies.
    table = make_table(12, [1, 1.2, 1.3, 1.1], n=333, repeats=3)
    for metric in ("log_loss", "roc_auc"):
        plain = compare(evidence_of(table, metric), 0)
        more = compare(evidence_of([*table, *[table[0]] * 5], metric), 0)
        for before, after in zip(plain[1:], more[1:4], strict=True):
            assert after == before
        assert all(c.note == "same values" for c in more[4:])


def test_nearly_equal_strategies_on_many_rows_are_equal_and_both_among_the_best():
    table = make_table(3, [3.0], n=20_000)
    other = [replace(f, y_pred=np.where(np.arange(20_000) % 4001 == 0, 1 - f.y_pred, f.y_pred))
             for f in table[0]]  # fmt: skip
    evidence = evidence_of([table[0], other])
    told = compare(evidence, 0, ROPE)
    assert told[1].verdict == "equal"
    assert told[1].high < 0  # a difference, and practically none
    assert among_best(evidence, told, 0, ROPE) == [True, True]
    assert among_best(evidence, told, 0, 0.0) == [True, False]


def test_few_rare_rows_need_three_repeats():
    def table(repeats):
        own = make_table(4, [1, 3], k=5, n=60, repeats=repeats)
        rare = np.arange(60) < 2
        return [[replace(f, y_true=rare.astype(int), test_index=f.test_index) for f in folds]
                for folds in own]  # fmt: skip

    once = compare(evidence_of(table(1)), 0)[1]
    assert math.isnan(once.p_adjusted)
    assert once.verdict == "open"
    assert once.note == "10 rare rows: no verdict below 3 repeats"
    assert not math.isnan(compare(evidence_of(table(3)), 0)[1].p_adjusted)


def test_few_rare_groups_are_called_groups():
    in_pairs = [
        [replace(f, test_group=f.test_index // 30) for f in folds]
        for folds in make_table(4, [1, 3], k=5, n=60)
    ]
    told = compare(evidence_of(in_pairs), 0)[1]
    assert told.note == "10 rare groups: no verdict below 3 repeats"


def test_one_fit_is_judged_by_its_rows_and_says_so():
    told = compare(evidence_of(make_table(5, [0.5, 2.5], k=1, n=1000)), 0)[1]
    assert told.verdict == "better"
    assert told.note == "one fit: without the variance of training"
    assert told.n_folds == 1


def test_no_common_fold_is_open():
    table = make_table(6, [1, 2, 2])
    table[2] = [replace(f, test_index=f.test_index + 10_000) for f in table[2]]
    told = compare(evidence_of(table), 0)
    assert told[2].verdict == "open"
    assert told[2].note == "no common fold"
    assert math.isnan(told[2].gain)
    assert not math.isnan(told[1].p_adjusted)
    assert among_best(evidence_of(table), told, 0)[2]


def test_a_metric_that_one_strategy_lacks_on_a_fold_is_compared_on_the_others():
    table = make_table(7, [1, 2])
    table[1][0] = replace(table[1][0], y_score=np.full_like(table[1][0].y_score, np.nan))
    told = compare(evidence_of(table, "roc_auc"), 0)[1]
    assert told.n_folds == 4
    assert math.isfinite(told.low)
    everywhere = [replace(f, y_score=np.full_like(f.y_score, np.nan)) for f in table[1]]
    nowhere = compare(evidence_of([table[0], everywhere], "roc_auc"), 0)[1]
    assert (nowhere.n_folds, nowhere.verdict) == (0, "open")


def test_lower_is_better_where_the_metric_says_so():
    told = compare(evidence_of(make_table(8, [0.5, 2.5], n=300), "log_loss"), 0)[1]
    assert told.gain > 0
    assert told.verdict == "better"


def test_an_empty_table_and_a_single_strategy_have_no_comparison():
    assert among_best(evidence_of([]), [], None) == []
    alone = evidence_of(make_table(9, [1]))
    assert compare(alone, 0) == [None]
    assert among_best(alone, [None], 0) == [True]


def test_looks_spend_the_level_and_stopped_strategies_keep_their_verdict():
    assert sum(LEVELS.values()) == pytest.approx(ALPHA)
    assert [level_of(n) for n in (1, 2, 3, 4, 10, 30)] == [0.01, 0.015, 0.015, 0.025, 0.025, 0.025]
    table = make_table(10, [1, 3, 1.1], repeats=3, n=200)
    table[1] = [f for f in table[1] if f.repeat == 0]  # it was told and stopped
    evidence = evidence_of(table)
    told = compare(evidence, 0, ROPE, sequential=True)
    first = evidence_of([[f for f in own if f.repeat == 0] for own in table])
    then = compare(first, 0, ROPE, sequential=True)
    assert repr(told[1]) == repr(then[1])  # NaN where there is one repeat
    assert (told[1].n_repeats, told[2].n_repeats) == (1, 3)
    # The same look alone, which spends all of the level, has a p-value a fifth as large.
    assert compare(first, 0, ROPE)[2].p_adjusted <= then[2].p_adjusted


def test_a_gain_of_a_hundred_errors_beside_one_that_is_unknown_has_a_probability():
    both = np.array([0.1, -0.1])
    found = Estimates(both, error=np.array([1e-3, 5.0]), df=np.full(2, 1e6), later=both)
    z, p = _normal_values(found), np.array([0.0, 0.98])
    assert np.isinf(z[0])
    assert _probabilities(found, z, p, np.ones(2, bool)).tolist() == [1.0, 0.5]


def test_a_user_metric_has_a_verdict():
    node = {"_target_": "imbench.results.metrics.fbeta_minority"}
    options = MetricOptions(extra={"f2": node})
    told = compare(evidence_of(make_table(11, [0.5, 3], n=400), "f2", options), 0)[1]
    assert told.verdict == "better"


@pytest.mark.parametrize("seed", range(4))
def test_the_error_of_ten_repeats_is_foreseen_after_three(seed):
    table = make_table(seed, [1, 1.1, 1.4], repeats=10, n=100)
    first = evidence_of([[f for f in own if f.repeat < 3] for own in table])
    base, others = np.zeros(2, np.intp), np.array([1, 2])
    foreseen = estimates(first.differences, base, others, first.n_rarest)
    whole = evidence_of(table)
    later = estimates(whole.differences, base, others, whole.n_rarest)
    assert (foreseen.later < foreseen.error).all()
    np.testing.assert_allclose(foreseen.later, later.error, rtol=0.5)


def test_whether_more_repeats_tell_is_not_asked_of_a_single_one():
    table = make_table(3, [1, 1.02], repeats=1, n=200)
    _, told = compare(evidence_of(table), 0, ROPE, sequential=True)
    assert math.isnan(told.p_told)


def test_a_large_gain_is_to_be_told_and_rows_that_vary_alike_are_not():
    table = make_table(4, [1, 3], repeats=3, n=200)
    _, told = compare(evidence_of(table), 0, ROPE, sequential=True)
    assert told.p_told > 0.99
    # The same predictions in every repeat: no repeat adds anything.
    same = [[replace(f, repeat=r) for r in range(3) for f in own[:5]] for own in table]
    same[1] = [replace(f, y_pred=np.roll(f.y_pred, 1)) for f in same[0]]
    for fold in same[1]:
        fold.y_pred[:] = np.random.default_rng(fold.fold).permutation(fold.y_true)
    same[0] = [replace(f, y_pred=g.y_pred[::-1].copy()) for f, g in zip(*same, strict=True)]
    _, open_ = compare(evidence_of(same), 0, ROPE, sequential=True)
    assert open_.verdict not in ("better", "worse", "equal")
    assert open_.p_told < 0.05
