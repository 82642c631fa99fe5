"""What `threshold` and `class_thresholds` may maximise beside the metrics that have a name.

An objective is a callable from a confusion matrix (K, K), rows the true classes, to a number;
in a yaml it is a ``_target_`` under ``metric``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.components.construct import construct
from imbench.strategies.costs import check_costs, cost_table


@dataclass(frozen=True)
class FBeta:
    """F-beta of one class; beta > 1 counts its recall more than its precision.

    Parameters
    ----------
    beta : float, default=1.0
        Above 0.
    label : int, default=-1
        Position of the class; -1 is the last.

    References
    ----------
    van Rijsbergen 1979, "Information Retrieval", chapter 7.

    Examples
    --------
    >>> FBeta(beta=2.0)(np.array([[90, 0], [5, 5]]))  # recall 0.5, precision 1
    0.5555555555555556
    """

    beta: float = 1.0
    label: int = -1

    def __post_init__(self) -> None:
        if not 0 < self.beta < float("inf"):
            raise ValueError(f"beta must be a number above 0, got beta={self.beta!r}.")

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Return the score of a confusion matrix; 0 if the class is neither there nor found."""
        hits, rows, found = (t[self.label] for t in (table.diagonal(), table.sum(1), table.sum(0)))
        square = self.beta**2
        return float((1 + square) * hits / max(square * rows + found, 1))


@dataclass(frozen=True)
class NegativeCost:
    """Minus the mean cost of a row under a cost matrix.

    Parameters
    ----------
    costs : list of K lists of K numbers
        ``costs[i][j]`` is the cost of predicting class j for a row of class i, at least 0.

    References
    ----------
    Elkan 2001, "The Foundations of Cost-Sensitive Learning", IJCAI 17, section 1.

    Examples
    --------
    >>> NegativeCost([[0, 1], [10, 0]])(np.array([[90, 0], [5, 5]]))
    -0.5
    """

    costs: Sequence[Sequence[float]]

    def __post_init__(self) -> None:
        check_costs(self.costs)

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Return the score of a confusion matrix."""
        costs = cost_table(self.costs, [str(k) for k in range(len(table))])
        return float(-(table * costs).sum() / table.sum())


@dataclass(frozen=True)
class UserMetric:
    """A metric of ``metrics.extra``, which takes rows: those that a confusion matrix counts.

    Written by imbench where a rule names such a metric.

    Parameters
    ----------
    function : str
        Import path. Called with ``y_true, y_pred, y_score, minority``; the scores are NaN.
    parameters : mapping of str to object
        Further arguments.
    higher_is_better : bool, default=True
    minority : int, default=-1
        Position of the class, set by the rule; -1 is the last.

    Examples
    --------
    >>> f2 = UserMetric("imbench.results.metrics.fbeta_minority", {"beta": 1.0})
    >>> round(f2(np.array([[90, 0], [5, 5]])), 3)
    0.667
    """

    function: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    higher_is_better: bool = True
    minority: int = -1

    def about(self, minority: int, n_classes: int) -> UserMetric:
        """Return the metric of a class, checked to need no scores.

        Raises
        ------
        ValueError
            If it is undefined even where all labels are right.
        """
        found = replace(self, minority=minority)
        if not np.isfinite(found(2 * np.eye(n_classes, dtype=np.int64))):
            raise ValueError(
                f"metric={self.function} has no value for labels that are all right, without "
                "scores: it is a metric of scores, which no threshold changes."
            )
        return found

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Return the value of a confusion matrix, with its sign turned if lower is better.

        Raises
        ------
        ValueError
            If rows have weights: the function takes none.
        """
        counts = np.rint(table).astype(np.int64)
        if not np.array_equal(counts, table):
            raise ValueError(
                f"metric={self.function} counts all rows the same, and these have weights: "
                "choose a metric of imbench."
            )
        k = len(counts)
        y_true, y_pred = np.divmod(np.repeat(np.arange(k * k), counts.ravel()), k)
        value = construct(
            {"_target_": self.function, **self.parameters},
            "metric",
            y_true=y_true,
            y_pred=y_pred,
            y_score=np.full((len(y_true), k), np.nan),
            minority=self.minority % k,
        )
        return float(value) if self.higher_is_better else -float(value)
