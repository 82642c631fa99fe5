"""Balanced bags, and boosting inside each."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.random import Generator

from imbench.strategies.ensemble.base import BaggedEnsemble, balanced_rows, check_at_least
from imbench.strategies.ensemble.boosting import BoostedM2
from imbench.strategies.fitting import Fitting
from imbench.strategies.rows import TrainingRows


class EasyEnsemble(BaggedEnsemble):
    """Every member is a boosted classifier on the smallest class and as many rows of each other.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=5
        Balanced bags.
    n_rounds : int, default=4
        Rounds of boosting in each bag, at most.
    random_state : int or None

    Attributes
    ----------
    estimators_ : list of BoostedM2
    estimator_weights_, classes_
        As in :class:`imbench.strategies.ensemble.base.Ensemble`.

    Notes
    -----
    The paper boosts trees with AdaBoost and adds up the weighted votes of all of them; here any
    model is boosted, by AdaBoost.M2 with draws instead of weights, and the bags vote with equal
    weight. imbalanced-learn's ``EasyEnsembleClassifier`` needs a member that takes
    ``sample_weight``, which a pipeline does not.

    References
    ----------
    Liu et al. 2009, "Exploratory Undersampling for Class-Imbalance Learning", DOI
    10.1109/TSMCB.2008.2007853, algorithm 1.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> tree = DecisionTreeClassifier(max_depth=2)
    >>> fitted = EasyEnsemble(tree, n_estimators=2, n_rounds=3, random_state=0).fit(X, y)
    >>> [len(bag.estimators_) for bag in fitted.estimators_]
    [3, 3]
    """

    name: ClassVar[str] = "easy_ensemble"

    def __init__(
        self,
        estimator: Any,
        *,
        n_estimators: int = 5,
        n_rounds: int = 4,
        random_state: int | None = None,
    ) -> None:
        super().__init__(estimator, n_estimators=n_estimators, random_state=random_state)
        self.n_rounds = n_rounds

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        super().check_params()
        check_at_least("n_rounds", self.n_rounds, 1)

    def _bag(self, i: int, rows: TrainingRows, rng: Generator) -> TrainingRows:
        bag = rows[balanced_rows(rows.labels, rng)]
        if self.n_rounds > len(bag):
            raise ValueError(
                f"strategy.ensemble.easy_ensemble.n_rounds={self.n_rounds} is more than the "
                f"{len(bag)} rows of a balanced bag: set it lower."
            )
        return bag

    def _member(self, rows: TrainingRows, rng: Generator) -> Fitting[Any]:
        boosted = BoostedM2(
            self.estimator,
            n_estimators=self.n_rounds,
            random_state=int(rng.integers(2**31)),
        )
        return boosted.fitting(rows.X, self.classes_[rows.labels], **rows.given)
