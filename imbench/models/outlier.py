"""Outlier detectors as classifiers: the rare class is what differs from the large class."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    OutlierMixin,
    clone,
)
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.utils.validation import check_is_fitted

from imbench.models.mixin import ModelMixin
from imbench.strategies.facts import TrainingFacts

ROWS_PER_COMPONENT = 5  # fewer, and the smallest determinant is one of a singular matrix


class OutlierClassifier(ModelMixin, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Fit an outlier detector on the larger class, and read its scores as P(rare class).

    Parameters
    ----------
    estimator : outlier detector
        With ``fit(X)`` and ``decision_function``, large for rows like those it was fitted on.
    cv : int, default=3
        Folds of the larger class for the scores that the probabilities are made from.
    random_state : int or None
        Shuffle of these folds.

    Attributes
    ----------
    estimator_ : outlier detector
        Fitted on all rows of the larger class, and on no other.
    classes_ : ndarray of shape (2,)
    rare_ : int
        Position of the smaller class in ``classes_``; the second if they are equally large.
    curve_ : LogisticRegression or None
        From a score to P(rare); None if rare rows look no stranger than the others.
    device_ : str

    Notes
    -----
    Labels of rare rows serve one purpose: a logistic curve over the score, which is increasing
    or, where the detector is of no use, constant. It cannot change the order of the rows. Rows of
    the larger class enter it with scores of detectors that were fitted without them, because
    most detectors find their own training rows normal.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([rng.normal(size=(40, 2)), rng.normal(8, 1, size=(20, 2))])
    >>> y = np.repeat(["common", "rare"], [40, 20])
    >>> model = OutlierClassifier(PrincipalEnvelope(random_state=0), random_state=0)
    >>> model.fit(X, y).predict([[0.0, 0.0], [8.0, 8.0]]).tolist()
    ['common', 'rare']
    """

    def __init__(self, estimator: Any, *, cv: int = 3, random_state: int | None = None) -> None:
        self.estimator = estimator
        self.cv = cv
        self.random_state = random_state

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        if not isinstance(self.cv, int) or self.cv < 2:
            raise ValueError(f"cv must be an integer of at least 2, got {self.cv!r}.")
        if hasattr(self.estimator, "check_params"):
            self.estimator.check_params()

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the detector, and the curve from its scores to probabilities.

        Parameters
        ----------
        X : array of shape (n, d)
        y : array of shape (n,)

        Raises
        ------
        ValueError
            If there are not two classes, or fewer rows of the larger one than folds.
        """
        self.check_params()
        rows = np.asarray(X)
        self.classes_, encoded, counts = np.unique(y, return_inverse=True, return_counts=True)
        if len(self.classes_) != 2:
            raise ValueError(
                f"an outlier detector tells two classes apart, got {len(self.classes_)} in y."
            )
        self.rare_ = int(counts[1] <= counts[0])
        is_rare = encoded == self.rare_
        if counts.max() < self.cv:
            raise ValueError(
                f"model.estimator.cv={self.cv} is more than the {counts.max()} rows of the larger "
                "class: set it lower."
            )
        normal = rows[~is_rare]
        self.estimator_ = clone(self.estimator).fit(normal)
        # A detector that is a net says where it was trained; scikit-learn's have no such thing.
        self.device_ = getattr(self.estimator_, "device_", "cpu")
        folds = KFold(self.cv, shuffle=True, random_state=self.random_state)
        scores = np.empty(len(rows))
        scores[~is_rare] = -cross_val_predict(
            self.estimator, normal, cv=folds, method="decision_function"
        )
        scores[is_rare] = -self.estimator_.decision_function(rows[is_rare])
        self._fit_curve(scores, is_rare)
        return self

    def _fit_curve(self, scores: NDArray[np.float64], is_rare: NDArray[np.bool_]) -> None:
        low, self._centre, high = np.quantile(scores[~is_rare], [0.25, 0.5, 0.75])
        self._spread = (high - low) or 1.0
        curve = LogisticRegression().fit(self._strangeness(scores), is_rare)
        self.curve_ = curve if curve.coef_[0, 0] > 0 else None
        self._share = float(is_rare.mean())

    def _strangeness(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores in units of the larger class, shape (n, 1); far tails as logarithms."""
        return np.arcsinh((scores - self._centre) / self._spread)[:, None]

    def training_facts(self) -> TrainingFacts:
        """Return what is known of the training; called after ``fit``."""
        return TrainingFacts(self.classes_, device=self.device_)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities of the two classes, shape (n, 2)."""
        check_is_fitted(self)
        strangeness = self._strangeness(-self.estimator_.decision_function(np.asarray(X)))
        if self.curve_ is None:
            rare = np.full(len(strangeness), self._share)
        else:
            rare = self.curve_.predict_proba(strangeness)[:, 1]
        scores = np.empty((len(rare), 2))
        scores[:, self.rare_], scores[:, 1 - self.rare_] = rare, 1 - rare
        return scores

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the more probable class of each row, shape (n,)."""
        return self.classes_[self.predict_proba(X).argmax(1)]


class PrincipalEnvelope(OutlierMixin, BaseEstimator):
    """scikit-learn's robust Gaussian on the principal components that carry the variance.

    Constant columns, one-hot codes and neighbouring pixels make a covariance singular, which a
    robust fit cannot handle.

    Parameters
    ----------
    variance : float, default=0.99
        Share of the variance that is kept, in (0, 1]; never more than one component for
        every five rows.
    random_state : int or None

    Attributes
    ----------
    components_ : PCA
    envelope_ : EllipticEnvelope

    References
    ----------
    Rousseeuw & van Driessen 1999, "A Fast Algorithm for the Minimum Covariance Determinant
    Estimator", DOI 10.1080/00401706.1999.10485670.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> envelope = PrincipalEnvelope(random_state=0).fit(X)
    >>> envelope.predict([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]]).tolist()
    [1, -1]
    """

    def __init__(self, *, variance: float = 0.99, random_state: int | None = None) -> None:
        self.variance = variance
        self.random_state = random_state

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        if not isinstance(self.variance, int | float) or not 0 < self.variance <= 1:
            raise ValueError(f"variance must lie in (0, 1], got variance={self.variance!r}.")

    def fit(self, X: NDArray[Any], y: None = None) -> Self:
        """Fit components and envelope to rows of shape (n, d)."""
        self.check_params()
        explained = PCA(svd_solver="full").fit(X).explained_variance_ratio_
        wanted = int(np.searchsorted(explained.cumsum(), self.variance - 1e-9)) + 1
        n_components = max(1, min(wanted, len(X) // ROWS_PER_COMPONENT))
        self.components_ = PCA(n_components, svd_solver="full").fit(X)
        self.envelope_ = EllipticEnvelope(random_state=self.random_state)
        self.envelope_.fit(self.components_.transform(X))
        return self

    def decision_function(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return how normal rows are, shape (n,): minus a squared Mahalanobis distance, shifted."""
        return self.envelope_.decision_function(self.components_.transform(X))

    def predict(self, X: NDArray[Any]) -> NDArray[np.int64]:
        """Return 1 for normal rows and -1 for outliers, shape (n,)."""
        return self.envelope_.predict(self.components_.transform(X))
