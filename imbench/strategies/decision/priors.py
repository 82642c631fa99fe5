"""Class shares of the rows that trained the models inside an estimator, weighted or not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import Incompatible
from imbench.strategies.facts import ModelFacts, facts_of


def trained_shares(
    estimator: Any, classes: NDArray[Any], y: NDArray[np.int64]
) -> tuple[NDArray[np.float64], bool]:
    """Return the share of each class in what trained the models, and whether that was changed.

    Parameters
    ----------
    estimator : fitted classifier
    classes : ndarray of shape (K,)
        Whole numbers, as the estimator was told.
    y : ndarray of shape (n,)
        Labels 0..K-1 (positions in ``classes``) of the rows that the composition was fitted on.

    Returns
    -------
    shares : ndarray of shape (K,)
        Mean over the members of an ensemble.
    is_changed : bool
        Whether a resampler, a sampler of batches or an ensemble changed the rows of a class.
        Validation rows that a net holds out do not count: they are a share of every class.
    """
    counts = np.bincount(y, minlength=len(classes))
    facts = facts_of(estimator)
    if not facts.models:
        return counts / counts.sum(), False
    reached = np.asarray(facts.counts_after)[classes]
    if not reached.all():  # a class that no member has seen: nothing to divide by
        return counts / counts.sum(), False
    is_changed = any(_is_changed(model, classes, counts) for model in facts.models)
    return reached / reached.sum(), is_changed


def weighted_shares(
    estimator: Any, classes: NDArray[Any], y: NDArray[np.int64]
) -> tuple[NDArray[np.float64], bool]:
    """Return what :func:`trained_shares` does, where a row counts as often as its class weight.

    A class weight of w has the effect on a model that w times as many rows have.

    Raises
    ------
    Incompatible
        If the weights changed while a net was trained, or one of them is 0.
    """
    models = facts_of(estimator).models
    weights = [m.training.class_weights for m in models if m.training.class_weights is not None]
    shares, is_changed = trained_shares(estimator, classes, y)
    if not weights:
        return shares, is_changed
    if any(model.training.weights_change for model in models):
        raise Incompatible(
            "strategy=prior_correction corrects class weights that stay as they are, but those of "
            "this net change during its training: use weights such as inverse_weights, or leave "
            "prior_correction out."
        )
    reached = np.mean([model.weighted_counts for model in models], axis=0)[classes]
    if not reached.all():
        raise Incompatible(
            "strategy=prior_correction divides by what the rows of a class weigh, and those of "
            "some class weigh nothing: give every class rows and a weight above 0, or leave "
            "prior_correction out."
        )
    is_weighted = any(np.ptp(own) > 0 for own in weights)
    return reached / reached.sum(), is_changed or is_weighted


def _is_changed(model: ModelFacts, classes: NDArray[Any], counts: NDArray[np.int64]) -> bool:
    if model.held_out is None:
        held_out = (model.training.validation_fraction * counts).astype(np.int64)
    else:
        held_out = model.held_out[classes]
    is_resampled = not np.array_equal(model.class_counts[classes], counts - held_out)
    return is_resampled or model.training.has_batches
