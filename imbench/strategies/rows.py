"""Training rows with what belongs to each of them: label, weight, group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Given = Mapping[str, NDArray[Any]]
"""What ``fit`` is given beside rows and labels, by its name there: `WEIGHT` and `GROUPS`."""

WEIGHT, GROUPS = "sample_weight", "groups"
NO_GROUP = -1  # of a row that was made: it belongs to no group, and is never held out


def taken(given: Given, rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return what belongs to some of the rows.

    Parameters
    ----------
    given : mapping of str to ndarray of shape (n,)
    rows : ndarray of int64 of shape (m,), or of bool of shape (n,)

    Examples
    --------
    >>> taken({"groups": np.array([7, 7, 8])}, np.array([2, 0]))
    {'groups': array([8, 7])}
    """
    return {name: values[rows] for name, values in given.items()}


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Rows that something is fitted on.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    labels : ndarray of int64 of shape (n,)
        0..K-1, each of them present.
    given : mapping of str to ndarray of shape (n,)
        ``sample_weight`` (at least 0) and ``groups`` (int64), where there are some.

    Examples
    --------
    >>> weight = {"sample_weight": np.array([1.0, 1.0, 4.0, 2.0])}
    >>> rows = TrainingRows(np.arange(4.0)[:, None], np.array([0, 0, 1, 1]), weight)
    >>> rows[np.array([3, 0])].given
    {'sample_weight': array([2., 1.])}
    >>> rows.extended(np.array([[2.5]]), np.array([1])).given["sample_weight"].tolist()
    [1.0, 1.0, 4.0, 2.0, 3.0]
    """

    X: NDArray[Any]
    labels: NDArray[np.int64]
    given: Given = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: NDArray[np.int64]) -> TrainingRows:
        """Return some of the rows, or rows several times; `index` has shape (m,)."""
        return TrainingRows(self.X[index], self.labels[index], taken(self.given, index))

    def drawn(self, index: NDArray[np.int64]) -> TrainingRows:
        """Return rows that were drawn by their weight, shape (m,): they have none any more."""
        rows = self[index]
        return replace(rows, given={k: v for k, v in rows.given.items() if k != WEIGHT})

    def extended(
        self,
        X: NDArray[Any],
        labels: NDArray[np.int64],
        like: TrainingRows | None = None,
    ) -> TrainingRows:
        """Return the rows and others that were made.

        A made row has the mean weight of its class, and no group.

        Parameters
        ----------
        X : ndarray of shape (m, d)
        labels : ndarray of shape (m,)
        like : TrainingRows or None
            Rows whose mean weights they have, if not these.
        """
        source = self if like is None else like
        made: dict[str, NDArray[Any]] = {}
        if WEIGHT in source.given:
            made[WEIGHT] = mean_weights(source.labels, source.given[WEIGHT], labels)
        if GROUPS in source.given:
            made[GROUPS] = np.full(len(labels), NO_GROUP)
        return replace(
            self,
            X=np.concatenate([self.X, X]),
            labels=np.concatenate([self.labels, labels]),
            given={k: np.concatenate([v, made[k]]) for k, v in self.given.items()},
        )


def mean_weights(
    labels: NDArray[np.int64], weight: NDArray[np.float64], asked: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the mean weight of the class of each of the `asked` labels, shape (m,)."""
    n_classes = max(labels.max(initial=0), asked.max(initial=0)) + 1
    counts = np.bincount(labels, minlength=n_classes)
    means = np.bincount(labels, weight, n_classes) / counts.clip(1)
    return means[asked]
