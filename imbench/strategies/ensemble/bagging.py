"""Bagging: members on bootstrap samples of the rows."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

from imbench.strategies.ensemble.base import MAX_DRAWS, BaggedEnsemble
from imbench.strategies.fitting import Fitting
from imbench.strategies.rows import TrainingRows


def check_share(parameter: str, value: Any) -> None:
    """Raise ValueError unless a value is a share in (0, 1] or an integer of at least 1."""
    is_number = isinstance(value, int | np.integer) and not isinstance(value, bool)
    in_range = (is_number and value >= 1) or (isinstance(value, float) and 0 < value <= 1)
    if not in_range:
        raise ValueError(
            f"{parameter} must be a share in (0.0, 1.0] or an integer of at least 1, got {value!r}."
        )


class Bagging(BaggedEnsemble):
    """Fit each member on a bootstrap sample of the rows, and average their probabilities.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=10
    max_samples : float or int, default=1.0
        Rows of a bag: a share of them all in (0, 1], or a number.
    random_state : int or None

    Attributes
    ----------
    estimators_, estimator_weights_, classes_, notes_
        As in :class:`imbench.strategies.ensemble.base.Ensemble`.

    Raises
    ------
    ValueError
        In ``fit``, if ``max_samples`` is more than the rows that there are, or 100 bags in a row
        hold rows of one class only and the classifier takes none such.

    Notes
    -----
    A bag misses a class of n rows with a chance of about exp(-n). Trees take a bag of one class
    and vote for it whatever the row; where a classifier refuses it, the bag is drawn again, and a
    note says how many were.

    References
    ----------
    Breiman 1996, "Bagging Predictors", DOI 10.1007/BF00058655.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> bagged = Bagging(DecisionTreeClassifier(), n_estimators=3, random_state=0).fit(X, y)
    >>> len(bagged.estimators_)
    3
    """

    name: ClassVar[str] = "bagging"

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 10,
        max_samples: float = 1.0,
        random_state: int | None = None,
    ) -> None:
        super().__init__(estimator, n_estimators=n_estimators, random_state=random_state)
        self.max_samples = max_samples

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        super().check_params()
        check_share("max_samples", self.max_samples)

    def _train(self, rows: TrainingRows, rng: Generator) -> Fitting[None]:
        self._n_redrawn = 0
        yield from super()._train(rows, rng)
        if self._n_redrawn:
            self.notes_ += (
                f"strategy.ensemble.bagging: {self._n_redrawn} of {self.n_estimators} bags were "
                "drawn again, because they held rows of one class only, which the model refuses.",
            )

    def _fit_bag(self, i: int, rows: TrainingRows, rng: Generator) -> Fitting[Any]:
        refusal: ValueError | None = None
        for _ in range(MAX_DRAWS):
            bag = self._bag(i, rows, rng)
            has_several = bag.labels.min() < bag.labels.max()
            fitting = self._member(bag, rng)
            del bag  # would be held here while the member is trained
            self._n_redrawn += has_several and refusal is not None
            if has_several:
                return (yield from fitting)
            try:
                return (yield from fitting)
            except ValueError as error:
                refusal = error
        raise ValueError(
            f"strategy=bagging: {MAX_DRAWS} bags in a row hold rows of one class only, which the "
            "model refuses, because another class has too few rows in this training part; use "
            "under_bagging, which keeps all rows of the smallest class."
        ) from refusal

    def _bag(self, i: int, rows: TrainingRows, rng: Generator) -> TrainingRows:
        n = self.max_samples
        n = max(int(n * len(rows)), 1) if isinstance(n, float) else n
        if n > len(rows):
            raise ValueError(
                f"strategy.ensemble.bagging.max_samples={n} is more than the {len(rows)} rows "
                "of this training part: set it lower."
            )
        return rows[rng.integers(len(rows), size=n)]
