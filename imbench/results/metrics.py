"""From a stored fold to numbers. Every metric is derived from predictions, none is stored.

Called by the tables, the tracker and the report, each time from the same arrays, so that a new
metric never retrains anything. Rules that hold for every metric:

- What a fold does not define is NaN: no warning, no crash, no invented zero. NaN folds are
  left out of means.
- A class without true rows in the fold has NaN recall and F1, and macro means run over the
  classes that are present. Its precision is 0 if it was predicted (every time wrongly),
  otherwise NaN.
- A class that is present but never predicted has precision 0 and F1 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from imbench.components.construct import bind, closest, construct
from imbench.errors import ConfigError
from imbench.results.fold import CellResult, FoldResult
from imbench.results.metric_formulas import PER_CLASS, calibration_error, weighted_metrics

HIGHER_IS_BETTER: Mapping[str, bool] = MappingProxyType(
    {  # in the order of tables
        "precision_macro": True,
        "recall_macro": True,
        "f1_macro": True,
        "f1_weighted": True,
        "f1_minority": True,
        "roc_auc": True,
        "average_precision": True,
        "balanced_accuracy": True,
        "g_mean": True,
        "mcc": True,
        "brier": False,
        "log_loss": False,
        "ece": False,
        "accuracy": True,
        "worst_class_recall": True,
    }
)
# By fold, then by what the numbers depend on of the options; a fold takes its numbers with it.
_computed: WeakKeyDictionary[FoldResult, dict[str, dict[str, float]]] = WeakKeyDictionary()
ARGUMENTS = ("y_true", "y_pred", "y_score", "minority")  # what a user's metric is called with


@dataclass(frozen=True)
class MetricOptions:
    """The group ``metrics`` of the configuration, checked.

    Parameters
    ----------
    columns : tuple of str
        Metrics that tables show; the names in `extra` are shown after them.
    sort : str
        Metric that tables are sorted by and that the verdict is about.
    minority : str or None
        Class that ``f1_minority`` and the binary curves are about; None: the rarest.
    ece_bins : int
        Bins of the expected calibration error.
    rope : float
        Region of practical equivalence: gains in `sort` up to this size are practically none.
    extra : mapping of str to mapping
        User metrics: ``{name: {_target_: function, parameter: value, ...}}``. The function is
        called with ``y_true, y_pred, y_score, minority`` and returns a float. The key
        ``higher_is_better: false`` in a node turns its direction.

    Raises
    ------
    ConfigError
        If a name is unknown, a node cannot be called, ``ece_bins`` is below 1, or ``rope`` is no
        number from 0 on.
    """

    columns: tuple[str, ...] = (
        "f1_macro", "f1_minority", "average_precision", "brier", "roc_auc", "ece", "log_loss",
        "balanced_accuracy", "g_mean",
    )  # fmt: skip
    sort: str = "f1_macro"
    minority: str | None = None
    ece_bins: int = 15
    rope: float = 0.01
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.ece_bins, bool) or not isinstance(self.ece_bins, int):
            raise ConfigError(f"metrics.ece_bins={self.ece_bins!r}: must be a whole number.")
        if self.ece_bins < 1:
            raise ConfigError(f"metrics.ece_bins={self.ece_bins}: must be at least 1.")
        is_number = isinstance(self.rope, int | float) and not isinstance(self.rope, bool)
        if not is_number or not 0 <= self.rope < float("inf"):
            raise ConfigError(f"metrics.rope={self.rope!r}: must be a number from 0 on.")
        for name, node in self.extra.items():
            _check_extra(name, node)
        known = [*HIGHER_IS_BETTER, *self.extra]
        for key, name in [("columns", c) for c in self.columns] + [("sort", self.sort)]:
            if name not in known and not _is_per_class(name):
                raise ConfigError(
                    f"metrics.{key}: there is no metric {name!r}{closest(name, known)}; "
                    f"known are {', '.join(known)} and {', '.join(PER_CLASS)}/<class>."
                )

    @property
    def shown(self) -> tuple[str, ...]:
        """Columns of a table: the chosen ones, then every user metric, each once."""
        return tuple(dict.fromkeys([*self.columns, *self.extra]))

    def higher_is_better(self, name: str) -> bool:
        """Direction of a metric."""
        if name in self.extra:
            return bool(self.extra[name].get("higher_is_better", True))
        return HIGHER_IS_BETTER.get(name, True)


def metric_options(node: Mapping[str, Any]) -> MetricOptions:
    """Build the options from the resolved yaml group ``metrics``; raises as the class does."""
    known = MetricOptions.__dataclass_fields__
    for key in node:
        if key not in known:
            raise ConfigError(
                f"metrics.{key}: there is no such key{closest(str(key), known)}; "
                f"known are {', '.join(known)}."
            )
    values = dict(node)
    columns = values.get("columns", MetricOptions.columns)
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise ConfigError(f"metrics.columns={columns!r}: must be a list, for example [f1_macro].")
    minority = values.get("minority")
    # YAML reads the class name 1 as a number; class names are text everywhere.
    values |= {
        "columns": tuple(str(c) for c in columns),
        "minority": None if minority is None else str(minority),
        "extra": dict(values.get("extra") or {}),
    }
    return MetricOptions(**values)


def check_classes(options: MetricOptions, class_names: Sequence[str]) -> None:
    """Check the names that only a data set can tell; called once a data set is loaded.

    Raises
    ------
    ConfigError
        If ``metrics.minority`` or a ``recall/<class>`` names a class that is not there.
    """
    minority_label(options, class_names, 0)
    for name in (*options.columns, options.sort):
        if _is_per_class(name):
            _class_index(name.partition("/")[2], class_names, f"metrics: {name}")


def minority_label(options: MetricOptions, class_names: Sequence[str], rarest: int) -> int:
    """Label of the class that the minority metrics are about.

    Raises
    ------
    ConfigError
        If ``metrics.minority`` is no class of the data set.
    """
    if options.minority is None:
        return rarest
    return _class_index(options.minority, class_names, f"metrics.minority={options.minority}")


def compute(fold: FoldResult, options: MetricOptions) -> dict[str, float]:
    """Compute every metric of a stored fold, once in a process: who asks again gets a copy.

    Raises
    ------
    ConfigError
        If ``metrics.minority`` is unknown or a user metric fails.
    """
    known = _computed.setdefault(fold, {})
    key = repr((options.minority, options.ece_bins, sorted(options.extra.items())))
    if key not in known:
        known[key] = _compute(fold, options)
    return dict(known[key])


def _compute(fold: FoldResult, options: MetricOptions) -> dict[str, float]:
    minority = minority_label(options, fold.class_names, fold.minority)
    arrays = (fold.y_true, fold.y_pred, fold.y_score)
    metrics = compute_metrics(*arrays, fold.class_names, minority, options.ece_bins)
    return metrics | compute_user_metrics(fold, options)


def compute_user_metrics(fold: FoldResult, options: MetricOptions) -> dict[str, float]:
    """Compute the metrics of ``metrics.extra`` alone; raises as :func:`compute` does."""
    metrics = {}
    for name, node in options.extra.items():
        minority = minority_label(options, fold.class_names, fold.minority)
        arrays = (fold.y_true, fold.y_pred, fold.y_score)
        given = dict(zip(ARGUMENTS, (*arrays, minority), strict=True))
        value = construct(_without_direction(node), f"metrics.extra.{name}", **given)
        try:
            metrics[name] = float(value)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"metrics.extra.{name}: {node['_target_']} must return a number, got {value!r}."
            ) from error
    return metrics


def compute_folds(cell: CellResult, options: MetricOptions) -> list[dict[str, float]]:
    """Metrics of every fold of a cell that is ``ok``, in the order of the folds."""
    return [compute(fold, options) for fold in cell.folds if fold.status == "ok"]


def summarise(folds: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Mean and standard deviation (n - 1) over the folds where a metric is defined.

    Returns
    -------
    mean, std : dict of str to float
        ``std`` is NaN where fewer than two folds define the metric.
    """
    mean, std = {}, {}
    for name in dict.fromkeys(name for fold in folds for name in fold):
        values = np.array([fold[name] for fold in folds if name in fold], dtype=np.float64)
        values = values[~np.isnan(values)]
        mean[name] = float(values.mean()) if len(values) else float("nan")
        std[name] = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return mean, std


