"""How small a gain a table can show."""

from __future__ import annotations

import math

import pytest

from imbench.report.forecast import forecast
from imbench.report.statistics.detectable import detectable_gain, gain_from
from imbench.report.statistics.verdict import Comparison
from imbench.results.metric_options import MetricOptions

F1, AUC = MetricOptions(), MetricOptions(sort="roc_auc")
MINE = MetricOptions(
    sort="mine", extra={"mine": {"_target_": "imbench.results.metrics.fbeta_minority"}}
)


def test_more_rare_rows_more_repeats_and_fewer_strategies_show_smaller_gains():
    few, many = (detectable_gain((19 * n, n), 5) for n in (50, 500))
    assert 0.05 < few < 0.12
    assert few / many == pytest.approx(math.sqrt(10), rel=0.3)
    assert detectable_gain((950, 50), 5, n_repeats=3) < few
    assert detectable_gain((950, 50), 5, n_strategies=9) > few
    assert detectable_gain((950, 50), 5, level=0.025) > few


@pytest.mark.parametrize(
    "metric", ["f1_minority", "roc_auc", "average_precision", "brier", "mcc", "net_benefit"]
)
def test_every_metric_has_a_gain(metric):
    assert 0 < detectable_gain((800, 200), 5, metric=metric) < 0.3


def test_a_gain_in_cost_is_counted_in_the_units_of_the_costs():
    def line(missed, false_alarm):
        costs = {"missed": missed, "false_alarm": false_alarm}
        options = MetricOptions(sort="expected_cost", costs=costs)
        return forecast("toy", ("a", "b"), (950, 50), 5, 1, 1, options)

    assert line(20, 1).startswith("toy: 50 test rows of b in 5 folds can show gains in expected")
    one, ten = (
        float(line(*pair).partition("from about ")[2].split()[0]) for pair in ((20, 1), (200, 10))
    )
    assert ten == pytest.approx(10 * one, rel=0.1)
    k = MetricOptions(sort="recall_at_k", k=100)  # of a part of the rows that are simulated
    assert forecast("toy", ("a", "b"), (950, 50), 5, 1, 1, k) == ""


def test_many_classes_and_one_fold():
    assert 0 < detectable_gain((300, 300, 300, 60), 5) < 0.2
    assert 0 < detectable_gain((2000, 300), 1) < 0.1


def test_large_tables_are_simulated_by_a_part():
    large, larger = (detectable_gain((19 * n, n), 5) for n in (20_000, 80_000))
    assert large / larger == pytest.approx(2, rel=0.2)
    assert detectable_gain((99_950, 50), 5) > 0.01  # very rare, and still predicted


@pytest.mark.parametrize(
    "counts", [(998, 2), (990, 10), (100,), (100, 0), (3, 3)], ids=lambda counts: str(counts)
)
def test_too_small_tables_show_nothing(counts):
    assert math.isnan(detectable_gain(counts, 5))


def test_three_repeats_make_up_for_few_rows_a_fold():
    assert detectable_gain((990, 10), 5, n_repeats=3) > 0.05


def test_a_metric_of_the_user_is_not_simulated():
    assert math.isnan(detectable_gain((950, 50), 5, metric="my_cost"))
    assert forecast("toy", ("a", "b"), (950, 50), 5, 1, 1, MINE) == ""


def test_the_forecast_is_one_sentence():
    assert forecast("toy", ("a", "b"), (990, 10), 5, 1, 1, F1) == (
        "toy: 10 test rows of b in 5 folds are too few to show a gain in macro F1."
    )
    auto = forecast("toy", ("a", "b"), (950, 50), 5, None, 1, F1)
    assert "50 test rows of b in 5 folds and up to 10 repeats can show gains in macro F1" in auto
    assert " in one fold can show" in forecast("toy", ("a", "b"), (950, 50), 1, 1, 1, AUC)


def test_a_hold_out_of_few_rows_shows_large_gains_before_a_run_as_after_it():
    line = forecast("toy", ("0", "1"), (89, 11), 1, 1, 1, F1)
    assert line == (
        "toy: 11 test rows of 1 in one fold can show gains in macro F1 from about 0.17 on, at best."
    )


def test_groups_are_counted_as_the_verdict_counts_them():
    words = ("toy", ("0", "1"), (410, 190), 5, 1, 2, F1)
    assert forecast(*words, n_groups=(41, 19)) == (
        "toy: 190 test rows of 1 in 19 groups and 5 folds are too few to show a gain in macro F1."
    )
    many = forecast(*words, n_groups=(80, 40))
    assert many.startswith("toy: 190 test rows of 1 in 40 groups and 5 folds can show gains in ")


def test_intervals_give_the_gain_after_a_run():
    wide, narrow = (
        [Comparison(gain=0.0, low=-half, high=half, p_adjusted=1.0)] * 3 for half in (0.2, 0.1)
    )
    assert gain_from(wide) == pytest.approx(2 * gain_from(narrow))
    assert 0.1 < gain_from(narrow) < 0.15
    same = Comparison(gain=0.0, low=0.0, high=0.0)
    assert gain_from([*narrow, same]) == gain_from(narrow)
    with pytest.raises(ValueError, match="No interval has a width"):
        gain_from([same, Comparison(gain=0.1)])
