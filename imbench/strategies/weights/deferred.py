"""Deferred re-weighting (DRW): class weights that start late in the training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.protocols import Weights
from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class DeferredWeights:
    """All ones until a share of the epochs is over, then the weights of another entry.

    The net first learns features from unweighted rows, and then adjusts the decision boundaries
    between the classes.

    Parameters
    ----------
    weights : Weights
        Any entry of the stage `weights`.
    start : float, default=0.8
        Share of the epochs without weights, in [0, 1).

    Raises
    ------
    ValueError
        If ``weights`` cannot be called or has weights of rows, or ``start`` lies outside of [0, 1).

    Notes
    -----
    The weights apply from the first epoch e with e / epochs >= start, counted from 0; with fewer
    than 1 / (1 - start) epochs there is no such epoch. The paper also divides the learning rate by
    100 at that point; here the learning rate is a parameter of the model.

    References
    ----------
    Cao et al. 2019, "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss",
    arXiv 1906.07413, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench.strategies.weights.inverse_weights import InverseWeights
    >>> weights = DeferredWeights(InverseWeights(), start=0.8)
    >>> weights(np.array([90, 10]), progress=0.5)
    array([1., 1.])
    >>> weights(np.array([90, 10]), progress=0.8)
    array([0.1, 0.9])
    """

    weights: Weights
    start: float = 0.8

    def __post_init__(self) -> None:
        if not callable(self.weights):
            raise ValueError(
                "weights must be an entry of the stage 'weights', {_target_: ...}, "
                f"got weights={self.weights!r}."
            )
        if hasattr(self.weights, "row_weights"):
            raise ValueError(
                f"weights must depend on classes alone to be deferred, got {self.weights!r}: give "
                "another entry, such as imbench.strategies.weights.inverse_weights.InverseWeights."
            )
        check_number("start", self.start, low=0.0, high=1.0, below=True)

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Return weights of shape (K,) for counts of shape (K,)."""
        if progress < self.start:
            return np.ones(len(counts))
        return self.weights(counts, progress)
