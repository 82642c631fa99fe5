"""Bags that hold all rows of the smallest class."""

from __future__ import annotations

from typing import ClassVar

from numpy.random import Generator

from imbench.strategies.ensemble.base import BaggedEnsemble, balanced_rows
from imbench.strategies.rows import TrainingRows


class UnderBagging(BaggedEnsemble):
    """Every member sees the whole smallest class and as many rows of each other class.

    Parameters
    ----------
    estimator : estimator
    n_estimators : int, default=10
    random_state : int or None

    Attributes
    ----------
    estimators_, estimator_weights_, classes_
        As in :class:`imbench.strategies.ensemble.base.Ensemble`.

    Notes
    -----
    The rows of the larger classes are drawn without replacement, anew for each bag, and the
    smallest class is not resampled. ``balanced_bagging`` draws a bootstrap sample first, in
    which about a third of the rare rows are missing.

    References
    ----------
    Barandela et al. 2003, "New Applications of Ensembles of Classifiers", DOI
    10.1007/s10044-003-0192-z, section 3.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> tree = DecisionTreeClassifier(max_depth=2)
    >>> fitted = UnderBagging(tree, n_estimators=3, random_state=0).fit(X, y)
    >>> int(fitted.predict(X).sum()) > int(y.sum())
    True
    """

    name: ClassVar[str] = "under_bagging"

    def _bag(self, i: int, rows: TrainingRows, rng: Generator) -> TrainingRows:
        return rows[balanced_rows(rows.labels, rng)]
