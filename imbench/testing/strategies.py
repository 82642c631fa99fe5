"""The contract of a strategy. Inherit it to test one of your own.

.. code-block:: python

    class TestMine(StrategyContract):
        name = "mine"  # mine/strategy/mine.yaml
        config_dir = Path("mine")
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from imbench.config import catalogue
from imbench.models.base import Model
from imbench.strategies.base import Strategy
from imbench.testing import cells
from imbench.testing.data import CASES, one_fold, with_other_test_rows

MODELS = ("logistic_regression", "random_forest", "mlp")  # linear, forest, net
REFITTED = 2  # kinds of data a model, for the tests that fit once more
KEPT = 256  # outcomes that the tests of one strategy share


@functools.lru_cache(maxsize=KEPT)
def _item(name: str, config_dir: Path | None) -> catalogue.Item:
    """Find a strategy once: to read all yaml files takes longer than most of the fits."""
    folders = [catalogue.conf_dir(), *([config_dir] if config_dir else [])]
    return next(item for item in catalogue.items("strategy", folders) if item.name == name)


@functools.lru_cache(maxsize=KEPT)
def _company(name: str, config_dir: Path | None) -> str | None:
    """Return the strategy that ``about.<name>.with`` asks for, if it does.

    A strategy that corrects what another one did has nothing to do alone.
    """
    content = yaml.safe_load(_item(name, config_dir).path.read_text("utf-8")) or {}
    return ((content.get("about") or {}).get(name) or {}).get("with")


@functools.lru_cache(maxsize=KEPT)
def _parts(model_name: str, selection: str, config_dir: Path | None) -> tuple[Model, Strategy]:
    """Compose once what many tests fit: `build` works on copies."""
    return cells.parts(model_name, selection, config_dir=config_dir)


@functools.lru_cache(maxsize=KEPT)
def outcome(
    model_name: str, selection: str, case: str, config_dir: Path | None
) -> cells.Outcome | str:
    """Return what a cell says about every row of its data, or why it cannot be fitted."""
    model, strategy = _parts(model_name, selection, config_dir)
    data = CASES[case]()
    return cells.outcome_or_reason(data, model, strategy, one_fold(data), data.X)


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
        item = _item(self.name, self.config_dir)
        assert item.summary.endswith("."), "about.<name>.summary must be a sentence"
        assert all(entry == self.name for _, entry in item.entries), (
            "an entry is named as its file, otherwise two selections may merge into one"
        )

    @pytest.mark.parametrize("case", CASES)
    @pytest.mark.parametrize("model_name", MODELS)
    def test_fits_or_says_why_not(self, model_name: str, case: str) -> None:
        """Probabilities for every row and labels in range, or a sentence with the name."""
        found = self._found(model_name, case)
        if isinstance(found, str):
            assert self.name in found
            assert found.endswith(".")
            return
        data = CASES[case]()
        assert found.scores.shape == (len(data.y), data.info.n_classes)
        np.testing.assert_allclose(found.scores.sum(1), 1, atol=1e-6)
        assert found.scores.min() >= 0
        assert set(found.labels) <= set(range(data.info.n_classes))

    def test_fits_somewhere(self) -> None:
        """A strategy that is incompatible with everything is a failure."""
        assert list(self._fitting())

    def test_sees_no_test_row(self) -> None:
        """Replacing the test rows, values and labels, leaves the fitted model unchanged."""
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
        """Somewhere labels or scores differ from those of doing nothing."""
        if self.name == "none":
            pytest.skip("none is what the others are compared with")
        without = _company(self.name, self.config_dir) or "none"
        differs = []
        for model, case in self._fitting():
            nothing = outcome(model, without, case, self.config_dir)
            differs.append(
                isinstance(nothing, cells.Outcome)
                and not self._outcome(model, case).equals(nothing)
            )
        assert any(differs), f"{self.name} changed nothing in {len(differs)} cells"

    def test_is_seeded_and_leaves_its_inputs_alone(self) -> None:
        """A second fit gives the same bits, and rows and labels passed in stay as they were."""
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
        """Fitted on the names of the classes it predicts names, and the scores are the same."""
        for model_name in MODELS:
            found = [case for model, case in self._fitting() if model == model_name]
            if not found:
                continue
            case = "three_classes" if "three_classes" in found else found[0]
            model, strategy = self._parts(model_name)
            data = CASES[case]()
            named = cells.fit_on_names(data, model, strategy, one_fold(data), data.X)
            assert named.equals(self._outcome(model_name, case)), (
                f"{self.name} depends on what the labels are ({case}, {model_name})"
            )

    def _selection(self) -> str:
        company = _company(self.name, self.config_dir)
        return f"[{company},{self.name}]" if company else self.name

    def _parts(self, model_name: str) -> tuple[Model, Strategy]:
        return _parts(model_name, self._selection(), self.config_dir)

    def _found(self, model_name: str, case: str) -> cells.Outcome | str:
        return outcome(model_name, self._selection(), case, self.config_dir)

    def _outcome(self, model_name: str, case: str) -> cells.Outcome:
        found = self._found(model_name, case)
        assert isinstance(found, cells.Outcome)
        return found

    def _fitting(self) -> Iterator[tuple[str, str]]:
        """Yield the model and the data of every cell that fits."""
        for model_name in MODELS:
            for case in CASES:
                if isinstance(self._found(model_name, case), cells.Outcome):
                    yield model_name, case

    def _some_fitting(self) -> Iterator[tuple[str, str]]:
        """Yield a few of them a model, images first: most can go wrong there."""
        for model_name in MODELS:
            found = [case for model, case in self._fitting() if model == model_name]
            found.sort(key=lambda case: case != "images")
            yield from ((model_name, case) for case in found[:REFITTED])
