"""Checks of a data set before anything is fitted: what may make scores too good, or too unsure.

Each check has a code with a section in docs/checks.md. They see arrays and names only, take no
row from another, and cost a sort a column at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from imbench.components.override import override
from imbench.data.column_checks import CHANCE, determines_class, identifier_reason, log_of_runs
from imbench.data.column_view import ColumnView
from imbench.data.dataset import Dataset
from imbench.data.group_check import Companions, repeats_by_group
from imbench.data.notices import CODES, NO_ADVICE, Notice, ignore, listed
from imbench.data.splits import OfficialTest, Splitter
from imbench.data.time_splits import TimeSplit

SHARE_OF_COPIES, SHARE_OF_A_CLASS = 0.05, 0.1  # of rows that equal another, to be told
TESTED = 2  # rows of a class a fold, below which it is small
SORTED_LEVELS = 20
FLOAT32_MAX = float(np.finfo(np.float32).max)
HUGE = math.sqrt(FLOAT32_MAX)


def check(
    data: Dataset,
    n_splits: int | None = 5,
    dropped: Sequence[str] | None = (),
    offers_roles: bool = True,
) -> list[Notice]:
    """Return what a user should know about a data set, those that may be leaks first.

    Parameters
    ----------
    data : Dataset
    n_splits : int or None, default=5
        Folds of the cross-validation; None for other splits.
    dropped : sequence of str or None, default=()
        Columns that ``dataset.drop`` leaves out already, for the advice; None if the data set
        has no such key.
    offers_roles : bool, default=True
        Whether the data set has keys such as ``dataset.groups``, for the advice.

    Returns
    -------
    list of Notice
        At most one for each code, and those of the reader.

    Examples
    --------
    >>> X = np.column_stack([np.arange(40.0), np.tile([3.0, 1.0, 2.0, 5.0], 10)])
    >>> y = np.tile([0, 1, 1, 0, 0], 8)
    >>> data = Dataset("toy", X, y, ("no", "yes"), feature_names=("ID", "x"))
    >>> for notice in check(data):
    ...     print(notice)
    column 'ID' counts the rows: a model can learn from it what new rows do not tell; set \
