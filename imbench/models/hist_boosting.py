"""scikit-learn's gradient boosting, which stops early on the validation rows of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import HistGradientBoostingClassifier

from imbench.models.early_stopping import (
    Stopping,
    Validation,
    ValidationScore,
    check_stopping,
    stopping_facts,
)
from imbench.models.mixin import ModelMixin
from imbench.strategies.facts import TrainingFacts

OWN = ("auto", True, False)  # what scikit-learn's parameter may be


@dataclass(frozen=True)
class Scorer:
    """A validation score as scikit-learn calls it; higher is better."""

    score: ValidationScore

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the value for rows (n, d), labels (n,) and weights (n,)."""
        labels = np.searchsorted(estimator.classes_, y)
        return -self.score(labels, estimator.predict_proba(X), sample_weight)


class HistBoosting(ModelMixin, HistGradientBoostingClassifier):
    """HistGradientBoostingClassifier whose ``early_stopping`` may be the name of a metric.

    All parameters are scikit-learn's. Three of them mean more here, and the others as much as
    there.

    Parameters
    ----------
    early_stopping : str, bool or None, default="auto"
        Metric on validation rows that are held out by a pipeline of :mod:`imbench.pipeline`,
        before anything is resampled: ``log_loss``, ``average_precision`` or ``roc_auc``, see
        :class:`imbench.models.early_stopping.ValidationScore`. None uses all rounds. ``auto`` and
        True are scikit-learn's: it holds out rows itself, of those that reach the model.
    n_iter_no_change : int, default=10
        Rounds without a better value after which training stops. They are part of the model.
    validation_fraction : float, default=0.1
        Share of the training rows of each class that is held out.

    Attributes
    ----------
    n_rounds_ : int or None
        Rounds that are used; None unless a metric stops the training.

    Examples
    --------
    >>> X, y = np.linspace(0, 1, 80)[:, None], np.repeat(["a", "b"], 40)
    >>> model = HistBoosting(early_stopping="average_precision", n_iter_no_change=3)
    >>> model.fit(X, y, validation=(X[::4], y[::4])).n_rounds_
    4
    """

    n_rounds_: int | None = None

    @property
    def holds_out(self) -> bool:
        """Whether ``fit`` needs validation rows."""
        return self.early_stopping is not None and self.early_stopping not in OWN

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        if self.holds_out:
            patience, fraction = self.n_iter_no_change, self.validation_fraction
            check_stopping(self.early_stopping, patience, fraction)

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation: Validation | None = None,
    ) -> Self:
        """Fit the trees.

        Parameters
        ----------
        X : array of shape (n, d)
        y : array of shape (n,)
        sample_weight : array of shape (n,) or None
        validation : (X, y), (X, y, sample_weight) or None
            Rows for early stopping by a metric.

        Raises
        ------
        DataError
            If early stopping by a metric has no validation rows, or none of a class.
        """
        self.check_params()
        classes, counts = np.unique(y, return_counts=True)
        given, held_out = self.early_stopping, {}
        changed: dict[str, Any] = {"early_stopping": False} if given is None else {}
        if self.holds_out:
            stopping = Stopping.of(validation, classes, given, self.n_iter_no_change)
            rows = stopping.rows
            changed = {"early_stopping": True, "scoring": Scorer(stopping.score)}
            held_out = {"X_val": rows.X, "y_val": classes[rows.y]}
            if sample_weight is not None or rows.weight is not None:
                held_out["sample_weight_val"] = rows.weights()
        before = {name: getattr(self, name) for name in changed}
        try:
            self.set_params(**changed)
            super().fit(X, y, sample_weight, **held_out)
        finally:
            self.set_params(**before)
        self.n_rounds_, self._counts = (int(self.n_iter_) if self.holds_out else None), counts
        return self

    def training_facts(self) -> TrainingFacts:
        """Return what is known of the training; called after ``fit``."""
        if self.n_rounds_ is None:
            return TrainingFacts(np.asarray(self.classes_))
        return stopping_facts(self.classes_, self._counts, self.validation_fraction, self.n_rounds_)
