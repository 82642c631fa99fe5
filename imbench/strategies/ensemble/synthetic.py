"""SMOTE rows for the ensembles, on raw rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from imblearn.over_sampling import SMOTE
from numpy.random import Generator
from numpy.typing import NDArray

from imbench.errors import Incompatible

Rows = tuple[NDArray[Any], NDArray[np.int64]]


def clip_neighbours(k: int, labels: NDArray[np.int64], name: str) -> tuple[int, tuple[str, ...]]:
    """Return how many neighbours the smallest class has, at most k, and a note if it is fewer.

    Parameters
    ----------
    k : int
    labels : ndarray of shape (n,)
        0..K-1, each of them present.
    name : str
        Of the strategy, for the note.

    Raises
    ------
    ValueError
        If a class has a single row.
    """
    n_smallest = int(np.bincount(labels).min())
    if n_smallest < 2:
        raise ValueError(
            f"strategy.ensemble.{name} makes rows between two of a class, but a class has one row "
            "in this training part: use rusboost or under_bagging."
        )
    if n_smallest > k:
        return k, ()
    note = (
        f"strategy.ensemble.{name}.k_neighbors={k} was clipped to {n_smallest - 1}: a class has "
        f"{n_smallest} in this training part."
    )
    return n_smallest - 1, (note,)


def new_rows(
    X: NDArray[Any],
    labels: NDArray[np.int64],
    wanted: NDArray[np.int64],
    k: int,
    rng: Generator,
    search: Any = None,
) -> Rows:
    """Return SMOTE rows, so many of each class.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Numbers without NaN, or uint8 pixels, which stay uint8.
    labels : ndarray of shape (n,)
    wanted : ndarray of shape (K,)
        New rows of each class.
    k : int
        Neighbours to choose from.
    rng : numpy.random.Generator
    search : Neighbors or None
        Nearest-neighbor search; None is scikit-learn's.

    Notes
    -----
    Neighbours are found on columns of unit variance: raw columns have any scale.
    """
    counts = np.bincount(labels, minlength=len(wanted))
    targets = {c: int(counts[c] + n) for c, n in enumerate(wanted) if n}
    if not targets:
        return X[:0], labels[:0]
    scale = np.ones(X.shape[1]) if X.dtype == np.uint8 else X.std(0, dtype=np.float64)
    scale[scale == 0] = 1
    smote = SMOTE(
        sampling_strategy=targets,
        k_neighbors=k if search is None else search.asked(k + 1),  # the row itself is found
        random_state=int(rng.integers(2**31)),
    )
    X_all, labels_all = smote.fit_resample(X / scale, labels)
    made = X_all[len(X) :] * scale
    if X.dtype == np.uint8:
        made = made.round()
    return made.astype(X.dtype), labels_all[len(X) :]


def refuse_missing(X: NDArray[Any], name: str, instead: str) -> None:
    """Raise Incompatible if a number is missing: nothing can be interpolated."""
    if X.dtype.kind == "f" and np.isnan(X).any():
        raise Incompatible(
            f"strategy={name} makes rows between neighbours and takes no missing values, which "
            f"this data set has: use {instead}."
        )


def noticing(neighbors: Any, name: str) -> Any:
    """Return a copy of the search that measures its time; None for None."""
    return None if neighbors is None else neighbors.noticing(f"strategy.ensemble.{name}")


def said(search: Any) -> tuple[str, ...]:
    """Return the notes of the searches."""
    return () if search is None else tuple(search.notice.notes)
