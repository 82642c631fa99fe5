"""The `Dataset` class: read-only arrays with the metadata that building an estimator needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.data.notices import Notice
from imbench.data.row_hashes import Contents, contents_of
from imbench.errors import DataError

ROLES = ("groups", "time", "weight")
ARRAYS = ("X", "y", "test_index", *ROLES)


@dataclass(frozen=True)
class DatasetInfo:
    """Metadata of a data set, without its arrays.

    Models and strategies are built from it, so that they cannot depend on single rows.

    Parameters
    ----------
    name : str
    n_features : int
    class_names : tuple of str
        Name of each label: ``class_names[k]`` is the class of rows with ``y == k``.
    minority : int
        Label of the rarest class, the first one on ties.
    input_shape : tuple of int or None
        ``(channels, height, width)`` for images, None for tables.
    categorical : tuple of int
        Columns of ``X`` that hold category codes.
    has_missing : bool
        Whether any value of ``X`` is NaN.
    has_weight : bool
        Whether rows have weights.
    feature_names : tuple of str
        Name of each column, for messages; empty for images.

    Examples
    --------
    >>> info = DatasetInfo("churn", n_features=3, class_names=("no", "yes"), minority=1)
    >>> info.n_classes, info.input_shape
    (2, None)
    """

    name: str
    n_features: int
    class_names: tuple[str, ...]
    minority: int
    input_shape: tuple[int, int, int] | None = None
    categorical: tuple[int, ...] = ()
    has_missing: bool = False
    has_weight: bool = False
    feature_names: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        """Number of classes, K."""
        return len(self.class_names)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification data set. Every loader returns one.

    Parameters
    ----------
    name : str
        Name in tables, folders and MLflow.
    X : ndarray of shape (n, d)
        Tables: float64, NaN where a value is missing; a categorical column holds the codes
        0..C-1 of its categories. Images: uint8, each row flattened from ``input_shape``.
    y : ndarray of shape (n,)
        int64 labels 0..K-1.
    class_names : tuple of str
        Name of each label.
    feature_names : tuple of str
        Name of each column, empty for images.
    input_shape : tuple of int or None
        ``(channels, height, width)`` for images.
    categories : mapping of int to tuple of str
        Categories of each categorical column, in the order of their codes. Nothing is estimated
        from rows, so the codes can be assigned before the split.
    test_index : ndarray of shape (n_test,) or None
        Rows of the official test set, None if there is none.
    groups : ndarray of shape (n,) or None
        int64: rows with the same number belong together, such as those of one patient. None if
        rows are independent.
    time : ndarray of shape (n,) or None
        float64: when a row was seen; dates are days since 1970. None if the order means nothing.
    weight : ndarray of shape (n,) or None
        float64: how much a row counts, at least 0. None if all count the same.
    cut : tuple of int
        Labels of the classes that ``dataset.imbalance`` thinned more than others.
    notices : tuple of Notice
        What was noticed while a file was read.

    Raises
    ------
    DataError
        If shapes or types do not match, a value is infinite, fewer than two classes are present,
        or no row of a class has a weight above 0.

    Notes
    -----
    The arrays are stored as read-only views. Strategies share one data set, so a model that
    scaled its input in place would change the rows of the next fold.

    Examples
    --------
    >>> import numpy as np
    >>> data = Dataset(
    ...     name="toy",
    ...     X=np.array([[0.5], [1.5], [np.nan]]),
    ...     y=np.array([0, 0, 1]),
    ...     class_names=("no", "yes"),
    ...     feature_names=("age",),
    ... )
    >>> data.counts.tolist()
    [2, 1]
    >>> data.info.minority, data.info.has_missing, data.rare
    (1, True, (1,))
    >>> data.X[0, 0] = 2.0
    Traceback (most recent call last):
    ValueError: assignment destination is read-only
    """

    name: str
    X: NDArray[np.generic]
    y: NDArray[np.int64]
    class_names: tuple[str, ...]
    feature_names: tuple[str, ...] = ()
    input_shape: tuple[int, int, int] | None = None
    categories: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    test_index: NDArray[np.int64] | None = None
    groups: NDArray[np.int64] | None = None
    time: NDArray[np.float64] | None = None
    weight: NDArray[np.float64] | None = None
    cut: tuple[int, ...] = ()
    notices: tuple[Notice, ...] = ()

    def __post_init__(self) -> None:
        _check_shapes(self)
        _check_labels(self)
        _check_values(self)
        _check_roles(self)
        for name in ARRAYS:
            if (array := getattr(self, name)) is not None:
                view = array.view()
                view.flags.writeable = False
                object.__setattr__(self, name, view)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Rows per class outside the official test set, shape (K,)."""
        return np.bincount(self.y[self.pool_index], minlength=len(self.class_names))

    @property
    def rare(self) -> tuple[int, ...]:
        """Labels of the rare classes: those that were cut, otherwise those below the mean size."""
        return self.cut or tuple(np.flatnonzero(self.counts < self.counts.mean()).tolist())

    @property
    def pool_index(self) -> NDArray[np.int64]:
        """Indices of all rows outside the official test set, which splitters may use.

        They are made anew by every call: kept, they would be 8 bytes a row while a fold is fitted.
        """
        in_pool = np.ones(len(self.y), bool)
        if self.test_index is not None:
            in_pool[self.test_index] = False
        return np.flatnonzero(in_pool)

    @cached_property
    def info(self) -> DatasetInfo:
        """The metadata that :func:`imbench.pipeline.build.build` receives."""
        return DatasetInfo(
            name=self.name,
            n_features=self.X.shape[1],
            class_names=self.class_names,
            minority=int(self.counts.argmin()),
            input_shape=self.input_shape,
            categorical=tuple(sorted(self.categories)),
            has_missing=self.X.dtype.kind == "f" and bool(np.isnan(self.X.min())),
            has_weight=self.weight is not None,
            feature_names=self.feature_names,
        )

    @cached_property
    def contents(self) -> Contents:
        """Hashes of the rows, for the leak audit of :mod:`imbench.pipeline.witness`."""
        return contents_of(self.X)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over values, labels and names, in hex. Equal data has an equal fingerprint."""
        digest = hashlib.sha256()
        names = (self.class_names, self.feature_names, self.input_shape, dict(self.categories))
        digest.update(repr(names).encode())
        test_index = np.empty(0, np.int64) if self.test_index is None else self.test_index
        for array in (self.X, self.y, test_index):
            digest.update(f"{array.shape}{array.dtype.str}".encode())
            digest.update(np.ascontiguousarray(array).data)
        for name, values in self.roles.items():  # nothing without roles, as before there were any
            digest.update(f"{name}{values.dtype.str}".encode())
            digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()

    @property
    def roles(self) -> dict[str, NDArray[Any]]:
        """The columns of :data:`ROLES` that there are, by name."""
        found = {name: getattr(self, name) for name in ROLES}
        return {name: values for name, values in found.items() if values is not None}


