"""Early stopping of boosted trees: the metric by name, computed on the validation rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from imbench.errors import DataError
from imbench.strategies.facts import TrainingFacts

METRICS = ("log_loss", "average_precision", "roc_auc")
_RANKING = {"average_precision": average_precision_score, "roc_auc": roc_auc_score}

Validation = tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, ArrayLike | None]
"""Rows (m, d), labels (m,) and, where rows have weights, weights (m,)."""


def check_stopping(metric: str | None, patience: int, validation_fraction: float) -> None:
    """Raise ValueError for a parameter of early stopping outside of its range.

    Examples
    --------
    >>> check_stopping("average_precision", patience=20, validation_fraction=0.1)
    """
    if metric is not None and metric not in METRICS:
        raise ValueError(
            f"early_stopping={metric} is not one of {', '.join(METRICS)}; set "
            f"model.estimator.early_stopping={METRICS[1]}, or null for none."
        )
    if not isinstance(patience, int) or patience < 1:
        raise ValueError(f"patience must be an integer of at least 1, got patience={patience!r}.")
    if not isinstance(validation_fraction, int | float) or not 0 < validation_fraction < 1:
        raise ValueError(
            f"validation_fraction must lie in (0, 1), got {validation_fraction!r}; set "
            "model.estimator.early_stopping=null to train on all rows."
        )


def rarer_class(y: NDArray[np.int64]) -> int:
    """Return the label of the smaller of two classes, 1 if they are equally large.

    Examples
    --------
    >>> rarer_class(np.array([0, 1, 1]))
    0
    """
    return int(2 * np.sum(y == 1) <= len(y))


@dataclass(frozen=True, eq=False)
class ValidationRows:
    """Validation rows with labels 0..K-1, which hold every class if the metric ranks.

    Parameters
    ----------
    X : array of shape (m, d)
    y : ndarray of shape (m,)
    weight : ndarray of shape (m,) or None
    """

    X: Any
    y: NDArray[np.int64]
    weight: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, given: Validation | None, classes: NDArray[Any], metric: str) -> ValidationRows:
        """Return the rows that a pipeline holds out, checked.

        Parameters
        ----------
        given : (X, y), (X, y, weight) or None
        classes : ndarray of shape (K,)
            Sorted labels of the training rows.
        metric : str
            One of :data:`METRICS`.

        Raises
        ------
        DataError
            If there are no rows, or rows of too few or of unknown classes.
        """
        X, y, weight = (*given, None)[:3] if given is not None else ((), np.empty(0), None)
        labels, more = np.asarray(y), "set model.estimator.validation_fraction higher"
        present = np.isin(classes, labels)
        if not len(labels):
            raise DataError(f"early_stopping={metric} has no validation rows: {more}.")
        if not np.isin(labels, classes).all():
            name = labels[~np.isin(labels, classes)][0]
            raise DataError(
                f"all rows of class {name} are validation rows, so that no model can learn it: "
                "set model.estimator.validation_fraction lower."
            )
        if metric in _RANKING and not present.all():
            raise DataError(
                f"early_stopping={metric} needs validation rows of every class, and there are none "
                f"of class {classes[~present][0]}: {more}, or "
                "model.estimator.early_stopping=log_loss."
            )
        weights = None if weight is None else np.asarray(weight, np.float64)
        return cls(X, np.searchsorted(classes, labels), weights)

    def weights(self) -> NDArray[np.float64]:
        """Return the weights, shape (m,); ones where rows have none."""
        return np.ones(len(self.y)) if self.weight is None else self.weight


@dataclass(frozen=True)
class ValidationScore:
    """A metric of probabilities on validation rows; lower is better.

    Parameters
    ----------
    metric : str
        One of :data:`METRICS`.
    rare : int
        For two classes: the class whose average precision counts.

    Notes
    -----
    The definitions are those of the tables, and the same for every library: LightGBM knows
    average precision for two classes only, CatBoost's PRAUC and XGBoost's aucpr interpolate
    otherwise. For K > 2 classes a ranking metric is the mean over the classes, each against the
    rest. Rows count by their weight; class weights and losses of the training play no part.

    Examples
    --------
    >>> score = ValidationScore("average_precision", rare=1)
    >>> score(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]))
    -0.5
    """

    metric: str
    rare: int = 1

    def __call__(
        self,
        y: NDArray[np.int64],
        probabilities: NDArray[np.float64],
        weight: NDArray[np.float64] | None = None,
    ) -> float:
        """Return the value for labels (m,) in 0..K-1, probabilities (m, K) and weights (m,)."""
        n_classes = probabilities.shape[1]
        if self.metric == "log_loss":
            scores = probabilities / probabilities.sum(1, keepdims=True)  # some are float32
            labels = np.arange(n_classes)
            return float(log_loss(y, scores, sample_weight=weight, labels=labels))
        classes = range(n_classes) if n_classes > 2 else [self.rare]
        ranking = _RANKING[self.metric]
        found = [ranking(y == k, probabilities[:, k], sample_weight=weight) for k in classes]
        return -float(np.mean(found))


@dataclass(frozen=True, eq=False)
class Stopping:
    """When to stop.

    Parameters
    ----------
    rows : ValidationRows
    score : ValidationScore
    patience : int
        Rounds without a better score after which training stops.
    """

    rows: ValidationRows
    score: ValidationScore
    patience: int

    @classmethod
    def of(
        cls, given: Validation | None, classes: NDArray[Any], metric: str, patience: int
    ) -> Stopping:
        """Return when to stop by a metric on the rows that a pipeline holds out.

        The parameters, and what is raised, are those of :meth:`ValidationRows.of`.
        """
        rows = ValidationRows.of(given, classes, metric)
        return cls(rows, ValidationScore(metric, rarer_class(rows.y)), patience)


def stopping_facts(
    classes: NDArray[Any], counts: NDArray[np.int64], fraction: float, n_rounds: int
) -> TrainingFacts:
    """Return what is known of a training that stopped early.

    Parameters
    ----------
    classes, counts : ndarray of shape (K,)
        Labels, and how many rows of each were trained on.
    fraction : float
        Share of the rows that was held out.
    n_rounds : int
    """
    return TrainingFacts(
        classes,
        class_counts=counts.astype(np.float64),
        validation_fraction=fraction,
        n_rounds=n_rounds,
    )
