"""Move the decision threshold to where a metric is best on inner folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV

from imbench.strategies.decision.base import RowsAsScores, TunedRule
from imbench.strategies.fitting import Fitting
from imbench.strategies.inner_splits import Split
from imbench.strategies.rows import TrainingRows

AT_ONCE = 2**14  # rows whose scores of all classes are looked at

Metric = Literal["f1_macro", "balanced_accuracy", "g_mean"] | Callable[[NDArray[np.int64]], float]


def check_metric(metric: object) -> None:
    """Raise ValueError unless a value is the name of a metric or an objective."""
    if not callable(metric) and metric not in ("f1_macro", "balanced_accuracy", "g_mean"):
        raise ValueError(
            "metric must be f1_macro, balanced_accuracy, g_mean or a _target_ such as "
            f"imbench.strategies.decision.objectives.FBeta, got {metric!r}."
        )


def label_score(
    y_true: NDArray[np.int64], y_pred: NDArray[np.int64], n_classes: int, metric: Metric
) -> float:
    """Score predicted labels 0..K-1 from their confusion matrix.

    A confusion matrix and not ``sklearn.metrics``: scikit-learn's search over thresholds calls
    this hundreds of times, and the validation of labels would be nearly all of its time.
    """
    return table_score(confusion(y_true * n_classes + y_pred, n_classes), metric)


def confusion(pairs: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """Count pairs ``true * K + predicted`` into a matrix (K, K), rows the true classes."""
    return np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)


def table_score(table: NDArray[np.int64], metric: Metric) -> float:
    """Score a confusion matrix (K, K), rows the true classes."""
    if callable(metric):
        return metric(table)
    hits, rows, predicted = table.diagonal(), table.sum(1), table.sum(0)
    present = rows > 0
    if metric == "f1_macro":
        return float(np.mean(2 * hits[present] / (rows + predicted)[present]))
    recall = hits[present] / rows[present]
    if metric == "balanced_accuracy":
        return float(recall.mean())
    return float(recall.prod() ** (1 / len(recall)))


class _Leaders:
    """The two best classes of each row under log scores (n, K) plus a shift a class.

    A search that moves one class at a time compares its column with the best of the others,
    O(n), where the argmax over all columns would be O(n K). Of equal values the first class
    leads, as in an argmax.
    """

    def __init__(self, logs: NDArray[np.float64]) -> None:
        self.logs = logs
        self.shifts = np.zeros(logs.shape[1])
        self.first = np.empty(len(logs), np.int64)
        self.second = np.empty(len(logs), np.int64)
        self._find(np.arange(len(logs)))

    def _find(self, rows: NDArray[np.int64]) -> None:
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            values = self.logs[part] + self.shifts
            self.first[part] = values.argmax(1)
            values[np.arange(len(part)), self.first[part]] = -np.inf
            self.second[part] = values.argmax(1)

    def _values(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        return self.logs[np.arange(len(labels)), labels] + self.shifts[labels]

    def others(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the best class but ``k`` of each row, and the least value that beats it."""
        best = np.where(self.first == k, self.second, self.first)
        value = self._values(best)
        return best, np.where(k < best, value, np.nextafter(value, np.inf))

    def move(self, k: int, shift: float) -> None:
        """Set the shift of a class; looks anew at the rows where it led, or leads now."""
        led = (self.first == k) | (self.second == k)
        self.shifts[k] = shift
        self._find(np.flatnonzero(led | (self.logs[:, k] + shift >= self._values(self.second))))


def tune_class_weights(
    scores: NDArray[np.float64], y: NDArray[np.int64], metric: Metric, n_steps: int = 25
) -> NDArray[np.float64]:
    """Find one weight a class so that argmax_k w_k p_k scores best, by coordinate ascent.

    Parameters
    ----------
    scores : ndarray of shape (n, K)
        Probabilities for rows that the model was not fitted on.
    y : ndarray of shape (n,)
    metric : {"f1_macro", "balanced_accuracy", "g_mean"} or callable
    n_steps : int
        Weights tried a class and round, spaced evenly in their logarithm.

    Returns
    -------
    ndarray of shape (K,)
        Weights with geometric mean one. All ones if nothing is better than argmax p_k.

    Notes
    -----
    O(n K) a round: what changes with the weight of a class is where it beats the best other.
    """
    n_classes = scores.shape[1]
    logs = np.maximum(scores, 1e-12)
    leaders = _Leaders(np.log(logs, out=logs))
    best = table_score(confusion(y * n_classes + leaders.first, n_classes), metric)
    width = np.log(max(len(y) / np.bincount(y, minlength=n_classes).clip(1).min(), 2.0))
    while width > 0.05:
        for k in range(n_classes):
            other, least = leaders.others(k)
            pairs, column = y * n_classes + other, leaders.logs[:, k].copy()
            without = confusion(pairs, n_classes)
            shift = leaders.shifts[k]
            for step in np.linspace(-width, width, n_steps):
                wins = np.flatnonzero(column + (shift + step) >= least)
                table = without - confusion(pairs[wins], n_classes)
                table[:, k] += np.bincount(y[wins], minlength=n_classes)
                found = table_score(table, metric)
                if found > best:
                    best, shift = found, shift + step
            if shift != leaders.shifts[k]:
                leaders.move(k, shift)
        width /= 4
    return np.exp(leaders.shifts - leaders.shifts.mean())


