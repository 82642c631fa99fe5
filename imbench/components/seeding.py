"""Seeds derived from named axes, so that every comparison is paired.

Split seeds come from (data set, repeat) alone, fit seeds from (data set, repeat, fold).
Neither knows strategy or model: two strategies meet the same rows, the same initialisation
and the same order of batches, and differ in nothing but what they do.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


def derive(seed: int, *axes: str | int) -> int:
    """Return a seed in 0..2**31-1 for a place on named axes.

    Parameters
    ----------
    seed : int
        The seed of the whole comparison (``seed=`` on the command line).
    *axes : str or int
        For example ``"fit", "digits", repeat, fold``. Their order matters.

    Notes
    -----
    A hash and not Python's ``hash()``, which differs from process to process.
    """
    text = "\x1f".join(map(str, (seed, *axes)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def seed_estimator(estimator: BaseEstimator, seed: int) -> BaseEstimator:
    """Set every ``random_state`` inside an estimator, in place, and return it.

    All get the same integer: a seed that depended on the position inside the wrappers would
    give the plain net and the net behind a sampler different initial weights.
    """
    names = [
        name
        for name in estimator.get_params(deep=True)
        if name == "random_state" or name.endswith("__random_state")
    ]
    return estimator.set_params(**dict.fromkeys(names, seed))