'dataset.drop=[ID]' if it is an identifier. [identifier-column]
    """
    found = [*_duplicates(data), *_class_names(data), *_class_sizes(data, n_splits)]
    found += _row_order(data)
    if data.input_shape is None:
        found += _columns(data, dropped, offers_roles)
    found += [notice for notice in data.notices if notice.code not in NO_ADVICE]
    return in_order(found)


def in_order(notices: Iterable[Notice]) -> list[Notice]:
    """Return notices in the order of :data:`imbench.data.notices.CODES`."""
    return sorted(notices, key=_place)


def roles_in_use(data: Dataset, splitter: Splitter) -> list[Notice]:
    """Return what a splitter makes of the time and the test set that rows have.

    Parameters
    ----------
    data : Dataset
    splitter : Splitter

    Examples
    --------
    >>> from imbench.data.splits import RepeatedKFold
    >>> X, y = np.eye(4), np.array([0, 1, 0, 1])
    >>> data = Dataset("toy", X, y, ("a", "b"), time=np.arange(4.0))
    >>> [notice.code for notice in roles_in_use(data, RepeatedKFold())]
    ['time-mixed']
    >>> roles_in_use(data, OfficialTest())
    []
    """
    found, is_official = [], isinstance(splitter, OfficialTest)
    if data.time is not None and not (isinstance(splitter, TimeSplit) or is_official):
        way = "splits=time" if data.groups is None else "splits=group_time"
        words = (
            "rows have a time, and folds train on later rows than those they test, so that scores "
            f"may be too good; set {way}, or {ignore('time-mixed')}."
        )
        found.append(Notice("time-mixed", words))
    if not is_official and any(notice.code == "test" for notice in data.notices):
        n = 0 if data.test_index is None else len(data.test_index)
        words = (
            f"the {n} rows of the test set are left out: folds are drawn from all others; set "
            f"splits=official to test on them, or {ignore('test-unused')}."
        )
        found.append(Notice("test-unused", words))
    return found


def _place(notice: Notice) -> int:
    return CODES.index(notice.code) if notice.code in CODES else len(CODES)


def _duplicates(data: Dataset) -> Iterator[Notice]:
    """Rows that equal another row: with random folds, copies are trained and tested on."""
    ids = data.contents.ids
    if data.test_index is not None:
        known = np.zeros(data.contents.n_distinct, bool)
        known[ids[data.pool_index]] = True
        n_known, n_tested = int(known[ids[data.test_index]].sum()), len(data.test_index)
        if n_known >= SHARE_OF_COPIES * n_tested:
            yield Notice(
                "duplicate-rows",
                f"{n_known} of {n_tested} test rows ({n_known / n_tested:.1%}) equal a row that "
                f"is trained on; leave them out, or set {ignore('duplicate-rows')} if they are "
                "different cases.",
            )
            return
    pairs = ids
    if data.groups is not None:  # copies of one group are on one side
        pairs = np.unique(np.column_stack([ids, data.groups]), axis=0)[:, 0]
    is_copy = np.bincount(pairs)[ids] > 1
    shares = np.bincount(data.y, weights=is_copy) / np.maximum(np.bincount(data.y), 1)
    worst = int(shares.argmax())
    if is_copy.mean() < SHARE_OF_COPIES and shares[worst] < SHARE_OF_A_CLASS:
        return
    yield Notice(
        "duplicate-rows",
        f"{is_copy.sum()} of {len(ids)} rows ({is_copy.mean():.1%}; {shares[worst]:.0%} of class "
        f"{data.class_names[worst]!r}) equal another row: a fold is tested on rows that it is "
        f"trained on; leave one of each in the file, or set {ignore('duplicate-rows')} if they "
        "are different cases.",
    )


def _class_names(data: Dataset) -> Iterator[Notice]:
    """Classes whose names differ in case or blanks only."""
    alike: dict[str, list[str]] = {}
    for name in data.class_names:
        alike.setdefault(" ".join(name.split()).casefold(), []).append(name)
    groups = [listed(names, 5) for names in alike.values() if len(names) > 1]
    if groups:
        yield Notice(
            "class-spelling",
            f"classes {', and '.join(groups)} differ in case or blanks only, and are different "
            "classes; write them alike in the file, or set "
            f"{ignore('class-spelling')} if that is meant.",
        )


def _class_sizes(data: Dataset, n_splits: int | None) -> Iterator[Notice]:
    """Classes of which a fold tests fewer than two rows."""
    if n_splits is None:
        return
    small = np.flatnonzero(data.counts < TESTED * n_splits)
    if not len(small):
        return
    fewest = int(small[data.counts[small].argmin()])
    n_rows, name = int(data.counts[fewest]), data.class_names[fewest]
    which = f"class {name!r} has {n_rows} row{'' if n_rows == 1 else 's'}"
    if len(small) > 1:
        which = f"{len(small)} classes have fewer than {TESTED * n_splits} rows, {which}"
    fewer = n_rows // TESTED
    advice = (
        f"set splits.n_splits={fewer}"
        if fewer >= 2
        else "gather more rows, or merge the class with another in the file"
    )
    yield Notice(
        "small-class",
        f"{which}: {n_splits} folds test {n_rows / n_splits:.1f} of them each, which measures "
        f"little; {advice}, or set {ignore('small-class')}.",
    )


def _row_order(data: Dataset) -> Iterator[Notice]:
    """Rows that are sorted by class."""
    counts = np.bincount(data.y)
    n_runs = int((data.y[1:] != data.y[:-1]).sum()) + 1
    is_table = data.input_shape is None  # images have no columns, and lie in folders of classes
    if (
        is_table
        and n_runs == (counts > 0).sum()
        and log_of_runs(n_runs, counts[counts > 0]) < CHANCE
    ):
        yield Notice(
            "sorted-by-class",
            "rows are sorted by class: folds are shuffled, but a column that numbers the rows "
            f"tells the class; leave such a column out, or set {ignore('sorted-by-class')}.",
        )


def _views(data: Dataset, rows: NDArray[np.int64] | slice = slice(None)) -> list[ColumnView]:
    """Return the columns of some rows as the checks see them."""
    X = data.X[rows]
    shuffled = np.random.default_rng(0).permutation(len(X))
    names = data.feature_names or tuple(map(str, range(X.shape[1])))
    return [
        ColumnView(name, np.ascontiguousarray(X[:, j], np.float64), j in data.categories, shuffled)
        for j, name in enumerate(names)
    ]


def _columns(data: Dataset, dropped: Sequence[str] | None, offers_roles: bool) -> Iterator[Notice]:
    """Everything about single columns; a column is told once, for its worst."""
    columns = _views(data)
    reasons = {c.name: reason for c in columns if (reason := identifier_reason(c))}
    if reasons:
        yield _identifiers(reasons, dropped)
    left = [column for column in columns if column.name not in reasons]
    groups = _groups(data, left)
    if groups:
        yield _repeated(groups, offers_roles)
        names = [column.name for column in groups]
        left = [column for column in left if column.name not in names]
    tells = [c.name for c in left if determines_class(c, data.y, len(columns))]
    if tells:
        yield _tells(tells, dropped)
    if data.time is None:
        yield from _sorted_by(left, offers_roles)
    yield from _huge(left, dropped)


def _identifiers(reasons: dict[str, str], dropped: Sequence[str] | None) -> Notice:
    names = list(reasons)
    which = f"column {names[0]!r} {reasons[names[0]]}"
    if len(names) > 1:
        which += f", and {listed(names[1:])} {'is' if len(names) == 2 else 'are'} like it"
    return Notice(
        "identifier-column",
        f"{which}: a model can learn from it what new rows do not tell; "
        f"{_drop(names, dropped)} if it is an identifier.",
    )


def _groups(data: Dataset, columns: Sequence[ColumnView]) -> list[ColumnView]:
    """Columns that repeat by group; with groups one row of each, and columns they differ in."""
    if data.groups is not None:
        _, first, group = np.unique(data.groups, return_index=True, return_inverse=True)
        names = {c.name for c in columns if _is_same(c.values[first][group], c.values)}
        views = _views(data, np.sort(first))
        companions = Companions(views)
        return [c for c in views if c.name in names and repeats_by_group(c, companions)]
    companions = Companions(columns)
    return [column for column in columns if repeats_by_group(column, companions)]


def _is_same(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return np.array_equal(a, b, equal_nan=True)


def _repeated(groups: Sequence[ColumnView], offers_roles: bool) -> Notice:
    first = max(groups, key=lambda column: column.n_levels)
    others = [column.name for column in groups if column is not first]
    also = f" (so {'do' if len(others) > 1 else 'does'} {listed(others)})" if others else ""
    way = (
        f"set {override('dataset.groups', first.name)} to keep them together"
        if offers_roles
        else "keep one row of each in the file"
    )
    return Notice(
        "repeated-group",
        f"column {first.name!r} repeats: {first.n_levels} values in {first.n_present} rows{also}, "
        f"and rows of one {first.name!r} stand on both sides of folds, so that scores are those of "
        f"known ones; {way}, or set {ignore('repeated-group')} if it is no group.",
    )


def _tells(names: Sequence[str], dropped: Sequence[str] | None) -> Notice:
    if len(names) == 1:
        which = f"column {names[0]!r} alone tells"
    else:
        which = f"each of the columns {listed(names)} alone tells"
    return Notice(
        "class-in-column",
        f"{which} the class of every row; {_drop(names, dropped)} if it is known only after the "
        "class is.",
    )


def _sorted_by(columns: Sequence[ColumnView], offers_roles: bool) -> Iterator[Notice]:
    found = [
        column
        for column in columns
        if not column.is_category and column.direction and column.n_levels >= SORTED_LEVELS
    ]
    if found:
        time = override("dataset.time", found[0].name)
        way = f"set {time} splits=time then, or " if offers_roles else ""
        yield Notice(
            "sorted-by-column",
            f"rows are sorted by column {found[0].name!r}: if it is a time, folds train on what "
            f"comes after the rows they test, and scores are too good; {way}set "
            f"{ignore('sorted-by-column')} if it is none.",
        )


def _huge(columns: Sequence[ColumnView], dropped: Sequence[str] | None) -> Iterator[Notice]:
    largest = {c.name: float(np.nanmax(np.abs(c.values), initial=0.0)) for c in columns}
    names = sorted((n for n, value in largest.items() if value > HUGE), key=lambda n: -largest[n])
    if not names:
        return
    also = f", and {listed(names[1:])} the like" if len(names) > 1 else ""
    why = (
        "nets and most models of trees fail beyond 32-bit numbers"
        if largest[names[0]] > FLOAT32_MAX
        else "models that scale see all other values of it as one"
    )
    yield Notice(
        "huge-values",
        f"column {names[0]!r} holds {largest[names[0]]:.3g}{also}: {why}; empty such cells in the "
        f"file if they mean no value, or {_drop(names, dropped)}.",
    )


def _drop(names: Sequence[str], dropped: Sequence[str] | None) -> str:
    """Advise to leave columns out, beside those that are left out already."""
    return (
        "leave it out of the data"
        if dropped is None
        else f"set {override('dataset.drop', [*dropped, *names])}"
    )
