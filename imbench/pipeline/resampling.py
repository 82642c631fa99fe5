"""Run a sampler on training rows: pass the search, clip numbers of neighbors, explain errors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from imbench.errors import DataError
from imbench.strategies.resample.refusals import dotted, explain, milder

if TYPE_CHECKING:
    from imbench.strategies.neighbors.base import Neighbors
    from imbench.strategies.resample.picture import Picture


@dataclass(frozen=True, eq=False)
class Resampled:
    """Resampled rows and the facts of the fit.

    Parameters
    ----------
    X : ndarray of shape (n_after, d)
    y : ndarray of shape (n_after,)
    notes : tuple of str
        What was clipped or announced, what the sampler notes itself, classes that did not change.
    picture : Picture or None
        A few rows to be drawn, of samplers that have some.
    fit_s : float
        Seconds of the fit.
    reused_s : float, default=0.0
        ``fit_s`` if the rows come from a cache, otherwise 0.
    """

    X: Any
    y: NDArray[Any]
    notes: tuple[str, ...]
    picture: Picture | None
    fit_s: float
    reused_s: float = 0.0


def resample(
    sampler: Any,
    key: str,
    class_names: Sequence[str],
    neighbors: Neighbors | None,
    X: ArrayLike,
    y: NDArray[np.int64],
) -> Resampled:
    """Resample training rows with a copy of a sampler.

    A number of neighbors that is too large for a class is clipped, with a note.

    Parameters
    ----------
    sampler : object with ``fit_resample(X, y)``
        Not fitted.
    key : str
        Where the sampler stands in the configuration, for the messages.
    class_names : sequence of str
        Names of the labels 0..K-1.
    neighbors : Neighbors or None
        The search that the sampler uses where it accepts one; None keeps the sampler's own.
    X : array of shape (n, d)
    y : ndarray of shape (n,)

    Raises
    ------
    DataError
        If the sampler refuses the rows, for example because a class has a single one, or if it
        removes all rows of a class.

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> X, y = np.arange(12.0)[:, None], np.repeat([0, 1], [9, 3])
    >>> found = resample(SMOTE(random_state=0), "strategy.resample.smote", ("a", "b"), None, X, y)
    >>> np.bincount(found.y)
    array([9, 9])
    >>> found.notes[0].partition(":")[0]
    'strategy.resample.smote.k_neighbors=5 was clipped to 2'
    """
    started = time.perf_counter()
    X_after, y_after, notes, fitted = _fit_clipped(sampler, key, class_names, neighbors, X, y)
    lost = np.setdiff1d(y, y_after)
    if len(lost):
        raise DataError(
            f"{key} leaves no row of class {class_names[lost[0]]!r}: {milder(sampler, key)}."
        )
    notes += (*getattr(fitted, "notes_", ()), *_unchanged(key, y, y_after, class_names))
    fit_s = time.perf_counter() - started
    return Resampled(X_after, y_after, notes, getattr(fitted, "picture_", None), fit_s)


def _fit_clipped(
    sampler: Any,
    key: str,
    class_names: Sequence[str],
    neighbors: Neighbors | None,
    X: ArrayLike,
    y: NDArray[np.int64],
) -> tuple[Any, Any, tuple[str, ...], Any]:
    """Fit copies of a sampler with fewer and fewer neighbors until it accepts the rows.

    Returns
    -------
    X_after, y_after, notes, fitted sampler
    """
    clipped = clone(sampler, safe=False)
    search = None if neighbors is None else neighbors.noticing(key)
    notes: dict[str, str] = {}
    while True:
        fitted = clone(clipped, safe=False)
        try:
            if search is not None:
                from imbench.strategies.neighbors.parameters import pass_search

                pass_search(fitted, search, X)
            X_after, y_after = fitted.fit_resample(X, y)
        except (ValueError, RuntimeError) as error:
            refusal = explain(error, clipped, key, y, class_names)
            if refusal is None:
                raise
            if not refusal.possible:
                before = [f"{note[:-1]}; " for note in notes.values()]
                raise DataError("".join([*before, refusal.sentence])) from error
            name, wanted = refusal.parameter, sampler.get_params()[refusal.parameter]
            notes[name] = (
                f"{key}.{dotted(name)}={wanted} was clipped to {refusal.possible}: {refusal.why}."
            )
            clipped = clone(clipped).set_params(**{name: refusal.possible})
        else:
            if search is not None and search.notice is not None:
                notes |= {note: note for note in search.notice.notes}
            return X_after, y_after, tuple(notes.values()), fitted


def _unchanged(
    key: str, y: NDArray[np.int64], y_after: NDArray[np.int64], class_names: Sequence[str]
) -> Iterator[str]:
    """Yield a note for classes that the sampler did not change; samplers themselves say nothing."""
    before, after = (np.bincount(labels, minlength=y.max() + 1) for labels in (y, y_after))
    same = after == before
    if same.all():
        yield f"{key} changed the size of no class."
    elif (after > before).any():
        for label in np.flatnonzero(same & (before > 0) & (before < after.max())):
            yield f"{key} made no row of class {class_names[int(label)]!r}."
