"""Run ids of cells: hashes of what determines their predictions, fold by fold.

The number of repeats is no part of it: more repeats add folds to a cell. In older versions they
made another cell. The run id is that of their cell with one repeat, and :func:`former_run_ids`
names their cells with more, so that what they stored is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbench.components.hashing import run_id_of

COUNTS = ("n_repeats", "n_seeds")  # keys of splitters that add folds and change none
OWN = "imbench."  # splitters of others may give these keys another meaning
# Splitters whose number of repeats was part of the run id.
WITH_REPEATS = ("imbench.splits.RepeatedKFold", "imbench.splits.Holdout")
MOST_REPEATS = 20  # of older results that are used again; with more they are read and reported


def without_repeats(splits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the node of a splitter without the keys that only add folds, or that are null.

    Null is the default of keys that older versions did not have.

    Examples
    --------
    >>> node = {"_target_": "imbench.data.splits.RepeatedKFold", "n_splits": 5, "n_repeats": 3}
    >>> without_repeats(node)
    {'_target_': 'imbench.data.splits.RepeatedKFold', 'n_splits': 5}
    """
    if not str(splits.get("_target_")).startswith(OWN):
        return dict(splits)
    kept = {key: value for key, value in splits.items() if value is not None}
    return {key: value for key, value in kept.items() if key not in COUNTS}


def cell_id(identity: Mapping[str, Any]) -> str:
    """Return the run id of a cell: that of older versions with one repeat.

    Parameters
    ----------
    identity : mapping
        From :func:`imbench.config.identity.identity_of`, with the fingerprint of the data.

    Examples
    --------
    >>> splits = {"_target_": "imbench.splits.RepeatedKFold", "n_splits": 5}
    >>> cell_id({"seed": 0, "splits": splits})
    '526ab25d714bd7a6'
    """
    return run_id_of(_with_repeats(identity, 1))


def former_run_ids(identity: Mapping[str, Any], n_folds: int) -> list[str]:
    """Return the run ids that older versions gave to the cell with more repeats.

    Parameters
    ----------
    identity : mapping
    n_folds : int
        That are asked for.

    Returns
    -------
    list of str
        With 2 to 20 repeats and as many as `n_folds` are.
    """
    splits = identity.get("splits")
    if not isinstance(splits, Mapping) or splits.get("_target_") not in WITH_REPEATS:
        return []
    asked = n_folds // int(splits.get("n_splits", 1))
    counts = dict.fromkeys([asked, *range(2, MOST_REPEATS + 1)])
    return [run_id_of(_with_repeats(identity, n)) for n in counts if n > 1]


def _with_repeats(identity: Mapping[str, Any], n: int) -> Mapping[str, Any]:
    splits = identity.get("splits")
    if not isinstance(splits, Mapping) or splits.get("_target_") not in WITH_REPEATS:
        return identity
    return {**identity, "splits": {**splits, "n_repeats": n}}
