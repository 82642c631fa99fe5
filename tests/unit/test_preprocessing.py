"""What happens to columns: fitted in the training part, and right for what stands behind it."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from imbench.data.dataset import DatasetInfo
from imbench.models.base import Model
from imbench.models.preprocessing import (
    MAX_CATEGORIES,
    Preprocessing,
    clean_steps,
    encode_steps,
    pixel_steps,
    scale_pixels,
)
from imbench.pipeline.build import build
from imbench.strategies.base import Strategy

NAN = np.nan
NUMBERS = Preprocessing(scale=False, one_hot=False)


def make_info(n_features, categorical=(), **changes):
    return DatasetInfo("made", n_features, ("no", "yes"), 1, None, tuple(categorical), **changes)


def clean(info, wants=NUMBERS, impute=True):
    return Pipeline(clean_steps(info, wants, impute))


def both(info, wants, impute=True):
    return Pipeline([*clean_steps(info, wants, impute), *encode_steps(info, wants, impute)])


def test_medians_and_scales_are_those_of_the_training_rows():
    train = np.array([[1.0, 10], [2, NAN], [6, 30], [NAN, 50]])
    test = np.array([[NAN, NAN], [1e6, -1e6]])
    steps = clean(make_info(2), Preprocessing(scale=True)).fit(train)
    filled = np.array([[1.0, 10], [2, 30], [6, 30], [2, 50]])  # medians 2 and 30
    mean, std = filled.mean(0), filled.std(0)
    np.testing.assert_allclose(steps.transform(train), (filled - mean) / std)
    expected = (np.array([[2.0, 30], [1e6, -1e6]]) - mean) / std
    np.testing.assert_allclose(steps.transform(test), expected)


def test_numeric_columns_come_first_and_each_kind_keeps_its_order():
    info = make_info(5, categorical=(0, 3))
    row = np.array([[3.0, 10, 20, 1, 30]])
    np.testing.assert_array_equal(clean(info).fit_transform(row), [[10, 20, 30, 3, 1]])


def test_without_anything_to_do_there_are_no_steps():
    info = make_info(3)
    assert clean_steps(info, Preprocessing(scale=False), impute=False) == []
    assert encode_steps(info, Preprocessing()) == []


def test_missing_numbers_stay_for_a_model_that_takes_them():
    info = make_info(2, categorical=(1,))
    found = clean(info, impute=False).fit_transform(np.array([[NAN, 0.0], [1.0, NAN]]))
    np.testing.assert_array_equal(found, [[NAN, 0], [1, -1]])


def test_a_column_without_any_value_in_the_training_rows_is_zero():
    info = make_info(3, categorical=(2,))
    train = np.array([[1.0, NAN, NAN], [2, NAN, NAN], [3, NAN, NAN]])
    test = np.array([[2.0, 7, 1]])
    for wants in (Preprocessing(), NUMBERS, Preprocessing(one_hot=False)):
        steps = both(info, wants).fit(train)
        found = steps.transform(test)
        assert found.shape == (1, 3)
        assert found[0, 1] == 0, "nothing could be learnt about its values"
        assert np.isfinite(steps.transform(train)).all()


def test_a_missing_category_is_a_column_of_its_own():
    info = make_info(1, categorical=(0,))
    found = both(info, Preprocessing()).fit_transform(np.array([[0.0], [1], [NAN], [1]]))
    np.testing.assert_array_equal(found, [[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1]])


def test_a_category_that_training_never_saw_has_no_column_and_is_missing_among_codes():
    info = make_info(2, categorical=(1,))
    train, test = np.array([[5.0, 0], [6, 2]]), np.array([[7.0, 1]])
    one_hot = both(info, Preprocessing(scale=False)).fit(train)
    np.testing.assert_array_equal(one_hot.transform(test), [[7, 0, 0]])
    codes = both(info, NUMBERS).fit(train)
    np.testing.assert_array_equal(codes.transform(test), [[7, NAN]])


@pytest.mark.parametrize("one_hot", [True, False])
def test_rare_categories_share_a_column_when_there_are_too_many(one_hot):
    n = MAX_CATEGORIES + 100
    column = np.concatenate([np.arange(n), np.arange(50)]).astype(float)[:, None]
    info = make_info(1, categorical=(0,))
    wants = Preprocessing(one_hot=one_hot)
    found = both(info, wants).fit_transform(column)
    if one_hot:
        assert found.shape[1] == MAX_CATEGORIES
        np.testing.assert_array_equal(found.sum(1), 1)
    else:
        assert found.max() == MAX_CATEGORIES - 1


def test_boosting_is_told_which_columns_are_categories_after_they_moved():
    info = make_info(4, categorical=(0, 2))
    model = Model("hgb", HistGradientBoostingClassifier(), NUMBERS)
    assert model.fresh_estimator(info).categorical_features == [2, 3]
    assert model.estimator.categorical_features != [2, 3], "the model itself is left alone"
    one_hot = Model("hgb", HistGradientBoostingClassifier(), Preprocessing(one_hot=True))
    assert one_hot.fresh_estimator(info).categorical_features == "from_dtype"


def test_boosting_splits_categories_as_sets_and_not_by_their_order():
    # Even codes against odd ones: one split of categories, hopeless for one split of numbers.
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 10, 400)
    X = np.column_stack([codes, rng.normal(size=400)]).astype(float)
    y = codes % 2
    boosting = HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=2, learning_rate=1.0)
    fitted = build(
        Model("hgb", boosting, Preprocessing(False, False, False)),
        Strategy(),
        make_info(2, categorical=(0,)),
        seed=0,
    ).fit(X, y)
    assert np.mean(fitted.predict(X) == y) == 1


def test_differences_of_scaled_pixels_do_not_wrap_around():
    pixels = np.array([[0, 51, 255]], dtype=np.uint8)
    found = scale_pixels(pixels)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0, 0.2, 1]], rtol=1e-6)
    assert found[0, 0] - found[0, 2] == -1
    np.testing.assert_array_equal(Pipeline(pixel_steps()).fit_transform(pixels), found)


def test_smote_on_images_lies_between_its_parents():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [20, 4])
    X = rng.integers(0, 256, (24, 16), dtype=np.uint8)
    X[y == 1] = np.array([[0] * 16, [255] * 16, [10] * 16, [250] * 16], dtype=np.uint8)
    kept = []

    class Keeping(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            kept.append((X, y))
            return super().fit(X, y)

    info = DatasetInfo("made", 16, ("no", "yes"), 1, (1, 4, 4))
    strategy = Strategy(resample={"smote": SMOTE(k_neighbors=3)})
    build(Model("linear", Keeping(), Preprocessing()), strategy, info, seed=0).fit(X, y)
    rows, labels = kept[0]
    assert np.bincount(labels).tolist() == [20, 20]
    new = rows[24:]
    assert new.min() >= 0
    assert new.max() <= 1
    np.testing.assert_allclose(new, new[:, :1].repeat(16, 1), atol=1e-6, err_msg="on a line")
    assert len(np.unique(new.round(6))) > 8, "new rows are not copies"
