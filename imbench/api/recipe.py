"""From the names of a strategy and a model to the objects that an estimator is built from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbench.data.features import FeatureOptions
from imbench.data.frame import as_names
from imbench.data.roles import RoleColumns
from imbench.data.table import feature_options
from imbench.errors import ConfigError
from imbench.models.base import Model
from imbench.models.own import as_classifier, name_of

if TYPE_CHECKING:
    from imbench.config.cell import Cell

KEY = re.compile(r"[+~]*(?P<root>\w+)(?P<rest>[^=]*)")
PARTS = ("strategy", "model", "decision", "neighbors", "costs", "metrics", "device", "amp")
READING = ("drop", "categorical", "missing", "decimal", "thousands", "dates", "day_first")
ROLES = ("groups", "time", "weight")
ANY = "sklearn.dummy.DummyClassifier"  # stands for an estimator that is given as an object


@dataclass(frozen=True)
class Recipe:
    """What is fitted, and how the columns of frames are read.

    Parameters
    ----------
    cell : Cell
        With the model and the strategy.
    model : Model
    options : FeatureOptions
    drop : tuple of str
        Columns that are left out.
    roles : RoleColumns
        Columns that are no features.
    """

    cell: Cell
    model: Model
    options: FeatureOptions
    drop: tuple[str, ...]
    roles: RoleColumns


def recipe_of(
    strategy: str | Sequence[str],
    model: Any,
    overrides: Sequence[str] = (),
    config_dir: str | Path | None = None,
) -> Recipe:
    """Compose and check what is fitted; parameters of :class:`ImbalancedClassifier`.

    Raises
    ------
    ConfigError
        With one line for each thing that is wrong.

    Examples
    --------
    >>> recipe = recipe_of("smote+threshold", "knn", ["dataset.dates=parts"])
    >>> recipe.cell.label, recipe.model.name, recipe.options.dates
    ('smote+threshold', 'knn', 'parts')
    """
    from imbench.config.cell import Cell
    from imbench.config.parse import parse

    if isinstance(overrides, str):
        raise ConfigError(f"overrides={overrides!r}: is a text; give a list, [{overrides!r}].")
    for word in overrides:
        _check_override(word, model)
    chosen = [f"model={model}"]
    if not isinstance(model, str):
        chosen = ["model=own", f"model.estimator._target_={ANY}"]
    words = (
        "dataset=table",
        *chosen,
        f"strategy=[{','.join(strategy_names(strategy))}]",
        *overrides,
    )
    config, folders = _composed(words, None if config_dir is None else Path(config_dir))
    cell = parse(config, folders)
    if not isinstance(cell, Cell):
        raise ConfigError(cell.reason)
    node = config["dataset"]
    names = {key: as_names(node[key], key) for key in ("drop", "categorical", "missing")}
    options = feature_options(
        names,
        node["decimal"],
        node["thousands"],
        node["dates"],
        node["day_first"],
        offers_time=node["time"] is None,
    )
    groups, time, weight = (None if node[key] is None else str(node[key]) for key in ROLES)
    roles = RoleColumns(groups, time, weight)
    return Recipe(cell, _model(model, cell.model), options, names["drop"], roles)


def strategy_names(strategy: Any) -> list[str]:
    """Return the names in a strategy.

    Raises
    ------
    ConfigError
        If it is neither a text nor a list of texts.

    Examples
    --------
    >>> strategy_names("smote+threshold"), strategy_names("[smote, focal]")
    (['smote', 'threshold'], ['smote', 'focal'])
    """
    names = strategy
    if isinstance(strategy, str):
        text = strategy.strip()
        is_list = text.startswith("[") and text.endswith("]")
        names = text[1:-1].split(",") if is_list else text.split("+")
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ConfigError(
            f"strategy={strategy!r}: is no name; give one such as 'smote', or several such as "
            "'smote+threshold'."
        )
    if not names or not all(name.strip() for name in names):
        raise ConfigError(f"strategy={strategy!r}: names nothing; strategy='none' does nothing.")
    return [name.strip() for name in names]


def is_of_estimator(word: str) -> bool:
    """Whether an override has a meaning for one estimator.

    Examples
    --------
    >>> is_of_estimator("dataset.drop=[id]"), is_of_estimator("splits.n_splits=3")
    (True, False)
    """
    try:
        _check_override(word, "none")
    except ConfigError:
        return False
    return True


def _check_override(word: Any, model: Any) -> None:
    """Raise ConfigError for a setting that has no meaning for one estimator."""
    found = KEY.match(word) if isinstance(word, str) else None
    if found is None or "=" not in word:
        raise ConfigError(f"overrides: cannot read {word!r}; write 'key=value'.")
    root, rest = found["root"], found["rest"]
    if root in ("strategy", "model") and not rest:
        raise ConfigError(f"overrides: {word!r}; give it as the parameter {root} instead.")
    settable = () if isinstance(model, Model) else (".preprocessing",)
    if root == "model" and not isinstance(model, str) and not rest.startswith(settable):
        raise ConfigError(f"overrides: {word!r}; the model is an object: set it in the object.")
    if root == "dataset" and rest.removeprefix(".") in (*READING, *ROLES):
        return
    if root not in PARTS:
        kept = ", ".join([*PARTS, *(f"dataset.{key}" for key in (*READING, *ROLES))])
        raise ConfigError(
            f"overrides: {word!r} has no effect on one estimator; leave it out (there are {kept})."
        )


def _composed(
    words: tuple[str, ...], config_dir: Path | None
) -> tuple[Mapping[str, Any], Sequence[Path]]:
    if config_dir is None:
        return _shipped(words)
    from imbench.config.compose import Composer

    composer = Composer(config_dir)
    return composer.cells(words, multirun=False)[0], composer.folders


@lru_cache(maxsize=64)
def _shipped(words: tuple[str, ...]) -> tuple[Mapping[str, Any], Sequence[Path]]:
    """Compose from the files of imbench, which do not change: a fit would wait 0.1 s for it."""
    from imbench.config.compose import Composer

    composer = Composer(None)
    return composer.cells(words, multirun=False)[0], composer.folders


def _model(given: Any, composed: Model) -> Model:
    """Return the model that is composed, or the one that is given as an object."""
    if isinstance(given, str):
        return composed
    if isinstance(given, Model):
        return given
    try:
        return Model(name_of(given), as_classifier(given), composed.preprocessing)
    except ValueError as error:
        raise ConfigError(f"model: {error}") from error
