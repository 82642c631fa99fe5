"""Preprocess the columns of a table, fitted on the training rows of a fold.

Two parts, because resamplers come between them. `clean` leaves numbers and category codes
that a resampler can work on (numeric columns first, then categorical ones); `encode` turns
the codes into what the model takes. Without categorical columns there is nothing to encode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

from imbench.data.dataset import DatasetInfo
from imbench.models.cleaner import Cleaner
from imbench.models.empty_columns import EmptyColumns

MAX_CATEGORIES = 200  # rarer ones share a column; scikit-learn's trees take 255 at most

Step = tuple[str, Any]


@dataclass(frozen=True)
class Preprocessing:
    """Preprocessing that a model needs (``preprocessing:`` in its yaml).

    Parameters
    ----------
    scale : bool, default=True
        Standardise numeric columns.
    impute : bool, default=True
        Replace missing numbers by the column's median. False for models that take NaN.
    one_hot : bool, default=True
        One column a category. False leaves codes, for models with categorical splits.

    Examples
    --------
    >>> Preprocessing(one_hot=False)
    Preprocessing(scale=True, impute=True, one_hot=False)
    """

    scale: bool = True
    impute: bool = True
    one_hot: bool = True


def clean_steps(info: DatasetInfo, wants: Preprocessing, impute: bool) -> list[Step]:
    """Return the steps in front of the resamplers, for a table.

    Parameters
    ----------
    info : DatasetInfo
    wants : Preprocessing
    impute : bool
        Whether missing numbers are replaced, whatever the model wants.
    """
    if not (impute or wants.scale or info.categorical):
        return []
    numeric = [i for i in range(info.n_features) if i not in info.categorical]
    cleaner = Cleaner(numeric, list(info.categorical), impute, wants.scale, info.feature_names)
    return [("clean", cleaner)]


def encode_steps(info: DatasetInfo, wants: Preprocessing, impute: bool = True) -> list[Step]:
    """Return the steps behind the resamplers, for a table.

    Parameters
    ----------
    info : DatasetInfo
    wants : Preprocessing
    impute : bool, default=True
        Whether :func:`clean_steps` replaced missing numbers.
    """
    n_categorical = len(info.categorical)
    steps: list[Step] = []
    if info.has_missing and not impute:
        names = [n for i, n in enumerate(info.feature_names) if i not in info.categorical]
        steps = [("empty", EmptyColumns(info.n_features - n_categorical, names))]
    if not n_categorical:
        return steps
    # It imports scikit-learn's linear models, its metrics and SciPy's statistics.
    from sklearn.compose import ColumnTransformer

    n_numeric = info.n_features - n_categorical
    encoder = (
        OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            max_categories=MAX_CATEGORIES,
            sparse_output=False,
        )
        if wants.one_hot
        else OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=np.nan,
            max_categories=MAX_CATEGORIES,
        )
    )
    columns = list(range(n_numeric, info.n_features))
    transformer = ColumnTransformer(
        [("numeric", "passthrough", list(range(n_numeric))), ("categorical", encoder, columns)]
    )
    return [*steps, ("encode", transformer)]


def scale_pixels(X: NDArray[Any]) -> NDArray[np.float32]:
    """Return uint8 pixels as float32 in [0, 1].

    Resamplers need this as much as models do: differences of uint8 wrap around at 0.
    """
    scaled = X.astype(np.float32)
    scaled /= np.float32(255)
    return scaled


def pixel_steps() -> list[Step]:
    """Return the steps for images in front of everything that cannot take uint8."""
    return [("clean", FunctionTransformer(scale_pixels))]
