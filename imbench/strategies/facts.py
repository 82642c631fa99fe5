"""Facts of fitted estimators, as data.

A pipeline makes :class:`ModelFacts` while it is fitted: its steps and its model say what they
know. Ensembles, decision rules and other wrappers name the estimators inside
(:meth:`FactsMixin.fitted_members`), and :func:`facts_of` sums the facts up for a fold's record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from imbench.strategies.resample.picture import Picture


@dataclass(frozen=True, eq=False)
class TrainingFacts:
    """What a model says of its training.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        Labels that the model was fitted on.
    class_counts : ndarray of shape (K,) or None
        Rows of each class that an epoch drew, on average; None if there are no epochs.
    device : str or None
        None for models that always use the CPU.
    history : ndarray of shape (n_epochs, 2) or None
        Training loss and validation score by epoch.
    validation_fraction : float, default=0.0
        Share of the rows of each class that was held out.
    has_batches : bool, default=False
        Whether a strategy decides which rows a batch holds.
    class_weights : ndarray of shape (K,) or None
        Weight of a row of each class, of any scale; None without the stage `weights`.
    weights_change : bool, default=False
        Whether they differ between epochs; ``class_weights`` are those of the last one then.
    n_rounds : int or None
        Rounds of boosting that early stopping chose; None without it.
    """

    classes: NDArray[Any]
    class_counts: NDArray[np.float64] | None = None
    device: str | None = None
    history: NDArray[np.float64] | None = None
    validation_fraction: float = 0.0
    has_batches: bool = False
    class_weights: NDArray[np.float64] | None = None
    weights_change: bool = False
    n_rounds: int | None = None


@dataclass(frozen=True, eq=False)
class ModelFacts:
    """Facts of one fitted pipeline.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        0..K-1, also classes without rows; if labels are no integers, those that occur.
    class_counts : ndarray of shape (K,)
        Rows of each class that reached the model.
    training : TrainingFacts
    notes : tuple of str
        What the steps had to change.
    picture : Picture or None
        Rows to be drawn, of the first sampler that has some.
    reused_s : float, default=0.0
        Seconds that resampling had taken whose rows came from a cache.
    held_out : ndarray of shape (K,) or None
        Validation rows of each class, where whole groups of them were held out; None where they
        are the share ``training.validation_fraction`` of each class, rounded down.
    """

    classes: NDArray[Any]
    class_counts: NDArray[np.int64]
    training: TrainingFacts
    notes: tuple[str, ...] = ()
    picture: Picture | None = None
    reused_s: float = 0.0
    held_out: NDArray[np.int64] | None = None

    @property
    def trained_counts(self) -> NDArray[np.float64]:
        """Rows of each class that trained the model: what a net drew, else what reached it."""
        training = self.training
        if training.class_counts is None:
            return np.array(self.class_counts, np.float64)
        counts = np.zeros(len(self.class_counts))
        counts[np.searchsorted(self.classes, training.classes)] = training.class_counts
        return counts

    @property
    def weighted_counts(self) -> NDArray[np.float64]:
        """Rows of each class that trained the model, times their weights; with the same sum."""
        counts, weights = self.trained_counts, self.training.class_weights
        if weights is None:
            return counts
        by_class = np.zeros(len(counts))
        by_class[np.searchsorted(self.classes, self.training.classes)] = weights
        weighted = counts * by_class
        return weighted * (counts.sum() / weighted.sum())

    def to_plain(self, with_history: bool) -> dict[str, Any]:
        """Return what is stored, as JSON; notes and the picture are stored once a fold."""
        training = self.training
        model: dict[str, Any] = {"classes_": training.classes.tolist()}
        if training.class_counts is not None:
            model = {"class_counts_": training.class_counts.tolist(), **model}
            model["validation_fraction"] = training.validation_fraction
        if training.device is not None:
            model["device_"] = training.device
        if with_history and training.history is not None:
            model["history_"] = training.history.tolist()
        if training.has_batches:
            model["batches"] = True
        if training.class_weights is not None:
            model["class_weights_"] = training.class_weights.tolist()
        if training.weights_change:
            model["weights_change"] = True
        if training.n_rounds is not None:
            model["n_rounds_"] = training.n_rounds
        rows = {"classes_": self.classes.tolist(), "class_counts_": self.class_counts.tolist()}
        if self.held_out is not None:
            rows["held_out_"] = self.held_out.tolist()
        return {"rows": rows, "model": model}

    @classmethod
    def from_plain(cls, stored: Mapping[str, Any]) -> ModelFacts:
        """Read what :meth:`to_plain` wrote.

        Examples
        --------
        >>> facts = ModelFacts(np.arange(2), np.array([9, 3]), TrainingFacts(np.arange(2)))
        >>> ModelFacts.from_plain(facts.to_plain(with_history=True)).trained_counts
        array([9., 3.])
        """
        rows, model = stored["rows"], stored["model"]
        found: dict[str, Any] = {}
        # Earlier versions stored the parameter of scikit-learn's models that has the same name.
        if "class_counts_" in model:
            found["class_counts"] = np.array(model["class_counts_"])
            found["validation_fraction"] = model.get("validation_fraction", 0.0)
        if "n_rounds_" in model:
            found["n_rounds"] = model["n_rounds_"]
        if "history_" in model:
            found["history"] = np.array(model["history_"]).reshape(-1, 2)
        if "class_weights_" in model:
            found["class_weights"] = np.array(model["class_weights_"], np.float64)
        classes = np.array(model.get("classes_", rows["classes_"]))
        training = TrainingFacts(
            classes,
            device=model.get("device_"),
            has_batches="batches" in model,
            weights_change="weights_change" in model,
            **found,
        )
        held_out = np.array(rows["held_out_"]) if "held_out_" in rows else None
        counts = np.array(rows["class_counts_"])
        return cls(np.array(rows["classes_"]), counts, training, held_out=held_out)


@dataclass(frozen=True, eq=False)
class FitFacts:
    """Facts of a fitted estimator, all models inside taken together.

    Parameters
    ----------
    models : tuple of ModelFacts
    n_fits : int
        Models that were fitted, inner folds and members of ensembles included.
    notes : tuple of str
        What wrappers and steps had to change, each sentence once.
    """

    models: tuple[ModelFacts, ...] = ()
    n_fits: int = 0
    notes: tuple[str, ...] = ()

    @property
    def counts_after(self) -> tuple[float, ...]:
        """Rows of each class that trained a model, a mean over the members of an ensemble."""
        counts = [model.trained_counts for model in self.models]
        return tuple(np.mean(counts, axis=0).tolist()) if counts else ()

    @property
    def device(self) -> str:
        """The device that nets inside were trained on; ``cpu`` for everything else."""
        found = (model.training.device for model in self.models)
        return next((device for device in found if device is not None), "cpu")

    @property
    def history(self) -> NDArray[np.float64]:
        """Training curve of a single net, (n_epochs, 2); (0, 2) for everything else."""
        found = [m.training.history for m in self.models if m.training.history is not None]
        return found[0] if len(found) == 1 else np.empty((0, 2))

    @property
    def picture(self) -> Picture | None:
        """The first picture of a sampler, of the first member of an ensemble."""
        found = (model.picture for model in self.models)
        return next((picture for picture in found if picture is not None), None)

    @property
    def reused_s(self) -> float:
        """Seconds that resampling had taken whose rows came from a cache."""
        return sum(model.reused_s for model in self.models)

    @property
    def trained(self) -> tuple[dict[str, Any], ...]:
        """What is stored of each model, as JSON."""
        return tuple(model.to_plain(len(self.models) == 1) for model in self.models)


class FactsMixin:
    """Mixin for our wrappers: estimators that fit other estimators.

    Attributes
    ----------
    notes_ : tuple of str
        What had to be changed to fit the rows.
    n_fits_ : int
        Fits of the estimator inside that one fit takes.
    """

    notes_: tuple[str, ...] = ()
    n_fits_: int = 1

    def fitted_members(self) -> Sequence[Any]:
        """Return the fitted estimators inside."""
        raise NotImplementedError

    def model_facts(self) -> Sequence[ModelFacts]:
        """Return the facts of the fitted pipelines inside."""
        return [facts for member in self.fitted_members() for facts in model_facts(member)]


class FittedModel(FactsMixin):
    """Base class of our pipelines, which are the innermost that has facts.

    Attributes
    ----------
    facts_ : ModelFacts
    """

    facts_: ModelFacts

    def fitted_members(self) -> Sequence[Any]:
        """Return nothing: the model inside belongs to the pipeline."""
        return ()

    def model_facts(self) -> Sequence[ModelFacts]:
        """Return the facts that the pipeline made of its steps."""
        return (self.facts_,)


def fitted_members(estimator: Any) -> Sequence[Any]:
    """Return the fitted estimators inside a wrapper, a user's own included.

    Those follow scikit-learn: the attributes are those of its meta-estimators.
    """
    if isinstance(estimator, FactsMixin):
        return estimator.fitted_members()
    if hasattr(estimator, "steps"):  # a pipeline; imbalanced-learn's put one around each member
        return [estimator.steps[-1][1]]
    if hasattr(estimator, "estimators_"):
        return list(estimator.estimators_)
    return [estimator.estimator_] if hasattr(estimator, "estimator_") else []


def model_facts(estimator: Any) -> Sequence[ModelFacts]:
    """Return the facts of the fitted pipelines inside an estimator, outermost first."""
    if isinstance(estimator, FactsMixin):
        return estimator.model_facts()
    return [facts for member in fitted_members(estimator) for facts in model_facts(member)]


def fitted_models(estimator: Any) -> Iterator[Any]:
    """Yield the fitted pipelines inside wrappers and ensembles, outermost first."""
    if isinstance(estimator, FittedModel):
        yield estimator
    for member in fitted_members(estimator):
        yield from fitted_models(member)


def _own_notes(estimator: Any) -> Iterator[str]:
    """Yield the notes of a wrapper and of the wrappers inside."""
    if isinstance(estimator, FactsMixin):
        yield from estimator.notes_
    for member in fitted_members(estimator):
        yield from _own_notes(member)


def facts_of(estimator: Any) -> FitFacts:
    """Return the facts of a fitted estimator.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> facts_of(LogisticRegression().fit([[0.0], [1.0]], [0, 1])).n_fits  # of no pipeline of ours
    0
    """
    models = tuple(model_facts(estimator))
    n_fits = estimator.n_fits_ if isinstance(estimator, FactsMixin) else 1
    notes = [*_own_notes(estimator), *(note for model in models for note in model.notes)]
    return FitFacts(models, n_fits * len(models), tuple(dict.fromkeys(notes)))
