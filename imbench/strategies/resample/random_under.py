"""Random under-sampling to a ratio to the smallest class, for any number of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from imblearn.under_sampling import RandomUnderSampler
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import Tags


class RandomUnderRatio(BaseEstimator):
    """Remove random rows until no class has more than ``ratio`` times the rows of the smallest.

    Parameters
    ----------
    ratio : float, default=1.0
        At least 1. 3.0 is the ratio 3:1 of the tutorial; 1.0 gives all classes the same size.
    replacement : bool, default=False
        Whether the rows of a reduced class are drawn with replacement.
    random_state : int or None

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_after,)
        Indices of the rows that remain.

    Notes
    -----
    imbalanced-learn's ``sampling_strategy`` accepts a ratio for two classes only, and as its
    inverse. The rows are drawn by its ``RandomUnderSampler``.

    References
    ----------
    Japkowicz & Stephen 2002, "The class imbalance problem: a systematic study",
    DOI 10.3233/IDA-2002-6504.

    Examples
    --------
    >>> X, y = np.arange(12)[:, None], np.repeat([0, 1], [10, 2])
    >>> X_after, y_after = RandomUnderRatio(ratio=3, random_state=0).fit_resample(X, y)
    >>> np.bincount(y_after)
    array([6, 2])
    """

    def __init__(
        self, ratio: float = 1.0, replacement: bool = False, random_state: int | None = None
    ) -> None:
        self.ratio = ratio
        self.replacement = replacement
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # the values of the rows are not used
        return tags

    def check_params(self) -> None:
        """Raise ValueError for a parameter out of range; called before anything runs."""
        if not 1 <= self.ratio < float("inf"):
            raise ValueError(f"ratio must be a number of at least 1, got {self.ratio!r}.")

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Return the rows that remain, shape (n_after, d), and their labels."""
        self.check_params()
        labels, counts = np.unique(y, return_counts=True)
        # 1.15 * 100 is 114.99999999999999 in floating point.
        most = int(self.ratio * counts.min() + 1e-9)
        cut = {label: most for label, n in zip(labels.tolist(), counts, strict=True) if n > most}
        sampler = RandomUnderSampler(
            sampling_strategy=cut, replacement=self.replacement, random_state=self.random_state
        )
        left = sampler.fit_resample(X, y)
        self.sample_indices_ = sampler.sample_indices_
        return left
