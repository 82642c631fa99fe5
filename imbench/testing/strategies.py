"""The contract of a strategy. Inherit it to test one of your own.

.. code-block:: python

    class TestMine(StrategyContract):
        name = "mine"  # mine/strategy/mine.yaml
        config_dir = Path("mine")
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from imbench.config import catalogue
from imbench.models.base import Model
from imbench.strategies.base import Strategy
from imbench.strategies.loss.boosting import kinds_of
from imbench.testing import cells
from imbench.testing.data import CASES, one_fold, with_other_test_rows

MODELS = ("logistic_regression", "random_forest", "mlp")  # linear, forest, net
REFITTED = 2  # kinds of data a model, for the tests that fit once more
CACHED = 256  # fits and compositions that the tests of one strategy share


@functools.lru_cache(maxsize=CACHED)
def _items(config_dir: Path | None) -> dict[str, catalogue.Item]:
    """Return the strategies of the catalogue. Cached, because reading all yaml files is slow."""
    folders = [catalogue.conf_dir(), *([config_dir] if config_dir else [])]
    return {item.name: item for item in catalogue.items("strategy", folders)}


@functools.lru_cache(maxsize=CACHED)
def _companion(name: str, config_dir: Path | None) -> str | None:
    """Return ``about.<name>.with``: the strategy that must be selected beside this one.

    For example, prior_correction only has an effect after a resampler.
    """
    content = yaml.safe_load(_items(config_dir)[name].path.read_text("utf-8")) or {}
    return ((content.get("about") or {}).get(name) or {}).get("with")


@functools.lru_cache(maxsize=CACHED)
def _parts(model_name: str, selection: str, config_dir: Path | None) -> tuple[Model, Strategy]:
    """Compose model and strategy. Cached, because `build` works on copies."""
    return cells.parts(model_name, selection, config_dir=config_dir, size=cells.SMALLEST)


@functools.lru_cache(maxsize=CACHED)
def outcome(
    model_name: str, selection: str, case: str, config_dir: Path | None
) -> cells.Outcome | str:
    """Return the predictions of a cell for every row of its data, or why it cannot be fitted."""
    model, strategy = _parts(model_name, selection, config_dir)
    data = CASES[case]()
    return cells.outcome_or_reason(data, model, strategy, one_fold(data), data.X)


class StrategyContract:
    """Check a strategy with a linear model, a forest and a net on :mod:`imbench.testing.data`.

    Set the attributes; pytest runs the ``test_`` methods of every subclass.

    Attributes
    ----------
    name : str
        Name of the yaml file.
    config_dir : Path or None
        Folder that contains ``strategy/<name>.yaml``; None for a shipped strategy.

    Examples
    --------
    >>> class TestFocal(StrategyContract):
    ...     name = "focal"
    >>> TestFocal().test_says_what_it_is()
    """

    name: str
    config_dir: Path | None = None

    def test_says_what_it_is(self) -> None:
        """The yaml has a summary, and its entries are named as the file."""
        item = _items(self.config_dir)[self.name]
        assert item.summary.endswith("."), "about.<name>.summary must be a sentence"
        assert all(entry == self.name for _, entry in item.entries), (
            "an entry is named as its file, otherwise two selections may merge into one"
        )

    @pytest.mark.parametrize("model_name", MODELS)
    def test_fits_or_says_why_not(self, model_name: str) -> None:
        """Every row gets valid probabilities and labels, or a reason names the strategy."""
        for case, load in CASES.items():
            found = self._found(model_name, case)
            if isinstance(found, str):
                assert self.name in found, case
                assert found.endswith("."), case
                continue
            info = load().info
            assert found.scores.shape == (len(load().y), info.n_classes), case
            np.testing.assert_allclose(found.scores.sum(1), 1, atol=1e-6, err_msg=case)
            assert found.scores.min() >= 0, case
            assert set(found.labels) <= set(range(info.n_classes)), case

    def test_fits_somewhere(self) -> None:
        """At least one combination of model and data is compatible."""
        assert list(self._fitting())

    def test_sees_no_test_row(self) -> None:
        """Changed values and labels of the test rows leave the fitted model unchanged."""
        for model_name, case in self._some_fitting():
            model, strategy = self._parts(model_name)
            data = CASES[case]()
            fold = one_fold(data)
            other = with_other_test_rows(data, fold)
            after = cells.fit_and_predict(other, model, strategy, fold, data.X)
            assert after.equals(self._outcome(model_name, case)), (
                f"{self.name} saw test rows ({case}, {model_name})"
            )

    def test_does_something(self) -> None:
        """At least one combination gives other labels or scores than no strategy."""
        if self.name == "none":
            pytest.skip("none is what the others are compared with")
        without = _companion(self.name, self.config_dir) or "none"
        differs = []
        for model, case in self._fitting():
            nothing = outcome(model, without, case, self.config_dir)
            differs.append(
                isinstance(nothing, cells.Outcome)
                and not self._outcome(model, case).equals(nothing)
            )
        assert any(differs), f"{self.name} changed nothing in {len(differs)} cells"

    def test_weights_of_rows_reach_the_model(self) -> None:
        """Rows that weigh more give another model, or a reason says that weights are not taken."""
        model_name, case = next(self._fitting())
        model, strategy = self._parts(model_name)
        data, rng = CASES[case](), np.random.default_rng(0)
        weighted = replace(data, weight=rng.uniform(0.1, 5.0, len(data.y)))
        found = cells.outcome_or_reason(weighted, model, strategy, one_fold(data), data.X)
        if isinstance(found, str):
            assert "weights" in found
            assert self.name in found
        else:
            assert not found.equals(self._outcome(model_name, case)), f"{self.name} loses weights"

    def test_a_loss_for_boosting_changes_boosted_trees(self) -> None:
        """A loss with ``bind_boosting`` gives LightGBM other scores than its own loss does."""
        _, strategy = self._parts("mlp")
        if "boosting" not in kinds_of(strategy.entry("loss")):
            pytest.skip("the strategy has no loss for boosting")
        pytest.importorskip("lightgbm")
        for case in ("binary_five_percent", "three_classes"):
            found = self._outcome("lightgbm", case)
            np.testing.assert_allclose(found.scores.sum(1), 1, atol=1e-6, err_msg=case)
            nothing = outcome("lightgbm", "none", case, None)
            assert isinstance(nothing, cells.Outcome)
            assert not found.equals(nothing), case

    def test_is_seeded_and_leaves_its_inputs_alone(self) -> None:
        """A second fit gives identical results, and the arrays passed in are unchanged."""
        for model_name, case in self._some_fitting():
            model, strategy = self._parts(model_name)
            data = CASES[case]()
            X, y = data.X.copy(), data.y.copy()
            again = cells.fit_and_predict(data, model, strategy, one_fold(data), data.X)
            assert again.equals(self._outcome(model_name, case)), (
                f"{self.name} is not seeded ({case}, {model_name})"
            )
            np.testing.assert_array_equal(data.X, X)
            np.testing.assert_array_equal(data.y, y)

    def test_takes_labels_that_are_words(self) -> None:
        """Fitted with class names as labels it predicts names, with the same scores."""
        for model_name in MODELS:
            found = [case for model, case in self._fitting() if model == model_name]
            if not found:
                continue
            case = "three_classes" if "three_classes" in found else found[0]
            model, strategy = self._parts(model_name)
            data = CASES[case]()
            named = cells.fit_on_names(data, model, strategy, one_fold(data), data.X)
            assert named.equals(self._outcome(model_name, case)), (
                f"{self.name} gives other results for string labels ({case}, {model_name})"
            )

    def _selection(self) -> str:
        companion = _companion(self.name, self.config_dir)
        return f"[{companion},{self.name}]" if companion else self.name

    def _parts(self, model_name: str) -> tuple[Model, Strategy]:
        return _parts(model_name, self._selection(), self.config_dir)

    def _found(self, model_name: str, case: str) -> cells.Outcome | str:
        return outcome(model_name, self._selection(), case, self.config_dir)

    def _outcome(self, model_name: str, case: str) -> cells.Outcome:
        found = self._found(model_name, case)
        assert isinstance(found, cells.Outcome)
        return found

    def _fitting(self) -> Iterator[tuple[str, str]]:
        """Yield the model and the data of every cell that can be fitted."""
        for model_name in MODELS:
            for case in CASES:
                if isinstance(self._found(model_name, case), cells.Outcome):
                    yield model_name, case

    def _some_fitting(self) -> Iterator[tuple[str, str]]:
        """Yield up to ``REFITTED`` of them for each model, images first."""
        for model_name in MODELS:
            found = [case for model, case in self._fitting() if model == model_name]
            found.sort(key=lambda case: case != "images")
            yield from ((model_name, case) for case in found[:REFITTED])
