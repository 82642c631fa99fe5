"""The short cut of scikit-learn's checks gives what they give: rows, attributes and errors."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from imbench.models.arrays import checked_rows

KINDS = (np.float32, np.uint8)


def both(X, *, is_new=True, estimator=None, **options):
    """Return the answer and the attributes of both ways, or the error of both."""
    answers = []
    for is_short in (True, False):
        own = BaseEstimator()
        own.__dict__.update(estimator or {})
        try:
            if is_short:
                rows = checked_rows(own, X, KINDS, is_new=is_new, **options)
            else:
                finite = "allow-nan" if options.get("allow_nan") else True
                order = options.get("order")
                rows = validate_data(
                    own, X, dtype=list(KINDS), order=order, ensure_all_finite=finite, reset=is_new
                )
            flags = rows.flags.c_contiguous, rows.flags.f_contiguous
            named = [(name, repr(value)) for name, value in own.__dict__.items()]
            answers.append((rows.dtype, repr(rows.tolist()), flags, named))
        except ValueError as error:
            answers.append(str(error))
    return answers


ROWS = np.arange(12.0).reshape(4, 3)
GAP = ROWS.copy()
GAP[1, 1] = np.nan


@pytest.mark.parametrize(
    "X",
    [
        ROWS,
        ROWS.astype(np.float32),
        np.asfortranarray(ROWS),
        ROWS[:, ::2],
        ROWS.astype(np.uint8),
        ROWS.astype(int),
        ROWS > 3,
        ROWS.astype(object),
        ROWS.tolist(),
        pd.DataFrame(ROWS, columns=list("abc")),
        GAP,
        np.where(np.isnan(GAP), np.inf, ROWS),
        np.full((2, 2), 1e300),
        ROWS[:0],
        ROWS[:, :0],
        ROWS[0],
    ],
    ids=[
        "float64", "float32", "fortran", "strided", "bytes", "integers", "booleans", "objects",
        "list", "frame", "missing", "infinite", "too large", "no rows", "no columns", "a row",
    ],
)  # fmt: skip
@pytest.mark.parametrize("options", [{}, {"order": "C"}, {"allow_nan": True}], ids=str)
@pytest.mark.filterwarnings("ignore:overflow")
def test_both_ways_give_the_same(X, options):
    short, long = both(X, **options)
    assert short == long


@pytest.mark.parametrize("n_columns", [2, 3])
def test_columns_are_counted(n_columns):
    short, long = both(ROWS, is_new=False, estimator={"n_features_in_": n_columns})
    assert short == long
    assert ("expecting 2 features" in str(short)) == (n_columns == 2)


def test_names_of_columns_are_forgotten_by_a_fit_on_others():
    named = {"n_features_in_": 3, "feature_names_in_": np.array(list("abc"), object)}
    short, long = both(ROWS, estimator=named)
    assert short == long
    assert [name for name, _ in short[3]] == ["n_features_in_"]


def test_rows_as_they_should_be_are_not_copied():
    X = ROWS.astype(np.float32)
    assert checked_rows(BaseEstimator(), X, KINDS, is_new=True, order="C") is X
