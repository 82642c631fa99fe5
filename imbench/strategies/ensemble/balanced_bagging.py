"""imbalanced-learn's balanced bagging, with a choice of the vote."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from imblearn.ensemble import BalancedBaggingClassifier
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from imbench.strategies.ensemble.base import check_at_least
from imbench.strategies.ensemble.numbered import NumberedBags


class BalancedBagging(NumberedBags, BalancedBaggingClassifier):
    """Bag rows, under-sample each bag until its classes are equally large, and vote.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=10
    sampling_strategy, replacement
        Of the under-sampling in each bag, see ``imblearn.ensemble.BalancedBaggingClassifier``.
    voting : {"soft", "hard"}, default="soft"
        Soft averages probabilities, hard counts labels: a score is a share of members.
    random_state : int or None

    References
    ----------
    Hido et al. 2009, "Roughly Balanced Bagging for Imbalanced Data", DOI 10.1002/sam.10061.
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
        super().__init__(
            estimator,
            n_estimators=n_estimators,
            sampling_strategy=sampling_strategy,
            replacement=replacement,
            random_state=random_state,
        )
        self.voting = voting

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        check_at_least("n_estimators", self.n_estimators, 1)
        if self.voting not in ("soft", "hard"):
            raise ValueError(f"voting must be soft or hard, got voting={self.voting!r}.")

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return mean probabilities, or with a hard vote the share of members, shape (n, K)."""
        if self.voting == "soft":
            return super().predict_proba(X)
        check_is_fitted(self)
        # Members are fitted to labels 0..K-1.
        votes = np.stack([member.predict(X) for member in self.estimators_])
        return np.stack([(votes == k).mean(0) for k in range(len(self.classes_))], axis=1)
