"""Over-sampling of the rows of a class that are anomalous among its own rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.anomaly import anomaly_ranks, anomaly_scores, check_scorer, with_shares
from imbench.strategies.resample.base import OverSampler, apportion
from imbench.strategies.resample.prowsyn import partners

METHODS = ("repeat", "interpolate")


class AnomalyOverSampler(OverSampler):
    """Repeat the rows of the rarer classes in proportion to their anomaly rank, or add between.

    The most normal of n rows has rank 1 and the most anomalous rank n.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn; ``auto`` brings every class up to the largest.
    method : {"repeat", "interpolate"}, default="repeat"
        ``repeat`` adds copies of the rows. ``interpolate`` adds points on the lines from the rows
        to random ones of their nearest rows of the class, as SMOTE does.
    k_neighbors : int, default=5
        Of ``interpolate``: number of nearest rows to choose from. A class that grows must have
        more rows.
    scorer : estimator or None
        See :func:`imbench.strategies.anomaly.anomaly_scores`; None is an isolation forest.
    categorical_features : sequence of int or None
        Columns that hold codes of categories, set by :func:`imbench.pipeline.build.build`.
    random_state : int or None
        Seed of the scorer, of ties in the numbers of copies, and of the new points.
    neighbors : Neighbors or None
        Nearest-neighbor search, set by `build`; None is scikit-learn's.

    Notes
    -----
    A copy of the scorer is fitted on the rows of each class that grows, and on no other. Each row
    gets its share of the new rows, rounded so that class sizes are exact. ``prowsyn`` and
    ``adasyn`` also add unevenly, but near the other classes; this method does not look at them. A
    mislabelled row is anomalous too, and is repeated most. Categories count as their share in
    the class for scores and distances; a new row has the categories of the row that it starts
    from. Missing numbers are imputed before.

    No publication is known to us that evaluates this method. The scores are those of the scorer.

    References
    ----------
    Liu, Ting & Zhou 2008, "Isolation Forest", DOI 10.1109/ICDM.2008.17 (the scores).

    Examples
    --------
    >>> X, y = np.array([[0.0], [0.1], [9.0], *[[5.0]] * 9]), np.repeat([1, 0], [3, 9])
    >>> X_after, y_after = AnomalyOverSampler(random_state=0).fit_resample(X, y)
    >>> np.unique(X_after[y_after == 1], return_counts=True)
    (array([0. , 0.1, 9. ]), array([3, 2, 4]))
    """

    def __init__(
        self,
        sampling_strategy: Any = "auto",
        method: Literal["repeat", "interpolate"] = "repeat",
        k_neighbors: int = 5,
        scorer: Any = None,
        categorical_features: Sequence[int] | None = None,
        random_state: int | None = None,
        neighbors: Any = None,
    ) -> None:
        super().__init__(sampling_strategy, random_state)
        self.method = method
        self.k_neighbors = k_neighbors
        self.scorer = scorer
        self.categorical_features = categorical_features
        self.neighbors = neighbors

    def check_params(self) -> None:
        """Raise ValueError for a parameter out of range; called before anything runs."""
        if self.method not in METHODS:
            raise ValueError(f"method must be repeat or interpolate, got method={self.method!r}.")
        if not isinstance(self.k_neighbors, int) or self.k_neighbors < 1:
            raise ValueError(
                f"k_neighbors must be an integer of at least 1, got {self.k_neighbors!r}."
            )
        check_scorer(self.scorer)

    def rows_needed(self) -> int:
        """Return the number of a row and its neighbors; 1 to repeat rows."""
        return 1 if self.method == "repeat" else self.k_neighbors + 1

    def new_rows(
        self, X: NDArray[Any], others: NDArray[Any], n_new: int, rng: np.random.RandomState
    ) -> NDArray[Any]:
        """Return copies of the rows, or points between them, most of the anomalous ones."""
        shared = with_shares(X, self.categorical_features)
        scores = anomaly_scores(shared, self.scorer, self.random_state)
        bases = np.repeat(np.arange(len(X)), apportion(anomaly_ranks(scores), n_new, rng))
        if self.method == "repeat":
            return X[bases]
        near = partners(shared, self.k_neighbors, self.neighbors)  # (n, k)
        ends = near[bases, rng.randint(near.shape[1], size=n_new)]
        made = X[bases] + rng.uniform(size=(n_new, 1)) * (X[ends] - X[bases])
        if self.categorical_features is not None:
            columns = list(self.categorical_features)
            made[:, columns] = X[bases][:, columns]
        return made
