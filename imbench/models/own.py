"""Classifiers of users: checked before anything runs, and wrapped where methods are missing."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from imbench.models.mixin import ModelMixin

METHODS = ("get_params", "set_params", "fit", "predict")
OTHER_KINDS = {
    "regressor": "a regressor: name a classifier",
    "clusterer": "a clusterer: name a classifier",
    "density_estimator": "a density estimator: name a classifier",
    "outlier_detector": "an outlier detector: put it into "
    "imbench.models.outlier.OutlierClassifier, as conf/model/isolation_forest.yaml does",
}
"""Kinds of estimators beside classifiers, and what to do."""


class OwnClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """A classifier or pipeline with the methods that strategies call.

    Made by :func:`as_classifier`. Scores of a classifier without ``predict_proba`` are a logistic
    function of its ``decision_function``, or the softmax where there are more than two classes.

    Parameters
    ----------
    estimator : estimator
        With ``predict`` and one of ``predict_proba`` and ``decision_function``.

    Attributes
    ----------
    estimator_ : estimator
    classes_ : ndarray of shape (K,)
    notes_ : tuple of str
        How the scores were made, where the estimator gives no probabilities.

    Notes
    -----
    Both functions are increasing: a ranking of rows and the likeliest class are those of the
    estimator. The scores are no calibrated probabilities.

    Examples
    --------
    >>> from sklearn.svm import LinearSVC
    >>> model = OwnClassifier(LinearSVC()).fit([[0.0], [1.0], [3.0], [4.0]], [0, 0, 1, 1])
    >>> model.predict_proba([[0.0], [4.0]]).round(2).tolist()
    [[0.71, 0.29], [0.23, 0.77]]
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def __sklearn_tags__(self) -> Any:
        """Return the tags of the estimator inside: it decides what data is taken."""
        return get_tags(self.estimator)

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the estimator to rows (n, d) and labels (n,)."""
        return self._fit(X, y)

    def _fit(self, X: ArrayLike, y: ArrayLike, **given: Any) -> Self:
        self.estimator_ = clone(self.estimator).fit(X, y, **given)
        self.classes_ = np.asarray(getattr(self.estimator_, "classes_", np.unique(y)))
        self.notes_: tuple[str, ...] = ()
        if not hasattr(self.estimator_, "predict_proba"):
            how = "logistic function" if len(self.classes_) == 2 else "softmax"
            self.notes_ = (
                f"{name_of(self.estimator)} has no predict_proba: scores are the {how} of its "
                "decision_function, no calibrated probabilities (decision=platt makes some).",
            )
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the labels of the estimator, shape (n,)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict(X))

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities or scores that sum to one, shape (n, K).

        Raises
        ------
        ValueError
            If ``decision_function`` does not return a column for each class.
        """
        check_is_fitted(self)
        if hasattr(self.estimator_, "predict_proba"):
            return np.asarray(self.estimator_.predict_proba(X), np.float64)
        from scipy.special import expit, softmax

        values = np.asarray(self.estimator_.decision_function(X), np.float64)
        if values.ndim == 1 and len(self.classes_) == 2:
            return np.column_stack([expit(-values), expit(values)])
        if values.shape[1:] != (len(self.classes_),):
            raise ValueError(
                f"the decision_function of {name_of(self.estimator)} returns shape {values.shape} "
                f"for {len(self.classes_)} classes: it needs a column for each class."
            )
        return np.asarray(softmax(values, axis=1))


class OwnWeightedClassifier(OwnClassifier):
    """The same for estimators that take ``sample_weight``, or whose last step does.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> inner = make_pipeline(StandardScaler(), LogisticRegression())
    >>> model = OwnWeightedClassifier(inner)
    >>> model.fit([[0.0], [1.0]] * 2, [0, 1] * 2, sample_weight=[9.0, 1.0] * 2)
    OwnWeightedClassifier(...
    >>> int(model.predict([[0.6]])[0])
    0
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the estimator to rows (n, d), labels (n,) and weights of rows (n,)."""
        if sample_weight is None:
            return self._fit(X, y)
        name = weight_parameter(self.estimator)
        return self._fit(X, y, **{str(name): sample_weight})


def as_classifier(estimator: Any) -> Any:
    """Check an estimator, and wrap it if it is a pipeline or has no ``predict_proba``.

    Raises
    ------
    ValueError
        If it is no classifier of scikit-learn, or gives no scores.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> as_classifier(KNeighborsClassifier())
    KNeighborsClassifier()
    >>> from sklearn.svm import LinearSVC
    >>> as_classifier(LinearSVC())
    OwnWeightedClassifier(estimator=LinearSVC())
    """
    if isinstance(estimator, ModelMixin):
        return estimator
    _check(estimator)
    if hasattr(estimator, "predict_proba") and not isinstance(estimator, Pipeline):
        return estimator
    if weight_parameter(estimator) is None:
        return OwnClassifier(estimator)
    return OwnWeightedClassifier(estimator)


def _check(estimator: Any) -> None:
    """Raise ValueError unless an object is a classifier whose scores can be had."""
    name = name_of(estimator)
    lacking = [method for method in METHODS if not hasattr(estimator, method)]
    if isinstance(estimator, type) or lacking:
        what = "a class" if isinstance(estimator, type) else f"without {', '.join(lacking)}"
        raise ValueError(
            f"{name} is no classifier of scikit-learn but {what}: name a class that is derived "
            "from sklearn.base.ClassifierMixin and BaseEstimator, or a function that returns one "
            "of its objects."
        )
    tags = get_tags(estimator) if hasattr(estimator, "__sklearn_tags__") else None
    if kind := OTHER_KINDS.get(getattr(tags, "estimator_type", None) or ""):
        raise ValueError(f"{name} is {kind}.")
    if not (hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function")):
        raise ValueError(
            f"{name} has neither predict_proba nor decision_function, and ranking rows needs "
            "scores: give it one of the two."
        )
    if estimator.get_params().get("decision_function_shape") == "ovo":
        raise ValueError(
            f"{name} scores pairs of classes with decision_function_shape='ovo': set "
            "+model.estimator.decision_function_shape=ovr."
        )


def name_of(estimator: Any) -> str:
    """Return the name of a class; of a pipeline that of its last step.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import LinearSVC
    >>> name_of(make_pipeline(LinearSVC()))
    'LinearSVC'
    """
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__


def weight_parameter(estimator: Any) -> str | None:
    """Return the parameter of ``fit`` for weights of rows, None if there is none.

    Of a pipeline it is that of the last step; weights cannot follow rows through a resampler.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import LinearSVC
    >>> weight_parameter(make_pipeline(LinearSVC()))
    'linearsvc__sample_weight'
    """
    steps = ""
    while isinstance(estimator, Pipeline):
        if any(hasattr(step, "fit_resample") for _, step in estimator.steps):
            return None
        name, estimator = estimator.steps[-1]
        steps += f"{name}__"
    return f"{steps}sample_weight" if has_fit_parameter(estimator, "sample_weight") else None
