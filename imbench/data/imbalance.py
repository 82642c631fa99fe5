"""Make a data set imbalanced by removing rows: share per class, long tail, step.

Each is a frozen dataclass from ``conf/dataset/imbalance/``, called by
:func:`imbench.data.load.load_dataset` on the whole data set. Rows of the official test set are
not removed. Subsamples are nested: the rows that a smaller share keeps are a subset of those that
a larger share keeps with the same seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imbench.components.class_names import find_class
from imbench.components.construct import closest
from imbench.components.override import override
from imbench.data.dataset import Dataset
from imbench.errors import ConfigError, DataError

# 0.29 * 100 is 28.999999999999996, which would be truncated to 28 without this.
_EPS = 1e-9


def _thin(
    data: Dataset, n_keep: NDArray[np.int64], shares: NDArray[np.float64], seed: int
) -> Dataset:
    """Keep ``n_keep[k]`` random rows of each class k outside the official test set.

    The order of rows does not change. A class without remaining rows is removed from
    ``class_names`` and from the official test set. `shares` are those that were asked for: a class
    with less than the largest share counts as cut, unless it is the largest class all the same.
    """
    pool = data.pool_index
    is_test = np.ones(len(data.y), bool)
    is_test[pool] = False
    stays = is_test & (n_keep > 0)[data.y]
    pool_labels = data.y[pool]
    for label, n_rows in enumerate(n_keep):
        rows = pool[pool_labels == label]
        stays[np.random.default_rng([seed, label]).permutation(rows)[:n_rows]] = True
    labels = np.cumsum(n_keep > 0) - 1
    is_cut = (n_keep > 0) & (shares < shares.max()) & (n_keep < n_keep.max())
    kept: dict[str, Any] = {name: values[stays] for name, values in data.roles.items()}
    return replace(
        data,
        X=data.X[stays],
        y=labels[data.y[stays]],
        class_names=tuple(n for n, k in zip(data.class_names, n_keep, strict=True) if k > 0),
        test_index=None if data.test_index is None else np.flatnonzero(is_test[stays]),
        cut=tuple(labels[is_cut].tolist()),
        **kept,
    )


def _share_of(counts: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Truncate ``counts * shares``, with at least one row for a share above zero."""
    n_keep = np.floor(counts * shares + _EPS).astype(np.int64)
    return np.where((shares > 0) & (counts > 0), np.maximum(n_keep, 1), n_keep)


def _rank(counts: NDArray[np.int64], order: str) -> NDArray[np.int64]:
    """Return the rank of each class: its label, or by decreasing size with ties by label."""
    if order == "label":
        return np.arange(len(counts))
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return rank


def _check_ratio(ratio: float, order: str) -> None:
    if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not ratio >= 1:
        raise ValueError(
            f"ratio must be a number of at least 1 (rows of the largest class for each row of "
            f"the rarest), got {ratio=}."
        )
    if order not in {"size", "label"}:
        raise ValueError(f"order must be 'size' or 'label', got {order=}.")


def _shrink_to(data: Dataset, targets: NDArray[np.int64], ratio: float, seed: int) -> Dataset:
    """Reduce each class to its target size. Smaller classes keep all rows.

    Raises
    ------
    DataError
        If the rarest class has fewer rows than its target, so that the ratio cannot be met.
    """
    rarest = int(data.counts.argmin())
    if data.counts[rarest] < targets.min():
        present = targets.max() / max(data.counts[rarest], 1)
        raise DataError(
            f"dataset.imbalance.ratio={ratio}: dataset={data.name} is {present:.4g}:1 as it is "
            f"({data.counts[rarest]} rows of {data.class_names[rarest]!r}); set a ratio of at "
            f"least {present:.4g}, or dataset/imbalance=none."
        )
    n_keep = np.minimum(np.maximum(targets, 1), data.counts)
    return _thin(data, n_keep, n_keep / np.maximum(data.counts, 1), seed)


def _pairs(ratios: object) -> list[tuple[Any, Any]]:
    """Return the shares of :class:`KeepRatios` as pairs of a class name and a number.

    Raises
    ------
    ValueError
        If they are neither a mapping nor pairs.
    """
    if isinstance(ratios, Mapping):
        return list(ratios.items())
    listed = [] if ratios is None else ratios
    if isinstance(listed, list | tuple) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 for pair in listed
    ):
        return [(name, share) for name, share in listed]
    raise ValueError(f"ratios must be such as {{cat: 0.1}} or [[cat,0.1]], got {ratios!r}.")


