"""The order of the race between strategies comes from the published tables."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from imbench.api.recommend import CANDIDATES, CONTROLS, PUBLISHED, candidates

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "race_order.py"))

PAGE = """# page

## one · knn

| strategy | verdict | gain | f1_macro ↑ | average_precision ↑ | brier ↓ |
| --- | --- | ---: | ---: | ---: | ---: |
| smote | · open | +0.1 | 0.802 ± 0.025 \\* | 0.5 ± 0.1 | 0.09 ± 0.01 |
| none | baseline |  | 0.702 ± 0.025 | 0.6 ± 0.1 | 0.05 ± 0.01 |
| random_over | · open | -0.1 | 0.602 ± 0.025 | 0.4 ± 0.1 | 0.08 ± 0.01 |
| smotenc | skipped |  |  |  |  |

## 2 data sets · knn

| strategy | average rank |
| --- | ---: |
| smote | 1.00 |
"""


def test_the_shipped_order_is_that_of_the_tables():
    assert json.loads(PUBLISHED.read_text()) == SCRIPT["order"]()


def test_a_page_is_read_by_table_and_rankings_are_left_out():
    ((dataset, model, table),) = SCRIPT["tables"](PAGE)
    assert (dataset, model) == ("one", "knn")
    assert table.loc["smote", "f1_macro"] == 0.802
    assert np.isnan(table.loc["smotenc", "brier"])


def test_ranks_run_from_best_to_worst_and_a_skipped_strategy_does_nothing():
    ((_, _, table),) = SCRIPT["tables"](PAGE)
    expected = {"random_over": 1.0, "smote": 0.0, "smotenc": 0.5}
    assert SCRIPT["places"](table, "f1_macro").sort_index().to_dict() == expected
    expected = {"random_over": 0.5, "smote": 1.0, "smotenc": 0.0}
    assert SCRIPT["places"](table, "brier").sort_index().to_dict() == expected


@pytest.mark.parametrize(
    ("metric", "first"), [("brier", "temperature"), ("expected_cost", "sqrt_inverse")]
)
def test_what_is_often_good_for_a_goal_starts_first(metric, first):
    found = candidates(metric)
    assert found[0] == first
    assert sorted(found) == sorted(CANDIDATES)
    assert not set(found) & set(CONTROLS)


def test_a_metric_without_an_order_keeps_the_one_of_the_module():
    assert candidates("kappa") == list(CANDIDATES)


def test_every_candidate_has_its_place_in_the_published_tables():
    orders = json.loads(PUBLISHED.read_text())["orders"]
    assert all(set(order) == set(CANDIDATES) for order in orders.values())
