"""Summarise blocks in sentences for the page and ``report.md``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from imbench.report.board import BASELINE, Block, Row
from imbench.results.fold import FoldResult

METRIC_NAMES = {
    "precision_macro": "macro precision",
    "recall_macro": "macro recall",
    "f1_macro": "macro F1",
    "f1_weighted": "weighted F1",
    "f1_minority": "minority F1",
    "roc_auc": "ROC AUC",
    "g_mean": "G-mean",
    "mcc": "MCC",
    "brier": "Brier score",
    "ece": "ECE",
}
MAX_GAINS = 3  # gains that a sentence states with their intervals
MAX_NAMES = 5  # names in a list


def metric_name(key: str) -> str:
    """Return the name of a metric for running text.

    Examples
    --------
    >>> metric_name("f1_macro"), metric_name("balanced_accuracy")
    ('macro F1', 'balanced accuracy')
    """
    return METRIC_NAMES.get(key, key.replace("_", " "))


def sentence(block: Block, sort: str) -> str:
    """Summarise the comparisons of a block with the baseline in one sentence.

    Parameters
    ----------
    block : Block
    sort : str
        Metric of the comparisons.
    """
    place, metric = f"On {block.dataset} with {block.model}", metric_name(sort)
    done = [row for row in block.rows if row.status == "ok" and row.folds]
    if not done:
        return f"{place}, no strategy finished."
    judged = [row for row in done if row.comparison is not None]
    if not judged:
        missing = not any(row.label == BASELINE for row in done)
        hint = f": run strategy={BASELINE} to learn whether it helps" if missing else ""
        return f"{place}, {done[0].title} has the best {metric}{hint}."
    untold, worse = _of(judged, "cannot be told"), _of(judged, "worse")
    words = _gains(_of(judged, "better"), place, metric)
    if untold:
        words += f"; {_names(untold)} cannot be told from doing nothing"
    if worse:
        words += f"; {_names(worse)} {'is' if len(worse) == 1 else 'are'} worse"
    return f"{words}."


def summary(blocks: Sequence[Block], sort: str) -> str:
    """Summarise several blocks in one sentence, empty for fewer than two with a baseline."""
    judged = [b for b in blocks if any(row.comparison for row in b.rows)]
    if len(judged) < 2:
        return ""
    winners = [{row.label for row in _of(b.rows, "better")} for b in judged]
    helped = sum(1 for names in winners if names)
    metric = metric_name(sort)
    if not helped:
        return (
            f"In none of {len(judged)} comparisons can any strategy be shown to beat doing "
            f"nothing in {metric}."
        )
    times = Counter(name for names in winners for name in names)
    often = sorted(times, key=lambda name: (-times[name], name))[:3]
    told = ", ".join(f"{name} ({times[name]})" for name in often)
    return (
        f"In {helped} of {len(judged)} comparisons at least one strategy beats doing nothing in "
        f"{metric}; most often {told}."
    )


def version_note(folds: Iterable[FoldResult]) -> str:
    """Return a sentence about packages whose versions differ between folds, or ``""``."""
    seen: dict[str, Counter[str]] = {}
    for fold in folds:
        for package, version in fold.versions.items():
            seen.setdefault(package, Counter())[version] += 1
    mixed = [
        f"{package} " + ", ".join(f"{v} ({n} folds)" for v, n in sorted(versions.items()))
        for package, versions in sorted(seen.items())
        if len(versions) > 1
    ]
    if not mixed:
        return ""
    return f"The folds were computed by different versions: {'; '.join(mixed)}."


def _of(rows: Iterable[Row], verdict: str) -> list[Row]:
    """Return the rows with a verdict, largest gain first."""
    found = [row for row in rows if row.comparison and row.comparison.verdict == verdict]
    return sorted(found, key=lambda row: -row.comparison.test.mean if row.comparison else 0.0)


def _gains(better: Sequence[Row], place: str, metric: str) -> str:
    if not better:
        return f"{place}, no strategy can be shown to beat doing nothing in {metric}"
    over = f" in {metric} over doing nothing"
    told = [_gain(row, "" if i else over) for i, row in enumerate(better[:MAX_GAINS])]
    more = len(better) - len(told)
    if more:
        told.append(f"and {more} more {'strategies gain' if more > 1 else 'strategy gains'}")
    return f"{place}, {', '.join(told)}"


def _gain(row: Row, over: str) -> str:
    assert row.comparison is not None
    test = row.comparison.test
    interval = (
        "no interval"
        if math.isnan(test.low)
        else f"95 % interval {test.low:.3f} to {test.high:.3f}"
    )
    return f"{row.title} gains {test.mean:.3f}{over} ({interval})"


def _names(rows: Sequence[Row]) -> str:
    return _joined([row.title for row in rows])


def _joined(names: Sequence[str]) -> str:
    """Join names with commas and "and", at most `MAX_NAMES` of them."""
    if len(names) > MAX_NAMES + 1:
        return f"{', '.join(names[:MAX_NAMES])} and {len(names) - MAX_NAMES} others"
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
