"""Compare strategies with decision rules, to see how much of a gain is a moved threshold.

A strategy may beat the baseline only because it shifts the scores against a fixed threshold. A
decision rule without the strategy then gains as much. If a block contains a strategy, the
strategy with a rule, and the rule alone, the gain of the strategy is reported next to the gain of
the rule, and next to what the strategy gains if both sides use the rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from imbench.report.board import BASELINE, Crossed, Row
from imbench.report.statistics import ALPHA, TTest, corrected_t_test, holm


def crossings(rows: Sequence[Row], metric: str, higher_is_better: bool) -> tuple[Crossed, ...]:
    """Return the gains of all strategies that were run with and without a decision rule.

    Parameters
    ----------
    rows : sequence of Row
        Rows of one block.
    metric : str
    higher_is_better : bool
        Direction of the metric. Positive gains are improvements in any case.
    """
    done = {row.title: row for row in rows if row.status == "ok"}
    rules = [
        row.title for row in done.values() if row.stages == ("decision",) and row.title == row.label
    ]
    if BASELINE not in done:
        return ()
    found: list[Crossed] = []
    for rule in rules:
        crossed = [
            _crossed(done, strategy, rule, metric, 1.0 if higher_is_better else -1.0)
            for strategy in done
            if "decision" not in done[strategy].stages and f"{strategy}+{rule}" in done
        ]
        adjusted = holm([c.beyond.p_value for c in crossed])
        found += [replace(c, p_holm=float(p)) for c, p in zip(crossed, adjusted, strict=True)]
    return tuple(found)


def crossing_sentence(crossed: Crossed) -> str:
    """Return a sentence with the gains of a strategy, of the rule alone, and with both."""
    c = crossed
    left = f"with {c.rule} on both it gains {_gain(c.beyond)}"
    if not c.p_holm < ALPHA:
        left += ", which cannot be told from nothing"
    return (
        f"{c.strategy}: {c.as_is.mean:+.3f} {c.metric} over doing nothing, {c.rule} alone "
        f"{c.rule_alone.mean:+.3f}; {left}."
    )


def _gain(test: TTest) -> str:
    if math.isnan(test.low):
        return f"{test.mean:+.3f}"
    return f"{test.mean:+.3f} [{test.low:+.3f}, {test.high:+.3f}]"


def _crossed(rows: Mapping[str, Row], name: str, rule: str, metric: str, sign: float) -> Crossed:
    plain, ruled, alone = rows[BASELINE], rows[f"{name}+{rule}"], rows[rule]
    return Crossed(
        name,
        rule,
        metric,
        as_is=_test(rows[name], plain, metric, sign),
        rule_alone=_test(alone, plain, metric, sign),
        beyond=_test(ruled, alone, metric, sign),
    )


def _test(row: Row, against: Row, metric: str, sign: float) -> TTest:
    """Test the gains of a row over another one on their common folds."""
    theirs = {(f.repeat, f.fold): f.metrics[metric] for f in against.folds}
    pairs = [(f, theirs.get((f.repeat, f.fold), math.nan)) for f in row.folds]
    gains = [sign * (f.metrics[metric] - value) for f, value in pairs]
    ratio = _ratio([f.n_test for f in row.folds], [f.n_train for f in row.folds])
    return corrected_t_test([gain for gain in gains if not math.isnan(gain)], ratio)


def _ratio(n_test: Sequence[int], n_train: Sequence[int]) -> float:
    return sum(n_test) / max(sum(n_train), 1)
