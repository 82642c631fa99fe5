"""What the roles of columns mean for a fold: what is given to a fit, and stored of test rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.data.dataset import Dataset
from imbench.strategies.fitting import FittingMixin
from imbench.strategies.rows import GROUPS, WEIGHT


def given_of(data: Dataset, rows: NDArray[np.int64], estimator: Any) -> dict[str, NDArray[Any]]:
    """Return what an estimator is given of some training rows beside their labels.

    A meta-estimator of the user's own that does not inherit from ours gets nothing: its ``fit``
    takes rows and labels alone. Parameters otherwise as in :func:`role_arrays`.
    """
    return role_arrays(data, rows) if isinstance(estimator, FittingMixin) else {}


def role_arrays(data: Dataset, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return weights and groups of some training rows, by the names that ``fit`` has for them.

    Weights are scaled to a mean of one over these rows, so that a regularised model keeps its
    balance, in whatever unit they come.

    Parameters
    ----------
    data : Dataset
    rows : ndarray of int64 of shape (n,)

    Returns
    -------
    dict of str to ndarray of shape (n,)
        ``sample_weight`` and ``groups``, as far as the data have them.

    Raises
    ------
    ValueError
        If all weights are 0.

    Examples
    --------
    >>> y, weight = np.array([0, 1, 1]), np.array([1.0, 2.0, 6.0])
    >>> data = Dataset("toy", np.eye(3), y, ("a", "b"), weight=weight)
    >>> role_arrays(data, np.array([1, 2]))
    {'sample_weight': array([0.5, 1.5])}
    """
    given: dict[str, NDArray[Any]] = {}
    if data.weight is not None:
        weight = data.weight[rows]
        if not weight.any():
            raise ValueError("all rows of this training part have weight 0.")
        given[WEIGHT] = weight / weight.mean()
    if data.groups is not None:
        given[GROUPS] = data.groups[rows]
    return given


def roles_of(data: Dataset, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return groups and weights of test rows, as a :class:`FoldResult` stores them."""
    found: dict[str, NDArray[Any]] = {}
    if data.groups is not None:
        found["test_group"] = data.groups[rows]
    if data.weight is not None:
        found["test_weight"] = data.weight[rows]
    return found
