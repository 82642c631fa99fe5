"""Post-hoc logit adjustment: divide the scores by the class shares before the argmax."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.errors import Incompatible
from imbench.strategies.decision.base import DecisionRule, log_scores
from imbench.strategies.decision.priors import trained_shares
from imbench.strategies.rows import TrainingRows


class LogitAdjustment(DecisionRule):
    """Label a row argmax_c log p_c - tau log pi_c. Probabilities stay as they are.

    Parameters
    ----------
    estimator : estimator
    tau : float, default=1.0
        At least 0. At 1 the labels are those of equally large classes, at 0 nothing changes.

    Attributes
    ----------
    estimator_, classes_, n_fits_
        As in :class:`imbench.strategies.decision.base.DecisionRule`.
    shares_ : ndarray of shape (K,)
        pi, the share of each class in what the model was trained on.

    Raises
    ------
    Incompatible
        In ``fit``, if a resampler has made the classes equally large: no share is left to
        adjust for.

    References
    ----------
    Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314, eq. 9.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> fitted = LogitAdjustment(LogisticRegression(), tau=1.0).fit(X, y)
    >>> fitted.shares_
    array([0.9, 0.1])
    """

    name: ClassVar[str] = "logit_adjustment"

    def __init__(self, estimator: Any, *, tau: float = 1.0) -> None:
        super().__init__(estimator)
        self.tau = tau

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        if not isinstance(self.tau, int | float) or not 0 <= self.tau < float("inf"):
            raise ValueError(f"tau must be a number of at least 0, got tau={self.tau!r}.")

    def _learn(self, rows: TrainingRows) -> None:
        self.shares_, is_changed = trained_shares(self.estimator_, self._labels, rows.labels)
        if is_changed and np.allclose(self.shares_, 1 / len(self.classes_)):
            raise Incompatible(
                "strategy=logit_adjustment adjusts for the shares of the classes, but a resampler "
                "has made them equal: leave one of the two out."
            )

    def _weighted(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return log_scores(scores) - self.tau * np.log(self.shares_)