@dataclass(frozen=True)
class KeepRatios:
    """Keep a given share of each class.

    Parameters
    ----------
    ratios : mapping of class name to float, list of pairs of them, or None
        Share of the rows to keep, in [0, 1]. 0 removes the class, also from the test set. Names
        are compared as text, because yaml reads ``0:`` as a number. On the command line a name
        such as ``>50K`` can be quoted in a pair only: ``[[">50K",0.1]]``.
    others : float, default=1.0
        Share of all classes that are not in `ratios`.
    seed : int, default=0
        Seed of the random choice of rows.

    Notes
    -----
    Counts are truncated to ``int(share * n)``, with at least one row for a share above zero.

    Examples
    --------
    >>> from imbench.data.synthetic import load_synthetic
    >>> data = load_synthetic(ratio=1, n_rows=200)
    >>> thinned = KeepRatios({"0": 0.9, "1": 0.1})(data)
    >>> thinned.counts.tolist(), thinned.cut
    ([90, 10], (1,))
    """

    ratios: Mapping[str | int, float] | Sequence[Any] | None = None
    others: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, share in [*_pairs(self.ratios), ("others", self.others)]:
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                key = "others" if name == "others" else f"ratios[{name}]"
                raise ValueError(f"{key} must be a share of the rows in 0..1, got {share!r}.")

    def __call__(self, data: Dataset) -> Dataset:
        """Return the reduced data set.

        Raises
        ------
        ConfigError
            If a name is no class of the data set.
        """
        wanted = np.full(len(data.class_names), float(self.others))
        for key, share in _pairs(self.ratios):
            name = str(key)
            label = find_class(name, data.class_names)
            if label is None:
                alike = get_close_matches(name, data.class_names, n=1) or data.class_names[-1:]
                raise ConfigError(
                    f"dataset.imbalance.ratios: dataset={data.name} has no class {name!r}"
                    f"{closest(name, data.class_names)}; its classes are "
                    f"{', '.join(data.class_names)} (in a yaml file, quote names such as 'Yes'); "
                    f"set them such as {override('dataset.imbalance.ratios', {alike[0]: share})}."
                )
            wanted[label] = share
        return _thin(data, _share_of(data.counts, wanted), wanted, self.seed)


@dataclass(frozen=True)
class LongTail:
    """Exponential long tail: class sizes decrease geometrically from the largest to the rarest.

    Parameters
    ----------
    ratio : float
        Rows of the largest class per row of the rarest, at least 1.
    order : {"size", "label"}, default="size"
        Order of the classes: by decreasing size, or by label. Ties in size are ordered by label,
        so a balanced data set gives the order of the papers.
    seed : int, default=0
        Seed of the random choice of rows.

    Notes
    -----
    The class of rank c of C keeps ``int(n_max * f ** (c / (C - 1)))`` rows, where
    ``f = 1 / ratio`` and n_max is the size of rank 0. Smaller classes keep all rows.

    References
    ----------
    Cui et al., Class-Balanced Loss Based on Effective Number of Samples, arXiv 1901.05555;
    Cao et al., Learning Imbalanced Datasets with LDAM Loss, arXiv 1906.07413.

    Examples
    --------
    >>> from imbench.data.synthetic import load_synthetic
    >>> data = load_synthetic(ratio=1, n_rows=300, n_classes=3)
    >>> LongTail(ratio=100)(data).counts.tolist()
    [100, 10, 1]
    """

    ratio: float
    order: Literal["size", "label"] = "size"
    seed: int = 0

    def __post_init__(self) -> None:
        _check_ratio(self.ratio, self.order)

    def __call__(self, data: Dataset) -> Dataset:
        """Return the reduced data set.

        Raises
        ------
        DataError
            If the data set is already more imbalanced than `ratio`.
        """
        rank = _rank(data.counts, self.order)
        exponent = rank / (len(rank) - 1)
        targets = np.floor(data.counts[rank == 0] * (1 / self.ratio) ** exponent + _EPS)
        return _shrink_to(data, targets.astype(np.int64), self.ratio, self.seed)


@dataclass(frozen=True)
class Step:
    """Step imbalance: minority classes are reduced to one size, the others keep all rows.

    Parameters
    ----------
    ratio : float
        Rows of the largest class per row of a minority class, at least 1.
    minority_share : float, default=0.5
        Share of the classes that become minorities, in (0, 1). Their number is truncated, with at
        least one.
    order : {"size", "label"}, default="size"
        Which classes become minorities: the smallest, or those with the largest labels.
    seed : int, default=0
        Seed of the random choice of rows.

    References
    ----------
    Buda et al., A systematic study of the class imbalance problem in convolutional neural
    networks, arXiv 1710.05381, section 3.1.

    Examples
    --------
    >>> from imbench.data.synthetic import load_synthetic
    >>> data = load_synthetic(ratio=1, n_rows=400, n_classes=4)
    >>> Step(ratio=10)(data).counts.tolist()
    [100, 100, 10, 10]
    """

    ratio: float
    minority_share: float = 0.5
    order: Literal["size", "label"] = "size"
    seed: int = 0

    def __post_init__(self) -> None:
        _check_ratio(self.ratio, self.order)
        if not 0 < self.minority_share < 1:
            raise ValueError(
                f"minority_share must lie between 0 and 1, got {self.minority_share!r}."
            )

    def __call__(self, data: Dataset) -> Dataset:
        """Return the reduced data set.

        Raises
        ------
        DataError
            If the data set is already more imbalanced than `ratio`.
        """
        counts = data.counts
        n_minorities = max(1, int(len(counts) * self.minority_share + _EPS))
        small = _rank(counts, self.order) >= len(counts) - n_minorities
        n_minority = int(counts[~small].max() / self.ratio + _EPS)
        targets = np.where(small, n_minority, counts)
        return _shrink_to(data, targets, self.ratio, self.seed)
