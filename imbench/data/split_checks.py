"""Parts of groups, and what is wrong with a data set or a fold before anything is fitted."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imbench.components.override import override
from imbench.data.dataset import Dataset
from imbench.errors import ConfigError, DataError

if TYPE_CHECKING:
    from imbench.data.splits import Fold


def group_splits(
    data: Dataset, n_splits: int, random_state: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Split the pool by groups, stratified by class; the numbers are places in the pool.

    Raises
    ------
    DataError
        If there are fewer groups than parts.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    assert data.groups is not None
    pool = data.pool_index
    n_groups = len(np.unique(data.groups[pool]))
    if n_groups < n_splits:
        raise DataError(
            f"dataset={data.name} has {n_groups} groups, which is too few for {n_splits} parts: "
            f"set splits.n_splits={max(n_groups, 2)}, or another dataset.groups."
        )
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=random_state)
    with warnings.catch_warnings():  # fewer rows than folds are what min_per_class allows
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(pool, data.y[pool], data.groups[pool]))


def check_role(data: Dataset, role: str, what: str) -> None:
    """Raise ConfigError unless the data set has a role of :data:`imbench.data.dataset.ROLES`."""
    if getattr(data, role) is None:
        raise ConfigError(
            f"{what}: dataset={data.name} has no {role}; name the column with "
            f"dataset.{role}=COLUMN, or set splits=kfold."
        )


def check_classes(data: Dataset, fold: Fold, key: str, fix: str, in_test: bool = False) -> None:
    """Raise DataError if the training part of a fold misses a class.

    Parameters
    ----------
    data : Dataset
    fold : Fold
    key, fix : str
        What made the fold, and how to mend it.
    in_test : bool, default=False
        Whether the test part must have every class too.
    """
    parts = [("training", fold.train_index), ("test", fold.test_index)]
    for part, index in parts if in_test else parts[:1]:
        counts = np.bincount(data.y[index], minlength=data.info.n_classes)
        missing = np.flatnonzero((counts == 0) & (data.counts > 0))
        if len(missing):
            k = int(missing[0])
            raise DataError(
                f"{key} leaves the {part} part without a row of class {data.class_names[k]!r} of "
                f"dataset={data.name}, which has {data.counts[k]}: {fix}."
            )


def check_k(k: int | None, data: Dataset, folds: Sequence[Fold]) -> None:
    """Raise ConfigError if ``metrics.k`` is no less than the rows, or the weight, of any test part.

    ``recall_at_k`` is 1 then, whatever the ranking is.

    Examples
    --------
    >>> from imbench.data.splits import RepeatedKFold
    >>> from imbench.data.synthetic import load_synthetic
    >>> data = load_synthetic(n_rows=60, ratio=2)
    >>> check_k(5000, data, RepeatedKFold(3).split(data, seed=0))
    Traceback (most recent call last):
    imbench.errors.ConfigError: metrics.k=5000: the test parts of dataset=synthetic have 20 rows \
at most, so that recall_at_k is 1 for all; set it lower, or metrics.k=null.
    """
    if k is None:
        return
    weight = np.ones(len(data.y)) if data.weight is None else data.weight
    most = max(float(weight[fold.test_index].sum()) for fold in folds)
    if k >= most:
        what = "rows" if data.weight is None else "as the weight of their rows"
        raise ConfigError(
            f"metrics.k={k}: the test parts of dataset={data.name} have {most:g} {what} at most, "
            "so that recall_at_k is 1 for all; set it lower, or metrics.k=null."
        )


def check_class_sizes(data: Dataset, needed: int) -> None:
    """Raise DataError if a class has fewer rows or groups than `needed` for stratification."""
    counts, what = data.counts, "row"
    if data.groups is not None:
        pool = data.pool_index
        pairs = np.unique(np.column_stack([data.y[pool], data.groups[pool]]), axis=0)
        counts, what = np.bincount(pairs[:, 0], minlength=len(data.counts)), "group"
    smallest = int(counts.argmin())
    n, name = int(counts[smallest]), data.class_names[smallest]
    if n >= needed:
        return
    has = f"{n} {what}{'' if n == 1 else 's'}"
    without = override("dataset.imbalance.ratios", {name: 0})
    drop = f"drop the class with dataset/imbalance=keep {without}"
    insist = f"set splits.min_per_class={n} to have it missing in some test parts"
    fix = f"set splits.n_splits={n}, {insist}, or {drop}" if n >= 2 else drop
    raise DataError(
        f"dataset={data.name}: class {name!r} has {has}, but stratification needs at "
        f"least {needed} (one a fold): {fix}."
    )
