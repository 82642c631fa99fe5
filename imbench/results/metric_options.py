"""Names and directions of the metrics, and the checked group ``metrics`` of the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from imbench.components.class_names import find_class
from imbench.components.construct import bind, closest
from imbench.components.override import override
from imbench.errors import ConfigError
from imbench.results.metric_formulas import PER_CLASS

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
    }
)
ARGUMENTS = ("y_true", "y_pred", "y_score", "minority")  # passed to every user-defined metric


@dataclass(frozen=True)
class MetricOptions:
    """The group ``metrics`` of the configuration, checked.

    Parameters
    ----------
    columns : tuple of str
        Metrics in tables. Those of `extra` are appended.
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
        count as equal.
    extra : mapping of str to mapping
        User-defined metrics: ``{name: {_target_: function, parameter: value, ...}}``. The function
        is called with ``y_true, y_pred, y_score, minority`` and returns a float. A node may set
        ``higher_is_better: false``.

    Raises
    ------
    ConfigError
        If a name is unknown, a node cannot be called, ``ece_bins`` is below 1, or ``rope`` is no
        non-negative number.

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
        """Metrics in tables: `columns`, then all user-defined metrics, without duplicates."""
        return tuple(dict.fromkeys([*self.columns, *self.extra]))

    def higher_is_better(self, name: str) -> bool:
        """Return whether larger values of a metric are better."""
        if name in self.extra:
            return bool(self.extra[name].get("higher_is_better", True))
        return HIGHER_IS_BETTER.get(name, True)


def metric_options(node: Mapping[str, Any]) -> MetricOptions:
    """Create the options from the resolved yaml group ``metrics``.

    Raises
    ------
    ConfigError
        If a key is unknown, or as :class:`MetricOptions`.

    Examples
    --------
    >>> metric_options({"columns": ["mcc"], "minority": 1}).minority
    '1'
    """
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
        If ``metrics.minority``, ``metrics.rare`` or a ``recall/<class>`` names a class that does
        not exist.
    """
    minority_label(options, class_names, 0)
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


def _is_per_class(name: str) -> bool:
    kind, slash, class_name = name.partition("/")
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
