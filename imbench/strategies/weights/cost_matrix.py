"""Class weights from the costs of confusing one class with another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.costs import Costs, check_costs, cost_table

if TYPE_CHECKING:
    from imbench.data.dataset import DatasetInfo


@dataclass(frozen=True)
class CostMatrixWeights:
    """w_i = C_i N / sum_k C_k n_k, where C_i is the sum of the costs of all errors on class i.

    Parameters
    ----------
    costs : mapping, sequence or None
        See :func:`imbench.strategies.costs.cost_table`; a matrix where imbench does not tell the
        names of the classes. The diagonal is ignored. None is a cost of n_max / n_i for every
        error on class i.

    Raises
    ------
    ValueError
        If ``costs`` has no such form, holds a value that is not a number of at least 0, or all
        errors are free; when called, if its size is not the number of classes.

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

    costs: Costs | None = None

    def __post_init__(self) -> None:
        if self.costs is not None:
            check_costs(self.costs)

    def with_classes(self, info: DatasetInfo) -> CostMatrixWeights:
        """Return the weights with costs as a matrix in the order of the classes.

        Raises
        ------
        ValueError
            If the costs do not fit the classes.
        """
        if self.costs is None:
            return self
        table = self._table(info.class_names, info.minority)
        return replace(self, costs=table.tolist())

    def __call__(self, counts: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
        """Return weights of shape (K,) for counts of shape (K,)."""
        n_classes = len(counts)
        if self.costs is None:
            by_class = np.divide(counts.max(), counts, out=np.zeros(n_classes), where=counts > 0)
        else:
            table = self._table([str(k) for k in range(n_classes)], None)
            by_class = (table * (1 - np.eye(n_classes))).sum(1)
        total = (by_class * counts).sum()
        if total == 0:
            raise ValueError(
                "strategy.weights.cost_matrix.costs gives every row of this training part weight "
                "0: let errors on some class that has rows cost something."
            )
        return by_class * counts.sum() / total

    def _table(self, class_names: Sequence[str], minority: int | None) -> NDArray[np.float64]:
        assert self.costs is not None
        try:
            return cost_table(self.costs, class_names, minority)
        except ValueError as error:
            raise ValueError(f"strategy.weights.cost_matrix.{error}") from error
