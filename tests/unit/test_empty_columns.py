"""A numeric column without any value in the rows that are fitted becomes 0, with a note."""

import numpy as np
import pytest
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from imbench.data.dataset import Dataset
from imbench.data.splits import Fold
from imbench.models.base import Model
from imbench.models.empty_columns import EmptyColumns
from imbench.models.preprocessing import Preprocessing
from imbench.pipeline.build import build
from imbench.run.folds import fit_fold
from imbench.strategies.base import Strategy
from imbench.strategies.facts import facts_of
from imbench.testing.cells import parts

NAN = np.nan
AS_IT_IS = Preprocessing(scale=False, impute=False, one_hot=False)
BOOSTING = Model("boosting", HistGradientBoostingClassifier(max_iter=3), AS_IT_IS)
LINEAR = Model("linear", LogisticRegression())
NOTE = "column 'sparse' has no value in the rows that were fitted: it is 0 in all rows."


def table(names=("x", "sparse", "group"), n=60):
    """One common row of three has a value in the sparse column; the last rows are tested."""
    rng = np.random.default_rng(0)
    y = (np.arange(n) % 5 == 0).astype(np.int64)
    sparse = np.full(n, NAN)
    sparse[-6:] = 1e6
    X = np.column_stack([rng.normal(2 * y, 1), sparse, np.arange(n) % 3])
    return Dataset("made", X, y, ("no", "yes"), names, categories={2: ("a", "b", "c")})


def fold(data):
    return Fold(0, 0, np.arange(len(data.y) - 6), np.arange(len(data.y) - 6, len(data.y)))


@pytest.mark.parametrize("model", [BOOSTING, LINEAR], ids=lambda model: model.name)
@pytest.mark.parametrize("name", ["none", "random_over", "balanced_bagging", "easy_ensemble"])
def test_the_note_names_the_column_once(model, name):
    data = table()
    estimator, _ = fit_fold(data, model, parts("knn", name)[1], fold(data), seed=0)
    assert np.isfinite(estimator.predict_proba(data.X)).all()
    assert [note for note in facts_of(estimator).notes if "no value" in note] == [NOTE]


def test_without_names_the_note_has_the_number():
    data = table(names=())
    estimator, _ = fit_fold(data, BOOSTING, Strategy(), fold(data), seed=0)
    assert facts_of(estimator).notes == (NOTE.replace("'sparse'", "1"),)


@pytest.mark.parametrize("model", [BOOSTING, LINEAR, Model("knn", KNeighborsClassifier())])
def test_values_that_only_tested_rows_have_change_no_prediction(model):
    data = table()
    estimator, _ = fit_fold(data, model, Strategy(), fold(data), seed=0)
    empty = data.X.copy()
    empty[:, 1] = NAN
    np.testing.assert_array_equal(estimator.predict_proba(data.X), estimator.predict_proba(empty))


def test_a_column_that_the_resampler_emptied():
    data = table()
    X = data.X.copy()
    X[:, 1] = NAN
    X[1, 1] = 7.0  # a common row, which is removed
    under = Strategy(resample={"under": RandomUnderSampler(random_state=0)})
    said = set()
    for seed in range(12):
        sampler = RandomUnderSampler(random_state=seed)
        sampler.fit_resample(X, data.y)
        is_kept = 1 in sampler.sample_indices_
        notes = facts_of(build(BOOSTING, under, data.info, seed).fit(X, data.y)).notes
        assert (NOTE in notes) != is_kept
        said.add(is_kept)
    assert said == {True, False}


def test_rows_without_an_empty_column_are_not_copied():
    X = np.array([[1.0, NAN], [NAN, 2.0]])
    step = EmptyColumns(2).fit(X)
    assert step.transform(X) is X
    assert step.notes_ == ()


def test_codes_of_categories_are_left_alone():
    X = np.array([[1.0, NAN, NAN]])
    found = clone(EmptyColumns(2)).fit_transform(X)
    np.testing.assert_array_equal(found, [[1, 0, NAN]])
    assert np.isnan(X[0, 1]), "the rows that came in stay as they are"


def test_noise_around_rows_takes_no_missing_values():
    data = table(names=("x", "sparse", "third"))
    X = data.X.copy()
    X[:, 1] = np.where(np.arange(len(X)) % 2, 1.0, NAN)
    numbers = Dataset("numbers", X, data.y, data.class_names)
    _, rose = parts("knn", "rose")
    estimator, _ = fit_fold(numbers, BOOSTING, rose, fold(numbers), seed=0)
    assert np.isfinite(estimator.predict_proba(X)).all()
