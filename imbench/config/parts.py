"""The components of a strategy and of a model: resolved once, changed by tuning, constructed.

Keys are ``strategy.<stage>.<entry>``, ``model.estimator`` and ``model.preprocessing``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from imbench.components.construct import Component
from imbench.errors import ConfigError
from imbench.strategies import STAGES, WRAPPERS

if TYPE_CHECKING:
    from imbench.models.base import Model

Parts = Mapping[str, Component]


def split_key(key: str) -> tuple[str, str]:
    """Split the key of a parameter into that of its component and the path inside it.

    Examples
    --------
    >>> split_key("strategy.resample.smote.k_neighbors")
    ('strategy.resample.smote', 'k_neighbors')
    >>> split_key("model.estimator.backbone.dropout")
    ('model.estimator', 'backbone.dropout')
    """
    names = key.split(".")
    n = 3 if names[0] == "strategy" else 2
    return ".".join(names[:n]), ".".join(names[n:])


def value_at(parts: Parts, key: str) -> Any:
    """Return the value of a parameter, given or default; None if it has neither."""
    owner, path = split_key(key)
    return parts[owner].value(path) if owner in parts else None


def with_values(parts: Parts, values: Mapping[str, Any]) -> dict[str, Component]:
    """Return the parts with parameters changed, by keys such as ``model.estimator.lr``."""
    changed = dict(parts)
    for key, value in values.items():
        owner, path = split_key(key)
        changed[owner] = changed[owner].with_value(path, value)
    return changed


def supplied_to(key: str) -> tuple[str, ...]:
    """Return the parameters that imbench passes to the component of a key.

    Examples
    --------
    >>> supplied_to("strategy.decision.threshold"), supplied_to("strategy.loss.focal")
    (('estimator',), ())
    """
    names = key.split(".")
    return ("estimator",) if names[0] == "strategy" and names[1] in WRAPPERS else ()


def construct_stages(parts: Parts) -> dict[str, dict[str, Any]]:
    """Construct the entries of every stage, by stage and name.

    Entries of the stages `ensemble` and `decision` wait for their estimator: they are functions
    that construct the wrapper. They are constructed here once without one, for their checks.

    Raises
    ------
    ConfigError
        With one line for each value that is refused.
    """
    stages: dict[str, dict[str, Any]] = {stage: {} for stage in STAGES}
    problems = []
    for key, component in parts.items():
        part, stage, *name = key.split(".", 2)
        if part != "strategy":
            continue
        try:
            stages[stage][name[0]] = _construct_entry(component, supplied_to(key))
        except ConfigError as error:
            problems += str(error).splitlines()
    if problems:
        raise ConfigError("\n".join(problems))
    return stages


def construct_model(parts: Parts, name: str, needs: tuple[str, ...]) -> Model:
    """Construct the model.

    Raises
    ------
    ConfigError
        If a value is refused.
    """
    from imbench.models.base import Model
    from imbench.models.own import as_classifier

    component = parts["model.estimator"]
    estimator = component.construct()
    check_params(estimator, component.key)
    try:
        estimator = as_classifier(estimator)
    except ValueError as error:
        raise ConfigError(f"{component.key}._target_={component.path}: {error}") from error
    return Model(name, estimator, parts["model.preprocessing"].construct(), needs)


def check_params(component: Any, key: str) -> None:
    """Let a component of imbench check its values now; scikit-learn's do that in `fit`.

    Raises
    ------
    ConfigError
        If a value is refused.
    """
    if hasattr(component, "check_params"):
        try:
            component.check_params()
        except ValueError as error:
            raise ConfigError(f"{key}: {error}") from error


def _construct_entry(component: Component, supplied: tuple[str, ...]) -> Any:
    constructed = component.construct(**dict.fromkeys(supplied))
    if component.key.startswith("strategy.loss.") and not (
        hasattr(constructed, "bind") or callable(constructed)
    ):
        raise ConfigError(
            f"{component.key}._target_={component.path}: a loss has a method bind(counts), or can "
            "be called with logits and labels: see docs/own_models.md."
        )
    check_params(constructed, component.key)
    return component.construct if supplied else constructed
