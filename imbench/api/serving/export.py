"""Take from a fitted estimator everything that predicts, and leave the rest.

What :func:`imbench.pipeline.build.build` composes holds samplers, counters, records of rows,
copies that were never fitted and search settings. None of them is called at prediction.
"""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

from imbench.api.serving.served import Served
from imbench.models.boosting import BoostedTrees
from imbench.models.outlier import OutlierClassifier
from imbench.models.own import OwnClassifier
from imbench.models.weighted import WeightedClassifier
from imbench.pipeline.pipeline import ResamplingPipeline
from imbench.pipeline.steps import TrainingOnly
from imbench.strategies.decision.base import DecisionRule
from imbench.strategies.decision.threshold import TunedThreshold
from imbench.strategies.ensemble.base import Ensemble

LEFTOVERS = ("notes_", "n_fits_", "facts_", "class_weights_", "_counts", "_weights", "_labels")


def strip(estimator: Any) -> Served:
    """Return what of a fitted estimator predicts; it predicts the same to the last bit.

    Samplers, row counters and their records go, and so do the copies that were never fitted. A
    tuned threshold becomes scikit-learn's fixed one. Class weights, which acted in training
    alone, leave the model inside of them.

    Parameters
    ----------
    estimator : estimator
        Fitted; composed by :func:`imbench.pipeline.build.build`.

    Returns
    -------
    Served

    Raises
    ------
    ImbenchError
        If a net has a backbone or a head of a user's own.

    Notes
    -----
    A net predicts on the CPU afterwards. What was trained on a GPU predicts there what it
    predicts on the CPU, up to rounding.
    """
    nets: list[Any] = []
    threshold = None
    if isinstance(estimator, TunedThreshold) and len(estimator.classes_) == 2:
        threshold = float(estimator.weights_[0])
    return Served(_stripped(estimator, nets), threshold, nets)


def _stripped(part: Any, nets: list[Any]) -> Any:
    """Return a part without what training alone needs; nets inside are added to a list."""
    if isinstance(part, ResamplingPipeline):
        steps = [(name, step) for name, step in part.steps if not isinstance(step, TrainingOnly)]
        kept = [(name, _without_notes(step)) for name, step in steps[:-1]]
        return Pipeline([*kept, ("model", _stripped(steps[-1][1], nets))])
    if isinstance(part, WeightedClassifier):
        return _stripped(part.estimator_, nets)
    if isinstance(part, Ensemble):
        return _ensemble(part, nets)
    if isinstance(part, DecisionRule):
        return _rule(part, nets)
    if isinstance(part, OwnClassifier | OutlierClassifier | BoostedTrees):
        kept = _without_notes(part)
        kept.estimator = None
        kept.estimator_ = _stripped(part.estimator_, nets)
        if isinstance(part, BoostedTrees):
            kept.loss = None
        return kept
    return _model(part, nets)


def _without_notes(part: Any) -> Any:
    """Return a shallow copy without notes, counts and other records of the fit."""
    kept = copy.copy(part)
    for name in LEFTOVERS:
        vars(kept).pop(name, None)
    return kept


def _ensemble(part: Ensemble, nets: list[Any]) -> Any:
    """Return an ensemble of stripped members; its own class where that predicts by itself."""
    own = getattr(part, "voting", "soft") != "soft" or (
        not hasattr(part, "voting") and type(part).predict_proba is not Ensemble.predict_proba
    )
    kept = _reset(part) if own else Ensemble(None)
    kept.classes_, kept.estimator_weights_ = part.classes_, part.estimator_weights_
    kept.n_estimators = len(part.estimators_)
    kept.estimators_ = [_stripped(member, nets) for member in part.estimators_]
    return kept


def _rule(part: DecisionRule, nets: list[Any]) -> Any:
    """Return a decision rule with what it learnt, around a stripped classifier."""
    inside = _stripped(part.estimator_, nets)
    if isinstance(part, TunedThreshold) and len(part.classes_) == 2:
        return fixed_threshold(inside, part.classes_, float(part.weights_[0]))
    own = any(
        getattr(type(part), name) is not getattr(DecisionRule, name)
        for name in ("predict", "predict_proba", "_weighted")
    )
    kept = _reset(part) if own else DecisionRule(None)
    kept.classes_, kept.estimator_ = part.classes_, inside
    return kept


def fixed_threshold(estimator: Any, classes: NDArray[Any], threshold: float) -> Any:
    """Return a fitted classifier of two classes with a threshold on the second one.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    >>> fixed_threshold(model, np.arange(2), 0.1).predict([[0.0]]).tolist()
    [1]
    """
    fixed = FixedThresholdClassifier(
        FrozenEstimator(estimator),
        threshold=threshold,
        pos_label=classes[1].item(),
        response_method="predict_proba",
    )
    # Nothing is fitted: the estimator is frozen, and the rows are not looked at.
    return fixed.fit(np.zeros((2, 1)), classes)


def _reset(part: Any) -> Any:
    """Return a copy whose settings are their defaults unless they are plain values.

    Metrics, costs and searches for neighbours act in training alone.
    """
    kept = _without_notes(part)
    for name, parameter in inspect.signature(type(part).__init__).parameters.items():
        if name in vars(kept) and not isinstance(vars(kept)[name], bool | int | float | str):
            empty = parameter.default is inspect.Parameter.empty
            setattr(kept, name, None if empty else parameter.default)
    return kept


def _model(model: Any, nets: list[Any]) -> Any:
    """Return a model that needs neither imbalanced-learn nor what a net needs to be trained."""
    names = {f"{cls.__module__}.{cls.__name__}" for cls in type(model).__mro__}
    if "imbench.models.nets.classifier.TorchClassifier" in names:
        from imbench.api.serving.nets import ServedNet

        nets.append(ServedNet.of(model))
        return nets[-1]
    if "imbench.models.autoencoder.Autoencoder" in names:
        from imbench.api.serving.nets import ServedAutoencoder

        nets.append(ServedAutoencoder.of(model))
        return nets[-1]
    if any(name.startswith("imblearn.") for name in names):
        return _forest(model)
    return model


def _forest(model: Any) -> Any:
    """Return a random forest of imbalanced-learn as one of scikit-learn; others unchanged."""
    from sklearn.ensemble import RandomForestClassifier

    if not isinstance(model, RandomForestClassifier):
        return model
    shared = RandomForestClassifier().get_params(deep=False)
    forest = RandomForestClassifier(
        **{name: value for name, value in model.get_params(deep=False).items() if name in shared}
    )
    for name in ("estimators_", "classes_", "n_classes_", "n_outputs_", "n_features_in_"):
        setattr(forest, name, getattr(model, name))
    return forest
