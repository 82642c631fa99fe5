"""Base classes of the over-samplers, and the error for a class that is too small."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, check_X_y


class TooFewRows(ValueError):
    """Error of ``fit_resample``: a class has fewer rows than the sampler needs.

    Parameters
    ----------
    needed : int
        Number of rows that the sampler needs.
    label : object
        Label of the class.
    n_rows : int
        Number of rows that the class has.
    """

    def __init__(self, needed: int, label: Any, n_rows: int) -> None:
        super().__init__(f"needs {needed} rows of a class, but class {label} has {n_rows}.")
        self.needed = needed
        self.label = label
        self.n_rows = n_rows


def apportion(
    weights: NDArray[np.float64], total: int, rng: np.random.RandomState
) -> NDArray[np.int64]:
    """Distribute ``total`` new rows over existing rows in proportion to their weights.

    Parameters
    ----------
    weights : ndarray of shape (n,)
    total : int
    rng : RandomState
        Breaks ties between equal remainders.

    Returns
    -------
    ndarray of shape (n,)
        Integers with the sum ``total``, each less than one away from its exact share.

    Examples
    --------
    >>> apportion(np.array([1.0, 3.0]), 8, np.random.RandomState(0))
    array([2, 6])
    """
    exact = weights / weights.sum() * total
    counts = np.floor(exact).astype(np.int64)
    order = np.lexsort((rng.permutation(len(exact)), counts - exact))
    counts[order[: total - counts.sum()]] += 1
    return counts


class BaseOverSampler(BaseEstimator, ABC):
    """Base class of an over-sampler; a subclass implements :meth:`make`.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn; ``auto`` brings every class up to the largest.
    random_state : int or None

    Attributes
    ----------
    sampling_strategy_ : dict of label to int
        Number of new rows of each class.
    """

    def __init__(self, sampling_strategy: Any = "auto", random_state: int | None = None) -> None:
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def check_params(self) -> None:
        """Raise ValueError for a parameter out of range; called before anything runs."""

    def rows_needed(self) -> int:
        """Return the number of rows that a class needs to grow, at least two."""
        return 2

    @abstractmethod
    def make(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        grown: Mapping[Any, int],
        rng: np.random.RandomState,
    ) -> Mapping[Any, NDArray[Any]]:
        """Make the new rows of all classes.

        Called by :meth:`fit_resample`, also if no class is to grow.

        Parameters
        ----------
        X : ndarray of shape (n, d)
        y : ndarray of shape (n,)
        grown : mapping of label to int
            Number of new rows of each class that is to grow. The class has at least
            :meth:`rows_needed` rows.
        rng : RandomState

        Returns
        -------
        mapping of label to ndarray of shape (n_new, d)
        """

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return all rows, followed by the new rows of each class.

        Raises
        ------
        TooFewRows
            If a class that is to grow has fewer than :meth:`rows_needed` rows.
        """
        from imblearn.utils import check_sampling_strategy

        self.check_params()
        rows, labels = check_X_y(X, y, dtype="numeric")
        self.sampling_strategy_ = check_sampling_strategy(
            self.sampling_strategy, labels, "over-sampling"
        )
        grown = {label: n_new for label, n_new in self.sampling_strategy_.items() if n_new}
        needed = self.rows_needed()
        for label in grown:
            n_rows = int((labels == label).sum())
            if n_rows < needed:
                raise TooFewRows(needed, label, n_rows)
        all_rows, all_labels = [rows], [labels]
        made = self.make(rows, labels, grown, check_random_state(self.random_state))
        for label, new in made.items():
            all_rows.append(new.astype(rows.dtype))
            all_labels.append(np.full(len(new), label, labels.dtype))
        return np.concatenate(all_rows), np.concatenate(all_labels)


class OverSampler(BaseOverSampler):
    """Base class of an over-sampler that treats each class separately.

    A subclass implements :meth:`new_rows`. Parameters are those of :class:`BaseOverSampler`.

    Examples
    --------
    >>> class Noise(OverSampler):
    ...     def new_rows(self, X, others, n_new, rng):
    ...         chosen = X[rng.randint(len(X), size=n_new)]
    ...         return chosen + 0.1 * rng.normal(size=chosen.shape)
    >>> X, y = np.arange(8.0)[:, None], np.repeat([0, 1], [6, 2])
    >>> X_after, y_after = Noise(random_state=0).fit_resample(X, y)
    >>> np.bincount(y_after)
    array([6, 6])
    """

    @abstractmethod
    def new_rows(
        self,
        X: NDArray[Any],
        others: NDArray[Any],
        n_new: int,
        rng: np.random.RandomState,
    ) -> NDArray[Any]:
        """Make new rows of one class.

        Called by :meth:`make` for each class that is to grow.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            Rows of the class, at least :meth:`rows_needed` of them.
        others : ndarray of shape (m, d)
            Rows of all other classes.
        n_new : int
        rng : RandomState

        Returns
        -------
        ndarray of shape (n_new, d)
        """

    def make(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        grown: Mapping[Any, int],
        rng: np.random.RandomState,
    ) -> dict[Any, NDArray[Any]]:
        """Call :meth:`new_rows` with the rows of each class and all other rows."""
        return {
            label: self.new_rows(X[y == label], X[y != label], n_new, rng)
            for label, n_new in grown.items()
        }
