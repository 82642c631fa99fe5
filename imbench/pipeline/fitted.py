"""Facts of a fitted estimator, as data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imbench.pipeline.resample_cache import ResampleCache
from imbench.pipeline.steps import CheckedSampler
from imbench.pipeline.witness import Witness
from imbench.strategies.fitted import fitted_models


def watch(estimator: Any, witness: Witness) -> Any:
    """Let every pipeline inside an estimator tell one witness, in place, and return it."""
    name = "rows__witness"
    parameters = estimator.get_params(deep=True)
    found = [key for key in parameters if key == name or key.endswith(f"__{name}")]
    return estimator.set_params(**dict.fromkeys(found, witness))


def share(estimator: Any, cache: ResampleCache | None) -> Any:
    """Let every sampler inside an estimator use a cache, in place, and return the estimator."""
    parameters = estimator.get_params(deep=True)
    found = [f"{k}__cache" for k, v in parameters.items() if isinstance(v, CheckedSampler)]
    return estimator.set_params(**dict.fromkeys(found, cache))


def reused_s(estimator: Any) -> float:
    """Return the seconds that resampling had taken whose rows came from a cache."""
    steps = (step for pipeline in fitted_models(estimator) for _, step in pipeline.steps)
    return sum(step.reused_s_ for step in steps if isinstance(step, CheckedSampler))


def witness_of(estimator: Any) -> Witness | None:
    """Return the witness that the pipelines inside tell, if there is one."""
    return next((p.named_steps["rows"].witness for p in fitted_models(estimator)), None)


def fits(
    estimator: Any, witness: Witness | None, test_hashes: NDArray[np.uint64], n_replayed: int = 0
) -> dict[str, Any]:
    """Return what was fitted on what, for a `FoldResult`'s audit.

    ``replayed_fits`` are those of which a decision rule had the scores from an earlier fold, whose
    record holds them. ``unseen_fits`` are others that no witness was told of: components of a
    user's that copy what is inside in a way of their own.
    """
    replayed = n_replayed * len(list(fitted_models(estimator)))
    seen = replayed + (0 if witness is None else witness.n_fits)
    return {
        "fits": [] if witness is None else witness.fits(test_hashes),
        "replayed_fits": replayed,
        "unseen_fits": max(n_fits(estimator) - seen, 0),
    }


def labels_for(estimator: Any, X: ArrayLike, scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return what an estimator predicts for rows whose scores (n, K) it has given.

    A net or an ensemble that says that it predicts the likeliest class is not asked a second
    time; behind a decision rule it is not what predicts.
    """
    steps = getattr(estimator, "steps", None)
    predicts = estimator if steps is None else steps[-1][1]
    if getattr(predicts, "predicts_likeliest", False):
        return scores.argmax(1)
    return np.asarray(estimator.predict(X), np.int64)


def trained(estimator: Any) -> tuple[dict[str, Any], ...]:
    """Return for each model inside what the functions of this module read of it, as plain data.

    ``rows`` are the rows of each class that reached the model, ``model`` its own attributes.
    :mod:`imbench.results.scores` makes stand-ins of them.
    """
    pipelines = list(fitted_models(estimator))
    facts = []
    for pipeline in pipelines:
        model = pipeline.named_steps["model"]
        names = ("class_counts_", "classes_", "device_", "validation_fraction")
        own = {name: getattr(model, name) for name in names if hasattr(model, name)}
        if len(pipelines) == 1 and hasattr(model, "history_"):
            own["history_"] = model.history_
        if getattr(model, "batches", None) is not None:
            own["batches"] = True
        plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in own.items()}
        rows = pipeline.named_steps["rows"]
        counted = {name: getattr(rows, name).tolist() for name in ("classes_", "class_counts_")}
        facts.append({"rows": counted, "model": plain})
    return tuple(facts)


def n_fits(estimator: Any) -> int:
    """Return how many models were fitted, inner folds and ensemble members included."""
    return getattr(estimator, "n_fits_", 1) * len(list(fitted_models(estimator)))


def notes(estimator: Any) -> tuple[str, ...]:
    """Return what ensembles and steps inside had to change (``notes_``), each sentence once."""
    found = [*_own_notes(estimator)]
    found += [
        note
        for pipeline in fitted_models(estimator)
        for _, step in pipeline.steps
        for note in getattr(step, "notes_", ())
    ]
    return tuple(dict.fromkeys(found))


def _own_notes(estimator: Any) -> Iterator[str]:
    """Yield the notes of a wrapper and of the wrappers inside."""
    yield from getattr(estimator, "notes_", ())
    if hasattr(estimator, "estimator_"):
        yield from _own_notes(estimator.estimator_)


def history(estimator: Any) -> NDArray[np.float64]:
    """Return the training curve of a single net, (n_epochs, 2); (0, 2) for everything else."""
    curves = [
        p.named_steps["model"].history_
        for p in fitted_models(estimator)
        if hasattr(p.named_steps["model"], "history_")
    ]
    return curves[0] if len(curves) == 1 else np.empty((0, 2))


def picture(estimator: Any) -> dict[str, NDArray[Any]]:
    """Return what a sampler inside shows of its rows (``picture_``), for a `FoldResult`.

    The first sampler that has something to show, of the first member of an ensemble; {} if
    there is none. See :class:`imbench.strategies.resample.picture.Picture`.
    """
    for pipeline in fitted_models(estimator):
        for _, step in pipeline.steps:
            shown = getattr(step, "picture_", None)
            if shown is not None:
                return {"picture": shown.rows, "picture_y": shown.y, "picture_made": shown.made}
    return {}


def device(estimator: Any) -> str:
    """Return the device that the nets inside were trained on; ``cpu`` for everything else."""
    models = [p.named_steps["model"] for p in fitted_models(estimator)]
    return next((m.device_ for m in models if hasattr(m, "device_")), "cpu")
