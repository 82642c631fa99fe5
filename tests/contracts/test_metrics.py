from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from imbench.components.construct import construct
from imbench.results.metric_formulas import PER_CLASS
from imbench.results.metric_options import HIGHER_IS_BETTER, MetricOptions
from imbench.results.metrics import compute_metrics
from imbench.testing.metrics import MetricContract

CONF = Path(__file__).parents[2] / "conf" / "metrics"
BUILT_IN = [*HIGHER_IS_BETTER, *(f"{kind}/c{k}" for kind in PER_CLASS for k in range(2))]
EXTRA = {
    name: node
    for path in sorted(CONF.glob("*.yaml"))
    for name, node in (yaml.safe_load(path.read_text()).get("extra") or {}).items()
}


@pytest.mark.parametrize("name", BUILT_IN, scope="class")
class TestBuiltIn(MetricContract):
    @pytest.fixture(autouse=True)
    def _choose(self, name):
        self.name = name
        self.higher_is_better = MetricOptions().higher_is_better(name)

    def value(self, y_true, y_pred, y_score, minority):
        names = [f"c{k}" for k in range(y_score.shape[1])]
        costs = 5.0 - 5.0 * np.eye(len(names))
        found = compute_metrics(y_true, y_pred, y_score, names, minority, costs=costs)
        return found[self.name]


@pytest.mark.parametrize("name", sorted(EXTRA), scope="class")
class TestShippedExtra(MetricContract):
    @pytest.fixture(autouse=True)
    def _choose(self, name):
        self.node = EXTRA[name]
        self.higher_is_better = self.node.get("higher_is_better", True)

    def value(self, y_true, y_pred, y_score, minority):
        arrays = {"y_true": y_true, "y_pred": y_pred, "y_score": y_score, "minority": minority}
        return construct(self.node, "metrics.extra", **arrays)


def test_every_metric_is_under_contract():
    y = np.array([0, 1])
    computed = compute_metrics(y, y, np.eye(2), ["c0", "c1"], 1, costs=1 - np.eye(2))
    assert list(computed) == BUILT_IN
    assert len(BUILT_IN) == 22 + 3 * 2
    assert sorted(EXTRA) == ["f2_minority"]


class TestTheContractItself:
    def test_a_metric_of_the_wrong_direction_is_caught(self):
        class Wrong(MetricContract):
            higher_is_better = False

            def value(self, y_true, y_pred, y_score, minority):
                return float(np.mean(y_true == y_pred))

        with pytest.raises(AssertionError):
            Wrong().test_better_predictions_score_better()

    def test_a_metric_that_warns_is_caught(self):
        class Warns(MetricContract):
            def value(self, y_true, y_pred, y_score, minority):
                return float(np.mean(y_true == y_pred))

        with pytest.raises(RuntimeWarning):
            Warns().test_an_empty_fold_is_nan()
