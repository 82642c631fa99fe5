"""What a decision rule looks for: the best value of a metric, under constraints.

A metric of labels is one that tables show, by its name there. ``precision``, ``recall``, ``f1``
and ``specificity`` without a class are those of the minority.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from imbench.components.class_names import find_class
from imbench.components.construct import closest
from imbench.components.override import override
from imbench.strategies.costs import EXAMPLE, Costs, check_costs, cost_table
from imbench.strategies.label_metrics import (
    EXPECTED_COST,
    LABEL_METRICS,
    OF_MINORITY,
    PER_CLASS,
    label_metric,
)

if TYPE_CHECKING:
    from imbench.data.dataset import DatasetInfo

Floats = NDArray[np.float64]
Tables = NDArray[np.int64] | Floats
PLAIN = ("f1_macro", "balanced_accuracy", "g_mean")  # need no name of a class
Metric = str | Callable[[NDArray[np.int64]], float]
LOWER_IS_BETTER = (EXPECTED_COST,)
# Tables show them, and they are the same whatever labels a rule gives.
OF_SCORES = (
    "roc_auc", "average_precision", "brier", "log_loss", "ece", "recall_at_precision",
    "precision_at_recall", "recall_at_k", "net_benefit",
)  # fmt: skip
NEARLY = 1e-9  # by which a bound may be missed
FEWEST = 20  # rows of a class below which a tuned threshold is not to be trusted


def check_metric(metric: object, costs: object = None, key: str = "metric") -> None:
    """Raise ValueError unless a value is the name of a metric of labels or an objective.

    Examples
    --------
    >>> check_metric("recall/yes")
    >>> check_metric("roc_auc")
    Traceback (most recent call last):
    ValueError: metric=roc_auc is a metric of scores, which no threshold changes: ...
    """
    if callable(metric):
        return
    kind, _, class_name = str(metric).partition("/")
    known = (*OF_MINORITY, *LABEL_METRICS)
    if metric in OF_SCORES:
        raise ValueError(
            f"{key}={metric} is a metric of scores, which no threshold changes: choose one of "
            f"labels, such as {', '.join(PLAIN)} or recall."
        )
    if metric not in known and not (isinstance(metric, str) and kind in PER_CLASS and class_name):
        raise ValueError(
            f"{key}={metric!r} is no metric of labels{closest(str(metric), known)}: it must be "
            f"{', '.join(known)}, {', '.join(f'{kind}/<class>' for kind in PER_CLASS)}, or a "
            "_target_ such as imbench.strategies.decision.objectives.FBeta."
        )
    if metric == EXPECTED_COST and costs is None:
        raise ValueError(
            f"{key}={EXPECTED_COST} needs to know what errors cost: set them, such as {EXAMPLE}."
        )


def check_bounds(subject_to: object, costs: object, key: str) -> None:
    """Raise ValueError unless a value is a mapping of metrics of labels to numbers.

    Parameters
    ----------
    subject_to : object
    costs : object
        None if ``expected_cost`` cannot be bounded.
    key : str
        Of the rule, for an example.
    """
    if subject_to is None:
        return
    example = override(f"+{key}.subject_to", {"precision": 0.9})
    if not isinstance(subject_to, Mapping):
        raise ValueError(
            f"subject_to={subject_to!r} must be a mapping of metrics to numbers, such as {example}."
        )
    for name, bound in subject_to.items():
        check_metric(name, costs, "subject_to")
        is_number = isinstance(bound, int | float) and not isinstance(bound, bool)
        if not is_number or not -1 <= bound < float("inf"):
            raise ValueError(f"subject_to.{name}={bound!r} must be a number, such as {example}.")


@dataclass(frozen=True, eq=False)
class Aim:
    """A metric to maximise, and bounds that others have to reach.

    Parameters
    ----------
    metric : str or callable
    bounds : mapping of str to float
        Least value of other metrics; the largest one of ``expected_cost``.
    class_names : sequence of str of length K
    minority : int
    rare : sequence of int
    costs : ndarray of shape (K, K) or None

    Examples
    --------
    >>> aim = Aim("recall", {"precision": 0.9}, ("no", "yes"), minority=1)
    >>> aim(np.array([[90, 10], [5, 5]])), aim(np.array([[100, 0], [8, 2]]))
    ((-0.5666666666666667, 0.5), (0.0, 0.2))
    """

    metric: Metric
    bounds: Mapping[str, float]
    class_names: Sequence[str]
    minority: int
    rare: Sequence[int] = ()
    costs: Floats | None = None

    def values(self, tables: Tables) -> tuple[Floats, Floats]:
        """Return by how much bounds are missed, and the metric with more being better.

        Parameters
        ----------
        tables : ndarray of shape (B, K, K)
            Confusion matrices, rows the true classes.

        Returns
        -------
        missed, value : ndarray of shape (B,)
            -inf where the metric is undefined; an undefined bounded metric counts as 0.
        """
        tables = np.asarray(tables, np.float64)
        missed = np.zeros(len(tables))
        for name, bound in self.bounds.items():
            found = np.nan_to_num(self._of(tables, name))
            short = found - bound if name in LOWER_IS_BETTER else bound - found
            missed += np.where(short > NEARLY, short, 0.0)
        if callable(self.metric):
            value = np.array([self.metric(table) for table in tables], np.float64)
        else:
            sign = -1.0 if self.metric in LOWER_IS_BETTER else 1.0
            value = sign * self._of(tables, self.metric)
        return missed, np.nan_to_num(value, nan=-np.inf)

    def __call__(self, table: Tables) -> tuple[float, float]:
        """Return what is larger for a better confusion matrix (K, K): bounds first."""
        missed, value = self.values(table[None])
        return 0.0 - float(missed[0]), float(value[0])

    def _of(self, tables: Floats, name: str) -> Floats:
        return label_metric(tables, name, self.class_names, self.minority, self.rare, self.costs)


class KnowsClasses:
    """A decision rule whose parameters name classes: ``class_names``, ``minority``, ``rare``.

    :func:`imbench.pipeline.build.build` tells it the names. Without them they are the labels.
    """

    name: ClassVar[str]
    class_names: Sequence[str] | None
    minority: str | int | None
    classes_: NDArray[Any]

    def with_classes(self, info: DatasetInfo) -> Self:
        """Set names of the classes, and the minority unless a parameter has named it."""
        self.class_names = info.class_names
        if self.minority is None:
            self.minority = info.class_names[info.minority]
        return self

    def _names(self) -> list[str]:
        """Return the names of the classes that were fitted, in the order of ``classes_``."""
        if self.class_names is None or self.classes_.dtype.kind not in "iu":
            return [str(label) for label in self.classes_]
        return [self.class_names[label] for label in self.classes_]

    def _place(self, name: object, key: str) -> int:
        """Return the place of a class in ``classes_``.

        Raises
        ------
        ValueError
            If there is none of that name.
        """
        names = self._names()
        place = find_class(str(name), names)
        if place is None:
            raise ValueError(
                f"strategy.decision.{self.name}.{key}: there is no class {name!r}"
                f"{closest(str(name), names)}; the classes are {', '.join(names)}."
            )
        return place

    def _minority(self, counts: NDArray[np.int64]) -> int:
        """Return the place of the minority; by default that of the rarest class."""
        return (
            int(counts.argmin())
            if self.minority is None
            else self._place(self.minority, "minority")
        )

    def _costs(self, costs: Costs, counts: NDArray[np.int64]) -> Floats:
        """Return costs as a matrix (K, K) over ``classes_``.

        Raises
        ------
        ValueError
            If they do not fit the classes.
        """
        is_whole = self.class_names is not None and self.classes_.dtype.kind in "iu"
        known = list(self.class_names or ()) if is_whole else self._names()
        minority = self._names()[self._minority(counts)]
        try:
            table = cost_table(costs, known, known.index(minority))
        except ValueError as error:
            raise ValueError(f"strategy.decision.{self.name}.{error}") from error
        places = self.classes_ if is_whole else np.arange(len(known))
        return table[np.ix_(places, places)]


class AimedRule(KnowsClasses):
    """A decision rule with the parameters ``metric``, ``subject_to``, ``costs`` and ``rare``."""

    metric: Metric | None
    subject_to: Mapping[str, float] | None
    costs: Costs | None
    rare: Sequence[str] | None
    default_metric: ClassVar[str] = "f1_macro"

    def _check_aim(self) -> None:
        """Raise ValueError for a value that cannot be looked for."""
        if self.costs is not None:
            check_costs(self.costs)
        if self.metric is not None:
            check_metric(self.metric, self.costs)
        check_bounds(self.subject_to, self.costs, f"strategy.decision.{self.name}")

    def _aim(self, counts: NDArray[np.int64]) -> Metric | Aim:
        """Return what to maximise: a metric as it is where no class is named, or an aim.

        Parameters
        ----------
        counts : ndarray of shape (K,)
            Rows of each class.
        """
        metric = self.default_metric if self.metric is None else self.metric
        if hasattr(metric, "about"):  # a metric of `metrics.extra`
            metric = metric.about(self._minority(counts), len(counts))
        if not self.subject_to and (callable(metric) or metric in PLAIN):
            return metric
        bounds = dict(self.subject_to or {})
        for name in [m for m in (metric, *bounds) if isinstance(m, str) and "/" in m]:
            self._place(name.partition("/")[2], "metric" if name == metric else "subject_to")
        if self.rare is None:
            rare = np.flatnonzero(counts < counts.mean()).tolist() if len(counts) > 2 else []
        else:
            rare = [self._place(name, "rare") for name in self.rare]
        costs = None if self.costs is None else self._costs(self.costs, counts)
        return Aim(metric, bounds, self._names(), self._minority(counts), rare, costs)


def few_rows(name: str, counts: NDArray[np.int64]) -> tuple[str, ...]:
    """Return a note if a class has too few rows for a rule that is tuned on them.

    Examples
    --------
    >>> few_rows("threshold", np.array([100, 20])), len(few_rows("threshold", np.array([100, 19])))
    ((), 1)
    """
    if counts.min() >= FEWEST:
        return ()
    return (
        f"{name}: a class has fewer than {FEWEST} rows in a training part, so that what is tuned "
        "on them is not to be trusted.",
    )


def missed_bounds(name: str, aim: Aim) -> str:
    """Return the note that no threshold meets the bounds of an aim.

    Examples
    --------
    >>> missed_bounds("threshold", Aim("recall", {"precision": 0.9}, ("a", "b"), 1))
    'threshold: none meets precision >= 0.9 on the inner folds, and the nearest was taken.'
    """
    words = [
        f"{metric} {'<=' if metric in LOWER_IS_BETTER else '>='} {bound}"
        for metric, bound in aim.bounds.items()
    ]
    return (
        f"{name}: none meets {' and '.join(words)} on the inner folds, and the nearest was taken."
    )
