"""Move the decision threshold to where a metric is best on inner folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV

from imbench.strategies.costs import Costs
from imbench.strategies.decision.aims import Aim, AimedRule, Metric, few_rows, missed_bounds
from imbench.strategies.decision.base import RowsAsScores, TunedRule
from imbench.strategies.fitting import Fitting
from imbench.strategies.inner_splits import Split
from imbench.strategies.label_metrics import label_metric
from imbench.strategies.rows import WEIGHT, TrainingRows

AT_ONCE = 2**14  # rows whose scores of all classes are looked at


def label_score(
    y_true: NDArray[np.int64], y_pred: NDArray[np.int64], n_classes: int, metric: Metric | Aim
) -> Any:
    """Score predicted labels 0..K-1 from their confusion matrix.

    A confusion matrix and not ``sklearn.metrics``: scikit-learn's search over thresholds calls
    this hundreds of times, and the validation of labels would be nearly all of its time.
    """
    return table_score(confusion(y_true * n_classes + y_pred, n_classes), metric)


def confusion(
    pairs: NDArray[np.int64], n_classes: int, weight: NDArray[np.float64] | None = None
) -> NDArray[Any]:
    """Count pairs ``true * K + predicted`` into a matrix (K, K), rows the true classes."""
    return np.bincount(pairs, weight, n_classes**2).reshape(n_classes, n_classes)


def table_score(table: NDArray[Any], metric: Metric | Aim) -> Any:
    """Score a confusion matrix (K, K), rows the true classes; more is better."""
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


def aim_notes(
    name: str,
    aim: Metric | Aim,
    weighted: NDArray[np.float64],
    y: NDArray[np.int64],
    weight: NDArray[np.float64] | None,
) -> tuple[str, ...]:
    """Return a note if labels miss the bounds of an aim; they are the argmax of (n, K)."""
    if not isinstance(aim, Aim) or not aim.bounds:
        return ()
    n_classes = weighted.shape[1]
    table = confusion(y * n_classes + weighted.argmax(1), n_classes, weight)
    return (missed_bounds(name, aim),) if aim(table)[0] < 0 else ()


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
    scores: NDArray[np.float64],
    y: NDArray[np.int64],
    metric: Metric | Aim,
    n_steps: int = 25,
    weight: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Find one weight a class so that argmax_k w_k p_k scores best, by coordinate ascent.

    Parameters
    ----------
    scores : ndarray of shape (n, K)
        Probabilities for rows that the model was not fitted on.
    y : ndarray of shape (n,)
    metric : {"f1_macro", "balanced_accuracy", "g_mean"}, Aim or callable
    n_steps : int
        Weights tried a class and round, spaced evenly in their logarithm.
    weight : ndarray of shape (n,) or None
        Of the rows; None counts all rows the same.

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

    def count(pairs: NDArray[np.int64], rows: Any = slice(None)) -> NDArray[Any]:
        return confusion(pairs[rows], n_classes, None if weight is None else weight[rows])

    best = table_score(count(y * n_classes + leaders.first), metric)
    sizes = np.bincount(y, weight, n_classes)
    width = np.log(max(sizes.sum() / (sizes[sizes > 0]).min(), 2.0))
    while width > 0.05:
        for k in range(n_classes):
            other, least = leaders.others(k)
            pairs, column = y * n_classes + other, leaders.logs[:, k].copy()
            without, mine = count(pairs), y * n_classes + k
            shift = leaders.shifts[k]
            for step in np.linspace(-width, width, n_steps):
                wins = np.flatnonzero(column + (shift + step) >= least)
                table = without - count(pairs, wins) + count(mine, wins)
                found = table_score(table, metric)
                if found > best:
                    best, shift = found, shift + step
            if shift != leaders.shifts[k]:
                leaders.move(k, shift)
        width /= 4
    return np.exp(leaders.shifts - leaders.shifts.mean())


def best_threshold(
    score: NDArray[np.float64],
    y: NDArray[np.int64],
    aim: Aim,
    weight: NDArray[np.float64] | None = None,
) -> tuple[float, bool]:
    """Find the threshold with the best value of an aim among all that differ on some rows.

    Parameters
    ----------
    score : ndarray of shape (n,)
        Probability of the second class, for rows that the model was not fitted on.
    y : ndarray of shape (n,)
        Labels 0 and 1.
    aim : Aim
    weight : ndarray of shape (n,) or None

    Returns
    -------
    threshold : float
        Midway between two scores; the second class is predicted from it on. Of equally good ones
        that with the largest macro F1, then the one nearest to 0.5.
    meets : bool
        Whether the bounds of the aim are met. Otherwise the threshold is the one that misses
        them by least, as a sum over the bounds.

    Examples
    --------
    >>> score, y = np.array([0.1, 0.2, 0.4, 0.6, 0.9]), np.array([0, 0, 1, 0, 1])
    >>> best_threshold(score, y, Aim("recall", {"precision": 0.9}, ("no", "yes"), minority=1))
    (0.75, True)
    """
    order = np.argsort(score, kind="stable")
    ranked, label = score[order], y[order]
    w = np.ones(len(y)) if weight is None else weight[order]
    cuts = np.concatenate([[0], 1 + np.flatnonzero(ranked[1:] > ranked[:-1]), [len(y)]])
    middle = (ranked[cuts[1:-1] - 1] + ranked[cuts[1:-1]]) / 2
    top = max((ranked[-1] + 1) / 2, np.nextafter(ranked[-1], np.inf))
    thresholds = np.concatenate([[0.0], middle, [top]])
    below = np.zeros((2, len(y) + 1))  # weight of each class among the lowest rows
    for k in (0, 1):
        np.cumsum(w * (label == k), out=below[k, 1:])
    low = below[:, cuts].T  # (cuts, class), predicted as the first class
    tables = np.stack([low, below[:, -1] - low], axis=2)
    missed, value = aim.values(tables)
    tie = label_metric(tables, "f1_macro", aim.class_names, aim.minority)
    best = np.lexsort([np.abs(thresholds - 0.5), -tie, -value, missed])[0]
    return float(thresholds[best]), bool(missed[best] == 0)


class TunedThreshold(AimedRule, TunedRule):
    """Fit a classifier and the rule that turns its scores into labels.

    Two classes: a threshold on the probability. More: one weight a class. Both are tuned on
    out-of-fold probabilities, which stay as the inner classifier gives them.

    Parameters
    ----------
    estimator : estimator
    metric : str, callable or None, default=None
        What is maximised: a metric of labels by its name in tables (``expected_cost`` is
        minimised), ``precision``, ``recall``, ``f1`` or ``specificity`` of the minority, or a
        function of the confusion matrix (K, K), rows the true classes, as in
        :mod:`imbench.strategies.decision.objectives`. None is ``f1_macro``.
    subject_to : mapping of str to float or None, default=None
        Bounds that other metrics have to reach: ``{precision: 0.9}``. ``expected_cost`` may be
        at most its bound.
    costs : mapping, sequence or None, default=None
        Of ``expected_cost``, see :func:`imbench.strategies.costs.cost_table`.
    minority : str or None, default=None
        Class that ``recall`` and the like are about. None is the rarest.
    rare : sequence of str or None, default=None
        Classes of ``recall_rare`` and ``f1_rare``. None are those below the mean size.
    class_names : sequence of str or None, default=None
        Name of each label, given by imbench.
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
    notes_ : tuple of str
        Says where no threshold meets the bounds, and where a class has fewer than 20 rows.

    Notes
    -----
    The threshold of ``f1_macro``, ``balanced_accuracy``, ``g_mean`` and of functions is that of
    scikit-learn's ``TunedThresholdClassifierCV``: a mean over the inner folds. With bounds,
    weights of rows or another metric it is the best one of all out-of-fold scores together
    (:func:`best_threshold`), because a bound that a mean over folds meets may be missed.

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
        metric: Metric | None = None,
        subject_to: Mapping[str, float] | None = None,
        costs: Costs | None = None,
        minority: str | None = None,
        rare: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        cv: int = 5,
        random_state: int | None = None,
    ) -> None:
        super().__init__(estimator, cv=cv, random_state=random_state)
        self.metric = metric
        self.subject_to = subject_to
        self.costs = costs
        self.minority = minority
        self.rare = rare
        self.class_names = class_names

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        self._check_aim()
        super().check_params()

    def _fit_inside(self, rows: TrainingRows) -> Fitting[None]:
        scores, splits = yield from self._out_of_fold(rows)
        self._tune(scores, rows.labels, splits, rows.given.get(WEIGHT))

    def _tune(
        self,
        scores: NDArray[np.float64],
        y: NDArray[np.int64],
        splits: Sequence[Split],
        weight: NDArray[np.float64] | None = None,
    ) -> None:
        """Find the rule from out-of-fold scores (n, K), and labels 0..K-1."""
        counts = np.bincount(y, minlength=len(self.classes_))
        self.notes_ += few_rows(self.name, counts)
        aim = self._aim(counts)
        if len(counts) > 2:
            self.weights_ = tune_class_weights(scores, y, aim, weight=weight)
            self.notes_ += aim_notes(self.name, aim, scores * self.weights_, y, weight)
            return
        if weight is None and not isinstance(aim, Aim):
            threshold = self._mean_threshold(scores, y, splits, aim)
        else:
            if not isinstance(aim, Aim):
                aim = Aim(aim, {}, self._names(), self._minority(counts))
            threshold, meets = best_threshold(scores[:, 1], y, aim, weight)
            self.notes_ += () if meets else (missed_bounds(self.name, aim),)
        self.weights_ = np.array([threshold, 1 - threshold])

    def _mean_threshold(
        self,
        scores: NDArray[np.float64],
        y: NDArray[np.int64],
        splits: Sequence[Split],
        metric: Metric,
    ) -> float:
        """Return scikit-learn's choice for out-of-fold scores (n, 2).

        Its search gets the scores as rows of a classifier that is fitted already, so that
        nothing is fitted a second time.
        """
        tuned = TunedThresholdClassifierCV(
            FrozenEstimator(RowsAsScores().fit(scores, y)),
            scoring=make_scorer(label_score, n_classes=2, metric=metric),
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
