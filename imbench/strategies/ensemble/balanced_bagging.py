"""Bags that are under-sampled until their classes are equally large, with a choice of the vote."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from imblearn.under_sampling import RandomUnderSampler
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from imbench.strategies.ensemble.base import MAX_DRAWS, BaggedEnsemble
from imbench.strategies.fitting import Fitting
from imbench.strategies.rows import TrainingRows

STRATEGIES = ("auto", "majority", "not minority", "not majority", "all")


class BalancedBagging(BaggedEnsemble):
    """Bag rows, under-sample each bag until its classes are equally large, and vote.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=10
    sampling_strategy : float, str, dict or callable, default="auto"
        Of the under-sampling in each bag, as in ``imblearn.under_sampling.RandomUnderSampler``.
    replacement : bool, default=False
        Whether the under-sampling draws with replacement.
    voting : {"soft", "hard"}, default="soft"
        Soft averages probabilities, hard counts labels: a score is a share of members.
    random_state : int or None

    Attributes
    ----------
    estimators_, estimator_weights_, classes_, notes_
        As in :class:`imbench.strategies.ensemble.base.Ensemble`.

    Raises
    ------
    ValueError
        In ``fit``, if 100 bootstrap samples in a row hold rows of one class only.

    Notes
    -----
    A bootstrap sample misses a class of n rows with a chance of about exp(-n). One that holds a
    single class is drawn again, up to 100 draws a bag, and a note says how many bags were. With
    more than two classes a bag may lack some of them: its member gives them a score of 0.

    References
    ----------
    Hido et al. 2009, "Roughly Balanced Bagging for Imbalanced Data", DOI 10.1002/sam.10061.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> tree = DecisionTreeClassifier()
    >>> bagged = BalancedBagging(tree, n_estimators=4, voting="hard", random_state=0).fit(X, y)
    >>> sorted({float(share) for share in bagged.predict_proba(X)[:, 1]} - {0.0, 1.0})
    [0.25, 0.5, 0.75]
    """

    name: ClassVar[str] = "balanced_bagging"

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 10,
        sampling_strategy: Any = "auto",
        replacement: bool = False,
        voting: Literal["soft", "hard"] = "soft",
        random_state: int | None = None,
    ) -> None:
        super().__init__(estimator, n_estimators=n_estimators, random_state=random_state)
        self.sampling_strategy = sampling_strategy
        self.replacement = replacement
        self.voting = voting

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        super().check_params()
        ratio = self.sampling_strategy
        is_ratio = isinstance(ratio, float | int) and not isinstance(ratio, bool)
        known = isinstance(ratio, dict) or callable(ratio) or ratio in STRATEGIES
        if not known and not (is_ratio and 0 < ratio <= 1):
            raise ValueError(
                f"sampling_strategy must be a ratio in (0, 1], one of {', '.join(STRATEGIES)}, or "
                f"rows by class, got {ratio!r}."
            )
        if not isinstance(self.replacement, bool):
            raise ValueError(f"replacement must be true or false, got {self.replacement!r}.")
        if self.voting not in ("soft", "hard"):
            raise ValueError(f"voting must be soft or hard, got voting={self.voting!r}.")

    def _train(self, rows: TrainingRows, rng: Generator) -> Fitting[None]:
        self._n_redrawn = 0
        yield from super()._train(rows, rng)
        if self._n_redrawn:
            self.notes_ += (
                f"strategy.ensemble.{self.name}: {self._n_redrawn} of {self.n_estimators} bags "
                "were drawn again, because they held rows of one class only.",
            )

    def _bag(self, i: int, rows: TrainingRows, rng: Generator) -> TrainingRows:
        # Row numbers are under-sampled, and rows copied afterwards: a bootstrap sample of all
        # rows would be as large as the table, of which few are left.
        bag, drawn = self._draw(rows.labels, rng)
        sampler = RandomUnderSampler(
            sampling_strategy=self.sampling_strategy,
            replacement=self.replacement,
            random_state=int(rng.integers(2**31)),
        )
        sampler.fit_resample(bag[:, None], self.classes_[drawn])
        return rows[bag[sampler.sample_indices_]]

    def _draw(
        self, labels: NDArray[np.int64], rng: Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows of a bootstrap sample of two classes at least, and their labels."""
        for i in range(MAX_DRAWS):
            bag = rng.integers(len(labels), size=len(labels))
            drawn = labels[bag]
            if drawn.min() < drawn.max():
                self._n_redrawn += i > 0
                return bag, drawn
        raise ValueError(
            f"strategy=balanced_bagging: {MAX_DRAWS} bags in a row hold rows of one class only, "
            "because another one has too few in this training part; use under_bagging, which "
            "keeps all rows of the smallest class."
        )

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return mean probabilities, or with a hard vote the share of members, shape (n, K)."""
        if self.voting == "soft":
            return super().predict_proba(X)
        check_is_fitted(self)
        votes = np.stack([member.predict(X) for member in self.estimators_])
        return np.stack([(votes == label).mean(0) for label in self.classes_], axis=1)
