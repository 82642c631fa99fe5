"""What is known of a fold before it is fitted, and a check of what its model returns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.data.dataset import Dataset
from imbench.data.splits import Fold
from imbench.results.fold import CellKey
from imbench.run.environment import hardware, versions


def known_of(key: CellKey, data: Dataset, fold: Fold) -> dict[str, Any]:
    """Return the fields of a `FoldResult` that are known before the fold is fitted."""
    counts = np.bincount(data.y[fold.train_index], minlength=data.info.n_classes)
    return {
        "run_id": key.run_id,
        "dataset": key.dataset,
        "model": key.model,
        "label": key.label,
        "repeat": fold.repeat,
        "fold": fold.fold,
        "class_names": data.class_names,
        "minority": data.info.minority,
        "rare": data.rare,
        "n_train": len(fold.train_index),
        "counts_before": tuple(counts.tolist()),
        "versions": versions(),
        "hardware": hardware(),
    }


def check_returned(scores: NDArray[Any], predicted: NDArray[Any], n_rows: int) -> None:
    """Check what a model or a decision rule returned for some rows.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, K)
        With a column for each class.
    predicted : ndarray of shape (n_rows,)
    n_rows : int

    Raises
    ------
    ValueError
        If a shape is wrong, a score is not finite, or a label is none of the K.

    Examples
    --------
    >>> check_returned(np.array([[0.2, np.nan]]), np.array([0]), 1)
    Traceback (most recent call last):
        ...
    ValueError: predict_proba returned 1 of 2 scores that are not finite (nan or inf).
    """
    if len(scores) != n_rows:
        raise ValueError(f"predict_proba returned {len(scores)} rows of scores for {n_rows} rows.")
    if not (finite := np.isfinite(scores)).all():
        raise ValueError(
            f"predict_proba returned {np.size(finite) - np.count_nonzero(finite)} of "
            f"{np.size(finite)} scores that are not finite (nan or inf)."
        )
    if predicted.shape != (n_rows,):
        raise ValueError(
            f"predict returned labels of shape {predicted.shape} for {n_rows} rows: it must be "
            f"({n_rows},)."
        )
    known = range(scores.shape[1])
    if wrong := sorted(set(np.unique(predicted).tolist()) - set(known)):
        raise ValueError(
            f"predict returned the label {wrong[0]}, which is none of the {len(known)} classes: "
            f"labels are 0 to {len(known) - 1}, those of y in fit."
        )
