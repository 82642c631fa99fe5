"""Scores of a fitted classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def scores_for(estimator: Any, X: ArrayLike, classes: NDArray[Any]) -> NDArray[np.float64]:
    """Return probabilities with a column for each of the classes, shape (n, K).

    Parameters
    ----------
    estimator : fitted classifier
        It may have met fewer classes than there are.
    X : array of shape (n, d)
    classes : ndarray of shape (K,)
        Sorted; a class that the estimator never met scores 0.

    Raises
    ------
    ValueError
        If the estimator does not return a column for each of its classes.
    """
    found = np.asarray(estimator.predict_proba(X))
    if found.shape[1:] != (len(estimator.classes_),):
        raise ValueError(
            f"predict_proba returned scores of shape {found.shape} for "
            f"{len(estimator.classes_)} classes: it needs a column for each."
        )
    scores = np.zeros((len(found), len(classes)))
    scores[:, np.searchsorted(classes, estimator.classes_)] = found
    return scores
