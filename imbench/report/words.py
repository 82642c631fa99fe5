"""Answers and summaries in words for the end of a command, the page and ``report.md``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from imbench.report.answer import answer
from imbench.report.board import BASELINE, Block
from imbench.report.names import metric_name
from imbench.results.fold import FoldResult

__all__ = ["answers", "metric_name", "sentence", "summary", "version_note"]

MAX_ANSWERS = 12  # blocks whose answers a command ends with


def sentence(block: Block, sort: str) -> str:
    """Return the answer of a block as one text, see :func:`imbench.report.answer.answer`.

    Parameters
    ----------
    block : Block
    sort : str
        Metric of the comparisons.
    """
    return str(answer(block, sort))


def answers(blocks: Sequence[Block], sort: str) -> list[str]:
    """Return the lines that a command ends with: the answer of a block, or those of several.

    Parameters
    ----------
    blocks : sequence of Block
    sort : str
        Metric of the comparisons.
    """
    if len(blocks) == 1:
        found = answer(blocks[0], sort)
        return [found.headline, " ".join(found.details)] if found.details else [found.headline]
    together = summary(blocks, sort)
    lines = [answer(block, sort).headline for block in blocks[:MAX_ANSWERS]]
    left = len(blocks) - len(lines)
    more = f"The report has the answers of {left} more comparisons." if left else ""
    return [line for line in (together, *lines, more) if line]


def summary(blocks: Sequence[Block], sort: str) -> str:
    """Summarise several blocks in one sentence, empty for fewer than two with a baseline."""
    judged = [b for b in blocks if any(row.comparison for row in b.rows)]
    if len(judged) < 2:
        return ""
    winners = [
        {row.label for row in b.rows if row.comparison and row.comparison.verdict == "better"}
        for b in judged
    ]
    bases = {row.label for b in judged if (row := b.base) is not None}
    base = "doing nothing" if bases == {BASELINE} else "the baseline"
    helped, metric = sum(1 for names in winners if names), metric_name(sort)
    if not helped:
        return (
            f"In none of {len(judged)} comparisons is a strategy told to be better than {base} in "
            f"{metric}."
        )
    times = Counter(name for names in winners for name in names)
    often = sorted(times, key=lambda name: (-times[name], name))[:3]
    told = ", ".join(f"{name} ({times[name]})" for name in often)
    return (
        f"In {helped} of {len(judged)} comparisons at least one strategy is better than {base} in "
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
