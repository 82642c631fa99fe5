"""Pipeline steps that act on training rows only: a checked resampler and a row counter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from imbench.pipeline.resample_cache import ResampleCache
from imbench.pipeline.resampling import resample
from imbench.pipeline.witness import Witness


class TrainingOnly:
    """Base class of steps that act on training rows alone."""

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Return the rows and labels that the next step is fitted on."""
        raise NotImplementedError

    def transform(self, X: ArrayLike) -> ArrayLike:
        """Return the rows unchanged: this step does nothing to rows to be predicted."""
        return X


class CheckedSampler(TrainingOnly, BaseEstimator):
    """Pipeline step that resamples training rows, with messages that a user can act on.

    A number of neighbors that is too large for a class is clipped, with a note. The work is done
    by :func:`imbench.pipeline.resampling.resample`.

    Parameters
    ----------
    sampler : object with ``fit_resample(X, y)``
    key : str
        Where the sampler stands in the configuration, for the messages.
    class_names : sequence of str
        Names of the labels 0..K-1.
    cache : ResampleCache or None, default=None
        Rows that were resampled before in the same sweep.
    neighbors : Neighbors or None, default=None
        The nearest-neighbor search that the sampler uses; None keeps the sampler's own.

    Attributes
    ----------
    notes_ : tuple of str
        What was clipped or announced, what the sampler noted itself, classes that did not change.
    picture_ : Picture or None
        A few rows to be drawn, of samplers that have some.
    n_rows_ : tuple of int
        Number of rows before and after.
    reused_s_ : float
        Seconds that the fit had taken if its rows come from the cache, otherwise 0.

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> X, y = np.arange(12.0)[:, None], np.repeat([0, 1], [9, 3])
    >>> step = CheckedSampler(SMOTE(random_state=0), "strategy.resample.smote", ("a", "b"))
    >>> X_after, y_after = step.fit_resample(X, y)
    >>> step.n_rows_
    (12, 18)
    """

    def __init__(
        self,
        sampler: Any,
        key: str,
        class_names: tuple[str, ...],
        cache: ResampleCache | None = None,
        neighbors: Any = None,
    ) -> None:
        self.sampler = sampler
        self.key = key
        self.class_names = class_names
        self.cache = cache
        self.neighbors = neighbors

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Resample training rows; labels that are no integers are encoded as 0..K-1 meanwhile.

        Some of imbalanced-learn's samplers accept integers only.

        Raises
        ------
        DataError
            If the sampler refuses the rows, for example because a class has a single one, or if it
            removes all rows of a class.
        """
        labels = np.asarray(y)
        if labels.dtype.kind in "iu":
            return self._fit_resample(X, labels, self.class_names)
        classes, encoded = np.unique(labels, return_inverse=True)
        X_after, y_after = self._fit_resample(X, encoded, tuple(str(name) for name in classes))
        return X_after, classes[y_after]

    def _fit_resample(
        self, X: ArrayLike, y: NDArray[np.int64], names: Sequence[str]
    ) -> tuple[Any, NDArray[np.int64]]:
        call = resample if self.cache is None else self.cache.resample
        found = call(self.sampler, self.key, names, self.neighbors, X, y)
        self.n_rows_ = len(y), len(found.y)
        self.notes_, self.picture_ = found.notes, found.picture
        self.reused_s_ = found.reused_s
        return found.X, found.y


class RowCounter(TrainingOnly, BaseEstimator):
    """Pipeline step that counts the rows of each class that reach the model, and changes nothing.

    Parameters
    ----------
    n_classes : int
    witness : Witness or None, default=None
        Records which rows the pipeline is fitted on.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        0..K-1, also those without rows; if labels are no integers, those that occur.
    class_counts_ : ndarray of shape (K,)

    Examples
    --------
    >>> step = RowCounter(n_classes=3)
    >>> X, y = step.fit_resample([[0.0], [1.0], [2.0]], [0, 0, 2])
    >>> step.class_counts_
    array([2, 0, 1])
    """

    def __init__(self, n_classes: int, witness: Witness | None = None) -> None:
        self.n_classes = n_classes
        self.witness = witness

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Count the rows and return them."""
        labels = np.asarray(y)
        if labels.dtype.kind in "iu":
            self.class_counts_ = np.bincount(labels, minlength=self.n_classes)
            self.classes_ = np.arange(len(self.class_counts_))
        else:
            self.classes_, self.class_counts_ = np.unique(labels, return_counts=True)
        return X, y

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Do nothing; scikit-learn requires it of a step."""
        return self