def compute_metrics(
    y_true: NDArray[np.int64],
    y_pred: NDArray[np.int64],
    y_score: NDArray[np.float64],
    class_names: Sequence[str],
    minority: int,
    ece_bins: int = 15,
) -> dict[str, float]:
    """Compute every metric of imbench from the predictions on one test part.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n,)
        Labels 0..K-1.
    y_score : ndarray of shape (n, K)
        Class probabilities.
    class_names : sequence of str of length K
    minority : int
        Label of the class of ``f1_minority``, positive in the binary ranking metrics.
    ece_bins : int, default=15

    Notes
    -----
    ``roc_auc`` and ``average_precision`` are one-vs-rest means over the classes present for
    K > 2. ``brier`` is scikit-learn's: the mean squared error of the minority's probability
    for two classes, in 0..1, and the sum of squared errors over the classes for more, in 0..2.
    ``balanced_accuracy`` is the mean recall, hence equal to ``recall_macro``. ``mcc`` is 0 for
    constant predictions (its limit) and NaN where the fold has one class. ``ece`` is about the
    scores and does not see a moved threshold.
    """
    if len(y_true) == 0:
        return _all_undefined(class_names)
    ones = np.ones((1, len(y_true)))
    metrics = weighted_metrics(y_true, y_pred, y_score, ones, class_names, minority, ece_bins)
    return {name: float(metrics[name][0]) for name in _all_undefined(class_names)}  # in this order