def _check_shapes(data: Dataset) -> None:
    """Raise DataError unless shapes and numbers of names match."""
    if data.X.ndim != 2 or data.y.shape != (len(data.X),):
        raise DataError(
            f"dataset={data.name}: X must be (rows, columns) and y (rows,), "
            f"got {data.X.shape} and {data.y.shape}."
        )
    if len(data.X) == 0 or data.X.shape[1] == 0:
        raise DataError(
            f"dataset={data.name} has {data.X.shape[0]} rows and {data.X.shape[1]} feature "
            "columns: give a file with at least one of each beside the target."
        )
    if data.input_shape is not None and np.prod(data.input_shape) != data.X.shape[1]:
        raise DataError(
            f"dataset={data.name}: rows of {data.X.shape[1]} values do not fill images of "
            f"input_shape={data.input_shape}."
        )
    if len(data.feature_names) not in (0, data.X.shape[1]):
        raise DataError(
            f"dataset={data.name}: {len(data.feature_names)} feature names for "
            f"{data.X.shape[1]} columns."
        )


def _check_labels(data: Dataset) -> None:
    """Raise DataError unless labels and test rows are in range and two classes are present."""
    if len(set(data.class_names)) < len(data.class_names):
        raise DataError(f"dataset={data.name}: two classes share a name in {data.class_names}.")
    if data.y.dtype != np.int64:
        raise DataError(f"dataset={data.name}: y must be int64, got {data.y.dtype}.")
    if data.y.min() < 0 or data.y.max() >= len(data.class_names):
        raise DataError(
            f"dataset={data.name}: labels must lie in 0..{len(data.class_names) - 1}, "
            f"got {data.y.min()}..{data.y.max()}."
        )
    test = data.test_index
    if test is not None and len(test) and not 0 <= test.min() <= test.max() < len(data.y):
        raise DataError(
            f"dataset={data.name}: test_index must hold rows in 0..{len(data.y) - 1}, got "
            f"{test.min()}..{test.max()}."
        )
    if np.count_nonzero(data.counts) < 2:
        present = data.class_names[int(data.counts.argmax())]
        raise DataError(
            f"dataset={data.name}: the target has one class ({present!r}); "
            "comparing strategies needs rows of at least two classes."
        )


def _check_roles(data: Dataset) -> None:
    """Raise DataError unless each role has a usable value for each row."""
    for name, values in data.roles.items():
        kind = np.dtype(np.int64 if name == "groups" else np.float64)
        if values.shape != data.y.shape or values.dtype != kind:
            raise DataError(
                f"dataset={data.name}: {name} must be {kind} of shape {data.y.shape}, got "
                f"{values.dtype} of shape {values.shape}."
            )
        if not np.isfinite(values).all():
            raise DataError(
                f"dataset={data.name}: {np.sum(~np.isfinite(values))} of {len(values)} rows have "
                f"no {name}: give each row one, or leave these rows out."
            )
    if data.weight is None:
        return
    if (data.weight < 0).any():
        raise DataError(
            f"dataset={data.name}: {np.sum(data.weight < 0)} weights are below 0: a weight is how "
            "much a row counts, at least 0."
        )
    pool = data.pool_index
    mass = np.bincount(data.y[pool], data.weight[pool], len(data.class_names))
    if len(weightless := np.flatnonzero((data.counts > 0) & (mass == 0))):
        raise DataError(
            f"dataset={data.name}: all rows of class {data.class_names[weightless[0]]!r} have "
            "weight 0: give some of them a weight above 0, or leave the class out."
        )


def _check_values(data: Dataset) -> None:
    """Raise DataError if a value of X is infinite.

    Extremes are searched first, which leave NaN out: they take no table of booleans.
    """
    if data.X.dtype.kind != "f":
        return
    extremes = np.fmin.reduce(data.X, axis=None), np.fmax.reduce(data.X, axis=None)
    if np.isinf(extremes).any():
        infinite = np.isinf(data.X).sum(axis=0)
        column = int(infinite.argmax())
        name = data.feature_names[column] if data.feature_names else str(column)
        raise DataError(
            f"dataset={data.name}: column {name!r} has infinite values "
            f"({infinite[column]} of {len(data.X)}): replace them by numbers, or by blanks "
            "to have them imputed."
        )
