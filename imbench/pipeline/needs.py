"""Needs that a yaml may list, and the message if one of them is not met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from imbench.data.dataset import DatasetInfo
from imbench.errors import Incompatible
from imbench.models.base import Model
from imbench.strategies.base import Strategy
from imbench.strategies.loss.boosting import kinds_of

Need = tuple[Callable[[Model, DatasetInfo], bool], str, str]

_DATA, _MODEL = "dataset={info.name} ", "model={model.name} "
NEEDS: dict[str, Need] = {
    "binary": (lambda m, i: i.n_classes == 2, "two classes", _DATA + "has more"),
    "images": (lambda m, i: i.input_shape is not None, "images", _DATA + "is a table"),
    "tables": (lambda m, i: i.input_shape is None, "a table", _DATA + "holds images"),
    "no_categories": (
        lambda m, i: not i.categorical,
        "a table of numbers",
        _DATA + "has categorical columns",
    ),
    "some_categories": (
        lambda m, i: bool(i.categorical),
        "categorical columns",
        _DATA + "has none",
    ),
    "some_numbers": (
        lambda m, i: len(i.categorical) < i.n_features,
        "numeric columns",
        _DATA + "has only categorical ones",
    ),
    "only_categories": (
        lambda m, i: len(i.categorical) == i.n_features,
        "a table of nothing but categories",
        _DATA + "has numeric columns",
    ),
    "net": (lambda m, i: m.is_net, "a net", _MODEL + "is none"),
}
"""By name: the check, the words for what is needed, and for what the data or model has."""


def check_needs(model: Model, strategy: Strategy, info: DatasetInfo) -> None:
    """Raise Incompatible if a model or a strategy is for another kind of data, or of model."""
    wanted = [(f"model={model.name}", need, "") for need in model.needs]
    for name, needs in strategy.needs.items():
        hint = strategy.hints.get(name, "")
        by_need = dict.fromkeys(needs, hint) if isinstance(hint, str) else hint
        wanted += [(f"strategy={name}", need, by_need.get(need, "")) for need in needs]
    for who, need, hint in wanted:
        is_met, words, otherwise = NEEDS[need]
        if not is_met(model, info):
            instead = f"; use {hint} instead" if hint else ""
            found = otherwise.format(model=model, info=info)
            raise Incompatible(f"{who} needs {words}, but {found}{instead}.")


_LOSS_OF = {
    "net": ("a net", "a net (model=mlp, cnn or resnet18)"),
    "boosting": ("boosted trees", "boosted trees (model=lightgbm or xgboost)"),
}


def check_loss(model: Model, name: str, loss: Any) -> None:
    """Raise Incompatible if a loss is not for this kind of model.

    Parameters
    ----------
    model : Model
    name : str
        Of the strategy.
    loss : object
        Its entry of the stage `loss`, which declares its kinds of models, see
        :func:`imbench.strategies.loss.boosting.kinds_of`.
    """
    kinds = kinds_of(loss) or ("net",)  # a net says what is missing
    if model.is_net and "net" not in kinds:
        why = f"model={model.name} is a net"
    elif "loss" not in model.training_stages:
        why = f"model={model.name} takes none but its own"
    elif not model.is_net and "boosting" not in kinds:
        why = f"has no derivatives for model={model.name}"
    else:
        return
    of, instead = (" or ".join(words) for words in zip(*map(_LOSS_OF.get, kinds), strict=True))
    raise Incompatible(f"strategy={name} acts on the loss of {of}, and {why}; use {instead}.")
