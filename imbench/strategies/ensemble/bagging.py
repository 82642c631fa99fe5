"""scikit-learn's bagging, with a sentence where it has more members than rows."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.ensemble import BaggingClassifier

from imbench.strategies.ensemble.base import check_at_least
from imbench.strategies.ensemble.numbered import NumberedBags


class Bagging(NumberedBags, BaggingClassifier):
    """Fit each member on a bootstrap sample of the rows, and average their probabilities.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=10
    max_samples : float or int, default=1.0
        Rows of a bag: a share of them all in (0, 1], or a number.
    random_state : int or None

    References
    ----------
    Breiman 1996, "Bagging Predictors", DOI 10.1007/BF00058655.
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
        super().__init__(
            estimator,
            n_estimators=n_estimators,
            max_samples=max_samples,
            random_state=random_state,
        )

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        check_at_least("n_estimators", self.n_estimators, 1)
