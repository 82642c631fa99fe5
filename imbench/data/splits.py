"""Split a data set into training and test parts, equal for all strategies and models.

A splitter is a frozen dataclass from ``conf/splits/``. A fold depends on the data set, the seed and
its place (repeat, fold) only, so that more repeats add folds and change none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from imbench.components.override import override
from imbench.components.seeding import derive
from imbench.data.dataset import Dataset
from imbench.errors import ConfigError, DataError

AUTO: Literal["auto"] = "auto"
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

    Parameters
    ----------
    n_splits : int, default=5
        Folds per repeat, at least 2.
    n_repeats : int or "auto", default=1
        Repeats, each with another shuffle. ``auto`` splits once; :mod:`imbench.run.rounds` goes on
        with :func:`with_repeats` until the verdicts are told.

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

    def __post_init__(self) -> None:
        _at_least("n_splits", self.n_splits, 2)
        if self.n_repeats != AUTO:
            _at_least("n_repeats", self.n_repeats, 1, "auto or an integer")

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
            If a class has fewer than `n_splits` rows.
        """
        _check_class_sizes(data, self.n_splits)
        from sklearn.model_selection import StratifiedKFold

        def folds(repeat: int) -> Iterator[Fold]:
            splitter = StratifiedKFold(
                self.n_splits, shuffle=True, random_state=derive(seed, "split", data.name, repeat)
            )
            pool = data.pool_index
            for fold, (train, test) in enumerate(splitter.split(pool, data.y[pool])):
                yield Fold(repeat, fold, pool[train], pool[test])

        return [f for repeat in self._repeats for f in folds(repeat)]


@dataclass(frozen=True)
class Holdout:
    """Stratified hold-out, optionally repeated with other shuffles or other seeds of the models.

    Parameters
    ----------
    test_size : float, default=0.25
        Share of the rows in the test part, in (0, 1).
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
        _check_class_sizes(data, 2)
        from sklearn.model_selection import StratifiedShuffleSplit

        pool = data.pool_index
        smaller = int(min(self.test_size, 1 - self.test_size) * len(pool))
        if smaller < data.info.n_classes:
            raise DataError(
                f"splits.test_size={self.test_size} leaves a part of {smaller} rows for "
                f"{data.info.n_classes} classes of dataset={data.name}: set it nearer to 0.5."
            )
        folds = [
            Fold(repeat, 0, np.sort(pool[train]), np.sort(pool[test]))
            for repeat in range(self.n_repeats)
            for train, test in StratifiedShuffleSplit(
                1, test_size=self.test_size, random_state=derive(seed, "split", data.name, repeat)
            ).split(pool, data.y[pool])
        ]
        for fold in folds:
            for part, index in (("training", fold.train_index), ("test", fold.test_index)):
                counts = np.bincount(data.y[index], minlength=data.info.n_classes)
                if not counts.all():
                    k = int(counts.argmin())
                    raise DataError(
                        f"splits.test_size={self.test_size} leaves the {part} part without a row "
                        f"of class {data.class_names[k]!r} of dataset={data.name}, which has "
                        f"{data.counts[k]}: set it nearer to 0.5, or splits=kfold."
                    )
        return folds + [replace(folds[0], repeat=s, fold=1) for s in range(1, self.n_seeds)]


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
    if not isinstance(value, int) or value < smallest:
        raise ValueError(f"{name} must be {kind} of at least {smallest}, got {value!r}.")


def _check_class_sizes(data: Dataset, needed: int) -> None:
    """Raise DataError if a class has fewer than `needed` rows, too few for stratification."""
    smallest = int(data.counts.argmin())
    n_rows, name = int(data.counts[smallest]), data.class_names[smallest]
    if n_rows >= needed:
        return
    rows = f"{n_rows} row{'' if n_rows == 1 else 's'}"
    without = override("dataset.imbalance.ratios", {name: 0})
    drop = f"drop the class with dataset/imbalance=keep {without}"
    fix = f"set splits.n_splits={n_rows}, or {drop}" if n_rows >= 2 else drop
    raise DataError(
        f"dataset={data.name}: class {name!r} has {rows}, but stratification needs at "
        f"least {needed} (one a fold): {fix}."
    )
