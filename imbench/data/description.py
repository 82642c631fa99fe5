"""Say what was read: rows, columns by kind, classes, duplicates, missing cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from imbench.data.dataset import Dataset
from imbench.data.notices import NO_ADVICE, Notice

LEFT_OUT = {
    "dropped": "dataset.drop",
    "empty-column": "empty",
    "constant-column": "constant",
    "identifier-text": "identifier",
}
"""Codes of notices on columns that are left out, and why in a word."""
SAID = (*NO_ADVICE, "empty-column", "constant-column")  # the lines say all of it
SHOWN = 6  # names in a line, and notices of one code


def describe(data: Dataset) -> list[str]:
    r"""Return three lines: rows and columns; classes; missing cells and duplicates.

    Where rows have groups, a time, weights or a test set, a fourth line says so.

    Parameters
    ----------
    data : Dataset
        Rows are those that are left after ``dataset.imbalance``.

    Examples
    --------
    >>> data = Dataset(
    ...     name="toy",
    ...     X=np.array([[1.0, 0.0], [1.0, 0.0], [np.nan, 1.0], [3.0, 1.0]]),
    ...     y=np.array([0, 0, 0, 1]),
    ...     class_names=("no", "yes"),
    ...     feature_names=("age", "city"),
    ...     categories={1: ("Kiel", "Ulm")},
    ... )
    >>> print("\n".join(describe(data)))
    toy: 4 rows, 2 columns: 1 numeric, 1 categorical (at most 2 levels)
    toy: classes: no 3 (75.00 %), yes 1 (25.00 %)
    toy: 1 cell of 1 column missing (12.50 %); 1 row repeats another
    """
    lines = [_columns(data), _classes(data), _cells(data)]
    if roles := list(_roles(data)):
        lines.append("; ".join(roles))
    return [f"{data.name}: {line}" for line in lines]


def notice_lines(data: Dataset, notices: Sequence[Notice] | None = None) -> Iterator[str]:
    """Yield what else was noticed, a line each, of one code at most `SHOWN`.

    Parameters
    ----------
    data : Dataset
    notices : sequence of Notice or None
        None takes those of the reader.

    Examples
    --------
    >>> data = Dataset("toy", np.eye(2), np.array([0, 1]), ("a", "b"), notices=(Notice("x", "y."),))
    >>> list(notice_lines(data))
    ['toy: y. [x]']
    """
    seen: Counter[str] = Counter()
    for notice in data.notices if notices is None else notices:
        seen[notice.code] += 1
        if notice.code not in SAID and seen[notice.code] <= SHOWN:
            yield f"{data.name}: {notice}"
    for code, n in seen.items():
        if code not in SAID and n > SHOWN:
            yield f"{data.name}: {n - SHOWN} more such columns. [{code}]"


def _roles(data: Dataset) -> Iterator[str]:
    """Yield what each role holds, and the column it comes from."""
    columns = {notice.code: notice.column for notice in data.notices}

    def title(key: str, code: str) -> str:
        return f"{key} of {columns[code]!r}" if columns.get(code) else key

    if data.groups is not None:
        sizes = np.unique(data.groups, return_counts=True)[1]
        most = _many(int(sizes.max()), "row")
        yield f"{title('groups', 'groups')}: {len(sizes):,}, the largest has {most}"
    if data.time is not None:
        is_date = "date" in columns
        first, last = (
            _date(days) if is_date else f"{days:g}" for days in (data.time.min(), data.time.max())
        )
        yield f"{title('time', 'date' if is_date else 'time')}: {first} to {last}"
    if data.weight is not None:
        low, high, total = data.weight.min(), data.weight.max(), data.weight.sum()
        yield f"{title('weight', 'weight')}: {low:g} to {high:g}, {_sum(total)} in total"
    if data.test_index is not None:
        n = len(data.test_index)
        share = f"{100 * n / len(data.y):.2f} %"
        yield f"{title('test', 'test')}: {_many(n, 'row')} ({share})"


def _sum(total: float) -> str:
    return f"{total:,.0f}" if total >= 1000 else f"{total:g}"


def _date(days: float) -> str:
    """Return days since 1970 as a date, with the time of day if it has one."""
    moment = np.datetime64(0, "s") + np.timedelta64(round(days * 86_400), "s")
    text = str(moment)
    return text.removesuffix("T00:00:00").replace("T", " ")


def _columns(data: Dataset) -> str:
    if data.input_shape is not None:
        channels, height, width = data.input_shape
        return (
            f"{_many(len(data.y), 'image')} of {height} x {width} pixels, "
            f"{_many(channels, 'channel')}"
        )
    n_categorical = len(data.categories)
    kinds = [f"{data.X.shape[1] - n_categorical:,} numeric"]
    if n_categorical:
        column = max(data.categories, key=lambda column: len(data.categories[column]))
        n_levels = len(data.categories[column])
        name = f" in {data.feature_names[column]!r}" if n_categorical > 1 else ""
        kinds.append(f"{n_categorical:,} categorical (at most {_many(n_levels, 'level')}{name})")
    columns = f"{_many(data.X.shape[1], 'column')}: {', '.join(kinds)}"
    left_out = [f"{name} ({why})" for name, why in _left_out(data)]
    said = [notice.words for notice in data.notices if notice.code == "dates"]
    dates = [words.removeprefix("column ").removesuffix(".") for words in said]
    more = [f"; {_listed(dates)}"] if dates else []
    more += [f"; left out: {_listed(left_out)}"] if left_out else []
    return f"{_many(len(data.y), 'row')}, {columns}{''.join(more)}"


def _left_out(data: Dataset) -> Iterator[tuple[str, str]]:
    """Yield the columns that are left out, and why."""
    for notice in data.notices:
        if notice.code in LEFT_OUT:
            yield repr(notice.column), LEFT_OUT[notice.code]


def _classes(data: Dataset) -> str:
    counts = np.bincount(data.y, minlength=len(data.class_names))
    order = np.argsort(-counts, kind="stable")
    parts = [
        f"{data.class_names[k]} {counts[k]:,} ({100 * counts[k] / len(data.y):.2f} %)"
        for k in order
    ]
    if len(parts) > SHOWN:  # the rarest is what matters
        parts = [*parts[: SHOWN - 1], f"{len(parts) - SHOWN} more", parts[-1]]
    return f"classes: {', '.join(parts)}"


def _cells(data: Dataset) -> str:
    n_twice = len(data.y) - data.contents.n_distinct
    repeats = f"{_many(n_twice, 'row')} repeat{'s' if n_twice == 1 else ''} another"
    repeats = repeats if n_twice else "no row repeats another"
    if data.input_shape is not None:
        return repeats.replace("row", "image")
    missing = np.isnan(data.X).sum(axis=0)
    n_missing, n_columns = int(missing.sum()), int((missing > 0).sum())
    share = f" ({100 * n_missing / data.X.size:.2f} %)" if n_missing else ""
    of = f" of {_many(n_columns, 'column')}" if n_missing else ""
    return f"{_many(n_missing, 'cell')}{of} missing{share}; {repeats}"


def _many(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def _listed(parts: list[str]) -> str:
    more = f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else ""
    return ", ".join(parts[:SHOWN]) + more
