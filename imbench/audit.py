"""The leak audit: which rows trained and tested a fold, and what was fitted on which rows.

A fold's record is made while it runs, by :mod:`imbench.folds`: :func:`fold_facts` from the data
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
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from imbench.datasets.base import Dataset
    from imbench.splits import Fold

MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)  # of SplitMix64
# Rows whose words stay in the cache. Were it a power of two, the words of a row would compete for
# the same places there.
BLOCK = 4000
MAX_HASHES = 10  # of one kind of fit; bags of an ensemble are many


@dataclass(frozen=True, eq=False)
class Contents:
    """The rows of a data set by content.

    Parameters
    ----------
    hashes : ndarray of uint64 of shape (n,)
    ids : ndarray of int32 of shape (n,)
        0..n_distinct-1; rows of equal content share one.
    n_distinct : int
    """

    hashes: NDArray[np.uint64]
    ids: NDArray[np.int32]
    n_distinct: int


def contents_of(X: NDArray[Any]) -> Contents:
    """Hash the rows of a table or of images; called once a data set."""
    hashes = hash_rows(X)
    distinct, ids = np.unique(hashes, return_inverse=True)
    return Contents(hashes, ids.astype(np.int32), len(distinct))


def hash_rows(X: NDArray[Any]) -> NDArray[np.uint64]:
    """Hash every row by its values: 0.0 and -0.0 are equal, and so are all NaN.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Numbers or bytes.

    Returns
    -------
    ndarray of uint64 of shape (n,)

    Notes
    -----
    A chain of multiplications and shifts with the first multiplier of SplitMix64. It is no
    cryptographic hash. Of n different rows two are taken for equal with probability n^2 / 2^65,
    3e-8 for a million rows.

    References
    ----------
    Steele, Lea & Flood 2014, "Fast Splittable Pseudorandom Number Generators",
    DOI 10.1145/2660193.2660195, section 4.
    """
    hashes = np.full(len(X), X.shape[1], np.uint64)
    for start in range(0, len(X), BLOCK):
        part = hashes[start : start + BLOCK]
        for word in np.ascontiguousarray(_words(X[start : start + BLOCK]).T):
            part ^= word
            part *= MULTIPLIER
            part ^= part >> np.uint64(32)
    return hashes


def _words(X: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the rows as unsigned words of 64 bits, shape (n, n_words)."""
    if X.dtype.kind == "f":
        values = X.astype(np.float64) + 0.0  # -0.0 becomes 0.0
        values[np.isnan(values)] = np.nan
        return values.view(np.uint64)
    if X.dtype.itemsize == 1:
        if X.shape[1] % 8 == 0 and X.flags.c_contiguous:
            return X.view(np.uint64)
        packed = np.zeros((len(X), -(-X.shape[1] // 8) * 8), np.uint8)
        packed[:, : X.shape[1]] = X.view(np.uint8)
        return packed.view(np.uint64)
    return X.astype(np.int64).view(np.uint64)


def content_hash(hashes: NDArray[np.uint64]) -> str:
    """Return 16 hexadecimal digits for some rows, whatever their order: the sum of their hashes.

    A sum and not a hash of the sorted hashes: sorting would be most of the cost of the audit.
    """
    return f"{int(hashes.sum(dtype=np.uint64)):016x}"


def rows_hash(index: NDArray[np.int64]) -> str:
    """Return the SHA-256 of row numbers in hex, ascending, as little-endian int64."""
    return hashlib.sha256(np.sort(index).astype("<i8").data).hexdigest()


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


@dataclass(frozen=True, eq=False)
class _Fit:
    """One pipeline that was fitted: steps with their rows, and which rows it got."""

    steps: tuple[tuple[str, int], ...]
    n_rows: int
    n_held_out: int
    rows: str
    held_out: str
    foreign: NDArray[np.uint64]


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

    def hashes_of(self, X: ArrayLike) -> NDArray[np.uint64]:
        """Return the contents of rows (n, d) as :meth:`note` takes them, shape (n,)."""
        return hash_rows(np.asarray(X).astype(self._dtype, copy=False))

    def note(
        self,
        hashes: NDArray[np.uint64],
        steps: Iterable[tuple[str, int]],
        held_out: NDArray[np.bool_] | None = None,
    ) -> None:
        """Note a fit; called by a pipeline when it is fitted.

        Parameters
        ----------
        hashes : ndarray of uint64 of shape (n,)
            Of the rows that came in, before the first step.
        steps : iterable of (str, int)
            Name of each step and the rows that it was fitted on.
        held_out : ndarray of bool of shape (n,)
            Rows that were kept for validation.
        """
        kept = hashes[held_out] if held_out is not None else hashes[:0]
        rows = content_hash(hashes)
        foreign = hashes[:0] if rows == self._whole else hashes[~_is_among(hashes, self._known)]
        self._fits.append(
            _Fit(
                steps=tuple(steps),
                n_rows=len(hashes),
                n_held_out=len(kept),
                rows=rows,
                held_out=content_hash(kept) if len(kept) else "",
                foreign=foreign,
            )
        )

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
    from_test = int(_is_among(foreign, np.sort(test_hashes)).sum()) if len(foreign) else 0
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


def _is_among(hashes: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether each hash is among some that are sorted, shape (n,)."""
    places = np.searchsorted(known, hashes).clip(max=len(known) - 1)
    return known[places] == hashes


def _range(numbers: Iterable[int]) -> list[int]:
    found = list(numbers)
    return [min(found), max(found)]


def _few(hashes: set[str]) -> list[str]:
    found = sorted(hashes)
    if len(found) <= MAX_HASHES:
        return found
    return [hashlib.sha256("".join(found).encode()).hexdigest()[:16]]
