"""Inner folds: how the rows of a training part are split once more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


def inner_splits(
    labels: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
    wanted: tuple[str, int],
    instead: str,
    random_state: int | None,
) -> tuple[list[Split], tuple[str, ...]]:
    """Split training rows: stratified, shuffled, and with groups kept together.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        0..K-1; a class may have no row.
    groups : ndarray of int64 of shape (n,) or None
    wanted : (str, int)
        Key of the configuration and number of folds. It is clipped to the rows of the smallest
        class, or to the groups that have some.
    instead : str
        What to do where no split is possible, for the message.
    random_state : int or None

    Returns
    -------
    splits : list of (train, held out)
        Row numbers.
    notes : tuple of str
        Says what was clipped.

    Raises
    ------
    ValueError
        If a class has a single row, or a single group.

    Examples
    --------
    >>> splits, notes = inner_splits(np.repeat([0, 1], [9, 3]), None, ("cv", 5), "leave it out", 0)
    >>> len(splits), notes
    (3, ('cv=5 was clipped to 3: a class has 3 rows in this training part.',))
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    (key, n_wanted), present = wanted, np.unique(labels)
    smallest, what = _smallest(labels, groups)
    for n_folds in range(min(n_wanted, smallest), 1, -1):
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        folds = kind(n_folds, shuffle=True, random_state=random_state)
        splits = list(folds.split(labels, labels, groups))
        # Groups of several classes may leave a training part without one.
        if all(len(np.unique(labels[train])) == len(present) for train, _ in splits):
            break
    else:
        raise ValueError(
            f"{key}={n_wanted} needs two {what}s of each class, but a class has {smallest} in this "
            f"training part: {instead}."
        )
    if n_folds == n_wanted:
        return splits, ()
    why = f"a class has {smallest} {what}s in this training part"
    return splits, (f"{key}={n_wanted} was clipped to {n_folds}: {why}.",)


def _smallest(labels: NDArray[np.int64], groups: NDArray[np.int64] | None) -> tuple[int, str]:
    """Return the rows of the smallest class, or its groups, and how they are called."""
    if groups is None:
        return int(np.unique(labels, return_counts=True)[1].min()), "row"
    pairs = np.unique(np.column_stack([labels, groups]), axis=0)
    return int(np.unique(pairs[:, 0], return_counts=True)[1].min()), "group"
