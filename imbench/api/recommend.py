"""Recommend a model and a strategy for a table: two races, one answer.

The first race is between models, by what they reach without a strategy and with a moved threshold.
Which of them are told apart is a comparison of all pairs. The second race is between strategies on
the best model, in the order of published tables. Repeats are added as long as they can change
the answer (:mod:`imbench.api.looks`): what is told or hopeless stops. Rare rows are never left out.
"""

from __future__ import annotations

import importlib.util
import json
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from imbench.api.compare import DataOptions, check_names, data_words, listed, run, selection
from imbench.api.goals import seconds_of, words_of_goal
from imbench.api.points import is_of_point, labels, unreached, with_threshold
from imbench.api.result import ComparisonResult
from imbench.errors import ConfigError
from imbench.report.board import Block, Row
from imbench.report.comparisons import Judge
from imbench.report.names import metric_name
from imbench.report.statistics.detectable import gain_from

if TYPE_CHECKING:
    import pandas as pd

    from imbench.api.estimator import ImbalancedClassifier

FEW = 20  # rare rows, below which no interval says what more rows would tell
FIRST_SHARE = 0.35  # of the budget, for the race between models
MODELS = ("hist_gradient_boosting", "logistic_regression", "lightgbm", "random_forest")
EXTRAS = {"lightgbm": "lightgbm", "xgboost": "xgboost", "catboost": "catboost"}
# What the others have to beat: these are tried whatever is asked for, before all others.
CONTROLS = ("none", "threshold", "inverse_weights")
CANDIDATES = (
    "sqrt_inverse", "random_over", "smote", "smotenc", "random_under", "random_over+threshold",
    "smote+threshold", "smotenc+threshold", "balanced_bagging", "under_bagging", "temperature",
)  # fmt: skip
PUBLISHED = Path(__file__).with_name("published_order.json")  # of scripts/race_order.py
# Goals whose metric is not in the published tables start in the order of another one.
ORDER_OF = {
    "expected_cost": "f1_macro",
    "recall_at_precision": "average_precision",
    "precision_at_recall": "average_precision",
}


@dataclass(frozen=True, eq=False)
class Recommendation:
    """What :func:`recommend` found.

    Parameters
    ----------
    result : ComparisonResult
        The race between strategies, on the model that was taken.
    models : ComparisonResult
        The race between models.
    goal : str
    words : tuple of str
        The answer, a sentence or two each.
    """

    result: ComparisonResult
    models: ComparisonResult
    goal: str
    words: tuple[str, ...]

    @property
    def pick(self) -> str:
        """What to take, as ``model/strategy``."""
        return self.result.recommended

    @property
    def advice(self) -> tuple[str, ...]:
        """The sentences below the verdict: the model, calibration, what would change this."""
        return self.words[len(self.result.verdict.splitlines()) :]

    def fit(self, name: str | None = None) -> ImbalancedClassifier:
        """Fit what is recommended to all rows, see :meth:`ComparisonResult.fit`."""
        fitted = self.result.fit(name)
        fitted.card_["advice"] = list(self.advice)
        return fitted

    def report(self, path: str | Path = "report.html") -> Path:
        """Write the report with the whole answer, see :meth:`ComparisonResult.report`."""
        return self.result.report(path, self.advice)

    def __str__(self) -> str:
        return "\n".join(self.words)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "".join(f"<p>{escape(line)}</p>" for line in self.words)


def recommend(
    data: pd.DataFrame | Any,
    target: Any = None,
    goal: str = "f1",
    budget: str = "10m",
    models: Sequence[str] | None = None,
    strategies: Sequence[str] | None = None,
    **options: Unpack[DataOptions],
) -> Recommendation:
    """Find out which model and which strategy to take for a table.

    Parameters
    ----------
    data, target
        As in :func:`imbench.api.compare.compare`.
    goal : str, default="f1"
        See :func:`imbench.api.goals.words_of_goal`.
    budget : str, default="10m"
        Time after which the best answer so far is given. The same call goes on from there.
    models, strategies : sequence of str or None
        None are some that are often good, those whose packages are installed.
    **options
        See :class:`imbench.api.compare.DataOptions`.

    Raises
    ------
    ConfigError, DataError
        If a value is refused, or the data cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from imbench.data.synthetic import load_synthetic
    >>> made = load_synthetic(n_rows=200)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     where = {"results_dir": folder, "progress": False}
    ...     found = recommend(made.X, made.y, models=["decision_tree"],
    ...                       strategies=["none", "threshold"], budget="1m", **where)
    >>> found.pick.partition("/")[0]
    'decision_tree'
    """
    started, limit = clock.monotonic(), seconds_of(budget)
    goal_words = words_of_goal(goal)
    check_names("recommend", options, DataOptions)
    words, folder = data_words(data, target, options)
    words += goal_words
    further, shown = list(options.get("overrides", ())), options.get("progress", True)
    tried = listed(models) if models is not None else filter(_is_installed, MODELS)
    first = [*words, f"model={','.join(tried)}", "strategy=none,threshold"]
    is_given = any(word.startswith("splits=") for word in [*words, *further])
    first += [] if is_given else ["splits.n_repeats=1"]
    race = run([*first, _budget(limit * FIRST_SHARE)], further, folder, shown)
    model, why = _best_model(race)
    left = max(limit - (clock.monotonic() - started), 1.0)
    names = candidates(race.board.sort) if strategies is None else listed(strategies)
    second = [*words, f"model={model}", *_strategies(names, race.board.sort)]
    result = run([*second, _budget(left)], further, folder, shown)
    said = [*result.verdict.splitlines(), *labels(result), *unreached(result)]
    said += [*_more(result), *why]
    return Recommendation(result, race, goal, tuple(said))


