"""Labels and the audit record of a fitted estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imbench.models.mixin import ModelMixin
from imbench.pipeline.pipeline import ResamplingPipeline
from imbench.pipeline.witness import Witness
from imbench.strategies.ensemble.base import Ensemble
from imbench.strategies.facts import FitFacts


def audit_of(
    facts: FitFacts, witness: Witness, test_hashes: NDArray[np.uint64], n_replayed: int = 0
) -> dict[str, Any]:
    """Return what was fitted on what, for a `FoldResult`'s audit.

    Parameters
    ----------
    facts : FitFacts
    witness : Witness
        Was told of the fits.
    test_hashes : ndarray of uint64 of shape (n_test,)
    n_replayed : int
        Fits whose scores are stored since an earlier strategy, whose record holds them.

    Returns
    -------
    dict
        ``unseen_fits`` are those that the witness was not told of: components of a user's that
        copy the estimator inside in a way of their own.
    """
    replayed = n_replayed * len(facts.models)
    return {
        "fits": witness.fits(test_hashes),
        "replayed_fits": replayed,
        "unseen_fits": max(facts.n_fits - replayed - witness.n_fits, 0),
    }


def labels_for(estimator: Any, X: ArrayLike, scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the predictions of an estimator for rows whose scores (n, K) are known.

    Scores are not computed a second time for models and ensembles that predict the likeliest
    class. A decision rule around them has a ``predict`` of its own.
    """
    predicts = estimator.steps[-1][1] if isinstance(estimator, ResamplingPipeline) else estimator
    if isinstance(predicts, ModelMixin | Ensemble) and predicts.predicts_likeliest:
        return scores.argmax(1)
    return np.asarray(estimator.predict(X), np.int64)
