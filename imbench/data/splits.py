"""Split a data set into training and test parts, equal for all strategies and models.

A splitter is a frozen dataclass from ``conf/splits/``. A fold depends on the data set, the seed and
its place (repeat, fold) only, so that more repeats add folds and change none.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from imbench.components.seeding import derive
from imbench.data.dataset import Dataset
from imbench.data.split_checks import check_class_sizes, check_classes, check_role, group_splits
from imbench.errors import ConfigError, DataError

AUTO: Literal["auto"] = "auto"
MOST = 10_000  # of n_splits, n_repeats and n_seeds
MOST_FOLDS = 100_000  # a list of more takes longer than anybody waits
# Repeats after which splits.n_repeats=auto looks whether the verdicts are told.
LOOKS = (1, 3, 10)


@dataclass(frozen=True, eq=False)
class Fold:
    """One split into a training and a test part.

    Parameters
    ----------
    repeat, fold : int
        Position in a repeated cross-validation, from 0.
    train_index, test_index : ndarray of int64 of shape (n_train,), (n_test,)
        Rows of ``Dataset.X``, ascending and disjoint.

    Examples
    --------
    >>> Fold(repeat=0, fold=2, train_index=np.array([0, 2]), test_index=np.array([1])).fold
    2
    """

    repeat: int
    fold: int
    train_index: NDArray[np.int64]
    test_index: NDArray[np.int64]


class Splitter(Protocol):
    """Protocol of the objects that ``conf/splits/*.yaml`` constructs."""

    @property
    def n_folds(self) -> int:
        """Number of folds that :meth:`split` returns."""
        ...

    @property
    def places(self) -> list[tuple[int, int]]:
        """Repeat and fold of each fold that :meth:`split` returns, in order."""
        ...

    def split(self, data: Dataset, seed: int) -> list[Fold]:
        """Return the folds, ordered by (repeat, fold)."""
        ...


def repeats_of(splitter: Splitter) -> int | Literal["auto"] | None:
    """Return the number of repeats that is asked for; None of a splitter without repeats.

    Examples
    --------
    >>> repeats_of(RepeatedKFold(n_repeats=3)), repeats_of(OfficialTest())
    (3, None)
    """
    return getattr(splitter, "n_repeats", None)


def with_repeats(splitter: Splitter, n_repeats: int) -> Splitter:
    """Return a splitter of :func:`repeats_of` with another number of repeats.

    Examples
    --------
    >>> with_repeats(RepeatedKFold(n_repeats="auto"), 3).n_folds
    15
    """
    dataclass_of_splits: Any = splitter
    again: Splitter = replace(dataclass_of_splits, n_repeats=n_repeats)
    return again


@dataclass(frozen=True)
class RepeatedKFold:
    """Repeated stratified k-fold cross-validation over all rows but the official test set.

    Rows of one group stay together, where the data set has groups.

    Parameters
    ----------
    n_splits : int, default=5
        Folds per repeat, at least 2.
    n_repeats : int or "auto", default=1
        Repeats, each with another shuffle. ``auto`` splits once; :mod:`imbench.run.rounds` goes on
        with :func:`with_repeats` until the verdicts are told.
    min_per_class : int or None, default=None
        Rows (or groups) that a class needs at least, 2 or more; None is `n_splits`. With fewer rows
        than folds a class is missing in some test parts, where its metrics are undefined.

    Examples
    --------
    >>> from imbench.data.synthetic import load_synthetic
    >>> data = load_synthetic(n_rows=100, ratio=9)
    >>> folds = RepeatedKFold(n_splits=5, n_repeats=2).split(data, seed=0)
    >>> len(folds), np.bincount(data.y[folds[0].test_index]).tolist()
    (10, [18, 2])
    """

    n_splits: int = 5
    n_repeats: int | Literal["auto"] = 1
    min_per_class: int | None = None

    def __post_init__(self) -> None:
        _at_least("n_splits", self.n_splits, 2)
        if self.min_per_class is not None:
            _at_least("min_per_class", self.min_per_class, 2, "null or an integer")
        if self.n_repeats != AUTO:
            _at_least("n_repeats", self.n_repeats, 1, "auto or an integer")
            if self.n_repeats * self.n_splits > MOST_FOLDS:
                raise ValueError(
                    f"n_repeats={self.n_repeats} times n_splits={self.n_splits} are more than "
                    f"{MOST_FOLDS} folds: set fewer, such as splits.n_repeats=10."
                )

    @property
    def n_folds(self) -> int:
        """Number of folds that :meth:`split` returns."""
        return len(self.places)

    @property
    def places(self) -> list[tuple[int, int]]:
        """Repeat and fold of each fold that :meth:`split` returns, in order."""
        return [(repeat, fold) for repeat in self._repeats for fold in range(self.n_splits)]

    @property
    def _repeats(self) -> range:
        return range(LOOKS[0] if self.n_repeats == AUTO else self.n_repeats)

    def split(self, data: Dataset, seed: int) -> list[Fold]:
        """Return ``n_repeats * n_splits`` folds. Each row is tested once per repeat.

        Raises
        ------
        DataError
            If a class has too few rows or groups, or a training part would miss one.
        """
        check_class_sizes(data, self.min_per_class or self.n_splits)
        folds = [fold for repeat in self._repeats for fold in self._folds(data, seed, repeat)]
        for fold in folds:
            check_classes(data, fold, f"splits.n_splits={self.n_splits}", "set it lower")
        return folds

    def _folds(self, data: Dataset, seed: int, repeat: int) -> Iterator[Fold]:
        from sklearn.model_selection import StratifiedKFold

        pool = data.pool_index
        random_state = derive(seed, "split", data.name, repeat)
        if data.groups is not None:
            splits = group_splits(data, self.n_splits, random_state)
        else:
            splitter = StratifiedKFold(self.n_splits, shuffle=True, random_state=random_state)
            with warnings.catch_warnings():  # fewer rows than folds are what min_per_class allows
                warnings.filterwarnings("ignore", "The least populated class", UserWarning)
                splits = list(splitter.split(pool, data.y[pool]))
        for fold, (train, test) in enumerate(splits):
            yield Fold(repeat, fold, pool[train], pool[test])


@dataclass(frozen=True)
class GroupKFold(RepeatedKFold):
    """Repeated stratified k-fold cross-validation that demands groups, and keeps them together.

    Parameters as in :class:`RepeatedKFold`, which does the same where the data set has groups.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from imbench.data.synthetic import load_synthetic
    >>> data = replace(load_synthetic(n_rows=100, ratio=4), groups=np.arange(100) // 2)
    >>> folds = GroupKFold(n_splits=5).split(data, seed=0)
    >>> {bool(np.isin(data.groups[f.test_index], data.groups[f.train_index]).any()) for f in folds}
    {False}
    """

    def split(self, data: Dataset, seed: int) -> list[Fold]:
        """Return ``n_repeats * n_splits`` folds. Each row is tested once per repeat.

        Raises
        ------
        ConfigError
            If the data set has no groups.
        DataError
            As :meth:`RepeatedKFold.split`.
        """
        check_role(data, "groups", "splits=group")
        return super().split(data, seed)


@dataclass(frozen=True)
class Holdout:
    """Stratified hold-out, optionally repeated with other shuffles or other seeds of the models.

    Rows of one group stay together, where the data set has groups.

    Parameters
    ----------
    test_size : float, default=0.25
        Share of the rows in the test part, in (0, 1). Of groups it is one part of k, or all parts
        but one, whatever is nearest.
    n_repeats : int, default=1
        Repeats, each with another shuffle.
    n_seeds : int, default=1
        Fits on the same split, each with another seed, so that the variance of training is known.
        Their place is (seed, 1) from the second on, which no repeat has.

    Examples
    --------
    >>> from imbench.data.synthetic import load_synthetic
    >>> data = load_synthetic(n_rows=100, ratio=9)
    >>> (fold,) = Holdout(test_size=0.2).split(data, seed=0)
    >>> len(fold.train_index), len(fold.test_index)
    (80, 20)
    """

    test_size: float = 0.25
    n_repeats: Any = 1  # what is no integer is refused below, with a sentence
    n_seeds: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.test_size < 1:
            raise ValueError(f"test_size must lie between 0 and 1, got {self.test_size}.")
        if self.n_repeats == AUTO:
            raise ValueError(
                "n_repeats=auto is for splits=kfold: set a number, such as splits.n_repeats=3."
            )
        _at_least("n_repeats", self.n_repeats, 1)
        _at_least("n_seeds", self.n_seeds, 1)
        if self.n_repeats > 1 and self.n_seeds > 1:
            raise ValueError(
                f"n_repeats={self.n_repeats} and n_seeds={self.n_seeds} exclude each other, as "
                f"every repeat has seeds of its own: set splits.n_seeds=1."
            )

    @property
    def n_folds(self) -> int:
        """Number of folds that :meth:`split` returns."""
        return len(self.places)

    @property
    def places(self) -> list[tuple[int, int]]:
        """Repeat and fold of each fold that :meth:`split` returns, in order."""
        repeats = [(repeat, 0) for repeat in range(self.n_repeats)]
        return repeats + [(seed, 1) for seed in range(1, self.n_seeds)]

    def split(self, data: Dataset, seed: int) -> list[Fold]:
        """Return ``n_repeats`` folds, or ``n_seeds`` with the same rows.

        Raises
        ------
        DataError
            If a class has only one row, or a part would miss a class.
        """
        check_class_sizes(data, 2)
        smaller = int(min(self.test_size, 1 - self.test_size) * len(data.pool_index))
        if smaller < data.info.n_classes:
            raise DataError(
                f"splits.test_size={self.test_size} leaves a part of {smaller} rows for "
                f"{data.info.n_classes} classes of dataset={data.name}: set it nearer to 0.5."
            )
        folds = [self._fold(data, seed, repeat) for repeat in range(self.n_repeats)]
        for fold in folds:
            key, fix = f"splits.test_size={self.test_size}", "set it nearer to 0.5, or splits=kfold"
            check_classes(data, fold, key, fix, in_test=True)
        return folds + [replace(folds[0], repeat=s, fold=1) for s in range(1, self.n_seeds)]

    def _fold(self, data: Dataset, seed: int, repeat: int) -> Fold:
        from sklearn.model_selection import StratifiedShuffleSplit

        pool, random_state = data.pool_index, derive(seed, "split", data.name, repeat)
        if data.groups is not None:
            is_small = self.test_size <= 0.5
            n_parts = round(1 / (self.test_size if is_small else 1 - self.test_size))
            train, test = group_splits(data, n_parts, random_state)[0]
            train, test = (train, test) if is_small else (test, train)
        else:
            splitter = StratifiedShuffleSplit(
                1, test_size=self.test_size, random_state=random_state
            )
            train, test = next(splitter.split(pool, data.y[pool]))
        return Fold(repeat, 0, np.sort(pool[train]), np.sort(pool[test]))


@dataclass(frozen=True)
class OfficialTest:
    """Test on the official test set and train on all other rows.

    Parameters
    ----------
    n_seeds : int, default=1
        Fits, each with another seed, so that the variance of training is known.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from imbench.data.synthetic import load_synthetic
    >>> data = replace(load_synthetic(n_rows=100), test_index=np.arange(30))
    >>> (fold,) = OfficialTest().split(data, seed=0)
    >>> len(fold.train_index), len(fold.test_index)
    (70, 30)
    """

    n_seeds: int = 1

    def __post_init__(self) -> None:
        _at_least("n_seeds", self.n_seeds, 1)

    @property
    def n_folds(self) -> int:
        """Number of folds that :meth:`split` returns."""
        return self.n_seeds

    @property
    def places(self) -> list[tuple[int, int]]:
        """Repeat and fold of each fold that :meth:`split` returns, in order."""
        return [(seed, 0) for seed in range(self.n_seeds)]

    def split(self, data: Dataset, seed: int) -> list[Fold]:
        """Return ``n_seeds`` folds with the same rows.

        Raises
        ------
        ConfigError
            If the data set has no official test set.
        """
        if data.test_index is None:
            raise ConfigError(
                f"splits=official: dataset={data.name} has no official test set; "
                "set splits=kfold or splits=holdout."
            )
        tested = np.sort(data.test_index)
        return [Fold(repeat, fold, data.pool_index, tested) for repeat, fold in self.places]


def _at_least(name: str, value: object, smallest: int, kind: str = "an integer") -> None:
    if type(value) is not int or value < smallest:
        raise ValueError(f"{name} must be {kind} of at least {smallest}, got {value!r}.")
    if value > MOST:
        raise ValueError(f"{name} must be at most {MOST}, got {value}.")
