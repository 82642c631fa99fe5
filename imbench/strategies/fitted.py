"""Read scores and class counts of a fitted classifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def fitted_models(estimator: Any) -> Iterator[Any]:
    """Yield the fitted pipelines inside wrappers and ensembles, outermost first.

    A pipeline of imbench ends in ``rows`` and ``model``; what an ensemble wraps around its
    members (imbalanced-learn puts each behind a sampler) is looked through.
    """
    steps = getattr(estimator, "named_steps", None)
    if steps is not None and "rows" in steps:
        yield estimator
    elif steps is not None:
        yield from fitted_models(estimator.steps[-1][1])
    elif hasattr(estimator, "estimators_"):
        for member in estimator.estimators_:
            yield from fitted_models(member)
    elif hasattr(estimator, "estimator_"):
        yield from fitted_models(estimator.estimator_)


def scores_for(estimator: Any, X: ArrayLike, classes: NDArray[Any]) -> NDArray[np.float64]:
    """Return probabilities with a column for each of the classes, shape (n, K).

    Parameters
    ----------
    estimator : fitted classifier
        It may have met fewer classes than there are.
    X : array of shape (n, d)
    classes : ndarray of shape (K,)
        Sorted; a class that the estimator never met scores 0.
    """
    found = estimator.predict_proba(X)
    scores = np.zeros((len(found), len(classes)))
    scores[:, np.searchsorted(classes, estimator.classes_)] = found
    return scores


def counts_after(estimator: Any) -> tuple[float, ...]:
    """Return the rows of each class that trained a model, a mean over ensemble members."""
    counts = [_class_counts(p.named_steps) for p in fitted_models(estimator)]
    return tuple(np.mean(counts, axis=0).tolist()) if counts else ()


def _class_counts(steps: Any) -> NDArray[np.float64]:
    """Return what a net drew, at the places of its labels; for other models what reached them."""
    counts = np.array(steps["rows"].class_counts_, np.float64)
    if hasattr(steps["model"], "class_counts_"):
        counts[:] = 0
        places = np.searchsorted(steps["rows"].classes_, steps["model"].classes_)
        counts[places] = steps["model"].class_counts_
    return counts
