"""Platt scaling and isotonic regression on inner folds, with scikit-learn's calibrators."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from imbench.strategies.decision.base import RowsAsScores, TunedRule, log_scores


def log_odds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(p / (1 - p)) of each class against the rest, shape (n, K); finite."""
    return log_scores(scores) - log_scores(1 - scores)


class _Calibrated(TunedRule):
    """The scores of a :class:`CalibratedClassifierCV` on out-of-fold log-odds."""

    method: ClassVar[str]

    def _learn_from(
        self,
        scores: NDArray[np.float64],
        y: NDArray[np.int64],
        weight: NDArray[np.float64] | None = None,
    ) -> None:
        frozen = FrozenEstimator(RowsAsScores().fit(scores, y))
        # Nothing is fitted again: the folds only order the scores, which are out-of-fold already.
        cv = min(self.cv, int(np.bincount(y).min()))
        self.calibrator_ = CalibratedClassifierCV(frozen, method=self.method, cv=cv)
        with warnings.catch_warnings():  # weights are for the calibration alone, as is meant
            warnings.filterwarnings("ignore", "Since FrozenEstimator", UserWarning)
            self.calibrator_.fit(log_odds(scores), y, sample_weight=weight)

    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Return calibrated probabilities, shape (n, K)."""
        return self.calibrator_.predict_proba(log_odds(super().predict_proba(X)))


class PlattScaling(_Calibrated):
    """Scores sigmoid(a log-odds + b) of each class against the rest, normalised.

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
    calibrator_ : CalibratedClassifierCV

    Notes
    -----
    Log-odds and not probabilities go into the sigmoid, so that a = 1, b = 0 changes nothing.

    References
    ----------
    Platt 1999, "Probabilistic Outputs for Support Vector Machines", Advances in Large Margin
    Classifiers, eq. 3; one against the rest: Zadrozny & Elkan 2002, DOI 10.1145/775047.775151.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> fitted = PlattScaling(LogisticRegression(), cv=3, random_state=0).fit(X, y)
    >>> fitted.n_fits_
    4
    """

    name: ClassVar[str] = "platt"
    method: ClassVar[str] = "sigmoid"


class IsotonicCalibration(_Calibrated):
    """Scores from an isotonic regression of each class against the rest, normalised.

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
    calibrator_ : CalibratedClassifierCV

    References
    ----------
    Zadrozny & Elkan 2002, "Transforming Classifier Scores into Accurate Multiclass Probability
    Estimates", DOI 10.1145/775047.775151, section 3.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> fitted = IsotonicCalibration(LogisticRegression(), cv=3, random_state=0).fit(X, y)
    >>> fitted.predict_proba(X).shape
    (200, 2)
    """

    name: ClassVar[str] = "isotonic"
    method: ClassVar[str] = "isotonic"
