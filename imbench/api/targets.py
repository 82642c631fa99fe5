"""Classes, weights and groups of rows, as scikit-learn gives them, for a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from imbench.data.dataset import Dataset
from imbench.data.names import name_of
from imbench.errors import DataError


@dataclass(frozen=True, eq=False)
class Labels:
    """The classes of rows.

    Parameters
    ----------
    y : ndarray of int64 of shape (n,)
        Labels 0..K-1.
    classes : ndarray of shape (K,)
        Value of each label, sorted.
    """

    y: NDArray[np.int64]
    classes: NDArray[Any]

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each class in messages, costs and the like."""
        return tuple(name_of(value) for value in self.classes)

    @classmethod
    def of_codes(cls, y: NDArray[np.int64], names: Sequence[str], values: NDArray[Any]) -> Labels:
        """Return labels that were read by the rules of files, with the values of their rows.

        Parameters
        ----------
        y : ndarray of shape (n,)
            Labels in the order of ``names``.
        names : sequence of str
        values : ndarray of shape (n,)
            Of several values with one name the first one stands for all.

        Examples
        --------
        >>> labels = Labels.of_codes(np.array([0, 1]), ["9", "10"], np.array(["9", "10"]))
        >>> labels.y.tolist(), labels.names
        ([1, 0], ('10', '9'))
        """
        _, first = np.unique(y, return_index=True)
        classes, order = np.unique(values[first], return_inverse=True)
        return cls(order[y].astype(np.int64), classes)


def labels_of(y: Any) -> Labels:
    """Return the classes of rows; y has shape (n,).

    Raises
    ------
    ValueError
        If a row has no class, there is one class only, or the values are measurements.

    Examples
    --------
    >>> labels = labels_of(pd.Series(["b", "a", "b"], dtype="category"))
    >>> labels.y.tolist(), labels.classes.tolist()
    ([1, 0, 1], ['a', 'b'])
    """
    values = column_or_1d(y, warn=True)
    if n_missing := int(pd.isna(values).sum()):
        raise ValueError(
            f"y contains NaN: {n_missing} of {len(values)} rows have no class; leave them out."
        )
    check_classification_targets(values)
    classes, labels = np.unique(values, return_inverse=True)
    if len(classes) < 2:
        found = f" ({name_of(classes[0])!r})" if len(classes) else ""
        raise ValueError(f"y has one class only{found}; a classifier needs at least two classes.")
    return Labels(labels.astype(np.int64), classes)


def with_roles(data: Dataset, sample_weight: Any, groups: Any) -> Dataset:
    """Return a data set whose rows have weights and groups, of shape (n,) where they are given.

    Raises
    ------
    ValueError
        If their number is not that of the rows, or they cannot be used.

    Examples
    --------
    >>> data = Dataset("toy", np.eye(2), np.array([0, 1]), ("a", "b"))
    >>> with_roles(data, None, ["y", "x"]).groups.tolist()
    [1, 0]
    """
    given: dict[str, Any] = {}
    if sample_weight is not None:
        weight = np.asarray(sample_weight, np.float64)
        if not weight.any():
            raise ValueError("sample_weight is zero in every row; give some a weight above zero.")
        given["weight"] = np.full(len(data.y), weight) if weight.ndim == 0 else weight
    if groups is not None:
        names = np.asarray(groups)
        if pd.isna(names).any():
            raise ValueError("groups: some rows have none; give each row one.")
        given["groups"] = np.unique(names, return_inverse=True)[1].astype(np.int64)
    for name, key in (("weight", "sample_weight"), ("groups", "groups")):
        if name not in given:
            continue
        if getattr(data, name) is not None:
            raise ValueError(f"{key} is given twice: leave dataset.{name} out of overrides.")
        if given[name].shape != data.y.shape:
            raise ValueError(
                f"{key}.shape == {given[name].shape}, expected {data.y.shape}: one a row."
            )
    try:
        return replace(data, **given) if given else data
    except DataError as error:
        raise ValueError(
            str(error).replace(f"dataset={data.name}: ", "sample_weight: ", 1)
        ) from error
