"""Record the rows of a fold before anything is fitted, for the leak audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imbench.data.row_hashes import content_hash, rows_hash

if TYPE_CHECKING:
    from imbench.data.dataset import Dataset
    from imbench.data.splits import Fold


def fold_facts(data: Dataset, fold: Fold) -> dict[str, Any]:
    """Return the facts about a fold that the leak audit compares, ready for JSON.

    Returns
    -------
    dict
        - ``train_rows``, ``test_rows``: :func:`rows_hash` of the row numbers of the two parts;
        - ``train_content``, ``test_content``: :func:`content_hash` of their rows;
        - ``n_train``, ``n_test``: number of rows;
        - ``overlap``: test rows whose number is in the training part;
        - ``copies``: other test rows that equal a row of the training part;
        - ``contradictory``: copies that have another label in the training part;
        - ``n_rows``, ``n_distinct``: rows and different rows of the whole data set;
        - ``straddling_groups``: groups with rows in both parts, where the data have groups;
        - ``from_future``: training rows that are not before all test rows, where they have times.

    Examples
    --------
    >>> from imbench.data.dataset import Dataset
    >>> from imbench.data.splits import Fold
    >>> X = np.array([[1.0], [2.0], [1.0], [3.0]])
    >>> data = Dataset(name="toy", X=X, y=np.array([0, 0, 1, 1]), class_names=("a", "b"))
    >>> facts = fold_facts(data, Fold(0, 0, np.array([0, 1]), np.array([2, 3])))
    >>> facts["overlap"], facts["copies"], facts["contradictory"]
    (0, 1, 1)
    """
    contents = data.contents
    train, test = fold.train_index, fold.test_index
    is_train = np.zeros(len(data.y), bool)
    is_train[train] = True
    others = test[~is_train[test]]
    in_training = np.zeros(contents.n_distinct, bool)
    in_training[contents.ids[train]] = True
    copies = others[in_training[contents.ids[others]]]
    return {
        "train_rows": rows_hash(train),
        "test_rows": rows_hash(test),
        "train_content": content_hash(contents.hashes[train]),
        "test_content": content_hash(contents.hashes[test]),
        "n_train": len(train),
        "n_test": len(test),
        "overlap": len(test) - len(others),
        "copies": len(copies),
        "contradictory": _n_with_other_label(data, copies, train),
        "n_rows": len(data.y),
        "n_distinct": contents.n_distinct,
        **_role_facts(data, fold),
    }


def _role_facts(data: Dataset, fold: Fold) -> dict[str, int]:
    """Return what a split does to groups and times."""
    train, test = fold.train_index, fold.test_index
    facts = {}
    if data.groups is not None:
        facts["straddling_groups"] = len(np.intersect1d(data.groups[train], data.groups[test]))
    if data.time is not None:
        facts["from_future"] = int((data.time[train] >= data.time[test].min()).sum())
    return facts


def _n_with_other_label(data: Dataset, rows: NDArray[np.int64], known: NDArray[np.int64]) -> int:
    """Count the `rows` that equal a `known` row with another label."""
    if len(rows) == 0:
        return 0
    ids, y = data.contents.ids, data.y
    is_wanted = np.zeros(data.contents.n_distinct, bool)
    is_wanted[ids[rows]] = True
    known = known[is_wanted[ids[known]]]
    lowest = np.full(len(is_wanted), np.iinfo(np.int64).max)
    highest = np.full(len(is_wanted), -1)
    np.minimum.at(lowest, ids[known], y[known])
    np.maximum.at(highest, ids[known], y[known])
    return int(((lowest[ids[rows]] != y[rows]) | (highest[ids[rows]] != y[rows])).sum())
