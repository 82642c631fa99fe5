"""Polynomial fitting SMOTE: new rows on the lines from each row of a class to the class mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.resample.base import OverSampler, apportion


class PolynomFitSMOTE(OverSampler):
    """Over-sample by polynomial fitting with the star topology.

    The new rows of a row x are x + i / (k + 1) (mean - x), i = 1..k.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn; ``auto`` brings every class up to the largest.
    random_state : int or None
        Chooses the rows that get one new row more than others.

    Notes
    -----
    In the paper each row gets the same integer k of new rows, so class sizes match only
    approximately. Here k is that integer or one more, and the sizes are exact. The paper has four
    topologies (star, polynomial curve, bus, mesh); this is the star.

    References
    ----------
    Gazzah & Essoukri Ben Amara 2008, "New oversampling approaches based on polynomial fitting for
    imbalanced data sets", DOI 10.1109/DAS.2008.74, section 3 (star topology).

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0], [5.0], [9.0]]), np.array([0, 0, 0, 0, 1, 1])
    >>> X_after, y_after = PolynomFitSMOTE(random_state=0).fit_resample(X, y)
    >>> X_after[6:]
    array([[6.],
           [8.]])
    """

    def new_rows(
        self, X: NDArray[Any], others: NDArray[Any], n_new: int, rng: np.random.RandomState
    ) -> NDArray[Any]:
        """Return points evenly spaced between each row and the mean, without the two ends."""
        counts = apportion(np.ones(len(X)), n_new, rng)
        rows = np.repeat(np.arange(len(X)), counts)
        place = np.arange(n_new) - np.repeat(counts.cumsum() - counts, counts) + 1  # 1..k a row
        step = (place / (counts[rows] + 1))[:, None]
        return X[rows] + step * (X.mean(0) - X[rows])
