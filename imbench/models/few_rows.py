"""Models that are fitted to fewer rows than their neighbors or inner folds need."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from imbench.models.weighted import WeightedClassifier

CLIPPED = {
    "KNeighborsClassifier": ("n_neighbors", "the rows"),
    "CalibratedClassifierCV": ("cv", "the rows of the smallest class"),
}
"""Classes of scikit-learn that refuse few rows: what is clipped, and to what."""


def clip_to_rows(model: Any, y: ArrayLike) -> tuple[str, ...]:
    """Let a model ask for no more neighbors, or inner folds, than there are rows.

    Parameters
    ----------
    model : estimator
        Not fitted; its ``n_neighbors`` is set to the number of rows at most, and an integer
        ``cv`` to that of the smallest class, which must be 2 at least.
    y : array of shape (n,)
        Labels of the rows that it is fitted to.

    Returns
    -------
    tuple of str
        A note if one was clipped.

    Notes
    -----
    Two classes are known by name, to import neither: others clip by themselves, as the outlier
    detector of neighbors does, or go on with a warning. A bag that is under-sampled to a class of
    two rows has four.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> model = KNeighborsClassifier(n_neighbors=5)
    >>> for note in clip_to_rows(model, [0, 0, 1, 1]):
    ...     print(note)
    model.estimator.n_neighbors=5 was clipped to the rows that the model was fitted to, of which \
there were fewer.
    >>> model.n_neighbors, clip_to_rows(model, [0, 1] * 50)
    (4, ())
    """
    while isinstance(model, WeightedClassifier):
        model = model.estimator
    kinds = [kind.__name__ for kind in type(model).__mro__ if kind.__name__ in CLIPPED]
    if not kinds:
        return ()
    name, what = CLIPPED[kinds[0]]
    least, most = (1, len(np.asarray(y))) if name == "n_neighbors" else (2, _smallest(y))
    wanted = getattr(model, name)
    if not isinstance(wanted, int) or not wanted > most >= least:
        return ()
    model.set_params(**{name: most})
    return (
        f"model.estimator.{name}={wanted} was clipped to {what} that the model was fitted to, of "
        "which there were fewer.",
    )


def _smallest(y: ArrayLike) -> int:
    return int(np.unique(y, return_counts=True)[1].min())
