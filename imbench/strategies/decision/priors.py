"""Class shares of the rows that trained the models inside an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def _is_changed(model: ModelFacts, classes: NDArray[Any], counts: NDArray[np.int64]) -> bool:
    held_out = (model.training.validation_fraction * counts).astype(np.int64)
    is_resampled = not np.array_equal(model.class_counts[classes], counts - held_out)
    return is_resampled or model.training.has_batches
