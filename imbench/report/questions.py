"""The three questions of a comparison: ranking, decisions and probabilities.

Each has a verdict of its own. They tell apart a strategy that finds better scores, one that moves
the threshold, and one that spoils the probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping

from imbench.report.board import PROBABILITIES, RANKING
from imbench.report.statistics.verdict import Comparison

QUESTIONS = ("ranking", "decisions", "probabilities")
DECISION = "f1_macro"  # where the table is sorted by a metric of another question
MIXED = "mixed"
# A verdict decides for its question if no metric has one that stands before it.
ORDER = ("worse", "probably worse", "better", "probably better", "open", "equal")


def question_of(metric: str) -> str:
    """Return the question that a metric answers; all that are not named elsewhere: decisions.

    Examples
    --------
    >>> question_of("roc_auc"), question_of("ece"), question_of("recall/yes")
    ('ranking', 'probabilities', 'decisions')
    """
    if metric in RANKING:
        return "ranking"
    return "probabilities" if metric in PROBABILITIES else "decisions"


def profile_metrics(sort: str, rare: str | None) -> tuple[str, ...]:
    """Return the metrics of all questions, in their order.

    Parameters
    ----------
    sort : str
        Metric that the table is sorted by. If it is about decisions, it is their first metric.
    rare : str or None
        Name of the rare class; None if there are more than two classes.

    Examples
    --------
    >>> profile_metrics("f1_macro", "yes")[2:5]
    ('f1_macro', 'recall/yes', 'precision/yes')
    """
    first = sort if question_of(sort) == "decisions" else DECISION
    found = ("recall_rare", "f1_rare") if rare is None else (f"recall/{rare}", f"precision/{rare}")
    return (*RANKING, *dict.fromkeys((first, *found)), *PROBABILITIES)


def question_verdicts(profile: Mapping[str, Comparison]) -> dict[str, str]:
    """Return the verdict of each question, in the order of `QUESTIONS`.

    Decisions have the verdict of their first metric: recall rises at the cost of precision, and
    this metric weighs both. Ranking and probabilities have several metrics. If one of them is
    better and another one worse (probably or not), the question is ``mixed``. Else a told metric
    decides, then a probable one; the question is ``equal`` only if all metrics are.

    Parameters
    ----------
    profile : mapping of str to Comparison
        From :func:`profile_metrics`, in its order.

    Examples
    --------
    >>> better = Comparison(gain=0.04, low=0.01, high=0.07, p_adjusted=0.02, p_better=0.99)
    >>> question_verdicts({"roc_auc": Comparison(0.001), "f1_macro": better})
    {'ranking': 'open', 'decisions': 'better'}
    """
    grouped: dict[str, list[str]] = {}
    for metric, comparison in profile.items():
        grouped.setdefault(question_of(metric), []).append(comparison.verdict)
    if "decisions" in grouped:
        grouped["decisions"] = grouped["decisions"][:1]
    return {name: _combined(grouped[name]) for name in QUESTIONS if name in grouped}


def _combined(verdicts: list[str]) -> str:
    """Return the verdict of a question with several metrics."""
    is_up = any(verdict.endswith("better") for verdict in verdicts)
    is_down = any(verdict.endswith("worse") for verdict in verdicts)
    if is_up and is_down:
        return MIXED
    return next(verdict for verdict in ORDER if verdict in verdicts)