class TunedThreshold(TunedRule):
    """Fit a classifier and the rule that turns its scores into labels.

    Two classes: a threshold on the probability, through scikit-learn's
    ``TunedThresholdClassifierCV``. More: one weight a class, tuned on out-of-fold
    probabilities. Probabilities stay as the inner classifier gives them.

    Parameters
    ----------
    estimator : estimator
    metric : {"f1_macro", "balanced_accuracy", "g_mean"} or callable, default="f1_macro"
        What is maximised: a name, or a function of the confusion matrix (K, K), rows the true
        classes, as in :mod:`imbench.strategies.decision.objectives`.
    cv : int, default=5
        Inner stratified folds.
    random_state : int or None
        Shuffle of the inner folds.

    Attributes
    ----------
    estimator_ : estimator
        The inner classifier, fitted on all rows that :meth:`fit` got.
    classes_ : ndarray of shape (K,)
    weights_ : ndarray of shape (K,)
        A row is labelled argmax_k weights_[k] * p_k. For two classes with threshold t this is
        proportional to (t, 1 - t).
    n_fits_ : int
        Fits of ``estimator`` that this took.

    References
    ----------
    Collell et al. 2018, "A simple plug-in bagging ensemble based on threshold-moving for
    classifying binary and multiclass imbalanced data", DOI 10.1016/j.neucom.2017.08.035.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> fitted = TunedThreshold(LogisticRegression(), cv=3, random_state=0).fit(X, y)
    >>> fitted.weights_.round(2)
    array([0.58, 0.42])
    """

    name: ClassVar[str] = "threshold"

    def __init__(
        self,
        estimator: Any,
        *,
        metric: Metric = "f1_macro",
        cv: int = 5,
        random_state: int | None = None,
    ) -> None:
        super().__init__(estimator, cv=cv, random_state=random_state)
        self.metric = metric

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        check_metric(self.metric)
        super().check_params()

    def _fit_inside(self, rows: TrainingRows) -> Fitting[None]:
        y = rows.labels
        scores, splits = yield from self._out_of_fold(rows)
        if len(self.classes_) == 2:
            threshold = self._best_threshold(scores, y, splits)
            self.weights_ = np.array([threshold, 1 - threshold])
        else:
            self.weights_ = tune_class_weights(scores, y, self.metric)

    def _best_threshold(
        self, scores: NDArray[np.float64], y: NDArray[np.int64], splits: Sequence[Split]
    ) -> float:
        """Return scikit-learn's choice for out-of-fold scores (n, 2).

        Its search gets the scores as rows of a classifier that is fitted already, so that
        nothing is fitted a second time.
        """
        tuned = TunedThresholdClassifierCV(
            FrozenEstimator(RowsAsScores().fit(scores, y)),
            scoring=make_scorer(label_score, n_classes=2, metric=self.metric),
            cv=splits,
            response_method="predict_proba",
        )
        try:
            return float(tuned.fit(scores, y).best_threshold_)
        except ValueError as error:
            if "constant predictions" not in str(error):
                raise
            # A tree of pure leaves, say, that never meets the rare class in an inner fold.
            self.notes_ += (
                "threshold: the scores of an inner fold are all alike, so it stays at 0.5.",
            )
            return 0.5

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return labels under the tuned rule, shape (n,)."""
        scores = self.predict_proba(X)
        if len(self.classes_) == 2:  # at the threshold itself the answer is class 1
            return self.classes_[(scores[:, 1] >= self.weights_[0]).astype(int)]
        return self.classes_[(scores * self.weights_).argmax(1)]
