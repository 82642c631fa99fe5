"""The answer of a block in words: what to take, how sure that is, and what it means.

The rules, in this order. Of the strategies that are told to be better than the baseline, else of
those that probably are by more than ``metrics.rope``, the one with the largest gain is taken. The
best trivial remedy takes its place if it has the same verdict, unless the strategy is (probably)
better than that remedy by more than ``metrics.rope``. So does a strategy whose gain is practically
equal and that is fitted in half of the time or less. If no strategy is better, narrow intervals
are a finding, and wide ones are said to tell nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from imbench.report.advice import first_verdict, more_repeats, nothing_yet, unfinished
from imbench.report.board import AUTO, BASELINE, TRIVIAL, Block, Row
from imbench.report.names import joined, metric_name
from imbench.report.questions import MIXED, question_of, question_verdicts
from imbench.report.statistics.detectable import gain_from
from imbench.report.statistics.verdict import VERDICTS, Comparison
from imbench.report.texts import interval

NARROW = 2.0  # upper ends of intervals up to so many half widths of practical equivalence
RANDOM = ("random_over", "random_under")
COMPLEXITY = ("decision", "weights", "random", "resample", "batches", "augment", "loss", "ensemble")
QUICKER = 0.5  # share of the seconds that is worth a practically equal gain
FAMILIAR = "roc_auc"  # is cited where several metrics say the same
FEW_ROWS = 200  # up to so many rare rows, they and not the fits are why nothing is told


@dataclass(frozen=True)
class Answer:
    """What to take, and what that means.

    Parameters
    ----------
    headline : str
        What to take and how sure that is.
    details : tuple of str
        Sentences: counts, simpler strategies, ranking and probabilities, the other strategies.
    pick : str
        Title of the row to take, empty if the baseline is as good or nothing is known.

    Examples
    --------
    >>> str(Answer("Take a.", ("It finds more.",)))
    'Take a. It finds more.'
    """

    headline: str
    details: tuple[str, ...] = ()
    pick: str = ""

    def __str__(self) -> str:
        return " ".join([self.headline, *self.details])


def answer(block: Block, sort: str) -> Answer:
    """Return the answer of a block.

    Parameters
    ----------
    block : Block
        With comparisons in `sort`.
    sort : str
        Metric of the comparisons.

    Examples
    --------
    >>> from imbench.report.board import Block, FoldRow, Row
    >>> fold = FoldRow(0, 0, n_train=80, n_test=20, fit_s=0.5, predict_s=0.1, metrics={})
    >>> def row(title, told=None):
    ...     return Row("0", "toy", "knn", title, title, (), "ok", "", {}, {}, 0.5, (fold,), told)
    >>> told = Comparison(0.05, low=0.02, high=0.08, p_adjusted=0.01, p_better=0.99, rope=0.01)
    >>> rows = (row("smote", told), row("none"))
    >>> block = Block("toy", "knn", "toy · knn", caption="", rows=rows, baseline="none")
    >>> answer(block, "f1_macro").headline[:63]
    'On toy with knn: take smote. It improves macro F1 by 0.050 over'
    """
    settings = block.title.removeprefix(f"{block.dataset} · {block.model}")
    place = f"On {block.dataset} with {block.model}{settings}"
    if not block.finished:
        return Answer(_nothing_finished(block, place))
    waiting = unfinished(block)
    if block.base is None:
        absent = [row for row in waiting if row.label == block.asked]
        if absent:
            return Answer(f"{place} {nothing_yet(block, absent)}")
        return Answer(_no_baseline(block, place, sort))
    compared = [row for row in block.finished if row.comparison is not None]
    if not compared and waiting:
        return Answer(f"{place} {nothing_yet(block, waiting)}")
    if not compared:
        return Answer(
            f"{place} only {block.baseline} finished: run other strategies too, for example "
            "-m strategy=none,inverse_weights,threshold."
        )
    better, probable = _of(compared, "better"), _of(compared, "probably better")
    rows = better or [row for row in probable if _told(row).gain > _told(row).rope]
    if rows:
        return _take(block, block.base, rows, sort, place)
    return _stay(block, block.base, compared, sort, place)


def _nothing_finished(block: Block, place: str) -> str:
    """Say how many strategies were skipped or failed, and why the first one was."""
    found = [(row.status, row.reason) for row in block.rows]
    counts = [
        f"{sum(status == kind for status, _ in found)} {kind}"
        for kind in ("skipped", "failed")
        if any(status == kind for status, _ in found)
    ]
    reason = next((reason for _, reason in found if reason), "")
    why = f" ({', '.join(counts)}; the first: {reason.removesuffix('.')})" if counts else ""
    return f"{place}, no strategy finished{why}."


def _no_baseline(block: Block, place: str, sort: str) -> str:
    best, asked = block.finished[0], block.asked
    if asked == AUTO:
        asked = BASELINE
    alone = len(block.finished) == 1
    words = f"{place}, " + (
        f"only {best.title} finished" if alone else f"{best.title} has the best {metric_name(sort)}"
    )
    if asked == BASELINE:
        return f"{words}: run strategy={BASELINE} too, to learn whether it helps."
    return (
        f"{words}, compared with nothing: baseline={asked} has no finished row here. Run "
        f"strategy={asked} too, or set baseline={BASELINE}."
    )


def _take(block: Block, base: Row, rows: Sequence[Row], sort: str, place: str) -> Answer:
    """Recommend one of the rows, which are better or probably better than the baseline."""
    best = rows[0]
    pick = _simplest(block, rows)
    told = _told(pick)
    limits = f"95 % interval {told.low:+.3f} to {told.high:+.3f}"
    improves = f"{metric_name(sort)} by {told.gain:.3f} over {_name(base)}"
    if told.verdict == "better":
        small = ", practically nothing" if told.gain <= told.rope else ""
        headline = f"{place}: take {pick.title}. It improves {improves} ({limits}{small})."
    else:
        headline = (
            f"{place}: probably {pick.title}. It improves {improves} with a probability of "
            f"{min(told.p_better, 0.99):.2g} ({limits}).{more_repeats(block, rows)}"
        )
    details = [_counts(pick, base), _beyond(block, pick, best), *_profile(pick, block, sort)]
    left = [row for row in block.finished if row.comparison is not None and row is not pick]
    groups = _groups(left, block).replace(
        told.verdict.capitalize(), f"{told.verdict.capitalize()} too", 1
    )
    return Answer(headline, tuple(filter(None, [*details, groups])), pick.title)


def _simplest(block: Block, rows: Sequence[Row]) -> Row:
    """Return what to take of rows with one verdict, largest gain first."""
    best = rows[0]
    trivial = next((row for row in rows if row.title == block.trivial), None)
    told, beyond = _told(best), best.trivial
    is_beyond = (
        beyond is not None and beyond.verdict.endswith("better") and beyond.gain > beyond.rope
    )
    if trivial is not None and not is_beyond:
        return trivial
    equal = [row for row in rows if row.among_best and _told(row).gain >= told.gain - told.rope]
    simpler = [row for row in equal if complexity(row) < complexity(best)]
    if simpler:
        return min(simpler, key=lambda row: (complexity(row), -_told(row).gain))
    quicker = [row for row in equal if row.fit_s <= QUICKER * best.fit_s]
    return min(quicker, key=lambda row: row.fit_s, default=best)


def complexity(row: Row) -> tuple[int, int]:
    """Return how complicated a strategy is; of equally good ones the simplest is taken.

    Nothing, a decision rule, weights, random sampling, what makes or selects rows, other
    interventions in training, ensembles; then the number of stages.

    Examples
    --------
    >>> def row(label, *stages):
    ...     return Row("0", "toy", "knn", label, label, stages, "ok", "", {}, {}, 0.5, ())
    >>> complexity(row("threshold", "decision")) < complexity(row("smote", "resample"))
    True
    """
    is_random = any(name in RANDOM for name in row.label.split("+"))
    kinds = ["random" if s == "resample" and is_random else s for s in row.stages]
    return max((COMPLEXITY.index(kind) + 1 for kind in kinds), default=0), len(kinds)


def _beyond(block: Block, pick: Row, best: Row) -> str:
    """Compare what is taken with the best trivial remedy, or with the one of the largest gain."""
    told = best.trivial
    if pick is not best and pick.title != block.trivial:
        gains = f"{_told(best).gain:.3f} and {_told(pick).gain:.3f}"
        if complexity(pick) < complexity(best):
            return (
                f"{best.title} gains practically the same ({gains}), and {pick.title} is simpler."
            )
        return (
            f"{best.title} gains practically the same ({gains}) and takes {best.fit_s:.2g} s a "
            f"fold instead of {pick.fit_s:.2g} s."
        )
    if told is None or math.isnan(told.gain) or block.trivial in (block.baseline, best.title):
        return ""
    words = f"gains {interval(told)} beyond {block.trivial} ({told.verdict})"
    return f"It {words}." if pick is best else f"{best.title} {words}, which is simpler."


def _stay(block: Block, base: Row, rows: Sequence[Row], sort: str, place: str) -> Answer:
    """Say that no strategy helps, or that this cannot be told."""
    metric, told = metric_name(sort), [_told(row) for row in rows]
    known = [c for c in told if not math.isnan(c.high)]
    bound = max((c.high for c in known), default=math.nan)
    is_open = any(c.verdict in ("open", "probably better") for c in told)
    stay = "do nothing" if base.label == BASELINE else f"stay with {base.title}"
    if all(row.same_as for row in rows):
        headline = f"{place}: {stay}. Every strategy predicts the same."
    elif not any(c.high > c.low for c in known) and len(known) < len(told):
        notes = [c.note for c in told if math.isnan(c.high) and c.note]
        note = next(iter(notes), "no common fold")
        headline = f"{place}: no verdict in {metric} ({note}).{first_verdict(block, note)}"
    elif len(known) == len(told) and bound <= 0:
        headline = f"{place}: {stay}. No strategy improves {metric} over {_name(base)}."
    elif len(known) == len(told) and (not is_open or bound <= NARROW * told[0].rope):
        headline = (
            f"{place}: {stay}. No strategy improves {metric} by more than {bound:.3f} over "
            f"{_name(base)} (95 % intervals)."
        )
    else:
        headline = f"{place}: {_not_told(rows, base, metric, stay)}{more_repeats(block, rows)}"
    return Answer(headline, tuple(filter(None, [_moved(base, rows), _groups(rows, block)])))


def _not_told(rows: Sequence[Row], base: Row, metric: str, stay: str) -> str:
    """Say how large a gain must be to be told here: too few rare rows, or fits that vary."""
    known = [row for row in rows if not math.isnan(_told(row).high)]
    best = max(known, key=lambda row: _told(row).gain)
    smallest = f"can show gains in {metric} from {gain_from(list(map(_told, known))):.2f} on"
    few = base.counts is not None and base.counts.n_rare <= FEW_ROWS
    rare = f"{base.counts.n_rare:,.0f} {base.counts.rare_rows}" if base.counts and few else ""
    if _told(best).gain <= 0:
        return (
            f"{stay}. No strategy is told to be better than {_name(base)}, and none has a gain: "
            f"the nearest is {best.title}, {interval(_told(best))}. "
            f"{rare or 'This table'} {smallest}."
        )
    largest = f"the largest is that of {best.title}, {interval(_told(best))}"
    if few:
        return f"too few rare rows to tell. {rare} {smallest}; {largest}."
    bound = max(_told(row).high for row in known)
    return (
        f"nothing is told. This table {smallest}, and gains above {bound:.3f} are ruled out; "
        f"{largest}."
    )


def _moved(base: Row, rows: Sequence[Row]) -> str:
    """Say which strategies find more by a moved threshold, at the same ranking."""
    finders = [
        row
        for row in rows
        if question_verdicts(row.profile).get("ranking") == "equal"
        and any(
            metric.startswith("recall") and c.verdict == "better"
            for metric, c in row.profile.items()
        )
    ]
    if not finders:
        return ""
    most = max(finders, key=lambda row: row.counts.found if row.counts else 0.0)
    counts = _counts(most, base).removeprefix("It ").removesuffix(".")
    if not counts:
        return ""
    left = [row.title for row in finders if row is not most]
    likewise = f" The same holds for {joined(left)}." if left else ""
    rare = base.counts.rare_rows if base.counts else "rare rows"
    moves = "decision" in most.stages
    do = f"take {most.title}, which moves the threshold" if moves else "move the threshold instead"
    return (
        f"{most.title} {counts}, at the same ranking ({_cited(most, 'ranking')}).{likewise} If "
        f"more {rare} are worth that, {do}."
    )


def _profile(row: Row, block: Block, sort: str) -> list[str]:
    """Say what a row does to the questions that it was not chosen by."""
    told, sentences = question_verdicts(row.profile), []
    for question, verdict in told.items():
        if question == question_of(sort) or verdict == "open":
            continue
        cited = _cited(row, question)
        if verdict == "equal":
            if question == "ranking":
                sentences.append(f"The ranking is the same: {cited}{_instead(row, block)}.")
        elif verdict == MIXED:
            sentences.append(f"Metrics of its {question} disagree: {cited}.")
        else:
            is_are = "is" if question == "ranking" else "are"
            sentences.append(f"Its {question} {is_are} {verdict}: {cited}.")
    return sentences


def _instead(row: Row, block: Block) -> str:
    """Advise a moved threshold where a strategy does no more than that."""
    if "decision" in row.stages:
        return "; it moves the threshold"
    if row.label in TRIVIAL:
        return "; a moved threshold can do the same"
    has_rule = any(other.stages == ("decision",) for other in block.finished)
    return "; move the threshold instead" + ("" if has_rule else " (strategy=threshold)")


def _cited(row: Row, question: str) -> str:
    """Return the metric that decides a question with its gain, all of them if it is mixed."""
    found = {m: c for m, c in row.profile.items() if question_of(m) == question}
    verdict = question_verdicts(row.profile)[question]
    if verdict == MIXED:
        told = {m: c for m, c in found.items() if c.verdict.endswith(("better", "worse"))}
        return ", ".join(f"{metric_name(m)} {interval(c)} {c.verdict}" for m, c in told.items())
    deciding = [metric for metric, c in found.items() if c.verdict == verdict]
    metric = FAMILIAR if FAMILIAR in deciding else deciding[0]
    return f"{metric_name(metric)} {interval(found[metric])}"


def _counts(row: Row, base: Row) -> str:
    """Say in rows of the table what a strategy finds and what it costs."""
    ours, theirs = row.counts, base.counts
    if ours is None or theirs is None or not ours.n_rare or not theirs.n_rare:
        return ""
    if round(ours.n_rare) != round(theirs.n_rare):  # tested on other rows
        return ""
    shares = f"{ours.found / ours.n_rare:.0%} instead of {theirs.found / theirs.n_rare:.0%}"
    more = round(ours.alarms) - round(theirs.alarms)
    alarms = (
        f"{abs(more):,} {'more' if more > 0 else 'fewer'} false alarms"
        if more
        else "as many false alarms"
    )
    return (
        f"It finds {ours.found:,.0f} of {ours.n_rare:,.0f} {ours.rare_rows} instead of "
        f"{theirs.found:,.0f} ({shares.replace('%', ' %')}), with {alarms} among "
        f"{ours.n_others:,.0f} {ours.other_rows}."
    )


def _groups(rows: Sequence[Row], block: Block) -> str:
    """Return a sentence with the verdicts of all rows, and with those that are not complete."""
    titles: dict[str, list[str]] = {}
    for row in rows:
        titles.setdefault(_told(row).verdict, []).append(row.title)
    parts = [f"{verdict}: {joined(titles[verdict])}" for verdict in VERDICTS if verdict in titles]
    if waiting := unfinished(block):
        parts.append(f"not complete: {joined([row.title for row in waiting])}")
    return f"{parts[0][:1].upper()}{'; '.join(parts)[1:]}." if parts else ""


def _of(rows: Sequence[Row], verdict: str) -> list[Row]:
    """Return the rows with a verdict, largest gain first."""
    found = [row for row in rows if _told(row).verdict == verdict]
    return sorted(found, key=lambda row: -_told(row).gain)


def _told(row: Row) -> Comparison:
    assert row.comparison is not None
    return row.comparison


def _name(base: Row) -> str:
    return "doing nothing" if base.label == BASELINE else base.title
