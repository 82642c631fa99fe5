"""Write docs/when_which.md, the guide which remedy to try when, from the published leaderboards.

    python scripts/when_which.py            # writes the page
    python scripts/when_which.py --check    # 1 if the page is not what the tables say

Remedies are the candidates of `recommend`, class weights and a moved threshold. For each question
and model their gains over doing nothing on all published data sets are combined by a random-effects
model; the order is that of the race (`scripts/race_order.py`).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from published import PAGES, TABLES, blocks, gain_text, numbers

from imbench.api.recommend import CANDIDATES, PUBLISHED
from imbench.report.board import TRIVIAL
from imbench.report.names import joined
from imbench.report.statistics.random_effects import RandomEffects, random_effects

TARGET = Path(__file__).parents[1] / "docs" / "when_which.md"
REMEDIES = tuple(dict.fromkeys((*TRIVIAL[::-1], *CANDIDATES)))
QUESTIONS = {
    "f1_macro": ("Decisions", "labels are what counts; macro F1 at the model's own threshold"),
    "average_precision": ("Ranking", "the riskiest first; average precision"),
    "brier": ("Probabilities", "costs and expected values; Brier score"),
}
QUESTION = "From how many rare rows on does anything beat a moved threshold?"
MIN_DATASETS = 5  # fewer say nothing of further data sets
EQUAL = 0.01  # gains that differ by less are practically equal, as in metrics.rope


@dataclass(frozen=True)
class Entry:
    """What a remedy does for a model in one question.

    Parameters
    ----------
    remedy, model : str
    effect : RandomEffects
        Gain over doing nothing.
    beyond : RandomEffects or None
        Gain beyond the best trivial remedy.
    n_better, n_worse : int
        Data sets on which it is told to be better or worse.
    times : float
        Median of its seconds of fitting over those of doing nothing.
    """

    remedy: str
    model: str
    effect: RandomEffects
    beyond: RandomEffects | None
    n_better: int
    n_worse: int
    times: float


def entries(found: pd.DataFrame, metric: str) -> list[Entry]:
    """Return what the remedies do, for each model with enough data sets, nothing tuned."""
    by_model: dict[str, list[pd.DataFrame]] = {}
    for (_, model, tuned), lines in blocks(found, metric):
        if not tuned:
            by_model.setdefault(model, []).append(lines)
    return [
        entry
        for model, tables in by_model.items()
        for remedy in REMEDIES
        if (entry := _entry(remedy, model, tables)) is not None
    ]


def _entry(remedy: str, model: str, tables: Sequence[pd.DataFrame]) -> Entry | None:
    """Combine one remedy over the data sets on which it can be applied; None if they are few."""
    own = [(t.loc[remedy], t.loc["none"]) for t in tables
           if remedy in t.index and t.at[remedy, "status"] == "ok"]  # fmt: skip
    effect = random_effects([r["gain"] for r, _ in own], [r["error"] for r, _ in own])
    if len(own) < MIN_DATASETS or effect is None:
        return None
    beyond = [(r["gain_beyond_trivial"], r["error_beyond_trivial"]) for r, _ in own]
    verdicts = [r["verdict"] for r, _ in own]
    return Entry(
        remedy, model, effect, random_effects(*np.array(beyond).T),
        verdicts.count("better"), verdicts.count("worse"),
        float(np.median([r["fit_s"] / base["fit_s"] for r, base in own])),
    )  # fmt: skip


def words(model: str, own: Sequence[Entry], metric: str) -> str:
    r"""Say for one model what to try first, what harms, and what is left beyond a threshold.

    Examples
    --------
    >>> up = RandomEffects(0.05, 0.02, 0.08, -0.01, 0.11, 0.02, 0.6, 0.03, n_datasets=9)
    >>> down = RandomEffects(-0.05, -0.08, -0.02, -0.11, 0.01, 0.02, 0.6, 0.03, n_datasets=9)
    >>> some = [Entry("threshold", "knn", up, None, 2, 0, 4.0),
    ...         Entry("random_under", "knn", down, None, 0, 3, 0.5)]
    >>> print(words("knn", some, "f1_macro"))
    - **knn**: try threshold first, +0.050 \[+0.020, +0.080\]. On average random_under loses.
    """
    gaining = sorted((e for e in own if e.effect.low > 0), key=lambda e: -e.effect.mean)
    losing = [e.remedy for e in own if e.effect.high < 0]
    if gaining:
        # A trivial remedy comes before another one that is practically equal.
        limit = gaining[0].effect.mean - EQUAL
        gaining.sort(key=lambda e: e.remedy not in TRIVIAL or e.effect.mean < limit)
        best = gaining[0]
        text = f"- **{model}**: try {best.remedy} first, {gain_text(best.effect)}"
        text += "".join(f"; then {e.remedy}, {gain_text(e.effect)}" for e in gaining[1:3]) + "."
    else:
        top = max(own, key=lambda e: e.effect.mean)
        text = (
            f"- **{model}**: no remedy gains on average; the largest mean is that of {top.remedy}, "
            f"{gain_text(top.effect)}."
        )
    beyond = [e for e in own if e.beyond is not None and e.beyond.low > 0]
    if beyond:
        text += " Beyond the best trivial remedy gain " + ", ".join(
            f"{e.remedy}, {gain_text(e.beyond)}" for e in beyond
        ) + "."  # fmt: skip
    if losing:
        text += f" On average {joined(losing)} {'lose' if len(losing) > 1 else 'loses'}."
    return text


def table(found: Sequence[Entry]) -> str:
    """Return the numbers of one question as a table in Markdown."""
    heads = ["model", "remedy", "data sets", "gain over none", "on a further data set",
             "beyond the best trivial remedy", "told better / worse", "times as long"]  # fmt: skip
    out = [f"| {' | '.join(heads)} |", "| --- | --- |" + " ---: |" * (len(heads) - 2)]
    for e in sorted(found, key=lambda e: (e.model, -e.effect.mean)):
        cells = [
            e.model, e.remedy, str(e.effect.n_datasets), gain_text(e.effect),
            f"{e.effect.next_low:+.3f} to {e.effect.next_high:+.3f}", gain_text(e.beyond),
            f"{e.n_better} / {e.n_worse}", "" if math.isnan(e.times) else f"{e.times:.1f}",
        ]  # fmt: skip
        out.append(f"| {' | '.join(cells)} |")
    return "\n".join(out)


def race() -> str:
    """Return the order in which `recommend` starts its race."""
    orders = json.loads(PUBLISHED.read_text(encoding="utf-8"))["orders"]
    return "\n".join(
        f"- {QUESTIONS[metric][0]}: {', '.join(names)}" for metric, names in orders.items()
    )


def break_even() -> str:
    """Return the answer of the published break-even curves."""
    text = (TABLES / "break_even.md").read_text(encoding="utf-8")
    return text.partition(QUESTION)[2].partition("![")[0].strip()


def page(found: pd.DataFrame) -> str:
    """Return the page."""
    n_datasets = found["dataset"].nunique()
    parts = [
        "# When which",
        "Made by `python scripts/when_which.py` from "
        + joined([f"[{page}](../results/tables/{page}.md)" for page in PAGES])
        + f": {n_datasets} data sets, five folds once, nothing tuned. A gain is a mean over data "
        "sets by a random-effects model with its 95 % interval. What one data set of your own will "
        "show is the column *on a further data set*: where it reaches below zero, as it nearly "
        "always does, only a comparison on your own data tells. `python -m imbench recommend FILE "
        "--target COLUMN` runs it and starts in the order below.",
    ]
    for metric, (title, meaning) in QUESTIONS.items():
        own = entries(found, metric)
        models = dict.fromkeys(e.model for e in own)
        lines = [words(model, [e for e in own if e.model == model], metric) for model in models]
        parts += [f"## {title}", f"For when {meaning}.", "\n".join(lines), table(own)]
    parts += [
        "## From how many rare rows on",
        f"{QUESTION} Nested samples of four large tables, from "
        "[break_even](../results/tables/break_even.md):",
        break_even(),
    ]
    parts += ["## The order of the race", race() + "\n"]
    return "\n\n".join(parts)


def main() -> int:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    text = page(numbers())
    if given.check:
        return int(text != TARGET.read_text(encoding="utf-8"))
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
