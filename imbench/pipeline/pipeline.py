"""Pipelines that resample training rows and record which rows each step was fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if

from imbench.models.few_rows import clip_to_rows
from imbench.models.mixin import ModelMixin
from imbench.models.validation import validation_rows
from imbench.pipeline.row_weights import NOTE, weights_after
from imbench.pipeline.steps import CheckedSampler, RowCounter, TrainingOnly
from imbench.pipeline.witness import Rows
from imbench.strategies.facts import FittedModel, ModelFacts, TrainingFacts
from imbench.strategies.fitting import Fitting, FittingMixin, fitting_of
from imbench.strategies.rows import GROUPS, WEIGHT


class ResamplingPipeline(FittedModel, FittingMixin, Pipeline):
    """A pipeline whose steps may resample the training rows.

    Constructed by :func:`imbench.pipeline.build.build`. Steps with ``fit_resample`` work in
    :meth:`fit` alone, as in imbalanced-learn's pipeline; their ``transform`` returns rows
    unchanged. The base class is scikit-learn's: importing imbalanced-learn's pipeline imports
    every estimator of scikit-learn.

    If the step ``rows`` has a witness, it is told which rows each step was fitted on.

    Attributes
    ----------
    facts_ : ModelFacts
    """

    _notes: tuple[str, ...] = ()  # on what was changed in the model

    def fitting(self, X: NDArray[Any], y: NDArray[Any], **given: NDArray[Any]) -> Fitting[Self]:
        """Return a generator that fits the steps in their order.

        The input array is released after each step, so that at most one copy of the training
        rows is alive: at 10^6 rows it is most of the memory of a fold.

        Parameters
        ----------
        X : ndarray of shape (n, d)
        y : ndarray of shape (n,)
        **given : ndarray of shape (n,)
            ``sample_weight`` goes to the model; ``groups`` are held out together, where rows are.
        """
        came_in = self._look_at(X)
        weight = given.get(WEIGHT)
        for _, step in self.steps[:-1]:
            if isinstance(step, TrainingOnly):
                X, y, weight = self._resampled(step, X, y, weight)
            else:
                X = step.fit_transform(X, y)
        self._notes = clip_to_rows(self.steps[-1][1], y)
        yield from fitting_of(self.steps[-1][1], X, y, **_weighted(weight))
        self._tell(came_in)
        self.facts_ = self._facts()
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

    def _resampled(
        self, step: TrainingOnly, X: NDArray[Any], y: NDArray[Any], weight: NDArray[Any] | None
    ) -> tuple[Any, Any, NDArray[Any] | None]:
        """Return rows, labels and weights after a step that acts on training rows alone."""
        X_after, y_after = step.fit_resample(X, y)
        if weight is not None and isinstance(step, CheckedSampler):
            weight = weights_after(X, y, weight, X_after, y_after)
            step.notes_ += (NOTE.format(key=step.key),)
        return X_after, y_after, weight

    def _facts(self) -> ModelFacts:
        """Return what the steps and the model know of the fit."""
        model, counter = self.steps[-1][1], self.named_steps["rows"]
        samplers = [step for _, step in self.steps if isinstance(step, CheckedSampler)]
        notes = [note for _, step in self.steps for note in getattr(step, "notes_", ())]
        if isinstance(model, ModelMixin):
            training = model.training_facts()
        else:
            training = TrainingFacts(np.asarray(model.classes_))
        return ModelFacts(
            classes=counter.classes_,
            class_counts=counter.class_counts_,
            training=training,
            notes=(*notes, *self._notes),
            picture=next((s.picture_ for s in samplers if s.picture_ is not None), None),
            reused_s=sum(sampler.reused_s_ for sampler in samplers),
        )

    def _look_at(self, X: ArrayLike, held_out: NDArray[np.bool_] | None = None) -> Rows | None:
        """Return which rows came in, None without a witness."""
        witness = self.named_steps["rows"].witness
        return None if witness is None else witness.look_at(X, held_out)

    def _tell(self, came_in: Rows | None) -> None:
        """Name the rows that came in, and how many of them each step was fitted on."""
        if came_in is not None:
            sizes = self._sizes(came_in.n_rows - came_in.n_held_out)
            self.named_steps["rows"].witness.note(came_in, sizes)

    def _sizes(self, n_rows: int) -> Iterator[tuple[str, int]]:
        for name, step in self.steps:
            if isinstance(step, CheckedSampler):
                yield name, step.n_rows_[0]
                n_rows = step.n_rows_[1]
            elif not isinstance(step, RowCounter):
                yield name, n_rows


class HoldoutPipeline(ResamplingPipeline):
    """A pipeline whose last step, such as a net, has a ``fit`` that takes ``validation=(X, y)``.

    Constructed by :func:`imbench.pipeline.build.build`. The validation rows are chosen from the
    rows that `fit` gets and pass the fitted transformers only. Chosen behind a resampler they would
    have copies or neighbours among the training rows: with SMOTE on MNIST such a curve ended at a
    balanced accuracy of 0.998, where the test rows gave 0.943. They are the same rows whatever
    the strategy.
    """

    def fitting(self, X: NDArray[Any], y: NDArray[Any], **given: NDArray[Any]) -> Fitting[Self]:
        """Return a generator that fits the steps, the model with ``validation=(X, y)``.

        Validation rows that have weights come as ``(X, y, sample_weight)``. Parameters as in
        :class:`ResamplingPipeline`.
        """
        model, weight = self.steps[-1][1], given.get(WEIGHT)
        chosen = np.zeros(len(y), bool)
        if model.validation_fraction:
            rng = np.random.default_rng(model.random_state)
            chosen = validation_rows(y, model.validation_fraction, rng, given.get(GROUPS))
        came_in = self._look_at(X, chosen)
        held_out = X[chosen]
        beside = [values[chosen] for values in (y, weight) if values is not None]
        if chosen.any():
            X, y = X[~chosen], y[~chosen]
            weight = None if weight is None else weight[~chosen]
        for _, step in self.steps[:-1]:
            if isinstance(step, TrainingOnly):
                X, y, weight = self._resampled(step, X, y, weight)
                continue
            X = step.fit_transform(X, y)
            held_out = step.transform(held_out) if len(held_out) else held_out
        rows = [X]
        del X  # a net makes tensors of its rows and may release them: no frame above holds them
        validation = (held_out, *beside) if len(held_out) else None
        del held_out
        yield from fitting_of(model, rows.pop(), y, validation=validation, **_weighted(weight))
        self._tell(came_in)
        self.facts_ = self._facts()
        if GROUPS in given:
            counter = self.named_steps["rows"]
            places = np.searchsorted(counter.classes_, beside[0])
            held = np.bincount(places, minlength=len(counter.classes_))
            self.facts_ = replace(self.facts_, held_out=held)
        return self


def _weighted(weight: NDArray[Any] | None) -> dict[str, NDArray[Any]]:
    """Return what a model without weights is not even given."""
    return {} if weight is None else {WEIGHT: weight}
