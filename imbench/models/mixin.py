"""What our models say of themselves beside scikit-learn's tags."""

from __future__ import annotations

from typing import ClassVar

from imbench.strategies.facts import TrainingFacts


class ModelMixin:
    """Base class of our models, with the answers of a plain classifier.

    Attributes
    ----------
    training_stages : tuple of str
        In-training stages that are parameters of the estimator: all of them for nets, the loss
        for boosted trees, none for other models.
    trains_in_stacks : bool
        Whether several such models can be trained as one, and are worth it.
    predicts_likeliest : bool
        ``predict`` is the argmax of ``predict_proba``.
    """

    training_stages: ClassVar[tuple[str, ...]] = ()
    trains_in_stacks: bool = False
    predicts_likeliest: ClassVar[bool] = False

    def training_facts(self) -> TrainingFacts:
        """Return what is known of the training; called after ``fit``."""
        raise NotImplementedError
