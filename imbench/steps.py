"""Pipeline steps of our own, and how facts are read out of a fitted composition."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if

from imbench.audit import Witness
from imbench.errors import DataError
from imbench.params import NamedOnce
from imbench.reuse import Reuse
from imbench.strategies.resample.refusals import dotted, explain, milder


class TrainingOnly:
    """Mixed into steps that have to do with training rows alone."""

    def transform(self, X: ArrayLike) -> ArrayLike:
        """Return rows to be predicted as they are."""
        return X


class CheckedSampler(TrainingOnly, NamedOnce, BaseEstimator):
    """A resampler that says in one sentence why it cannot work on a training part.

    A number of neighbours that a class has no room for is clipped, and the clip is noted.

    Parameters
    ----------
    sampler : object with ``fit_resample(X, y)``
    key : str
        Where the sampler stands in the configuration, for the messages.
    class_names : sequence of str
        Names of the labels 0..K-1.
    reuse : Reuse or None, default=None
        Remembers rows that another strategy made.
    neighbors : Neighbors or None, default=None
        What the sampler asks for nearest neighbours; None leaves it to its own search.

    Attributes
    ----------
    sampler_ : object
        The fitted sampler, or what is known of it if its rows were remembered.
    notes_ : tuple of str
        A sentence for each number of neighbours that was clipped, what the sampler noted itself,
        a sentence for each class that it passed over; what there was to say of its search.
    n_rows_ : tuple of int
        Rows before and after.
    """

    def __init__(
        self,
        sampler: Any,
        key: str,
        class_names: tuple[str, ...],
        reuse: Reuse | None = None,
        neighbors: Any = None,
    ) -> None:
        self.sampler = sampler
        self.key = key
        self.class_names = class_names
        self.reuse = reuse
        self.neighbors = neighbors

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Resample the training rows; labels that are words are 0..K-1 for the sampler.

        Some of imbalanced-learn's samplers take no words.

        Raises
        ------
        DataError
            If the sampler refuses the rows (a class has a single one), or a class that had rows
            has none left.
        """
        labels = np.asarray(y)
        if labels.dtype.kind in "iu":
            return self._fit_resample(X, labels, self.class_names)
        classes, encoded = np.unique(labels, return_inverse=True)
        X_after, y_after = self._fit_resample(X, encoded, [str(name) for name in classes])
        return X_after, classes[y_after]

    def _fit_resample(
        self, X: ArrayLike, y: NDArray[np.int64], names: Sequence[str]
    ) -> tuple[Any, NDArray[np.int64]]:
        X_after, y_after, clipped = self._remembered_or_fitted(X, y, names)
        self.n_rows_ = len(y), len(y_after)
        lost = np.setdiff1d(y, y_after)
        if len(lost):
            raise DataError(
                f"{self.key} leaves no row of class {names[lost[0]]!r}: "
                f"{milder(self.sampler, self.key)}."
            )
        own = getattr(self.sampler_, "notes_", ())
        self.notes_ = (*clipped, *own, *self._unchanged(y, y_after, names))
        return X_after, y_after

    def _remembered_or_fitted(
        self, X: ArrayLike, y: NDArray[np.int64], names: Sequence[str]
    ) -> tuple[Any, Any, tuple[str, ...]]:
        """Return rows that were made of the same before, in copies, or make them."""
        reuse = self.reuse
        if reuse is None:
            return self._fit_clipped(X, y, names)
        key = reuse.key_of(self.key.rpartition(".")[2], self.sampler, self.neighbors, X, y)
        if key is None:
            return self._fit_clipped(X, y, names)
        known = reuse.find(key)
        if known is not None:
            self.sampler_ = SimpleNamespace(**known.facts)
            return known.X.copy("K"), known.y.copy(), known.clipped
        started = time.perf_counter()
        made = self._fit_clipped(X, y, names)
        reuse.keep(key, *made, self.sampler_, time.perf_counter() - started)
        return made

    def _fit_clipped(
        self, X: ArrayLike, y: NDArray[np.int64], names: Sequence[str]
    ) -> tuple[Any, Any, tuple[str, ...]]:
        """Resample with as many neighbours as there is room for.

        Notes say what was clipped, and what there was to say of the search.
        """
        sampler = clone(self.sampler, safe=False)
        self._search = None if self.neighbors is None else self.neighbors.noticing(self.key)
        notes: dict[str, str] = {}
        while True:
            self.sampler_ = self._plugged(sampler)
            try:
                rows = self.sampler_.fit_resample(X, y)
                said = () if self._search is None else self._search.notice.notes
                return *rows, (*notes.values(), *said)
            except (ValueError, RuntimeError) as error:
                refusal = explain(error, sampler, self.key, y, names)
                if refusal is None:
                    raise
                if not refusal.possible:
                    before = [f"{note[:-1]}; " for note in notes.values()]
                    raise DataError("".join([*before, refusal.sentence])) from error
            name, asked = refusal.parameter, self.sampler.get_params()[refusal.parameter]
            notes[name] = (
                f"{self.key}.{dotted(name)}={asked} was clipped to {refusal.possible}: "
                f"{refusal.why}."
            )
            sampler = clone(sampler).set_params(**{name: refusal.possible})

    def _plugged(self, sampler: Any) -> Any:
        """Return a copy that asks our search; the sampler itself keeps numbers, to be clipped."""
        if self._search is None:
            return sampler
        from imbench.neighbors.plug import plug

        return plug(clone(sampler, safe=False), self._search)

    def _unchanged(
        self, y: NDArray[np.int64], y_after: NDArray[np.int64], names: Sequence[str]
    ) -> Iterator[str]:
        """Yield a note where a class was passed over, which no sampler says itself."""
        before, after = (np.bincount(labels, minlength=y.max() + 1) for labels in (y, y_after))
        same = after == before
        if same.all():
            yield f"{self.key} changed the size of no class."
        elif (after > before).any():
            for label in np.flatnonzero(same & (before > 0) & (before < after.max())):
                yield f"{self.key} made no row of class {names[int(label)]!r}."


