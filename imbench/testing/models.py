"""The contract of a model. Inherit it to test one of your own.

.. code-block:: python

    class TestMine(ModelContract):
        name = "mine"  # mine/model/mine.yaml
        config_dir = Path("mine")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imbench.config import catalogue
from imbench.data.dataset import Dataset
from imbench.models.base import Model
from imbench.run.folds import fit_fold
from imbench.strategies.base import Strategy
from imbench.strategies.facts import facts_of
from imbench.testing import cells
from imbench.testing.data import CASES, one_fold, with_other_test_rows


def two_digits() -> Dataset:
    """Return the images of two of the three digits of ``testing.data``, 120 and 40 rows."""
    data = CASES["images"]()
    rows = data.y < 2
    names, shape = data.class_names[:2], data.input_shape
    return Dataset("two_digits", data.X[rows], data.y[rows], names, input_shape=shape)


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
        model, _ = cells.parts(self.name, "none", config_dir=self.config_dir)
        data = CASES[case]()
        fold = one_fold(data)
        outcome = cells.outcome_or_reason(data, model, Strategy(), fold, data.X[fold.test_index])
        if isinstance(outcome, str):
            assert self.name in outcome
            return
        assert outcome.scores.shape == (len(fold.test_index), data.info.n_classes)
        np.testing.assert_allclose(outcome.scores.sum(1), 1, atol=1e-6)

    def test_takes_a_column_without_a_value_in_the_training_rows(self) -> None:
        """A numeric column that is empty in what is fitted becomes 0, and a note names it."""
        model, _ = cells.parts(self.name, "none", config_dir=self.config_dir)
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
        model, _ = cells.parts(self.name, "none", config_dir=self.config_dir)
        data = first_that_fits(model, CASES["images"], two_digits)
        fold = one_fold(data)
        outcome = cells.fit_and_predict(data, model, Strategy(), fold, data.X[fold.test_index])
        y = data.y[fold.test_index]
        recall = [np.mean(outcome.labels[y == k] == k) for k in range(data.info.n_classes)]
        chance = 1 / data.info.n_classes
        assert np.mean(recall) > chance + 0.27, (
            f"balanced accuracy {np.mean(recall):.2f}, chance is {chance:.2f}"
        )

    def test_sees_no_test_row(self) -> None:
        """Replacing the test rows leaves preprocessing and model unchanged."""
        model, _ = cells.parts(self.name, "none", config_dir=self.config_dir)
        tables = CASES["mixed_table"], CASES["binary_five_percent"]
        data = first_that_fits(model, *tables, CASES["images"])
        fold = one_fold(data)
        probe = data.X[fold.train_index]
        before = cells.fit_and_predict(data, model, Strategy(), fold, probe)
        other = with_other_test_rows(data, fold)
        assert before.equals(cells.fit_and_predict(other, model, Strategy(), fold, probe))

    def test_same_seed_same_result(self) -> None:
        """Two fits with the same seed give identical scores."""
        model, _ = cells.parts(self.name, "none", config_dir=self.config_dir)
        data = first_that_fits(model, CASES["images"], two_digits)
        fold = one_fold(data)
        probe = data.X[fold.test_index]
        first, second = (
            cells.fit_and_predict(data, model, Strategy(), fold, probe) for _ in range(2)
        )
        assert first.equals(second)
