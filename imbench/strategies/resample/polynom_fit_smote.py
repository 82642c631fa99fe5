"""New rows on the lines of a star, from each row of a class to the class's mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.resample.base import OverSampler, apportion


class PolynomFitSMOTE(OverSampler):
    """Polynomial fitting with the star topology: x + i / (k + 1) (mean - x), i = 1..k.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn; ``auto`` brings every class up to the largest.
    random_state : int or None
        Which rows get one more new row than others, where they cannot all get as many.

    Notes
    -----
    The paper gives each row the same whole number k of new rows, so that class sizes match only
    nearly. Here k is that number or one more, and the sizes are exact. Of its four topologies
    (star, polynomial curve, bus, mesh) this is the star.

    References
    ----------
    Gazzah & Essoukri Ben Amara 2008, "New oversampling approaches based on polynomial fitting for
    imbalanced data sets", DOI 10.1109/DAS.2008.74, section 3 (star topology).
    """

    def new_rows(
        self, X: NDArray[Any], others: NDArray[Any], n_new: int, rng: np.random.RandomState
    ) -> NDArray[Any]:
        """Return points evenly spaced between each row and the mean, both ends left out."""
        counts = apportion(np.ones(len(X)), n_new, rng)
        rows = np.repeat(np.arange(len(X)), counts)
        place = np.arange(n_new) - np.repeat(counts.cumsum() - counts, counts) + 1  # 1..k a row
        step = (place / (counts[rows] + 1))[:, None]
        return X[rows] + step * (X.mean(0) - X[rows])
