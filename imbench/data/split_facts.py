"""What is known of a fold before anything is fitted: its rows, and copies among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from imbench.data.dataset import Dataset
    from imbench.data.splits import Fold
from imbench.data.row_hashes import content_hash, rows_hash


def fold_facts(data: Dataset, fold: Fold) -> dict[str, Any]:
    """Return what can be said of a fold before anything is fitted, as JSON.

    Returns
    -------
    dict
        ``train_rows``, ``test_rows``: :func:`rows_hash` of the two parts. ``train_content``,
        ``test_content``: :func:`content_hash`. ``n_train``, ``n_test``: rows. ``overlap``: test
        rows whose number is in the training part. ``copies``: other test rows whose content
        stands in the training part too. ``contradictory``: those of them that have another
        label there. ``n_rows``, ``n_distinct``: rows and different rows of the whole data set.
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
    }


def _n_with_other_label(data: Dataset, rows: NDArray[np.int64], known: NDArray[np.int64]) -> int:
    """Count the rows whose content stands among known rows with a label that is not theirs."""
    if len(rows) == 0:
        return 0
    ids, y = data.contents.ids, data.y
    is_asked = np.zeros(data.contents.n_distinct, bool)
    is_asked[ids[rows]] = True
    known = known[is_asked[ids[known]]]
    lowest = np.full(len(is_asked), np.iinfo(np.int64).max)
    highest = np.full(len(is_asked), -1)
    np.minimum.at(lowest, ids[known], y[known])
    np.maximum.at(highest, ids[known], y[known])
    return int(((lowest[ids[rows]] != y[rows]) | (highest[ids[rows]] != y[rows])).sum())
