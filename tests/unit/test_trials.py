"""Trials of tuning: chosen values, metrics, CSV and plot."""

import csv
import dataclasses
import io

import pytest

from imbench.report.plots import figure_tuning_history, figures
from imbench.report.trials import to_trials_csv, tuned_values, tuning_metrics
from tests.factories import make_cell

METRIC = {"tuning": {"metric": "f1_macro"}}


def trial(number, value, state="complete", gamma=1.0):
    inner = [value - 0.1, value + 0.1] if state == "complete" else [value]
    shown = value if state == "complete" else None
    return {
        "number": number,
        "state": state,
        "value": shown,
        "inner": inner if state != "failed" else [],
        "values": {"strategy.loss.focal.gamma": gamma},
        "seconds": 0.5,
        "reason": "diverged." if state == "failed" else "",
    }


TRIALS = (
    trial(0, 0.5),
    trial(1, 0.7, gamma=3.0),
    trial(2, 0.2, "pruned"),
    trial(3, 0.0, "failed", gamma=None),
)


def tuned_cell(config=METRIC, **changes):
    facts = {
        "trials": TRIALS,
        "tuned": {"strategy.loss.focal.gamma": 3.0},
        "n_trials": 4,
        "n_pruned": 1,
        "n_tuning_fits": 5,
        "tune_s": 2.0,
        "importance": {"strategy.loss.focal.gamma": 0.75, "model.estimator.lr": 0.25},
    }
    return make_cell("focal", n_folds=2, config=config, **(facts | changes))


def test_a_value_that_all_folds_chose_is_shown_once():
    assert tuned_values(tuned_cell()) == {"strategy.loss.focal.gamma": 3.0}
    assert tuned_values(make_cell()) == {}


def test_different_values_are_listed_in_the_order_of_the_folds():
    cell = tuned_cell()
    other = dataclasses.replace(cell.folds[1], tuned={"strategy.loss.focal.gamma": 1.0})
    cell = dataclasses.replace(cell, folds=(cell.folds[0], other))
    assert tuned_values(cell) == {"strategy.loss.focal.gamma": [3.0, 1.0]}


def test_costs_and_importance_are_means_over_the_folds():
    assert tuning_metrics(tuned_cell()) == {
        "tuning/n_trials": 4,
        "tuning/n_pruned": 1,
        "tuning/n_tuning_fits": 5,
        "tuning/tune_s": 2.0,
        "importance/strategy.loss.focal.gamma": 0.75,
        "importance/model.estimator.lr": 0.25,
    }
    assert tuning_metrics(make_cell()) == {}


def test_the_table_holds_every_trial_of_every_fold():
    rows = list(csv.DictReader(io.StringIO(to_trials_csv(tuned_cell()))))
    assert [(row["fold"], row["number"]) for row in rows] == [
        (fold, number) for fold in "01" for number in "0123"
    ]
    first, _, pruned, failed = rows[:4]
    assert (first["value"], first["inner_0"], first["inner_1"]) == ("0.5", "0.4", "0.6")
    assert (pruned["state"], pruned["value"], pruned["inner_1"]) == ("pruned", "", "")
    assert failed["reason"] == "diverged."
    assert failed["strategy.loss.focal.gamma"] == ""


@pytest.mark.parametrize(
    ("tuning", "best"),
    [
        ({"metric": "f1_macro"}, [0.5, 0.7, 0.7, 0.7]),
        ({"metric": "log_loss"}, [0.5, 0.5, 0.5, 0.5]),
        ({"metric": "mine", "metrics_extra": {"higher_is_better": False}}, [0.5, 0.5, 0.5, 0.5]),
    ],
)
def test_the_history_shows_the_best_so_far_in_the_direction_of_the_metric(tuning, best):
    figure = figure_tuning_history(tuned_cell({"tuning": tuning}))
    (axes,) = figure.axes
    assert len(axes.lines) == 2
    assert list(axes.lines[0].get_ydata()) == pytest.approx(best)
    assert axes.get_ylabel() == f"{tuning['metric']}, mean of inner folds"
    drawn = sum(len(points.get_offsets()) for points in axes.collections)
    assert drawn == 2 * 3, "failed trials have no value"


def test_only_tuned_cells_have_a_history():
    assert "tuning_history" in dict(figures(tuned_cell()))
    assert "tuning_history" not in dict(figures(make_cell()))
