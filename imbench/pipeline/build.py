"""Compose an estimator from a model and a strategy, by five rules.

1. In-training stages go into the model; `weights` falls back to ``sample_weight``.
2. ``Pipeline([clean, *resample, rows, encode, model])``, also with no resampler: scikit-learn's
   bagging would otherwise bag an estimator that takes ``sample_weight`` by weights, and rows
   out of the bag would stay in class counts and batches.
3. The ensemble goes around the pipeline: resampling happens inside each bag.
4. The decision rule goes around that.
5. Seeds.

The nearest-neighbor search is passed to the samplers here, and to the ensembles that generate rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from imbench.components.seeding import seed_estimator
from imbench.data.dataset import DatasetInfo
from imbench.errors import Incompatible
from imbench.models.base import Model
from imbench.models.preprocessing import clean_steps, encode_steps, pixel_steps
from imbench.models.weighted import WeightedClassifier, WeightedHoldout
from imbench.pipeline.context import FitContext
from imbench.pipeline.needs import check_loss, check_needs
from imbench.pipeline.pipeline import HoldoutPipeline, ResamplingPipeline
from imbench.pipeline.steps import CheckedSampler, RowCounter
from imbench.strategies import IN_TRAINING
from imbench.strategies.base import Strategy
from imbench.strategies.fitting import FittingMixin

_TAKEN: dict[tuple[type, str], bool] = {}  # parameters of `fit`, by class


def build(
    model: Model,
    strategy: Strategy,
    info: DatasetInfo,
    seed: int,
    context: FitContext | None = None,
) -> Any:
    """Compose an estimator from a model and a strategy, for a kind of data.

    Parameters
    ----------
    model : Model
    strategy : Strategy
    info : DatasetInfo
    seed : int
        From (data set, repeat, fold); every ``random_state`` inside is set to it.
    context : FitContext or None
        Shared by all copies of the estimator.

    Returns
    -------
    estimator
        Not fitted.

    Raises
    ------
    Incompatible
        If the parts do not fit; the reason names the strategy, the model or the data, and why.
    ValueError
        If costs do not fit the classes.
    """
    check_needs(model, strategy, info)
    _check_training_stages(strategy, info)
    estimator = _with_training_stages(model, strategy, info)
    if info.has_weight and not _takes_weight(estimator):
        raise Incompatible(
            f"model={model.name} takes no sample_weight, but the rows of dataset={info.name} have "
            "weights: leave dataset.weight out, or use another model."
        )
    estimator = _pipeline(estimator, model, strategy, info, context or FitContext())
    for stage in ("ensemble", "decision"):
        wrap = strategy.entry(stage)
        estimator = estimator if wrap is None else with_classes(wrap(estimator=estimator), info)
        if info.has_weight and not isinstance(estimator, FittingMixin):
            raise Incompatible(
                f"strategy={next(iter(getattr(strategy, stage)))} passes no sample_weight on, but "
                f"the rows of dataset={info.name} have weights: leave dataset.weight out, or let "
                "it inherit from imbench's base class."
            )
        if stage == "ensemble":
            _give_neighbors(estimator, strategy)
    return seed_estimator(estimator, seed)


def with_classes(part: Any, info: DatasetInfo) -> Any:
    """Return a part of a strategy that knows the classes, where its parameters name some.

    Parameters
    ----------
    part : object
        With a method ``with_classes(info)``, or any other, which is returned as it is.
    info : DatasetInfo

    Raises
    ------
    ValueError
        If the part does not fit the classes.
    """
    return part.with_classes(info) if hasattr(part, "with_classes") else part


def _neighbors(strategy: Strategy) -> Any:
    """Return a copy of the nearest-neighbor search of a strategy: seeds are set in it."""
    from imbench.strategies.neighbors.exact import ExactNeighbors

    return ExactNeighbors() if strategy.neighbors is None else clone(strategy.neighbors)


def _give_neighbors(estimator: Any, strategy: Strategy) -> None:
    """Pass the search to an ensemble whose parameter ``neighbors`` is None."""
    if "neighbors" in (p := estimator.get_params(deep=False)) and p["neighbors"] is None:
        estimator.set_params(neighbors=_neighbors(strategy))


def _is_batch_level(loss: Any, n_classes: int) -> bool:
    """Whether the losses of rows depend on each other; found out by calling the loss."""
    # PyTorch is imported here alone: forests and tables build without it.
    import torch

    from imbench.models.nets.probe import probe_loss

    try:
        return probe_loss(loss, 10 * torch.arange(n_classes, 0, -1)).batch_level
    except Exception:  # made-up counts may not suit it: fit calls it again with the real ones
        return bool(getattr(loss, "batch_level", False))


def _check_training_stages(strategy: Strategy, info: DatasetInfo) -> None:
    """Raise Incompatible for in-training entries that cannot be combined, or not with weights."""
    mixing = [n for n, entry in strategy.augment.items() if getattr(entry, "mixes_labels", False)]
    weighing = [f"strategy={name}" for name in (*strategy.weights, *mixing)]
    weighing += ["dataset.weight"] if info.has_weight else []
    loss = next(iter(strategy.loss), "")
    if loss and weighing and _is_batch_level(strategy.loss[loss], info.n_classes):
        raise Incompatible(
            f"strategy={loss} computes one loss for a whole batch, so {weighing[0]} has no loss of "
            "a row to weight (weights need one a row); leave one of the two out."
        )
    *earlier, last = strategy.augment or [""]
    for name in earlier:
        if name in mixing:
            fix = "leave one of the two out" if last in mixing else f"select {name} last"
            raise Incompatible(
                f"strategy={name} mixes rows and their labels, so that strategy={last} after it "
                f"could not tell of which class a row is: {fix}."
            )


def _with_training_stages(model: Model, strategy: Strategy, info: DatasetInfo) -> Any:
    """Rule 1."""
    estimator = model.fresh_estimator(info)
    # The model's own stages come first: weights may put a wrapper around it.
    for stage in sorted(IN_TRAINING, key=lambda stage: stage not in model.training_stages):
        entries = getattr(strategy, stage)
        if not entries:
            continue
        name, found = (
            "+".join(entries),
            [with_classes(_unshared(entry), info) for entry in entries.values()],
        )
        if stage == "loss":
            check_loss(model, name, found[0])
        if stage in model.training_stages:
            estimator.set_params(**{stage: _chained(found)})
        elif stage != "weights":
            raise Incompatible(
                f"strategy={name} acts on the {stage} of a net, which model={model.name} does "
                "not have; use a net (model=mlp, cnn or resnet18)."
            )
        elif _fit_takes(estimator, "sample_weight"):
            wrap = WeightedHoldout if _holds_out(estimator) else WeightedClassifier
            estimator = wrap(estimator, found[0])
        else:
            raise Incompatible(
                f"strategy={name} weights rows, but model={model.name} takes no sample_weight."
            )
    return estimator


def _unshared(entry: Any) -> Any:
    """Return a copy of an entry that may have a seed, which is set in it; others as they are."""
    return clone(entry) if hasattr(entry, "get_params") else entry


def _chained(entries: list[Any]) -> Any:
    """One entry as it is; several (only `augment` gets here with several) as a chain."""
    if len(entries) == 1:
        return entries[0]
    from imbench.strategies.augment.chain import AugmentChain

    return AugmentChain(entries)


def _takes_nan(sampler: Any) -> bool:
    """Whether a sampler says that it takes NaN; a plain object with `fit_resample` does not."""
    if getattr(sampler, "shrinkage", None) is not None:
        return False  # imbalanced-learn's random oversampling says so, and refuses them with noise
    return hasattr(sampler, "__sklearn_tags__") and get_tags(sampler).input_tags.allow_nan


def _sampler(
    name: str, info: DatasetInfo, strategy: Strategy, context: FitContext
) -> CheckedSampler:
    """Return the step of a sampler: a copy that is told columns and shape of the rows."""
    copy = clone(strategy.resample[name], safe=False)
    # A sampler may be any object with `fit_resample`.
    parameters: Mapping[str, Any] = getattr(copy, "get_params", dict)()
    if info.input_shape is not None and "input_shape" in parameters:
        copy.set_params(input_shape=info.input_shape)
    if info.categorical and "categorical_features" in parameters:
        # `clean` puts categorical columns last.
        first = info.n_features - len(info.categorical)
        copy.set_params(categorical_features=list(range(first, info.n_features)))
    key = f"strategy.resample.{name}"
    return CheckedSampler(copy, key, info.class_names, context.cache, _neighbors(strategy))


def _pipeline(
    estimator: Any, model: Model, strategy: Strategy, info: DatasetInfo, context: FitContext
) -> ResamplingPipeline:
    """Rule 2."""
    samplers = strategy.resample
    if info.input_shape is not None:
        raw = model.is_net and not samplers  # nets scale uint8 a batch at a time
        clean, encode = [] if raw else pixel_steps(), []
    else:
        of_rows = [entry for entry in strategy.weights.values() if hasattr(entry, "row_weights")]
        takes_nan = all(_takes_nan(entry) for entry in [*samplers.values(), *of_rows])
        impute = model.preprocessing.impute or (info.has_missing and not takes_nan)
        if info.has_missing and not impute and not get_tags(estimator).input_tags.allow_nan:
            raise Incompatible(
                f"model={model.name} takes no missing values, which dataset={info.name} has: set "
                "model.preprocessing.impute=true."
            )
        clean = clean_steps(info, model.preprocessing, impute)
        encode = encode_steps(info, model.preprocessing, impute)
    resample = [(name, _sampler(name, info, strategy, context)) for name in samplers]
    rows = [("rows", RowCounter(info.n_classes, context.witness))]
    steps = [*clean, *resample, *rows, *encode, ("model", estimator)]
    return HoldoutPipeline(steps) if _holds_out(estimator) else ResamplingPipeline(steps)


def _holds_out(estimator: Any) -> bool:
    """Whether an estimator's ``fit`` wants validation rows; boosted trees do to stop early."""
    wants = getattr(estimator, "holds_out", None)
    return _fit_takes(estimator, "validation") if wants is None else bool(wants)


def _takes_weight(estimator: Any) -> bool:
    return isinstance(estimator, WeightedClassifier) or _fit_takes(estimator, "sample_weight")


def _fit_takes(estimator: Any, name: str) -> bool:
    """Whether an estimator's ``fit`` has a parameter; asked once a class, for it takes long."""
    key = type(estimator), name
    if key not in _TAKEN:
        _TAKEN[key] = bool(has_fit_parameter(estimator, name))
    return _TAKEN[key]