class RowCounter(TrainingOnly, NamedOnce, BaseEstimator):
    """Counts the rows of each class on their way to the model, and changes nothing.

    Parameters
    ----------
    n_classes : int
    witness : Witness or None, default=None
        Whom the pipeline tells what it was fitted on.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        0..K-1, also those without rows; of labels that are no whole numbers those that are there.
    class_counts_ : ndarray of shape (K,)
    """

    def __init__(self, n_classes: int, witness: Witness | None = None) -> None:
        self.n_classes = n_classes
        self.witness = witness

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Count and pass on."""
        labels = np.asarray(y)
        if labels.dtype.kind in "iu":
            self.class_counts_ = np.bincount(labels, minlength=self.n_classes)
            self.classes_ = np.arange(len(self.class_counts_))
        else:
            self.classes_, self.class_counts_ = np.unique(labels, return_counts=True)
        return X, y

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Do nothing; scikit-learn's pipelines look for it."""
        return self


class WatchedPipeline(NamedOnce, Pipeline):
    """A pipeline that resamples, and tells its witness, where it has one, what it was fitted on.

    Constructed by :func:`imbench.build.build`; the witness is a parameter of its step ``rows``.
    Steps with ``fit_resample`` work in :meth:`fit` alone, as in imbalanced-learn's pipeline; their
    ``transform`` lets rows pass. The base is scikit-learn's: imbalanced-learn's imports every
    estimator that there is, by its compatibility layer, and of its methods none would be left.
    """

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> Self:
        """Fit the steps in their order.

        No frame here or above holds the rows that came in once a step has made others of them:
        a fold's copy is most of what fitting takes. A library's ``fit`` holds it.
        """
        came_in = self._hashes(X)
        for _, step in self.steps[:-1]:
            if hasattr(step, "fit_resample"):
                X, y = step.fit_resample(X, y)
            else:
                X = step.fit_transform(X, y)
        self.steps[-1][1].fit(X, y)
        self._tell(came_in)
        return self

    @available_if(lambda self: hasattr(self.steps[-1][1], "predict_proba"))
    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities (n, K) of the last step for rows (n, d).

        scikit-learn's looks into every step for whether it was fitted, which takes longer
        than a small net; steps that were not fitted say so themselves.
        """
        for _, step in self.steps[:-1]:
            X = step.transform(X)
        scores: NDArray[np.float64] = self.steps[-1][1].predict_proba(X)
        return scores

    def _hashes(self, X: ArrayLike) -> NDArray[np.uint64] | None:
        """Return the contents of the rows that came in, None without a witness."""
        witness = self.named_steps["rows"].witness
        return None if witness is None else witness.hashes_of(X)

    def _tell(
        self, came_in: NDArray[np.uint64] | None, held_out: NDArray[np.bool_] | None = None
    ) -> None:
        """Name the rows that came in, and how many of them each step was fitted on."""
        if came_in is not None:
            n_held_out = 0 if held_out is None else int(held_out.sum())
            sizes = self._sizes(len(came_in) - n_held_out)
            self.named_steps["rows"].witness.note(came_in, sizes, held_out)

    def _sizes(self, n_rows: int) -> Iterator[tuple[str, int]]:
        for name, step in self.steps:
            if isinstance(step, CheckedSampler):
                yield name, step.n_rows_[0]
                n_rows = step.n_rows_[1]
            elif not isinstance(step, RowCounter):
                yield name, n_rows


def watch(estimator: Any, witness: Witness) -> Any:
    """Let every pipeline inside an estimator tell one witness, in place, and return it."""
    name = "rows__witness"
    parameters = estimator.get_params(deep=True)
    found = [key for key in parameters if key == name or key.endswith(f"__{name}")]
    return estimator.set_params(**dict.fromkeys(found, witness))


def share(estimator: Any, reuse: Reuse | None) -> Any:
    """Let every sampler inside an estimator remember what it makes, in place, and return it."""
    parameters = estimator.get_params(deep=True)
    found = [f"{k}__reuse" for k, v in parameters.items() if isinstance(v, CheckedSampler)]
    return estimator.set_params(**dict.fromkeys(found, reuse))


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


def trained(estimator: Any) -> tuple[dict[str, Any], ...]:
    """Return for each model inside what the functions of this module read of it, as plain data.

    ``rows`` are the rows of each class that reached the model, ``model`` its own attributes.
    :mod:`imbench.replay` makes stand-ins of them.
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
            shown = getattr(getattr(step, "sampler_", None), "picture_", None)
            if shown is not None:
                return {"picture": shown.rows, "picture_y": shown.y, "picture_made": shown.made}
    return {}


def device(estimator: Any) -> str:
    """Return the device that the nets inside were trained on; ``cpu`` for everything else."""
    models = [p.named_steps["model"] for p in fitted_models(estimator)]
    return next((m.device_ for m in models if hasattr(m, "device_")), "cpu")
