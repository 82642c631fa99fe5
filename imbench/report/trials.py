"""Trials of tuning from stored results: chosen values, metrics, CSV and a plot."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from imbench.results.fold import CellResult
from imbench.results.metric_options import HIGHER_IS_BETTER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COMPLETE, PRUNED, BEST = "#1f6feb", "#9aa5b1", "#d1570b"
FACTS = ("repeat", "fold", "number", "state", "value", "seconds", "reason")


def tuned_values(cell: CellResult) -> dict[str, Any]:
    """Return the chosen value of each parameter, a list by fold if the folds differ."""
    found: dict[str, list[Any]] = {}
    for fold in cell.folds:
        for key, value in fold.tuned.items():
            found.setdefault(key, []).append(value)
    return {k: v if any(one != v[0] for one in v) else v[0] for k, v in found.items()}


def tuning_metrics(cell: CellResult) -> dict[str, float]:
    """Return the cost of tuning and the importance of each parameter, as means over the folds."""
    tuned = [fold for fold in cell.folds if fold.trials]
    if not tuned:
        return {}
    values = {
        "tuning/n_trials": float(np.mean([fold.n_trials for fold in tuned])),
        "tuning/n_pruned": float(np.mean([fold.n_pruned for fold in tuned])),
        "tuning/n_tuning_fits": float(np.mean([fold.n_tuning_fits for fold in tuned])),
        "tuning/tune_s": float(np.mean([fold.tune_s for fold in tuned])),
    }
    shares = [fold.importance for fold in tuned if fold.importance]
    for key in shares[0] if shares else ():
        values[f"importance/{key}"] = float(np.mean([share[key] for share in shares]))
    return values


def to_trials_csv(cell: CellResult) -> str:
    """Return one line per trial: fold, state, mean and values of inner folds, parameters."""
    trials = [(fold, trial) for fold in cell.folds for trial in fold.trials]
    keys = list(dict.fromkeys(key for _, trial in trials for key in trial["values"]))
    n_inner = max(len(trial["inner"]) for _, trial in trials)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*FACTS, *(f"inner_{i}" for i in range(n_inner)), *keys])
    for fold, trial in trials:
        inner = [*trial["inner"], *[None] * (n_inner - len(trial["inner"]))]
        facts = {"repeat": fold.repeat, "fold": fold.fold, **trial}
        values = [trial["values"].get(key) for key in keys]
        writer.writerow([facts[name] for name in FACTS] + inner + values)
    return buffer.getvalue()


def draw_trials(axes: Axes, cell: CellResult) -> None:
    """Draw the value of each trial and the best value so far, with a line per fold."""
    from matplotlib.ticker import MaxNLocator

    tuned = [fold for fold in cell.folds if fold.trials]
    metric, higher = _metric(cell)
    best_of = np.fmax.accumulate if higher else np.fmin.accumulate
    labels = {"complete": "trial", "pruned": "given up early: mean of its inner folds"}
    for fold in tuned:
        for state, colour in (("complete", COMPLETE), ("pruned", PRUNED)):
            shown = [t for t in fold.trials if t["state"] == state]
            numbers = [t["number"] + 1 for t in shown]
            values = [_mean(t["inner"]) for t in shown]
            label = labels.pop(state, None) if shown else None
            axes.scatter(numbers, values, s=10, color=colour, alpha=0.6, label=label)
        values = [_mean(t["inner"]) if t["state"] == "complete" else np.nan for t in fold.trials]
        numbers = list(range(1, len(values) + 1))
        name = "best so far, a line a fold" if fold is tuned[0] else None
        axes.step(numbers, best_of(values), where="post", linewidth=1, color=BEST, label=name)
    axes.set(xlabel="trial", ylabel=f"{metric}, mean of inner folds")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.25)
    axes.legend(fontsize="x-small", loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3)


def _metric(cell: CellResult) -> tuple[str, bool]:
    """Return the name of the tuned metric and whether larger values are better."""
    tuning = cell.config["tuning"]
    name, extra = tuning["metric"], tuning.get("metrics_extra") or {}
    return name, extra.get("higher_is_better", HIGHER_IS_BETTER.get(name, True))


def _mean(values: list[float | None]) -> float:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else float("nan")