def candidates(metric: str) -> list[str]:
    """Return the candidates of the race between strategies, in the order in which they start.

    It is that of their mean ranks in the published tables, see ``scripts/race_order.py``: where
    the budget ends early, what is often good was tried.

    Parameters
    ----------
    metric : str
        Metric of the goal.

    Examples
    --------
    >>> sorted(candidates("f1_macro")) == sorted(CANDIDATES)
    True
    """
    orders = json.loads(PUBLISHED.read_text())["orders"]
    known = orders.get(ORDER_OF.get(metric, metric), [])
    return sorted(CANDIDATES, key=lambda name: known.index(name) if name in known else len(known))


def _strategies(names: Sequence[str], metric: str) -> list[str]:
    """Return the words of the race between strategies, and of what they are compared with."""
    kept = list(dict.fromkeys((*CONTROLS, *names)))
    base = []
    if is_of_point(metric):
        kept, base = with_threshold(kept), ["baseline=threshold"]
    return [f"strategy={','.join(map(selection, kept))}", *base]


def _budget(seconds: float) -> str:
    return f"budget='{max(seconds, 0.001):.3f}s'"


def _is_installed(model: str) -> bool:
    return model not in EXTRAS or importlib.util.find_spec(EXTRAS[model]) is not None


def _best_model(race: ComparisonResult) -> tuple[str, list[str]]:
    """Return the model to go on with, and a sentence on the others."""
    metric = race.board.sort
    sign = 1 if race.options.higher_is_better(metric) else -1
    best: dict[str, float] = {}
    for block in race.board.blocks:
        values = [row.mean[metric] for row in block.finished if metric in row.mean]
        if values:
            best[block.model] = max(sign * value for value in values)
    if not best:
        reasons = [row.reason for block in race.board.blocks for row in block.rows if row.reason]
        raise ConfigError(f"no model finished: {(reasons or ['the budget is too small.'])[0]}")
    order = sorted(best, key=lambda name: -best[name])
    if len(order) == 1:
        return order[0], []
    scores = ", ".join(f"{name} {sign * best[name]:.3f}" for name in order)
    return order[0], [
        f"Of {len(order)} models {order[0]} has the best {metric_name(metric)}, as it is or with a "
        f"moved threshold ({scores}). {_told_apart(race, order)}"
    ]


def _told_apart(race: ComparisonResult, order: Sequence[str]) -> str:
    """Say which models are told to be worse than the first, by all pairs of rows at once."""
    cells = {cell.run_id: cell for cell in race.cells}
    rows = [row for block in race.board.blocks for row in block.finished]
    judge = Judge(rows, [cells[row.run_id] for row in rows], race.options)
    best = {rows[i].model for i in judge.best(race.board.sort, {})}
    others = order[1:]
    worse = [name for name in others if name not in best]
    equals = [name for name in others if name in best]
    told = f"Told to be worse (95 %, all pairs at once): {', '.join(worse)}." if worse else ""
    if not equals:
        return told
    names = ", ".join(equals)
    return (
        f"{told} Not told apart from it: {names}; --models {equals[0]} races strategies on that "
        "model."
    ).strip()


def _more(result: ComparisonResult) -> list[str]:
    """Say how probabilities are calibrated, and what would change the advice."""
    block = result.board.blocks[0]
    pick = next(
        (row for row in block.finished if result.recommended.endswith(f"/{row.title}")), None
    )
    if pick is None:
        return []
    sentences = [_calibration(pick, block), _change(block, result.board.sort)]
    spent = any(row.stopped == "budget" for row in block.rows)
    if spent:
        sentences.append("The budget is spent: the same command with --budget +10m goes on.")
    return [line for line in sentences if line]


def _calibration(pick: Row, block: Block) -> str:
    """Say how far scores are from shares."""
    error = pick.mean.get("ece")
    if error is None:
        return ""
    base = block.base
    words = f"The scores of {pick.title} are off by {error:.3f} on average (calibration error)"
    if base is not None and base is not pick and "ece" in base.mean:
        words += f", those of {base.title} by {base.mean['ece']:.3f}"
    fix = ": temperature or isotonic make them probabilities" if error > 0.05 else ""
    return f"{words}{fix}."


def _change(block: Block, metric: str) -> str:
    """Say what would change the advice: rows that could tell what is open now."""
    told = [row.comparison for row in block.finished if row.comparison is not None]
    is_open = [c for c in told if c.verdict in ("open", "probably better", "probably worse")]
    known = [c for c in told if c.high > c.low]
    if not is_open or not known or block.base is None or block.base.counts is None:
        return ""
    counts = block.base.counts
    if counts.n_rare < FEW:
        rows = f"{counts.n_rare:,.0f} {counts.rare_rows}"
        return f"What would change this: {rows} are too few to tell; gather more."
    return (
        f"What would change this: {counts.n_rare:,.0f} {counts.rare_rows} tell gains in "
        f"{metric_name(metric)} from about {gain_from(known):.3f} on, and four times as many would "
        f"tell half of that. {len(is_open)} of {len(told)} strategies are not told yet."
    )
