"""Temperature scaling: one number that makes the scores as sure as they should be."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from imbench.strategies.decision.base import TunedRule, log_scores

LOG_BOUNDS = (-5.0, 5.0)  # of 1 / T


def fit_temperature(
    scores: NDArray[np.float64],
    y: NDArray[np.int64],
    weight: NDArray[np.float64] | None = None,
) -> float:
    """Return the T that minimises the mean negative log-likelihood of softmax(log p / T).

    Parameters
    ----------
    scores : ndarray of shape (n, K)
        Probabilities for rows that the model was not fitted on.
    y : ndarray of shape (n,)
        Labels 0..K-1.
    weight : ndarray of shape (n,) or None
        Of the rows; None if all count the same.
    """
    logits, rows = log_scores(scores), np.arange(len(y))

    def loss(log_inverse: float) -> float:
        likelihoods = log_softmax(logits * np.exp(log_inverse), axis=1)[rows, y]
        return -float(np.average(likelihoods, weights=weight))

    return float(np.exp(-minimize_scalar(loss, bounds=LOG_BOUNDS, method="bounded").x))


class TemperatureScaling(TunedRule):
    """Scores softmax(log p / T), T fitted to out-of-fold scores. Labels stay as they are.

    Parameters
    ----------
    estimator : estimator
    cv : int, default=5
        Inner stratified folds.
    random_state : int or None
        Shuffle of the inner folds.

    Attributes
    ----------
    estimator_, classes_, n_fits_
        As in :class:`imbench.strategies.decision.base.DecisionRule`.
    temperature_ : float
        T; above 1 the classifier was too sure.

    Notes
    -----
    For a net log p is its logits up to a constant, which T does not see. The classifier is
    fitted on all rows afterwards, a few more than those that T was found with.

    References
    ----------
    Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599, eq. 9.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> fitted = TemperatureScaling(LogisticRegression(), cv=3, random_state=0).fit(X, y)
    >>> round(fitted.temperature_, 1)
    1.2
    """

    name: ClassVar[str] = "temperature"

    def _learn_from(
        self,
        scores: NDArray[np.float64],
        y: NDArray[np.int64],
        weight: NDArray[np.float64] | None = None,
    ) -> None:
        self.temperature_ = fit_temperature(scores, y, weight)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return scaled probabilities, shape (n, K)."""
        return softmax(log_scores(super().predict_proba(X)) / self.temperature_, axis=1)
