"""Captions of blocks: folds and repeats, meaning of the gain, its target, tuning budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from imbench.report.board import NEAR_BEST, Row

TARGET = "Holds for models that are fitted on parts of this table, not for other tables."
ONE_FIT = "Holds for these fitted models on new rows: the variance of training is not in it."


def caption(
    rows: Sequence[Row], sort: str, tuning: Mapping[str, Any] | None, sequential: bool = False
) -> str:
    """Return the caption of a block.

    Parameters
    ----------
    rows : sequence of Row
        With their comparisons.
    sort : str
        Metric of the gains and verdicts.
    tuning : mapping or None
        The group ``tuning`` of the configuration.
    sequential : bool
        Whether repeats were added until verdicts were told.
    """
    return " ".join(filter(None, [_numbers(rows), _gains(rows, sort, sequential), _budget(tuning)]))


def repeats_line(rows: Sequence[Row]) -> str:
    """Say how many repeats each row has and why it stopped; empty if there is nothing to say.

    Parameters
    ----------
    rows : sequence of Row

    Examples
    --------
    >>> from imbench.report.board import FoldRow
    >>> def row(title, n_repeats, stopped=""):
    ...     folds = tuple(FoldRow(r, 0, 80, 20, 0.5, 0.1, {}) for r in range(n_repeats))
    ...     return Row("0", "toy", "knn", title, title, (), "ok", "", {}, {}, 0.5, folds,
    ...                stopped=stopped)
    >>> repeats_line([row("none", 3), row("smote", 3), row("rose", 1, "told after 1 repeat")])
    '3 repeats: none, smote. Told after 1 repeat: rose.'
    >>> repeats_line([row("none", 3), row("smote", 3)])
    ''
    """
    groups: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        if row.status == "ok" and row.folds and not row.is_partial:
            groups.setdefault((row.n_repeats, row.stopped), []).append(row.title)
    if len(groups) < 2 and not any(stopped for _, stopped in groups):
        return ""
    lines = []
    for n, stopped in sorted(groups, key=lambda group: (-group[0], group[1])):
        repeats = f"{n} repeat{'s' if n > 1 else ''}"
        why = stopped.removesuffix(".") or repeats
        head = why if repeats in why else f"{repeats} ({why})"
        lines.append(f"{head[:1].upper()}{head[1:]}: {', '.join(groups[n, stopped])}.")
    return " ".join(lines)


def repeats_of(rows: Sequence[Row]) -> str:
    """Return how many repeats of how many folds the rows have: ``1 to 3 repeats of 5 folds``."""
    done = [row for row in rows if row.status == "ok" and row.folds]
    if not done:
        return ""
    repeats = sorted({row.n_repeats for row in done})
    # Of the first repeat: seeds on a hold-out have another number than its shuffles.
    n_folds = max(sum(f.repeat == row.folds[0].repeat for f in row.folds) for row in done)
    n = str(repeats[0]) if len(repeats) == 1 else f"{repeats[0]} to {repeats[-1]}"
    folds = f"{n_folds} folds" if n_folds > 1 else "one fold"
    return f"{n} repeat{'s' if repeats[-1] > 1 else ''} of {folds}"


def _numbers(rows: Sequence[Row]) -> str:
    """Say what the numbers of a block are means of."""
    done = [row for row in rows if row.status == "ok" and row.folds]
    if not done:
        return "No strategy finished here."
    mark = f"; {NEAR_BEST} the group of the best" if len(done) > 1 else ""
    return f"Mean ± sd over {_folds(done)}{mark}; fit s is per fold."


def _gains(rows: Sequence[Row], sort: str, sequential: bool) -> str:
    """Say what the gains of a block are, and what they hold for."""
    compared = [row.comparison for row in rows if row.comparison is not None]
    if not compared:
        return ""
    m = sum(not math.isnan(c.p_adjusted) for c in compared)
    looks = " and the looks at 1, 3 and 10 repeats" if sequential else ""
    target = ONE_FIT if all(c.n_folds == 1 for c in compared) else TARGET
    gain = f"gain: improvement of {sort} over {compared[0].baseline}"
    if not m:
        return f"{gain}."
    over = f"{m} strategies" if m > 1 else "1 strategy"
    return f"{gain}, with a 95 % interval that is simultaneous over {over}{looks}. {target}"


def _folds(rows: Sequence[Row]) -> str:
    """Return the number of folds, and of their test rows: ``5 folds of 200 test rows``."""
    counts = sorted({len(row.folds) for row in rows})
    sizes = [fold.n_test for row in rows for fold in row.folds]
    size = str(min(sizes)) if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    repeats = {row.n_repeats for row in rows}
    of_repeats = f" in {max(repeats)} repeats" if len(repeats) == 1 and max(repeats) > 1 else ""
    return f"{number} fold{'s' if counts[-1] > 1 else ''}{of_repeats} of {size} test rows"


def _budget(tuning: Mapping[str, Any] | None) -> str:
    """Return a sentence with the tuning budget of each strategy, empty without tuning."""
    if not tuning:
        return ""
    trials, inner = tuning["trials"], tuning["inner_splits"]
    late = f" or {tuning['timeout']} s" if tuning.get("timeout") else ""
    return (
        f"Tuned: {trials} trials{late} of {inner} inner folds for every strategy "
        f"({tuning['sampler']}, {tuning['metric']}), {trials * inner} fits a fold at most."
    )
