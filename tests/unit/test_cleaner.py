"""The cleaner equals scikit-learn's transformers up to rounding."""

import warnings

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imbench.models import cleaner
from imbench.models.cleaner import Cleaner


def reference(numeric, categorical, impute, scale):
    steps = [SimpleImputer(strategy="median", keep_empty_features=True)] if impute else []
    steps += [StandardScaler()] if scale else []
    codes = SimpleImputer(strategy="constant", fill_value=-1, keep_empty_features=True)
    return ColumnTransformer(
        [
            ("numeric", make_pipeline(*steps) if steps else "passthrough", numeric),
            ("categorical", codes, categorical),
        ]
    )


def table(n_rows, n_columns, categorical, share_missing, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(3, 20, size=(n_rows, n_columns))
    for column in categorical:
        X[:, column] = rng.integers(0, 4, n_rows)
    X[:, 0] = 5 if n_columns > 2 else X[:, 0]  # no variance
    X[rng.random(X.shape) < share_missing] = np.nan
    if share_missing and n_columns > 1:
        X[:, 1] = np.nan
    return X.astype(dtype)


@pytest.mark.parametrize("block_bytes", [2**22, 2**12, 1])
@pytest.mark.parametrize("share_missing", [0, 0.1])
@pytest.mark.parametrize("categorical", [[], [2, 5], list(range(7))])
@pytest.mark.parametrize("n_rows", [1, 2, 1001])
def test_it_equals_sklearn_up_to_rounding(
    monkeypatch, n_rows, categorical, share_missing, block_bytes
):
    monkeypatch.setattr(cleaner, "BLOCK_BYTES", block_bytes)
    train = table(n_rows, 7, categorical, share_missing)
    test = np.vstack([train[:1] + 1, np.full((1, 7), np.nan)])
    numeric = [i for i in range(7) if i not in categorical]
    for impute, scale in ((True, True), (True, False), (False, True), (False, False)):
        ours = Cleaner(numeric, categorical, impute, scale)
        theirs = reference(numeric, categorical, impute, scale)
        if not (impute or scale or categorical):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # means of columns without a number
            pairs = [
                (ours.fit_transform(train), theirs.fit_transform(train)),
                (ours.transform(test), theirs.transform(test)),
            ]
        for found, expected in pairs:
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_medians_equal_sklearn_in_single_and_double_precision():
    for dtype in (np.float64, np.float32):
        train = table(1000, 5, [], 0.3, dtype)
        found = Cleaner([0, 1, 2, 3, 4], scale=False).fit_transform(train)
        expected = reference([0, 1, 2, 3, 4], [], True, False).fit_transform(train)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=0)


def test_columns_within_rounding_of_a_constant_are_not_scaled_up():
    X = np.column_stack([np.full(50, 0.1), 1e9 + np.arange(50) * 1e-9, np.full(50, -3e5)])
    found = Cleaner([0, 1, 2]).fit_transform(X)
    np.testing.assert_allclose(found, reference([0, 1, 2], [], True, True).fit_transform(X))


def test_the_input_is_not_changed():
    train = table(100, 4, [3], 0.2)
    train.flags.writeable = False
    before = train.copy()
    Cleaner([0, 1, 2], [3]).fit_transform(train)
    np.testing.assert_array_equal(train, before)


def test_other_columns_and_an_unfitted_cleaner_are_refused():
    fitted = Cleaner([0, 1]).fit(np.ones((3, 2)))
    with pytest.raises(ValueError, match="3 features"):
        fitted.transform(np.ones((3, 3)))
    with pytest.raises(NotFittedError):
        Cleaner([0, 1]).transform(np.ones((3, 2)))
