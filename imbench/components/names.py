"""Import paths that moved: run ids keep the old ones, and configurations may use either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# (now, in run ids). A run id is a hash over import paths among others; modules that move must
# not change it, or stored results would be computed again.
MOVED = (
    ("imbench.data.splits.", "imbench.splits."),
    ("imbench.data.", "imbench.datasets."),
    ("imbench.models.nets.backbones.", "imbench.models.backbones."),
    ("imbench.models.nets.classifier.", "imbench.models.torch_classifier."),
    ("imbench.report.mlflow.tracker.", "imbench.tracking."),
    ("imbench.results.metrics.", "imbench.metrics."),
    ("imbench.run.tuning.optuna.", "imbench.tuning."),
    ("imbench.strategies.neighbors.", "imbench.neighbors."),
)


def current_path(path: str) -> str:
    """Return where an object lies now, for an import path of any version.

    Examples
    --------
    >>> current_path("imbench.datasets.digits.load_digits")
    'imbench.data.digits.load_digits'
    >>> current_path("sklearn.svm.SVC")
    'sklearn.svm.SVC'
    """
    for now, before in MOVED:
        if path.startswith(before):
            return now + path.removeprefix(before)
    return path


def stable_path(path: str) -> str:
    """Return the import path that run ids are made of, for a path of any version.

    Examples
    --------
    >>> stable_path("imbench.data.digits.load_digits")
    'imbench.datasets.digits.load_digits'
    """
    for now, before in MOVED:
        if path.startswith(now):
            return before + path.removeprefix(now)
    return path


def with_stable_paths(node: Any) -> Any:
    """Return a copy of a configuration node in which every ``_target_`` is a stable path.

    Examples
    --------
    >>> with_stable_paths({"_target_": "imbench.data.splits.Holdout", "test_size": 0.25})
    {'_target_': 'imbench.splits.Holdout', 'test_size': 0.25}
    """
    if isinstance(node, Mapping):
        return {
            key: stable_path(value)
            if key == "_target_" and isinstance(value, str)
            else with_stable_paths(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [with_stable_paths(value) for value in node]
    return node
