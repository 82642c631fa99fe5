"""Names and directions of the metrics, and the checked group ``metrics`` of the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.components.class_names import find_class
from imbench.components.construct import bind, closest
from imbench.components.override import override
from imbench.errors import ConfigError
from imbench.results.metric_points import Points
from imbench.strategies.costs import EXAMPLE, Costs, cheapest_error, check_costs, cost_table
from imbench.strategies.label_metrics import EXPECTED_COST, PER_CLASS

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
        "recall_rare": True,
        "f1_rare": True,
        "recall_at_precision": True,
        "precision_at_recall": True,
        "recall_at_k": True,
        "net_benefit": True,
        EXPECTED_COST: False,
    }
)
UNBOUNDED = ("log_loss", "net_benefit", EXPECTED_COST)  # no shares between 0 and 1
ARGUMENTS = ("y_true", "y_pred", "y_score", "minority")  # passed to every user-defined metric


@dataclass(frozen=True)
class MetricOptions:
    """The group ``metrics`` of the configuration and the key ``costs``, checked.

    Parameters
    ----------
    columns : tuple of str
        Metrics in tables. Those of `extra` are appended, and ``expected_cost`` where costs are set.
    sort : str
        Metric that tables are sorted by and that gains and verdicts refer to.
    minority : str or None
        Class of ``f1_minority`` and of the binary ranking metrics. None: the rarest class.
    rare : tuple of str or None
        Classes of ``recall_rare`` and ``f1_rare``. None: the classes that ``dataset.imbalance``
        cut, and without cuts those below the mean size; of two classes `minority`, if it is given.
    ece_bins : int
        Bins of the expected calibration error.
    rope : float
        Half width of the region of practical equivalence: gains in `sort` of at most this size
        count as equal. In ``expected_cost`` it is multiplied by the cost of the cheapest error:
        0.01 is one such error in a hundred rows, whatever costs are counted in.
    at_precision, at_recall : float
        Of ``recall_at_precision`` and ``precision_at_recall``, in (0, 1].
    k : int or None
        Rows of a test part that can be looked at, of ``recall_at_k``. None: as many as are of the
        minority.
    net_benefit_threshold : float
        Probability from which on a row is treated, of ``net_benefit``, in (0, 1).
    extra : mapping of str to mapping
        User-defined metrics: ``{name: {_target_: function, parameter: value, ...}}``. The function
        is called with ``y_true, y_pred, y_score, minority`` and returns a float. A node may set
        ``higher_is_better: false``.
    costs : mapping, sequence or None
        What errors cost, see :func:`imbench.strategies.costs.cost_table`.

    Raises
    ------
    ConfigError
        If a name is unknown, a node cannot be called, a number is out of its range, or
        ``expected_cost`` is asked for without costs.

    Examples
    --------
    >>> options = MetricOptions(columns=("f1_macro", "recall/yes"), sort="brier")
    >>> options.shown, options.higher_is_better("brier")
    (('f1_macro', 'recall/yes'), False)
    >>> MetricOptions(sort="f1_marco")
    Traceback (most recent call last):
    imbench.errors.ConfigError: metrics.sort: there is no metric 'f1_marco' ...
    """

    columns: tuple[str, ...] = (
        "f1_macro", "f1_minority", "average_precision", "brier", "roc_auc", "ece", "log_loss",
        "balanced_accuracy", "g_mean",
    )  # fmt: skip
    sort: str = "f1_macro"
    minority: str | None = None
    rare: tuple[str, ...] | None = None
    ece_bins: int = 15
    rope: float = 0.01
    at_precision: float = 0.9
    at_recall: float = 0.8
    k: int | None = None
    net_benefit_threshold: float = 0.1
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    costs: Costs | None = None

    def __post_init__(self) -> None:
        if isinstance(self.ece_bins, bool) or not isinstance(self.ece_bins, int):
            raise ConfigError(f"metrics.ece_bins={self.ece_bins!r}: must be a whole number.")
        if self.ece_bins < 1:
            raise ConfigError(f"metrics.ece_bins={self.ece_bins}: must be at least 1.")
        if not _is_number(self.rope) or not 0 <= self.rope < float("inf"):
            raise ConfigError(f"metrics.rope={self.rope!r}: must be a number from 0 on.")
        self._check_points()
        if self.costs is not None:
            try:
                check_costs(self.costs)
            except ValueError as error:
                raise ConfigError(str(error)) from error
        for name, node in self.extra.items():
            _check_extra(name, node)
        known = [*HIGHER_IS_BETTER, *self.extra]
        for key, name in [("columns", c) for c in self.columns] + [("sort", self.sort)]:
            if name not in known and not _is_per_class(name):
                raise ConfigError(
                    f"metrics.{key}: there is no metric {name!r}{closest(str(name), known)}; "
                    f"known are {', '.join(known)} and {', '.join(PER_CLASS)}/<class>."
                )
            if name == EXPECTED_COST and self.costs is None:
                raise ConfigError(
                    f"metrics.{key}: {EXPECTED_COST} needs to know what errors cost; set them, "
                    f"such as {EXAMPLE}."
                )

    def _check_points(self) -> None:
        for key in ("at_precision", "at_recall"):
            value = getattr(self, key)
            if not _is_number(value) or not 0 < value <= 1:
                raise ConfigError(f"metrics.{key}={value!r}: must be a number in (0, 1].")
        value = self.net_benefit_threshold
        if not _is_number(value) or not 0 < value < 1:
            raise ConfigError(
                f"metrics.net_benefit_threshold={value!r}: must be a number between 0 and 1."
            )
        if self.k is not None and (type(self.k) is not int or self.k < 1):
            raise ConfigError(
                f"metrics.k={self.k!r}: must be a number of rows of a test part, at least 1, or "
                "null for as many as are of the minority."
            )

    @property
    def points(self) -> Points:
        """Where the metrics of a point are computed."""
        return Points(self.at_precision, self.at_recall, self.k, self.net_benefit_threshold)

    @property
    def known(self) -> tuple[str, ...]:
        """The metrics of imbench that can be computed, without those of classes."""
        return tuple(n for n in HIGHER_IS_BETTER if self.costs is not None or n != EXPECTED_COST)

    def rope_of(self, metric: str) -> float:
        """Return the half width of the region of practical equivalence of a metric.

        Examples
        --------
        >>> options = MetricOptions(costs={"missed": 500, "false_alarm": 20})
        >>> options.rope_of("f1_macro"), options.rope_of("expected_cost")
        (0.01, 0.2)
        """
        if metric == EXPECTED_COST and self.costs is not None:
            return self.rope * cheapest_error(self.costs)
        return self.rope

    @property
    def shown(self) -> tuple[str, ...]:
        """Metrics in tables: `columns`, the user's own, the expected cost, without duplicates."""
        costs = () if self.costs is None else (EXPECTED_COST,)
        return tuple(dict.fromkeys([*self.columns, *self.extra, *costs]))

    def higher_is_better(self, name: str) -> bool:
        """Return whether larger values of a metric are better."""
        if name in self.extra:
            return bool(self.extra[name].get("higher_is_better", True))
        return HIGHER_IS_BETTER.get(name, True)


