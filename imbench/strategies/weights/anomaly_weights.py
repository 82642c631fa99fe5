"""Weights of rows by how anomalous they are among the rows of their class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags

from imbench.strategies.anomaly import anomaly_ranks, anomaly_scores, check_scorer, takes_nan
from imbench.strategies.weights.checks import check_number
from imbench.strategies.weights.inverse_weights import InverseWeights


class AnomalyWeights(BaseEstimator):
    """Anomalous rows of the rarer classes count more, those of the largest class less.

    Within a class the weight is linear in the anomaly rank, with a mean of one.

    Parameters
    ----------
    up : float, default=3.0
        How many times the weight of the most normal row the most anomalous one has, in the rarer
        classes; at least 1, which leaves them alone.
    down : float, default=3.0
        The same for the most normal row over the most anomalous one of the largest class.
    class_balanced : bool, default=True
        Multiply by inverse class frequencies; False leaves the classes their shares.
    scorer : estimator or None
        See :func:`imbench.strategies.anomaly.anomaly_scores`; None is an isolation forest.
    random_state : int or None
        Seed of the scorer.

    Notes
    -----
    A copy of the scorer is fitted on the rows of each class. It sees the rows as the model does,
    behind its preprocessing: one-hot columns, or codes for models that split on categories. Nets
    score their training rows once, not their validation rows. Weights of a mean of one in each
    class leave to ``class_balanced`` how much a class counts in total. With two or more largest
    classes ``down`` is for all of them. A mislabelled row is anomalous too: in a rare class it
    gets the largest weight.

    No publication is known to us that evaluates this method. The scores are those of the scorer.

    References
    ----------
    Liu, Ting & Zhou 2008, "Isolation Forest", DOI 10.1109/ICDM.2008.17 (the scores).

    Examples
    --------
    >>> X, y = np.array([[0.0], [0.1], [9.0], [5.0], [5.1]]), np.array([0, 0, 0, 1, 1])
    >>> weights = AnomalyWeights(random_state=0)
    >>> weights(np.bincount(y), progress=0.0)
    array([0.4, 0.6])
    >>> weights.row_weights(X, y)[:3].round(2)  # the last is an outlier of the larger class
    array([1. , 1.5, 0.5])
    """

    def __init__(
        self,
        up: float = 3.0,
        down: float = 3.0,
        class_balanced: bool = True,
        scorer: Any = None,
        random_state: int | None = None,
    ) -> None:
        self.up = up
        self.down = down
        self.class_balanced = class_balanced
        self.scorer = scorer
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = takes_nan(self.scorer)
        return tags

    def check_params(self) -> None:
        """Raise ValueError for a parameter out of range; called before anything runs."""
        check_number("up", self.up, low=1.0)
        check_number("down", self.down, low=1.0)
        if not isinstance(self.class_balanced, bool):
            raise ValueError(f"class_balanced must be true or false, got {self.class_balanced!r}.")
        check_scorer(self.scorer)

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Return class weights of shape (K,) for counts of shape (K,)."""
        return InverseWeights(1.0 if self.class_balanced else 0.0)(counts, progress)

    def row_weights(self, X: ArrayLike, y: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what the class weight of each row is multiplied by, shape (n,).

        Parameters
        ----------
        X : array of shape (n, d)
        y : ndarray of shape (n,)
            Labels 0..K-1.

        Raises
        ------
        ValueError
            If a parameter is out of range, or the scorer refuses the rows of a class.
        """
        self.check_params()
        rows, labels = np.asarray(X), np.asarray(y)
        counts = np.bincount(labels)
        weights = np.ones(len(labels))
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            last = 1 / self.down if counts[label] == counts.max() else self.up
            if last == 1 or len(members) < 2:
                continue
            scores = anomaly_scores(rows[members], self.scorer, self.random_state)
            place = (anomaly_ranks(scores) - 1) / (len(members) - 1)  # 0 to 1
            own = 1 + (last - 1) * place
            weights[members] = own / own.mean()
        return weights
