"""What the over-samplers of this package share: who grows by how much, and too small classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, check_X_y


class TooFewRows(ValueError):
    """A class has too few rows for a sampler; raised inside ``fit_resample``.

    Parameters
    ----------
    needed : int
        Rows that the class would have to have.
    label : object
    n_rows : int
        Rows that it has.
    """

    def __init__(self, needed: int, label: Any, n_rows: int) -> None:
        super().__init__(f"needs {needed} rows of a class, but class {label} has {n_rows}.")
        self.needed = needed
        self.label = label
        self.n_rows = n_rows


def apportion(
    weights: NDArray[np.float64], total: int, rng: np.random.RandomState
) -> NDArray[np.int64]:
    """Divide a number of new rows over old ones in proportion to weights.

    Parameters
    ----------
    weights : ndarray of shape (n,)
    total : int
    rng : RandomState
        Breaks ties between equal remainders.

    Returns
    -------
    ndarray of shape (n,)
        Whole numbers less than one away from the exact shares, with the sum ``total``.
    """
    exact = weights / weights.sum() * total
    counts = np.floor(exact).astype(np.int64)
    order = np.lexsort((rng.permutation(len(exact)), counts - exact))
    counts[order[: total - counts.sum()]] += 1
    return counts


class BaseOverSampler(BaseEstimator, ABC):
    """Base of an over-sampler: a subclass says what the new rows of all classes are.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn; ``auto`` brings every class up to the largest.
    random_state : int or None

    Attributes
    ----------
    sampling_strategy_ : dict of label to int
        New rows a class.
    """

    def __init__(self, sampling_strategy: Any = "auto", random_state: int | None = None) -> None:
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""

    def rows_needed(self) -> int:
        """Return how many rows a class must have to grow, two at least."""
        return 2

    @abstractmethod
    def make(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        grown: Mapping[Any, int],
        rng: np.random.RandomState,
    ) -> Mapping[Any, NDArray[Any]]:
        """Make the new rows.

        Called by :meth:`fit_resample`, also where no class is to grow.

        Parameters
        ----------
        X : ndarray of shape (n, d)
        y : ndarray of shape (n,)
        grown : mapping of label to int
            New rows of each class that is to grow; it has :meth:`rows_needed` at least.
        rng : RandomState

        Returns
        -------
        mapping of label to ndarray of shape (n_new, d)
        """

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return all rows and, behind them, the new ones, class by class.

        Raises
        ------
        TooFewRows
            If a class that is to grow has fewer rows than :meth:`rows_needed` says.
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
    """Base of an over-sampler that looks at one class after the other; parameters as above."""

    @abstractmethod
    def new_rows(
        self,
        X: NDArray[Any],
        others: NDArray[Any],
        n_new: int,
        rng: np.random.RandomState,
    ) -> NDArray[Any]:
        """Make rows of one class.

        Called by :meth:`make` for each class that is to grow.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            Rows of the class, as many as :meth:`rows_needed` says at least.
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
        """Return the new rows, each class made from its own rows and all others."""
        return {
            label: self.new_rows(X[y == label], X[y != label], n_new, rng)
            for label, n_new in grown.items()
        }
