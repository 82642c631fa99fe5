"""The contract of a model. Inherit it to test one of your own.

.. code-block:: python

    class TestMine(ModelContract):
        name = "mine"  # mine/model/mine.yaml
        config_dir = Path("mine")
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imbench.config import catalogue
from imbench.data.dataset import Dataset
from imbench.data.splits import Fold
from imbench.models.base import Model
from imbench.run.folds import fit_fold
from imbench.strategies.base import Strategy
from imbench.strategies.facts import facts_of
from imbench.testing import cells
from imbench.testing.data import CASES, one_fold, with_other_test_rows


@functools.lru_cache(maxsize=32)
def _parts(name: str, config_dir: Path | None, learns: bool = False) -> Model:
    """Compose a model. Cached, because `build` works on copies."""
    size = cells.SMALL if learns else cells.SMALLEST
    return cells.parts(name, "none", config_dir=config_dir, size=size)[0]


@functools.lru_cache(maxsize=64)
def outcome(
    name: str, case: str, config_dir: Path | None, learns: bool = False
) -> cells.Outcome | str:
    """Return the predictions of a model for every row of its data, or why it cannot be fitted.

    Cached: the tests of one model share this fit. With ``learns`` it is fitted long enough for
    its labels to be right.
    """
    data = DATA[case]()
    model, fold = _parts(name, config_dir, learns), one_fold(data)
    return cells.outcome_or_reason(data, model, Strategy(), fold, data.X)


def two_digits() -> Dataset:
    """Return the images of two of the three digits of ``testing.data``, 120 and 40 rows."""
    data = CASES["images"]()
    rows = data.y < 2
    names, shape = data.class_names[:2], data.input_shape
    return Dataset("two_digits", data.X[rows], data.y[rows], names, input_shape=shape)


DATA: dict[str, Callable[[], Dataset]] = {**CASES, "two_digits": two_digits}


def first_that_fits(model: Model, *cases: Callable[[], Dataset]) -> Dataset:
    """Return the first data set of a kind that the model accepts."""
    return next(data for case in cases if cells.fits_together(data := case(), model, Strategy()))


class ModelContract:
    """Check a model on the data sets of :mod:`imbench.testing.data`.

    Set the attributes; pytest runs the ``test_`` methods of every subclass.

    Attributes
    ----------
    name : str
        Name of the yaml file.
    config_dir : Path or None
        Folder that contains ``model/<name>.yaml``; None for a shipped model.

    Examples
    --------
    >>> class TestKnn(ModelContract):
    ...     name = "knn"
    >>> TestKnn().test_says_what_it_is()
    """

    name: str
    config_dir: Path | None = None

    def test_says_what_it_is(self) -> None:
        """The yaml has a one-line summary and a paper."""
        folders = [catalogue.conf_dir(), *([self.config_dir] if self.config_dir else [])]
        item = next(i for i in catalogue.items("model", folders) if i.name == self.name)
        assert item.summary.endswith(".")
        assert item.paper

    @pytest.mark.parametrize("case", CASES)
    def test_fits_or_says_incompatible(self, case: str) -> None:
        """Every row gets probabilities, or `build` gives a reason that names the model."""
        found = outcome(self.name, case, self.config_dir)
        if isinstance(found, str):
            assert self.name in found
            return
        data = CASES[case]()
        assert found.scores.shape == (len(data.y), data.info.n_classes)
        np.testing.assert_allclose(found.scores.sum(1), 1, atol=1e-6)

    def test_takes_a_column_without_a_value_in_the_training_rows(self) -> None:
        """A numeric column that is empty in what is fitted becomes 0, and a note names it."""
        model = _parts(self.name, self.config_dir)
        tables = (CASES["mixed_table"], CASES["binary_five_percent"])
        data = first_that_fits(model, *tables, CASES["images"])
        if data.input_shape is not None:
            return
        fold = one_fold(data)
        column = next(i for i in range(data.X.shape[1]) if i not in data.categories)
        X = np.array(data.X)
        X[fold.train_index, column] = np.nan
        estimator, _ = fit_fold(replace(data, X=X), model, Strategy(), fold, 0)
        assert np.isfinite(estimator.predict_proba(X[fold.test_index])).all()
        assert [n for n in facts_of(estimator).notes if "no value in the rows" in n]

    def test_learns_easy_data(self) -> None:
        """The balanced accuracy on images of two or three digits is far above chance."""
        data, found = self._first("images", "two_digits", learns=True)
        test = one_fold(data).test_index
        y, labels = data.y[test], found.labels[test]
        recall = [np.mean(labels[y == k] == k) for k in range(data.info.n_classes)]
        chance = 1 / data.info.n_classes
        assert np.mean(recall) > chance + 0.27, (
            f"balanced accuracy {np.mean(recall):.2f}, chance is {chance:.2f}"
        )

    def test_sees_no_test_row(self) -> None:
        """Replacing the test rows leaves preprocessing and model unchanged."""
        data, before = self._first("mixed_table", "binary_five_percent", "images")
        fold = one_fold(data)
        other = with_other_test_rows(data, fold)
        assert before.equals(self._fit(other, fold, data.X))

    def test_same_seed_same_result(self) -> None:
        """Two fits with the same seed give identical scores."""
        data, first = self._first("images", "two_digits")
        assert first.equals(self._fit(data, one_fold(data), data.X))

    def _fit(self, data: Dataset, fold: Fold, probe: NDArray[Any]) -> cells.Outcome:
        model = _parts(self.name, self.config_dir)
        return cells.fit_and_predict(data, model, Strategy(), fold, probe)

    def _first(self, *cases: str, learns: bool = False) -> tuple[Dataset, cells.Outcome]:
        """Return the first data set that the model accepts, and the predictions for it."""
        for case in cases:
            found = outcome(self.name, case, self.config_dir, learns)
            if isinstance(found, cells.Outcome):
                return DATA[case](), found
        raise AssertionError(f"{self.name} accepts none of {', '.join(cases)}")
