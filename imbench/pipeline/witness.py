"""The leak audit: which rows trained and tested a fold, and what was fitted on which rows.

A fold's record is made while it runs, by :mod:`imbench.run.folds`: :func:`fold_facts` from the data
and the split, and a :class:`Witness` that every pipeline tells what it was fitted on. The
judgement over stored records is :mod:`imbench.report.audit`.

Rows are told apart by content: two rows are the same if all their values are, whatever their
labels. Contents are compared by a hash of 64 bits a row.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imbench.data.row_hashes import content_hash, hash_rows, is_among

MAX_HASHES = 10  # of one kind of fit; bags of an ensemble are many


@dataclass(frozen=True, eq=False)
class Rows:
    """Which rows a pipeline got: sums of their hashes, and those that are not of the training part.

    Parameters
    ----------
    n_rows, n_held_out : int
        Number of all rows, and of those that were kept for validation.
    rows, held_out : str
        :func:`content_hash` of both.
    foreign : ndarray of uint64 of shape (n_foreign,)
    """

    n_rows: int
    n_held_out: int
    rows: str
    held_out: str
    foreign: NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class _Fit(Rows):
    """One pipeline that was fitted: which rows it got, and steps with their rows."""

    steps: tuple[tuple[str, int], ...]


class Witness:
    """Notes on which rows the pipelines of one fold are fitted, inner folds and bags included.

    It stands in a parameter of every pipeline, and all copies of an estimator share it: what an
    inner fold fitted and threw away is noted too. It knows the training part and not the test
    part, which nothing that is fitted may know.

    Parameters
    ----------
    train_hashes : ndarray of uint64 of shape (n_train,)
        Contents of the training part.
    dtype : numpy.dtype
        Of the data set: ensembles may hand rows on in another one.
    """

    def __init__(self, train_hashes: NDArray[np.uint64], dtype: np.dtype[Any]) -> None:
        self._train = train_hashes
        self._whole = content_hash(train_hashes)
        self._dtype = dtype
        self._fits: list[_Fit] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> Witness:
        """Return the witness itself: scikit-learn's `clone` copies parameters."""
        return self

    def look_at(self, X: ArrayLike, held_out: NDArray[np.bool_] | None = None) -> Rows:
        """Return what :meth:`note` takes; the hashes themselves are not kept.

        Parameters
        ----------
        X : array of shape (n, d)
            The rows that come in, before the first step.
        held_out : ndarray of bool of shape (n,)
            Rows that are kept for validation.
        """
        hashes = hash_rows(np.asarray(X).astype(self._dtype, copy=False))
        rows = content_hash(hashes)
        kept = hashes[held_out] if held_out is not None else hashes[:0]
        foreign = np.empty(0, np.uint64)
        if rows != self._whole:
            foreign = hashes[~is_among(hashes, self._known)]
        held_out_hash = content_hash(kept) if len(kept) else ""
        return Rows(len(hashes), len(kept), rows, held_out_hash, foreign)

    def note(self, rows: Rows, steps: Iterable[tuple[str, int]]) -> None:
        """Note a fit; called by a pipeline when it is fitted.

        Parameters
        ----------
        rows : Rows
            What came in.
        steps : iterable of (str, int)
            Name of each step and the rows that it was fitted on.
        """
        self._fits.append(_Fit(**vars(rows), steps=tuple(steps)))

    @cached_property
    def _known(self) -> NDArray[np.uint64]:
        return np.sort(self._train)

    @property
    def n_fits(self) -> int:
        """How many fits were noted."""
        return len(self._fits)

    def fits(self, test_hashes: NDArray[np.uint64]) -> list[dict[str, Any]]:
        """Return what was fitted on what, as JSON; called when the fold is finished.

        Parameters
        ----------
        test_hashes : ndarray of uint64 of shape (n_test,)
            Contents of the test part.

        Returns
        -------
        list of dict
            One a kind of fit: on the whole training part (``whole``) or on inner folds and bags,
            and with which steps. ``n_fits``; ``steps``: name, fewest and most rows that the
            step was fitted on. ``n_rows``: fewest and most rows that a fit got, ``n_held_out``
            of them for validation. ``rows``, ``held_out``: hashes of the different row sets,
            ``n_parts`` of them, where they are more than ten one hash over all. ``made``: rows
            fitted on that neither part holds. ``from_test``: rows fitted on that only the test
            part holds, which is a leak.
        """
        kinds: dict[tuple[bool, tuple[str, ...]], list[_Fit]] = defaultdict(list)
        for fit in self._fits:
            names = tuple(name for name, _ in fit.steps)
            kinds[fit.rows != self._whole, names].append(fit)
        return [
            _kind_of_fit(fits, not is_part, test_hashes)
            for (is_part, _), fits in sorted(kinds.items(), key=lambda item: item[0])
        ]


def _kind_of_fit(
    fits: Sequence[_Fit], is_whole: bool, test_hashes: NDArray[np.uint64]
) -> dict[str, Any]:
    foreign = np.concatenate([fit.foreign for fit in fits])
    from_test = int(is_among(foreign, np.sort(test_hashes)).sum()) if len(foreign) else 0
    return {
        "steps": [
            [name, *_range(fit.steps[i][1] for fit in fits)]
            for i, (name, _) in enumerate(fits[0].steps)
        ],
        "n_fits": len(fits),
        "whole": is_whole,
        "n_rows": _range(fit.n_rows for fit in fits),
        "n_held_out": _range(fit.n_held_out for fit in fits),
        "n_parts": len({fit.rows for fit in fits}),
        "rows": _few({fit.rows for fit in fits}),
        "held_out": _few({fit.held_out for fit in fits} - {""}),
        "made": len(foreign) - from_test,
        "from_test": from_test,
    }


def _range(numbers: Iterable[int]) -> list[int]:
    found = list(numbers)
    return [min(found), max(found)]


def _few(hashes: set[str]) -> list[str]:
    found = sorted(hashes)
    if len(found) <= MAX_HASHES:
        return found
    return [hashlib.sha256("".join(found).encode()).hexdigest()[:16]]
