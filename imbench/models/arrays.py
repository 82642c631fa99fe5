"""Arrays as estimators want them: scikit-learn's checks, cut short where they change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data


def checked_rows(
    estimator: BaseEstimator,
    X: ArrayLike,
    dtypes: Sequence[type[np.generic]],
    *,
    is_new: bool,
    allow_nan: bool = False,
    order: Literal["C"] | None = None,
) -> NDArray[Any]:
    """Return what ``validate_data(estimator, X)`` would, with its attributes and errors.

    The fit of a small net checks rows several times, mostly plain arrays of finite numbers. To ask
    of which of ten libraries they are takes longer than to look at the values.

    Parameters
    ----------
    X : array of shape (n, d)
    dtypes : sequence of NumPy types
        Others are converted to the first.
    is_new : bool
        Whether the estimator learns how many columns there are; otherwise it must know.
    allow_nan : bool
        Whether missing values may stay.
    order : {"C"} or None
        Of memory; None leaves it as it is.
    """
    if _is_table_of_numbers(X) and (is_new or _has_columns_of(estimator, X)):
        with np.errstate(all="ignore"):
            rows = np.asarray(X, X.dtype if X.dtype.type in dtypes else dtypes[0], order or "K")
            is_finite = rows.dtype.kind != "f" or np.isfinite(rows.sum(dtype=np.float64))
        if is_finite:
            if is_new:
                estimator.n_features_in_ = X.shape[1]
                estimator.__dict__.pop("feature_names_in_", None)
            return rows
    finite: Any = "allow-nan" if allow_nan else True
    return validate_data(
        estimator, X, dtype=list(dtypes), order=order, ensure_all_finite=finite, reset=is_new
    )


def _is_table_of_numbers(X: ArrayLike) -> TypeGuard[NDArray[Any]]:
    return type(X) is np.ndarray and X.ndim == 2 and X.size > 0 and X.dtype.kind in "fiu"


def _has_columns_of(estimator: BaseEstimator, X: Any) -> bool:
    if hasattr(estimator, "feature_names_in_"):
        return False
    return getattr(estimator, "n_features_in_", None) == X.shape[1]
