"""The contract of a strategy. Inherit it to test one of your own.

.. code-block:: python

    class TestMine(StrategyContract):
        name = "mine"  # mine/strategy/mine.yaml
        config_dir = Path("mine")
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from imbench import catalogue
from imbench.datasets.base import Dataset
from imbench.models.base import Model
from imbench.strategies.base import Strategy
from imbench.testing import cells
from imbench.testing.data import CASES, one_fold, with_other_test_rows

MODELS = ("logistic_regression", "random_forest", "mlp")  # linear, forest, net

Cell = tuple[Dataset, Model, Strategy]


class StrategyContract:
    """What every strategy must do, over linear, forest and net and the data of ``testing.data``.

    Attributes
    ----------
    name : str
        Name of the yaml file.
    config_dir : Path or None
        Folder that holds ``strategy/<name>.yaml``; None for the shipped one.
    """

    name: str
    config_dir: Path | None = None

    def test_says_what_it_is(self) -> None:
        """The yaml holds a summary and entries under its own name."""
        folders = [catalogue.conf_dir(), *([self.config_dir] if self.config_dir else [])]
        item = next(i for i in catalogue.items("strategy", folders) if i.name == self.name)
        assert item.summary.endswith("."), "about.<name>.summary must be a sentence"
        assert all(entry == self.name for _, entry in item.entries), (
            "an entry is named as its file, otherwise two selections may merge into one"
        )

    @pytest.mark.parametrize("case", CASES)
    @pytest.mark.parametrize("model_name", MODELS)
    def test_fits_or_says_incompatible(self, model_name: str, case: str) -> None:
        """Probabilities for every row and labels in range, or a reason that names the strategy."""
        model, strategy = cells.parts(model_name, self.name, config_dir=self.config_dir)
        data = CASES[case]()
        fold = one_fold(data)
        outcome = cells.outcome_or_reason(data, model, strategy, fold)
        if isinstance(outcome, str):
            assert self.name in outcome
            assert outcome.endswith(".")
            return
        assert outcome.scores.shape == (len(fold.test_index), data.info.n_classes)
        np.testing.assert_allclose(outcome.scores.sum(1), 1, atol=1e-6)
        assert outcome.scores.min() >= 0
        assert set(outcome.labels) <= set(range(data.info.n_classes))

    def test_fits_somewhere(self) -> None:
        """A strategy that is incompatible with everything is a failure."""
        assert next(self._fitting(), None) is not None

    def test_sees_no_test_row(self) -> None:
        """Replacing the test rows, values and labels, leaves the fitted model unchanged."""
        for data, model, strategy in self._fitting():
            fold = one_fold(data)
            probe = data.X[fold.train_index]
            before = cells.fit_and_predict(data, model, strategy, fold, probe)
            other = with_other_test_rows(data, fold)
            after = cells.fit_and_predict(other, model, strategy, fold, probe)
            assert before.equals(after), f"{self.name} saw test rows ({data.name}, {model.name})"

    def test_does_something(self) -> None:
        """Somewhere labels or scores differ from those of doing nothing."""
        if self.name == "none":
            pytest.skip("none is what the others are compared with")
        differs = []
        for data, model, strategy in self._fitting():
            fold = one_fold(data)
            probe = data.X[fold.test_index]
            done = cells.fit_and_predict(data, model, strategy, fold, probe)
            nothing = cells.fit_and_predict(data, model, Strategy(), fold, probe)
            differs.append(not done.equals(nothing))
        assert any(differs), f"{self.name} changed nothing in {len(differs)} cells"

    def test_same_seed_same_result(self) -> None:
        """A fit is a function of data, configuration and seed."""
        for data, model, strategy in self._fitting():
            fold = one_fold(data)
            probe = data.X[fold.test_index]
            first, second = (
                cells.fit_and_predict(data, model, strategy, fold, probe, seed=3) for _ in range(2)
            )
            assert first.equals(second), f"{self.name} is not seeded ({data.name}, {model.name})"

    def test_leaves_its_inputs_alone(self) -> None:
        """Rows and labels that were passed in are the same afterwards."""
        for data, model, strategy in self._fitting():
            fold = one_fold(data)
            X, y = data.X.copy(), data.y.copy()
            cells.fit_and_predict(data, model, strategy, fold, data.X[fold.test_index])
            np.testing.assert_array_equal(data.X, X)
            np.testing.assert_array_equal(data.y, y)

    def _fitting(self) -> Iterator[Cell]:
        """Yield one cell for each model and each kind of data (table, images) that fits."""
        for model_name in MODELS:
            model, strategy = cells.parts(model_name, self.name, config_dir=self.config_dir)
            for case in ("three_classes", "binary_five_percent", "images"):
                data = CASES[case]()
                if cells.fits_together(data, model, strategy):
                    yield data, model, strategy