def metric_options(node: Mapping[str, Any] | None, costs: Costs | None = None) -> MetricOptions:
    """Create the options from the resolved yaml group ``metrics`` and the key ``costs``.

    Raises
    ------
    ConfigError
        If a key is unknown, or as :class:`MetricOptions`.

    Examples
    --------
    >>> metric_options({"columns": ["mcc"], "minority": 1}).minority
    '1'
    """
    if not isinstance(node, Mapping):
        raise ConfigError(
            f"metrics must be a mapping of keys to values, got {node!r}; set 'metrics=[default]'."
        )
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
    minority, rare = values.get("minority"), values.get("rare")
    if isinstance(rare, str) or not isinstance(rare, Iterable | None):
        raise ConfigError(
            f"metrics.rare={rare!r}: must be a list of classes, for example metrics.rare=[{rare}]."
        )
    if rare is not None and not list(rare):
        raise ConfigError(
            "metrics.rare=[]: must name a class; metrics.rare=null stands for the classes that "
            "were cut, and without cuts those below the mean size."
        )
    # YAML reads the class name 1 as a number, but class names are strings everywhere.
    values |= {
        "columns": tuple(str(c) for c in columns),
        "minority": None if minority is None else str(minority),
        "rare": None if rare is None else tuple(dict.fromkeys(str(name) for name in rare)),
        "extra": dict(values.get("extra") or {}),
        "costs": values.get("costs") if costs is None else costs,
    }
    return MetricOptions(**values)