def expected_calibration_error(
    y_true: NDArray[np.int64], y_score: NDArray[np.float64], n_bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy over equal-width bins of the confidence.

    Parameters
    ----------
    y_true : ndarray of shape (n,)
    y_score : ndarray of shape (n, K)
        The confidence of a row is its largest probability, of the class that it names.
    n_bins : int, default=15
        Bins ``((m - 1) / M, m / M]``.

    References
    ----------
    Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, eq. 3.
    """
    return float(calibration_error(y_true, y_score, np.ones((1, len(y_true))), n_bins)[0])


def fbeta_minority(
    y_true: NDArray[np.int64],
    y_pred: NDArray[np.int64],
    y_score: NDArray[np.float64],
    minority: int,
    beta: float = 2.0,
) -> float:
    """F-beta of the minority; beta 2 counts recall four times as much as precision.

    The worked example of a user metric: ``metrics=[default,f2]`` adds it.

    """
    from sklearn.metrics import fbeta_score

    if beta <= 0:
        raise ValueError(f"beta must be > 0, got {beta=}.")
    if not (y_true == minority).any():
        return float("nan")
    is_minority = (y_true == minority, y_pred == minority)
    return float(fbeta_score(*is_minority, beta=beta, zero_division=0.0))


def _all_undefined(class_names: Sequence[str]) -> dict[str, float]:
    per_class = (f"{kind}/{name}" for kind in PER_CLASS for name in class_names)
    return dict.fromkeys([*HIGHER_IS_BETTER, *per_class], float("nan"))


def _is_per_class(name: str) -> bool:
    kind, slash, class_name = name.partition("/")
    return kind in PER_CLASS and bool(slash) and bool(class_name)


def _class_index(name: str, class_names: Sequence[str], key: str) -> int:
    if name not in class_names:
        raise ConfigError(
            f"{key}: the data set has no class {name!r}{closest(name, class_names)}; "
            f"its classes are {', '.join(class_names)}."
        )
    return list(class_names).index(name)


def _without_direction(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != "higher_is_better"}


def _check_extra(name: str, node: Mapping[str, Any]) -> None:
    key = f"metrics.extra.{name}"
    if name in HIGHER_IS_BETTER or _is_per_class(name):
        raise ConfigError(f"{key}: imbench has a metric of that name, choose another one.")
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise ConfigError(f"{key}: must hold _target_: <module>.<function>, got {node!r}.")
    problems = bind(_without_direction(node), key, supplied=ARGUMENTS)
    if problems:
        raise ConfigError(" ".join(problems))
