"""How anomalous the rows of a class are among themselves, by any scorer of scikit-learn's form."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import get_tags

FEWEST_ROWS = 2  # of a class for which a scorer is fitted


def check_scorer(scorer: Any) -> None:
    """Raise ValueError unless a scorer is None or has ``fit`` and ``score_samples``."""
    if scorer is None or (hasattr(scorer, "fit") and hasattr(scorer, "score_samples")):
        return
    raise ValueError(
        "scorer must be null (an isolation forest) or have fit and score_samples, as "
        "sklearn.ensemble.IsolationForest and sklearn.neighbors.LocalOutlierFactor with "
        f"novelty=true have, got scorer={scorer!r}."
    )


def takes_nan(scorer: Any) -> bool:
    """Whether a scorer says by its tags that it takes missing values; isolation forests do."""
    return scorer is None or bool(get_tags(scorer).input_tags.allow_nan)


def anomaly_scores(
    X: ArrayLike, scorer: Any = None, random_state: int | None = None
) -> NDArray[np.float64]:
    """Score rows by a detector that is fitted on the same rows.

    Parameters
    ----------
    X : array of shape (n, d)
        Rows of one class.
    scorer : estimator or None
        With ``fit(X)`` and ``score_samples(X)``, which is lower for anomalous rows; fitted as a
        copy. None is ``sklearn.ensemble.IsolationForest()``.
    random_state : int or None
        Seed of a scorer that has none of its own.

    Returns
    -------
    ndarray of shape (n,)
        Higher for rows that differ more from the others. Zeros for a single row, for which
        nothing is fitted.

    Raises
    ------
    ValueError
        If the scorer refuses the rows.

    References
    ----------
    Liu, Ting & Zhou 2008, "Isolation Forest", DOI 10.1109/ICDM.2008.17.

    Examples
    --------
    >>> X = np.array([[0.0], [0.1], [0.2], [9.0]])
    >>> int(anomaly_scores(X, random_state=0).argmax())
    3
    """
    rows = np.asarray(X)
    if len(rows) < FEWEST_ROWS:
        return np.zeros(len(rows))
    if scorer is None:
        from sklearn.ensemble import IsolationForest  # takes 0.3 s, not needed without a strategy

        scorer = IsolationForest()
    fresh = clone(scorer)
    if fresh.get_params(deep=False).get("random_state", 0) is None:
        fresh.set_params(random_state=random_state)
    try:
        return -np.asarray(fresh.fit(rows).score_samples(rows), np.float64)
    except ValueError as error:
        why = str(error).splitlines()[0].rstrip(". ")
        raise ValueError(
            f"the scorer {type(scorer).__name__} refuses the {len(rows)} rows of a class ({why}): "
            "use sklearn.ensemble.IsolationForest."
        ) from error


def anomaly_ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks 1..n of scores, the highest for the highest; equal scores share the mean.

    Examples
    --------
    >>> anomaly_ranks(np.array([0.5, 0.1, 0.5, 0.9]))
    array([2.5, 1. , 2.5, 4. ])
    """
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place]


def with_shares(X: NDArray[Any], categorical: ArrayLike | None) -> NDArray[np.float64]:
    """Return rows in which a category is replaced by its share among the rows.

    The codes of categories have no order that a scorer may use; a share is low for what is rare.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows of one class.
    categorical : sequence of int or None
        Columns that hold codes.

    Examples
    --------
    >>> with_shares(np.array([[0.5, 7.0], [0.1, 7.0], [0.2, 3.0], [0.4, 7.0]]), [1])[:, 1]
    array([0.75, 0.75, 0.25, 0.75])
    """
    columns = np.asarray(() if categorical is None else categorical, np.int64)
    shared = X.astype(np.float64)
    for column in columns:
        _, place, counts = np.unique(X[:, column], return_inverse=True, return_counts=True)
        shared[:, column] = (counts / len(X))[place]
    return shared