def metric_call(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the node of a user-defined metric without ``higher_is_better``, ready to construct."""
    return {key: value for key, value in node.items() if key != "higher_is_better"}


def check_classes(options: MetricOptions, class_names: Sequence[str]) -> None:
    """Check the class names in the options. Called once a data set is loaded.

    Raises
    ------
    ConfigError
        If ``metrics.minority``, ``metrics.rare``, ``costs`` or a ``recall/<class>`` names a class
        that does not exist, or costs lack a class.
    """
    costs_by_label(options, class_names, minority_label(options, class_names, 0))
    rare_labels(options, class_names, ())
    for name in (*options.columns, options.sort):
        if _is_per_class(name):
            kind, _, class_name = name.partition("/")
            key = "metrics.sort" if name == options.sort else "metrics.columns"
            _class_index(class_name, class_names, key, name, f"{kind}/{{}}")


def minority_label(options: MetricOptions, class_names: Sequence[str], rarest: int) -> int:
    """Return the label of the class that the minority metrics refer to.

    Raises
    ------
    ConfigError
        If ``metrics.minority`` is no class of the data set.

    Examples
    --------
    >>> minority_label(MetricOptions(minority="no"), ("no", "yes"), rarest=1)
    0
    """
    if options.minority is None:
        return rarest
    return _class_index(options.minority, class_names, "metrics.minority", options.minority)


def costs_by_label(
    options: MetricOptions, class_names: Sequence[str], minority: int
) -> NDArray[np.float64] | None:
    """Return the costs as a matrix, None without costs.

    Raises
    ------
    ConfigError
        If they do not fit the classes.

    Examples
    --------
    >>> options = MetricOptions(costs={"missed": 20, "false_alarm": 1})
    >>> costs_by_label(options, ("no", "yes"), minority=1)
    array([[ 0.,  1.],
           [20.,  0.]])
    """
    if options.costs is None:
        return None
    try:
        return cost_table(options.costs, class_names, minority)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def rare_labels(
    options: MetricOptions,
    class_names: Sequence[str],
    counts: Sequence[int],
    known: Sequence[int] = (),
) -> list[int]:
    """Return the labels of the classes that ``recall_rare`` and ``f1_rare`` refer to.

    Parameters
    ----------
    options : MetricOptions
    class_names : sequence of str
    counts : sequence of int
        Training rows of each class, for results without `known`.
    known : sequence of int
        Labels of the rare classes of the data set: :attr:`imbench.results.fold.FoldResult.rare`.

    Raises
    ------
    ConfigError
        If ``metrics.rare`` names a class that does not exist.

    Examples
    --------
    >>> rare_labels(MetricOptions(), ("a", "b", "c"), counts=(90, 20, 10))
    [1, 2]
    >>> rare_labels(MetricOptions(rare=("c",)), ("a", "b", "c"), counts=(90, 20, 10))
    [2]
    """
    if options.rare is not None:
        written = f"[{','.join(options.rare)}]"
        return [_class_index(name, class_names, "metrics.rare", written) for name in options.rare]
    if len(class_names) == 2 and options.minority is not None:
        return [minority_label(options, class_names, 0)]
    if known:
        return list(known)
    mean = sum(counts) / max(len(counts), 1)
    return [label for label, count in enumerate(counts) if count < mean]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_per_class(name: str) -> bool:
    kind, slash, class_name = str(name).partition("/")
    return kind in PER_CLASS and bool(slash) and bool(class_name)


def _class_index(
    name: str, class_names: Sequence[str], key: str, written: str, form: str = "{}"
) -> int:
    """Return the label of a class, which `form` turns into a value of `key`."""
    label = find_class(name, class_names) if form == "{}" or name in class_names else None
    if label is None:
        alike = get_close_matches(name, class_names, n=1) or class_names[-1:]
        value = form.format(alike[0])
        is_list = key in ("metrics.rare", "metrics.columns")
        raise ConfigError(
            f"{key}={written}: the data set has no class {name!r}{closest(name, class_names)}; "
            f"its classes are {', '.join(class_names)}; set one such as "
            f"{override(key, [value] if is_list else value)}."
        )
    return label


def _check_extra(name: str, node: Mapping[str, Any]) -> None:
    key = f"metrics.extra.{name}"
    if name in HIGHER_IS_BETTER or _is_per_class(name):
        raise ConfigError(f"{key}: imbench has a metric of that name, choose another one.")
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise ConfigError(f"{key}: must hold _target_: <module>.<function>, got {node!r}.")
    problems = bind(metric_call(node), key, supplied=ARGUMENTS)
    if problems:
        raise ConfigError(" ".join(problems))
