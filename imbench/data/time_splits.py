"""Splits that train on the past and test on the future."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imbench.components.seeding import derive
from imbench.data.dataset import Dataset
from imbench.data.split_checks import check_classes, check_role, group_splits
from imbench.data.splits import Fold
from imbench.errors import DataError

EXPANDING = "expanding"


@dataclass(frozen=True)
class TimeSplit:
    """Test each of several periods on what was fitted before it.

    The rows are divided into ``n_splits + 1`` periods of about as many rows, at different times:
    rows of one time are never parted. The first period is only trained on, each later one tested.

    Parameters
    ----------
    n_splits : int, default=5
        Periods that are tested.
    window : int or "expanding", default="expanding"
        Periods that are trained on: all before the tested one, or a rolling window of so many.
    gap : float, default=0
        Time before a tested period whose rows are not trained on, in the unit of the data set's
        time; days, where times are dates. For labels that are known later than their rows.

    Raises
    ------
    ValueError
        If a value is out of range.

    References
    ----------
    Bergmeir & Benitez 2012, "On the use of cross-validation for time series predictor
    evaluation", DOI 10.1016/j.ins.2011.12.028, section 2.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from imbench.data.synthetic import load_synthetic
    >>> data = replace(load_synthetic(n_rows=60, ratio=2), time=np.arange(60.0))
    >>> for fold in TimeSplit(n_splits=3, gap=5).split(data, seed=0):
    ...     print(fold.train_index.max(), fold.test_index.min(), fold.test_index.max())
    10 15 29
    25 30 44
    40 45 59
    """

    n_splits: int = 5
    window: int | Literal["expanding"] = "expanding"
    gap: float = 0.0

    def __post_init__(self) -> None:
        _at_least_one("n_splits", self.n_splits)
        if self.window != EXPANDING:
            _at_least_one("window", self.window, "expanding or ")
        is_number = isinstance(self.gap, int | float) and not isinstance(self.gap, bool)
        if not is_number or not 0 <= self.gap < float("inf"):
            raise ValueError(f"gap must be a number of at least 0, got {self.gap!r}.")

    @property
    def n_folds(self) -> int:
        """Number of folds that :meth:`split` returns."""
        return len(self.places)

    @property
    def places(self) -> list[tuple[int, int]]:
        """Repeat and fold of each fold that :meth:`split` returns, in order."""
        return [(0, fold) for fold in range(self.n_splits)]

    def split(self, data: Dataset, seed: int) -> list[Fold]:
        """Return a fold for each tested period, the earliest first.

        Raises
        ------
        ConfigError
            If the data set has no time.
        DataError
            If there are too few different times, or a period misses a class.
        """
        check_role(data, "time", "splits=time")
        folds = [
            Fold(0, fold, train, test)
            for fold, (train, test) in enumerate(self._periods(data, data.pool_index))
        ]
        self._check(data, folds)
        return folds

    def _periods(
        self, data: Dataset, pool: NDArray[np.int64]
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Return training and test rows of each tested period."""
        assert data.time is not None
        time = data.time[pool]
        starts = _starts(time, self.n_splits + 1)
        if len(starts) <= self.n_splits:
            most = len(starts) - 1
            fix = f"set splits.n_splits={most}" if most else "set splits=kfold"
            raise DataError(
                f"splits.n_splits={self.n_splits}: the times of dataset={data.name} allow "
                f"{len(starts)} periods of about as many rows, and one of them is only trained "
                f"on: {fix}."
            )
        period = np.searchsorted(starts, time, side="right") - 1
        found = []
        for tested in range(1, self.n_splits + 1):
            first = 0 if self.window == EXPANDING else max(tested - int(self.window), 0)
            is_before = (period >= first) & (period < tested)
            if self.gap:
                is_before &= time <= starts[tested] - self.gap
            found.append((pool[is_before], pool[period == tested]))
        return found

    def _check(self, data: Dataset, folds: Sequence[Fold]) -> None:
        """Raise DataError if a training part misses a class, or a test part has just one."""
        for fold in folds:
            check_classes(data, fold, *self._why(data, fold))
            if len(np.unique(data.y[fold.test_index])) < 2:
                raise DataError(
                    f"splits.n_splits={self.n_splits} makes a tested period of "
                    f"{len(fold.test_index)} rows of dataset={data.name} with fewer than two "
                    "classes: set it lower."
                )

    def _why(self, data: Dataset, fold: Fold) -> tuple[str, str]:
        """Return what leaves a training part without a class, and how to mend it."""
        assert data.time is not None
        time, pool = data.time, data.pool_index
        is_before = time[pool] < time[fold.test_index].min()
        if self.gap and len(np.unique(data.y[pool[is_before]])) == len(np.unique(data.y[pool])):
            span = f"{time[pool].max() - time[pool].min():g}"
            unit = " days" if any(notice.code == "date" for notice in data.notices) else ""
            fix = f"all times span {span}{unit}; set a smaller gap, or splits.gap=0"
            return f"splits.gap={self.gap:g}", fix
        return f"splits.n_splits={self.n_splits}", "set it lower"


