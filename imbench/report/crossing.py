"""Compare strategies with decision rules, to see how much of a gain is a moved threshold.

A strategy may beat the baseline only because it shifts the scores against a fixed threshold. A
decision rule without the strategy then gains as much. If a block contains a strategy, the
strategy with a rule, and the rule alone, the gain of the strategy is reported next to the gain of
the rule, and next to what the strategy gains if both sides use the rule.
"""

from __future__ import annotations

import math

from imbench.report.board import BASELINE, Crossed
from imbench.report.comparisons import Judge
from imbench.report.statistics.verdict import Comparison


def crossings(judge: Judge, metric: str) -> tuple[Crossed, ...]:
    """Return the gains of all strategies that were run with and without a decision rule."""
    rows = judge.rows
    done = {rows[i].title: i for i in judge.done}
    rules = [
        title
        for title, i in done.items()
        if rows[i].stages == ("decision",) and title == rows[i].label
    ]
    if BASELINE not in done:
        return ()
    over_none = judge.against(done[BASELINE], metric)
    found: list[Crossed] = []
    for rule in rules:
        crossed = [
            title
            for title, i in done.items()
            if "decision" not in rows[i].stages and f"{title}+{rule}" in done
        ]
        over_rule = judge.against(done[rule], metric) if crossed else {}
        found += [
            Crossed(
                title, rule, metric,
                as_is=over_none[done[title]],
                rule_alone=over_none[done[rule]],
                beyond=over_rule[done[f"{title}+{rule}"]],
            )
            for title in crossed
        ]  # fmt: skip
    return tuple(found)


def crossing_sentence(crossed: Crossed) -> str:
    """Return a sentence with the gains of a strategy, of the rule alone, and with both."""
    c = crossed
    left = f"with {c.rule} on both it gains {_gain(c.beyond)} ({c.beyond.verdict})"
    return (
        f"{c.strategy}: {c.as_is.gain:+.3f} {c.metric} over doing nothing, {c.rule} alone "
        f"{c.rule_alone.gain:+.3f}; {left}."
    )


def _gain(told: Comparison) -> str:
    if math.isnan(told.low):
        return f"{told.gain:+.3f}"
    return f"{told.gain:+.3f} [{told.low:+.3f}, {told.high:+.3f}]"
