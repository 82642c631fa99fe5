"""Class weights from the costs of confusing one class with another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class CostMatrixWeights:
    """w_i = C_i N / sum_k C_k n_k, where C_i is the sum of the costs of all errors on class i.

    Parameters
    ----------
    costs : sequence of K sequences of K floats, or None
        ``costs[i][j]`` is the cost of predicting class j for a row of class i, at least 0. The
        diagonal is ignored. None is a cost of n_max / n_i for every error on class i.

    Raises
    ------
    ValueError
        If ``costs`` is not square, holds a value that is not a number of at least 0, or all errors
        are free; when called, if its size is not the number of classes.

    Notes
    -----
    With more than two classes, one weight a class cannot distinguish the K - 1 errors on it: their
    costs are summed, as Breiman et al. do. The decision rule `cost_sensitive` uses the whole
    matrix. With None the weights are proportional to inverse frequencies, and a class without
    rows gets weight 0.

    References
    ----------
    Ting 2002, "An instance-weighting method to induce cost-sensitive trees", DOI
    10.1109/TKDE.2002.1000348 (the weights w(j) and costs C(j)).

    Examples
    --------
    >>> import numpy as np
    >>> CostMatrixWeights(costs=[[0, 1], [10, 0]])(np.array([90, 10]), progress=0.0).round(2)
    array([0.53, 5.26])
    """

    costs: Sequence[Sequence[float]] | None = None

    def __post_init__(self) -> None:
        if self.costs is None:
            return
        rows = self.costs
        is_list = isinstance(rows, list | tuple) and all(isinstance(r, list | tuple) for r in rows)
        if not is_list or len(rows) < 2 or any(len(row) != len(rows) for row in rows):
            raise ValueError(
                "costs must be a square matrix, one row and one column a class such as "
                f"[[0, 1], [10, 0]], got costs={rows!r}."
            )
        for i, row in enumerate(rows):
            for j, cost in enumerate(row):
                check_number(f"costs[{i}][{j}]", cost, low=0.0)
        if not self._of_errors(np.array(rows, np.float64)).any():
            raise ValueError(
                "costs must hold a cost above 0 beside the diagonal, "
                f"otherwise no error counts, got costs={rows!r}."
            )

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Return weights of shape (K,) for counts of shape (K,)."""
        n_classes = len(counts)
        if self.costs is None:
            by_class = np.divide(counts.max(), counts, out=np.zeros(n_classes), where=counts > 0)
        elif len(self.costs) != n_classes:
            raise ValueError(
                f"strategy.weights.cost_matrix.costs is {len(self.costs)} x {len(self.costs)}, but "
                f"this training part has {n_classes} classes: give one row and one column a class."
            )
        else:
            by_class = self._of_errors(np.array(self.costs, np.float64))
        total = (by_class * counts).sum()
        if total == 0:
            raise ValueError(
                "strategy.weights.cost_matrix.costs gives every row of this training part weight "
                "0: let errors on some class that has rows cost something."
            )
        return by_class * counts.sum() / total

    @staticmethod
    def _of_errors(costs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums of rows without the diagonal, shape (K,)."""
        return (costs * (1 - np.eye(len(costs)))).sum(1)
