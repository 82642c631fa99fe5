"""Pipeline steps that act on training rows only: a checked resampler and a row counter."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone

from imbench.errors import DataError
from imbench.models.params import NamedOnce
from imbench.pipeline.resample_cache import Reuse
from imbench.pipeline.witness import Witness
from imbench.strategies.resample.refusals import dotted, explain, milder


class TrainingOnly:
    """Mixed into steps that have to do with training rows alone."""

    def transform(self, X: ArrayLike) -> ArrayLike:
        """Return rows to be predicted as they are."""
        return X


class CheckedSampler(TrainingOnly, NamedOnce, BaseEstimator):
    """A resampler that says in one sentence why it cannot work on a training part.

    A number of neighbours that a class has no room for is clipped, and the clip is noted.

    Parameters
    ----------
    sampler : object with ``fit_resample(X, y)``
    key : str
        Where the sampler stands in the configuration, for the messages.
    class_names : sequence of str
        Names of the labels 0..K-1.
    reuse : Reuse or None, default=None
        Remembers rows that another strategy made.
    neighbors : Neighbors or None, default=None
        What the sampler asks for nearest neighbours; None leaves it to its own search.

    Attributes
    ----------
    sampler_ : object
        The fitted sampler, or what is known of it if its rows were remembered.
    notes_ : tuple of str
        A sentence for each number of neighbours that was clipped, what the sampler noted itself,
        a sentence for each class that it passed over; what there was to say of its search.
    n_rows_ : tuple of int
        Rows before and after.
    """

    def __init__(
        self,
        sampler: Any,
        key: str,
        class_names: tuple[str, ...],
        reuse: Reuse | None = None,
        neighbors: Any = None,
    ) -> None:
        self.sampler = sampler
        self.key = key
        self.class_names = class_names
        self.reuse = reuse
        self.neighbors = neighbors

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Resample the training rows; labels that are words are 0..K-1 for the sampler.

        Some of imbalanced-learn's samplers take no words.

        Raises
        ------
        DataError
            If the sampler refuses the rows (a class has a single one), or a class that had rows
            has none left.
        """
        labels = np.asarray(y)
        if labels.dtype.kind in "iu":
            return self._fit_resample(X, labels, self.class_names)
        classes, encoded = np.unique(labels, return_inverse=True)
        X_after, y_after = self._fit_resample(X, encoded, [str(name) for name in classes])
        return X_after, classes[y_after]

    def _fit_resample(
        self, X: ArrayLike, y: NDArray[np.int64], names: Sequence[str]
    ) -> tuple[Any, NDArray[np.int64]]:
        X_after, y_after, clipped = self._remembered_or_fitted(X, y, names)
        self.n_rows_ = len(y), len(y_after)
        lost = np.setdiff1d(y, y_after)
        if len(lost):
            raise DataError(
                f"{self.key} leaves no row of class {names[lost[0]]!r}: "
                f"{milder(self.sampler, self.key)}."
            )
        own = getattr(self.sampler_, "notes_", ())
        self.notes_ = (*clipped, *own, *self._unchanged(y, y_after, names))
        return X_after, y_after

    def _remembered_or_fitted(
        self, X: ArrayLike, y: NDArray[np.int64], names: Sequence[str]
    ) -> tuple[Any, Any, tuple[str, ...]]:
        """Return rows that were made of the same before, in copies, or make them."""
        reuse = self.reuse
        if reuse is None:
            return self._fit_clipped(X, y, names)
        key = reuse.key_of(self.key.rpartition(".")[2], self.sampler, self.neighbors, X, y)
        if key is None:
            return self._fit_clipped(X, y, names)
        known = reuse.find(key)
        if known is not None:
            self.sampler_ = SimpleNamespace(**known.facts)
            return known.X.copy("K"), known.y.copy(), known.clipped
        started = time.perf_counter()
        made = self._fit_clipped(X, y, names)
        reuse.keep(key, *made, self.sampler_, time.perf_counter() - started)
        return made

    def _fit_clipped(
        self, X: ArrayLike, y: NDArray[np.int64], names: Sequence[str]
    ) -> tuple[Any, Any, tuple[str, ...]]:
        """Resample with as many neighbours as there is room for.

        Notes say what was clipped, and what there was to say of the search.
        """
        sampler = clone(self.sampler, safe=False)
        self._search = None if self.neighbors is None else self.neighbors.noticing(self.key)
        notes: dict[str, str] = {}
        while True:
            self.sampler_ = clone(sampler, safe=False)
            try:
                self._pass_search(X)
                rows = self.sampler_.fit_resample(X, y)
                said = () if self._search is None else self._search.notice.notes
                return *rows, (*notes.values(), *said)
            except (ValueError, RuntimeError) as error:
                refusal = explain(error, sampler, self.key, y, names)
                if refusal is None:
                    raise
                if not refusal.possible:
                    before = [f"{note[:-1]}; " for note in notes.values()]
                    raise DataError("".join([*before, refusal.sentence])) from error
            name, asked = refusal.parameter, self.sampler.get_params()[refusal.parameter]
            notes[name] = (
                f"{self.key}.{dotted(name)}={asked} was clipped to {refusal.possible}: "
                f"{refusal.why}."
            )
            sampler = clone(sampler).set_params(**{name: refusal.possible})

    def _pass_search(self, X: ArrayLike) -> None:
        """Pass the search to the copy; the configured sampler keeps numbers, to be clipped."""
        if self._search is not None:
            from imbench.strategies.neighbors.parameters import pass_search

            pass_search(self.sampler_, self._search, X)

    def _unchanged(
        self, y: NDArray[np.int64], y_after: NDArray[np.int64], names: Sequence[str]
    ) -> Iterator[str]:
        """Yield a note where a class was passed over, which no sampler says itself."""
        before, after = (np.bincount(labels, minlength=y.max() + 1) for labels in (y, y_after))
        same = after == before
        if same.all():
            yield f"{self.key} changed the size of no class."
        elif (after > before).any():
            for label in np.flatnonzero(same & (before > 0) & (before < after.max())):
                yield f"{self.key} made no row of class {names[int(label)]!r}."


class RowCounter(TrainingOnly, NamedOnce, BaseEstimator):
    """Counts the rows of each class on their way to the model, and changes nothing.

    Parameters
    ----------
    n_classes : int
    witness : Witness or None, default=None
        Whom the pipeline tells what it was fitted on.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        0..K-1, also those without rows; of labels that are no whole numbers those that are there.
    class_counts_ : ndarray of shape (K,)
    """

    def __init__(self, n_classes: int, witness: Witness | None = None) -> None:
        self.n_classes = n_classes
        self.witness = witness

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Count and pass on."""
        labels = np.asarray(y)
        if labels.dtype.kind in "iu":
            self.class_counts_ = np.bincount(labels, minlength=self.n_classes)
            self.classes_ = np.arange(len(self.class_counts_))
        else:
            self.classes_, self.class_counts_ = np.unique(labels, return_counts=True)
        return X, y

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Do nothing; scikit-learn's pipelines look for it."""
        return self