@dataclass(frozen=True)
class GroupTimeSplit(TimeSplit):
    """Test each period on groups that were not trained on, and on what was fitted before it.

    Each tested period is divided by groups into ``n_group_splits`` folds. A fold is trained on the
    periods before, without the groups that it tests: no row of a tested group, and no row of its
    time or later, is ever fitted on.

    Parameters
    ----------
    n_splits : int, default=3
        Periods that are tested.
    window, gap
        As in :class:`TimeSplit`.
    n_group_splits : int, default=3
        Parts of the groups, at least 2, stratified by class.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from imbench.data.synthetic import load_synthetic
    >>> time, groups = np.arange(120.0), np.arange(120) % 30
    >>> data = replace(load_synthetic(n_rows=120, ratio=2), time=time, groups=groups)
    >>> folds = GroupTimeSplit(n_splits=2, n_group_splits=2).split(data, seed=0)
    >>> len(folds), sum(len(fold.test_index) for fold in folds)
    (4, 80)
    """

    n_splits: int = 3
    n_group_splits: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.n_group_splits, int) or self.n_group_splits < 2:
            raise ValueError(
                f"n_group_splits must be an integer of at least 2, got {self.n_group_splits!r}."
            )

    @property
    def places(self) -> list[tuple[int, int]]:
        """Repeat and fold of each fold that :meth:`split` returns, in order."""
        return [(0, fold) for fold in range(self.n_splits * self.n_group_splits)]

    def split(self, data: Dataset, seed: int) -> list[Fold]:
        """Return a fold for each tested period and part of the groups.

        Raises
        ------
        ConfigError
            If the data set has no time, or no groups.
        DataError
            If there are too few times or groups, or a part misses a class.
        """
        for role in ("time", "groups"):
            check_role(data, role, "splits=group_time")
        pool = data.pool_index
        random_state = derive(seed, "split", data.name, 0)
        parts = [pool[test] for _, test in group_splits(data, self.n_group_splits, random_state)]
        cut = [
            (np.setdiff1d(train, part), np.intersect1d(test, part))
            for train, test in self._periods(data, pool)
            for part in parts
        ]
        folds = [Fold(0, fold, train, test) for fold, (train, test) in enumerate(cut)]
        self._check(data, folds)
        return folds


def _starts(time: NDArray[np.float64], n_periods: int) -> NDArray[np.float64]:
    """Return the first time of each period, ascending; fewer if there are too few times.

    A period ends at the time that is nearest to its share of the rows that are left.
    """
    ordered = np.sort(time)
    firsts = np.flatnonzero(np.diff(ordered, prepend=-np.inf))  # the first row of each time
    starts = [0]
    for n_left in range(n_periods, 1, -1):
        later = firsts[firsts > starts[-1]]
        if not len(later):
            break
        wanted = starts[-1] + (len(ordered) - starts[-1]) / n_left
        starts.append(int(later[np.abs(later - wanted).argmin()]))
    return ordered[starts]


def _at_least_one(name: str, value: Any, kind: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be {kind}an integer of at least 1, got {value!r}.")
