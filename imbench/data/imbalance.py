"""Make a data set imbalanced: keep-ratios, exponential long tail, step.

Each is a frozen dataclass from ``conf/dataset/imbalance/``, called by
:func:`imbench.data.load.load_dataset` on the whole data set. Only rows outside the official test
set are thinned. The rows of a class that stay are the first of one seeded order, so that
subsamples are nested: what a smaller share keeps, a larger share with the same seed keeps too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imbench.components.construct import closest
from imbench.data.dataset import Dataset
from imbench.errors import ConfigError, DataError

# 0.29 * 100 is 28.999999999999996: without this, truncation would lose a row.
_EPS = 1e-9


def _thin(data: Dataset, n_keep: NDArray[np.int64], seed: int) -> Dataset:
    """Keep the first ``n_keep[k]`` pool rows of each class k in an order drawn from the seed.

    Rows stay in their order. A class of which nothing is kept leaves ``class_names`` and the
    official test set too.
    """
    is_test = np.ones(len(data.y), bool)
    is_test[data.pool_index] = False
    stays = is_test & (n_keep > 0)[data.y]
    pool_labels = data.y[data.pool_index]
    for label, n_rows in enumerate(n_keep):
        rows = data.pool_index[pool_labels == label]
        stays[np.random.default_rng([seed, label]).permutation(rows)[:n_rows]] = True
    labels = np.cumsum(n_keep > 0) - 1
    return replace(
        data,
        X=data.X[stays],
        y=labels[data.y[stays]],
        class_names=tuple(n for n, k in zip(data.class_names, n_keep, strict=True) if k > 0),
        test_index=None if data.test_index is None else np.flatnonzero(is_test[stays]),
    )


def _share_of(counts: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Truncate ``counts * shares``, but keep one row of a class whose share is above zero."""
    n_keep = np.floor(counts * shares + _EPS).astype(np.int64)
    return np.where((shares > 0) & (counts > 0), np.maximum(n_keep, 1), n_keep)


def _rank(counts: NDArray[np.int64], order: str) -> NDArray[np.int64]:
    """Return the place of each class: its label, or the largest first and equal ones by label."""
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
    """Thin each class to its target; a class that has fewer rows keeps them all.

    Raises
    ------
    DataError
        If the rarest class has fewer rows than the ratio asks for: nothing would be what the
        configuration says.
    """
    rarest = int(data.counts.argmin())
    if data.counts[rarest] < targets.min():
        present = targets.max() / max(data.counts[rarest], 1)
        raise DataError(
            f"dataset.imbalance.ratio={ratio}: dataset={data.name} is {present:.4g}:1 as it is "
            f"({data.counts[rarest]} rows of {data.class_names[rarest]!r}); set a ratio of at "
            f"least {present:.4g}, or dataset/imbalance=none."
        )
    return _thin(data, np.minimum(np.maximum(targets, 1), data.counts), seed)


@dataclass(frozen=True)
class KeepRatios:
    """Keep a given share of each class, as in the tutorial of the weighted loss (90 / 10).

    Parameters
    ----------
    ratios : mapping of class name to float, or None
        Share of the rows that stays, in 0..1; 0 drops the class, from the test set too. Names
        are compared as text, since yaml reads ``0:`` as a number.
    others : float, default=1.0
        Share of every class that is not named.
    seed : int, default=0
        Decides which rows stay.

    Notes
    -----
    Counts are truncated, as ``int(share * n)`` does, but a share above zero keeps one row.
    """

    ratios: Mapping[str | int, float] | None = None
    others: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, share in [*(self.ratios or {}).items(), ("others", self.others)]:
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                key = "others" if name == "others" else f"ratios[{name}]"
                raise ValueError(f"{key} must be a share of the rows in 0..1, got {share!r}.")

    def __call__(self, data: Dataset) -> Dataset:
        """Return the thinned data set.

        Raises
        ------
        ConfigError
            If a name is no class of the data set.
        """
        shares = {str(name): share for name, share in (self.ratios or {}).items()}
        for name in shares:
            if name not in data.class_names:
                raise ConfigError(
                    f"dataset.imbalance.ratios: dataset={data.name} has no class {name!r}"
                    f"{closest(name, data.class_names)}; its classes are "
                    f"{', '.join(data.class_names)} (in a yaml file, quote names such as 'Yes')."
                )
        wanted = np.array([float(shares.get(n, self.others)) for n in data.class_names])
        return _thin(data, _share_of(data.counts, wanted), self.seed)


@dataclass(frozen=True)
class LongTail:
    """Exponential long tail: class sizes fall geometrically from the largest to the rarest.

    Parameters
    ----------
    ratio : float
        Rows of the largest class for each row of the rarest, at least 1.
    order : {"size", "label"}, default="size"
        Which class is the head: the largest (equal ones by label, so that a balanced set gives
        the papers' order), or label 0.
    seed : int, default=0
        Decides which rows stay.

    Notes
    -----
    The class of rank c keeps ``int(n_max * f ** (c / (C - 1)))`` rows, where ``f = 1 / ratio``
    and n_max is the size of rank 0. Where a class has fewer rows than that, all of them stay.

    References
    ----------
    Cui et al., Class-Balanced Loss Based on Effective Number of Samples, arXiv 1901.05555;
    Cao et al., Learning Imbalanced Datasets with LDAM Loss, arXiv 1906.07413.
    """

    ratio: float
    order: Literal["size", "label"] = "size"
    seed: int = 0

    def __post_init__(self) -> None:
        _check_ratio(self.ratio, self.order)

    def __call__(self, data: Dataset) -> Dataset:
        """Return the thinned data set.

        Raises
        ------
        DataError
            If the data set is more imbalanced than the ratio already.
        """
        rank = _rank(data.counts, self.order)
        exponent = rank / (len(rank) - 1)
        targets = np.floor(data.counts[rank == 0] * (1 / self.ratio) ** exponent + _EPS)
        return _shrink_to(data, targets.astype(np.int64), self.ratio, self.seed)


@dataclass(frozen=True)
class Step:
    """Step imbalance: the smaller classes are cut to one size, the others stay whole.

    Parameters
    ----------
    ratio : float
        Rows of the largest class for each row of a minority class, at least 1.
    minority_share : float, default=0.5
        Share of the classes that become minorities, in (0, 1); truncated, at least one class.
    order : {"size", "label"}, default="size"
        Whether the smallest classes become minorities, or the last labels.
    seed : int, default=0
        Decides which rows stay.

    References
    ----------
    Buda et al., A systematic study of the class imbalance problem in convolutional neural
    networks, arXiv 1710.05381, section 3.1.
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
        """Return the thinned data set.

        Raises
        ------
        DataError
            If the data set is more imbalanced than the ratio already.
        """
        counts = data.counts
        n_minorities = max(1, int(len(counts) * self.minority_share + _EPS))
        small = _rank(counts, self.order) >= len(counts) - n_minorities
        n_minority = int(counts[~small].max() / self.ratio + _EPS)
        targets = np.where(small, n_minority, counts)
        return _shrink_to(data, targets, self.ratio, self.seed)
