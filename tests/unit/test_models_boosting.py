"""The boosting libraries behind one scikit-learn face, and what is said without them."""

import sys

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from imbench.components.construct import locate
from imbench.errors import ConfigError
from imbench.models.boosting import BoostedTrees
from imbench.run.folds import fit_fold
from imbench.testing import cells
from imbench.testing.data import CASES, one_fold

pytestmark = pytest.mark.slow

LIBRARIES = ("catboost", "lightgbm", "xgboost")


def boosted(name):
    model, _ = cells.parts(name, "none")
    return BoostedTrees(model.estimator.estimator)


def make_rows(labels=(0, 1, 2), n=90):
    rng = np.random.default_rng(0)
    y = np.resize(np.arange(len(labels)), n)
    X = rng.normal(size=(n, 3)) + 2 * y[:, None]
    return X, np.array(labels)[y]


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("labels", [(0, 1), (0, 2), (0, 1, 2), (1, 5, 7), ("a", "b", "c")], ids=str)
def test_labels_may_have_gaps_or_be_words_and_come_back(name, labels):
    pytest.importorskip(name)
    X, y = make_rows(labels)
    fitted = boosted(name).fit(X, y)
    predicted = fitted.predict(X)
    assert predicted.shape == (90,)
    assert np.mean(predicted == y) > 0.9
    np.testing.assert_allclose(fitted.predict_proba(X).sum(1), 1)


@pytest.mark.parametrize("name", LIBRARIES)
def test_row_weights_reach_the_library(name):
    pytest.importorskip(name)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 2)), rng.integers(2, size=200)
    heavy = boosted(name).fit(X, y, sample_weight=np.where(y == 1, 50.0, 1.0))
    assert heavy.predict(X).mean() > boosted(name).fit(X, y).predict(X).mean()


@pytest.mark.parametrize("name", LIBRARIES)
def test_missing_values_are_taken_as_they_are(name):
    pytest.importorskip(name)
    data = CASES["mixed_table"]()
    model, strategy = cells.parts(name, "none")
    estimator, _ = fit_fold(data, model, strategy, one_fold(data), 0)
    cleaned = estimator.named_steps["clean"].transform(data.X)
    assert np.isnan(cleaned).any()
    assert estimator.predict_proba(data.X).shape == (340, 2)


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_seed_of_the_fold_reaches_the_library(name):
    pytest.importorskip(name)
    data = CASES["binary_five_percent"]()
    model, strategy = cells.parts(name, "none")
    estimator, _ = fit_fold(data, model, strategy, one_fold(data), 0)
    seeds = estimator.get_params()
    assert seeds["model__estimator__random_state"] not in (None, 0)


@pytest.mark.parametrize("name", LIBRARIES)
def test_nothing_is_printed_and_nothing_written(name, capfd, tmp_path, monkeypatch):
    pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    X, y = make_rows()
    boosted(name).fit(X, y).predict(X)
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


def test_one_class_is_a_sentence():
    with pytest.raises(ValueError, match=r"^y has one class"):
        BoostedTrees(HistGradientBoostingClassifier()).fit(np.zeros((5, 1)), np.zeros(5))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("catboost", "catboost.CatBoostClassifier"),
        ("lightgbm", "lightgbm.LGBMClassifier"),
        ("xgboost", "xgboost.XGBClassifier"),
    ],
)
def test_without_the_library_the_extra_is_named(name, path, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    words = rf"^model\.estimator\._target_={path}: {name} is not installed, .*\[boosting\]' "
    with pytest.raises(ConfigError, match=words):
        locate(path, "model.estimator")
