"""The boosting libraries as scikit-learn classifiers that fit into ensembles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.validation import check_is_fitted

from imbench.models.boosting_libraries import LIBRARIES, Job, OwnLoss, library_of
from imbench.models.early_stopping import (
    Stopping,
    Validation,
    check_stopping,
    stopping_facts,
)
from imbench.models.mixin import ModelMixin
from imbench.strategies.facts import TrainingFacts

if TYPE_CHECKING:
    from imbench.strategies.protocols import Loss


class BoostedTrees(ModelMixin, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """A classifier of LightGBM, XGBoost or CatBoost with labels as scikit-learn has them.

    XGBoost takes only labels 0..K-1 without gaps, while a member of an ensemble may miss a class;
    CatBoost returns labels as a column. All three take missing values.

    Parameters
    ----------
    estimator : estimator
        Its ``fit`` takes ``sample_weight``.
    early_stopping : str or None, default=None
        Metric on the validation rows that decides how many rounds are used: ``log_loss``,
        ``average_precision`` or ``roc_auc``, see
        :class:`imbench.models.early_stopping.ValidationScore`. None uses all rounds.
    patience : int, default=20
        Rounds without a better value after which training stops.
    validation_fraction : float, default=0.1
        Share of the training rows that a pipeline of :mod:`imbench.pipeline` holds out, of each
        class and before anything is resampled. None are without ``early_stopping``.
    loss : Loss or None, default=None
        Entry of the stage `loss` with ``bind_boosting``; None is the library's log loss. CatBoost
        takes none.
    random_state : int or None
        Choice of the validation rows. The library has a seed of its own.

    Attributes
    ----------
    estimator_ : estimator
    classes_ : ndarray of shape (K,)
    n_rounds_ : int or None
        Rounds that are used; None without early stopping.

    Examples
    --------
    >>> from xgboost import XGBClassifier
    >>> trees = XGBClassifier(n_estimators=5, n_jobs=1)
    >>> X, y = np.linspace(0, 1, 20)[:, None], np.repeat(["a", "b"], 10)
    >>> BoostedTrees(trees).fit(X, y).predict([[0.1], [0.9]]).tolist()
    ['a', 'b']

    Five rounds are not more than the first is worth:

    >>> stopped = BoostedTrees(trees, early_stopping="average_precision", patience=2)
    >>> stopped.fit(X, y, validation=(X[::3], y[::3])).n_rounds_
    1
    """

    def __init__(
        self,
        estimator: Any,
        early_stopping: str | None = None,
        patience: int = 20,
        validation_fraction: float = 0.1,
        loss: Loss | None = None,
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.loss = loss
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Return tags that allow NaN."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    @property
    def training_stages(self) -> tuple[str, ...]:  # type: ignore[override]
        """The loss, if the library takes one."""
        library = library_of(self.estimator)
        return ("loss",) if library is not None and library.takes_loss else ()

    @property
    def holds_out(self) -> bool:
        """Whether ``fit`` needs validation rows."""
        return self.early_stopping is not None

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        check_stopping(self.early_stopping, self.patience, self.validation_fraction)
        name = type(self.estimator).__name__
        if self.holds_out and library_of(self.estimator) is None:
            raise ValueError(
                f"early_stopping={self.early_stopping} is for {', '.join(LIBRARIES)}, got {name}; "
                "set model.estimator.early_stopping=null."
            )

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
            Rows for early stopping.

        Raises
        ------
        DataError
            If early stopping has no validation rows, or none of a class.
        """
        self.check_params()
        self.classes_, encoded, counts = np.unique(y, return_inverse=True, return_counts=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class ({self.classes_[0]!r}); a classifier needs two.")
        self.estimator_ = clone(self.estimator)
        self._own_loss, self.n_rounds_ = None, None
        if self.loss is None and not self.holds_out:
            self.estimator_.fit(X, encoded, sample_weight=sample_weight)
            return self
        library = library_of(self.estimator_)
        if library is None or (self.loss is not None and not library.takes_loss):
            raise ValueError(f"{type(self.estimator_).__name__} takes no loss but its own.")
        if self.loss is not None:
            bound = self.loss.bind_boosting(counts)  # type: ignore[attr-defined]
            shares = np.bincount(encoded, sample_weight)
            self._own_loss = OwnLoss(bound, bound.start(shares / shares.sum()))
        stopping = None
        if self.early_stopping is not None:
            stopping = Stopping.of(validation, self.classes_, self.early_stopping, self.patience)
        library.fit(self.estimator_, Job(X, encoded, sample_weight, self._own_loss, stopping))
        if stopping is not None:
            self.n_rounds_, self._counts = library.n_rounds(self.estimator_), counts
        return self

    def training_facts(self) -> TrainingFacts:
        """Return what is known of the training; called after ``fit``."""
        if self.n_rounds_ is None:
            return TrainingFacts(self.classes_)
        return stopping_facts(self.classes_, self._counts, self.validation_fraction, self.n_rounds_)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities of shape (n, K)."""
        check_is_fitted(self)
        library = library_of(self.estimator_)
        if self._own_loss is not None and library is not None:
            raw = library.raw(self.estimator_, X, self._own_loss)
            return np.asarray(self._own_loss.bound.probabilities(raw), np.float64)
        scores = np.asarray(self.estimator_.predict_proba(X), np.float64)
        return scores / scores.sum(1, keepdims=True)  # XGBoost's are float32

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each row, shape (n,)."""
        return self.classes_[self.predict_proba(X).argmax(1)]
