"""Write a page of leaderboards over data sets from stored results, with a forest plot and a table.

.. code-block:: console

    $ python scripts/leaderboards.py leaderboard_keel [--runs results/a/runs results/b/runs]

Reads ``results/NAME/runs``, and writes ``results/tables/NAME.md`` (rankings, mean gains over doing
nothing and beyond the best trivial remedy by a random-effects model, seconds), the numbers behind
it as ``NAME.csv``, one line for each cell and metric, and the forest plots
``docs/images/NAME-METRIC.png``.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from published import gain_text

from imbench.errors import DataError
from imbench.report.board import BASELINE, Block, Leaderboard, Row
from imbench.report.ranking import Ranking
from imbench.report.statistics.random_effects import RandomEffects, random_effects
from imbench.report.tables import build_leaderboard
from imbench.results.fold import CellResult
from imbench.results.metric_options import MetricOptions
from imbench.results.store import Store
from imbench.run.environment import conditions

ROOT = Path(__file__).parents[1]
METRICS = {  # in the order of the page: what is asked
    "f1_macro": "Decisions: macro F1",
    "average_precision": "Ranking: average precision",
    "roc_auc": "Ranking: area under the ROC curve",
    "brier": "Probabilities: Brier score",
}
HEADS = (
    "strategy", "rank", "better / told nothing / worse", "gain over none", "on a further data set",
    "gain beyond the best trivial remedy", "seconds (times as long)", "imputed",
)  # fmt: skip
SHOWN_IN_FIGURE, PANELS_A_ROW = 14, 4
GENERATIVE = ("gan", "vae")  # strategies that train a model of the rows


@dataclass(frozen=True)
class Line:
    """One strategy in one ranking.

    Parameters
    ----------
    title : str
    rank : float
        Average rank over the data sets.
    among_best : bool
    win, tie, loss : int
        Data sets by verdict against doing nothing.
    effect, beyond : RandomEffects or None
        Gains over doing nothing, and over the best of doing nothing, class weights and a moved
        threshold, on the data sets where it can be applied.
    seconds, times : float
        Median over data sets of its seconds of fitting a fold, and of these over those of nothing.
    n_imputed : int
        Data sets where it was skipped or failed.
    """

    title: str
    rank: float
    among_best: bool
    win: int
    tie: int
    loss: int
    effect: RandomEffects | None
    beyond: RandomEffects | None
    seconds: float
    times: float
    n_imputed: int


def name_of(title: str) -> str:
    """Return the title of a ranking without what only tells tuned models from others.

    Examples
    --------
    >>> name_of("knn (tuning=None)"), name_of("knn (tuning=OptunaTuner, inner_splits=3)")
    ('knn', 'knn, tuned')
    """
    model, _, settings = title.partition(" (tuning=")
    return model + (", tuned" if settings and not settings.startswith("None") else "")


def lines_of(ranking: Ranking, board: Leaderboard) -> list[Line]:
    """Return the strategies of a ranking, best rank first, without those that never ran."""
    blocks = [block for block in board.blocks if block.title in ranking.datasets]
    rows = [{row.title: row for row in block.rows} for block in blocks]
    found = []
    for standing in ranking.standings:
        own = [by_title[standing.title] for by_title in rows]
        if not any(row.status == "ok" for row in own):
            continue
        found.append(
            Line(
                standing.title, standing.average_rank, standing.among_best, standing.win,
                standing.tie, standing.loss, standing.effect, beyond_trivial(own, blocks),
                float(np.median([row.fit_s for row in own if row.status == "ok"])),
                times_as_long(own, [by_title.get(BASELINE) for by_title in rows]),
                standing.n_imputed,
            )
        )  # fmt: skip
    return found


def beyond(row: Row, block: Block) -> tuple[float, float]:
    """Return the gain beyond the best trivial remedy of a data set with its error; NaN for none.

    It is 0 for that remedy.
    """
    told = row.comparison if block.trivial == block.baseline else row.trivial
    if row.title == block.trivial:
        return 0.0, 0.0
    return (told.gain, told.error) if told is not None else (math.nan, math.nan)


def beyond_trivial(rows: Sequence[Row], blocks: Sequence[Block]) -> RandomEffects | None:
    """Combine the gains of a strategy beyond the best trivial remedy of each data set."""
    gains, errors = zip(*map(beyond, rows, blocks), strict=True)
    return random_effects(gains, errors)


def times_as_long(rows: Sequence[Row], bases: Sequence[Row | None]) -> float:
    """Return the median ratio of the seconds of fitting to those of doing nothing."""
    ratios = [
        row.fit_s / base.fit_s
        for row, base in zip(rows, bases, strict=True)
        if row.status == "ok" and base is not None and base.fit_s > 0
    ]
    return float(np.median(ratios)) if ratios else math.nan


def table(lines: Sequence[Line]) -> str:
    r"""Return the lines as a table in Markdown.

    Examples
    --------
    >>> effect = RandomEffects(0.05, 0.02, 0.08, -0.01, 0.11, 0.02, 0.6, 0.03, n_datasets=9)
    >>> text = table([Line("ros", 1.5, True, 3, 6, 0, effect, None, 0.3, 1.8, 0)])
    >>> print(text.splitlines()[2])  # doctest: +NORMALIZE_WHITESPACE
    | ros | 1.50 \* | 3 / 6 / 0 | +0.050 \[+0.020, +0.080\] | -0.010 to +0.110 |  | 0.30 (1.8) |  |
    """
    out = [f"| {' | '.join(HEADS)} |", "| --- |" + " ---: |" * (len(HEADS) - 1)]
    for line in lines:
        further = line.effect and f"{line.effect.next_low:+.3f} to {line.effect.next_high:+.3f}"
        cells = [
            line.title,
            f"{line.rank:.2f}" + (" \\*" if line.among_best else ""),
            f"{line.win} / {line.tie} / {line.loss}",
            gain_text(line.effect),
            further or "",
            gain_text(line.beyond),
            f"{line.seconds:.2f}" + ("" if math.isnan(line.times) else f" ({line.times:.1f})"),
            str(line.n_imputed or ""),
        ]
        out.append(f"| {' | '.join(cells)} |")
    return "\n".join(out)


def summary(lines: Sequence[Line], metric: str) -> str:
    """Say in two sentences what helps, what harms, and what is left beyond trivial remedies."""
    base = next(line for line in lines if line.title == BASELINE)
    others = [line for line in lines if line.effect is not None and line.title != BASELINE]
    better = [line for line in others if line.effect and line.effect.low > 0]
    worse = [line for line in others if line.effect and line.effect.high < 0]
    beyond = [line for line in others if line.beyond and line.beyond.low > 0]
    told = [line for line in others if line.win]
    best = sorted(better, key=lambda line: -line.effect.mean if line.effect else 0.0)[:3]
    named = ", ".join(f"{line.title} {gain_text(line.effect)}" for line in best)
    text = (
        f"Of {len(lines) - 1} strategies, {len(better)} gain in {metric} on average over the data "
        f"sets to which they can be applied (the 95 % interval is above 0), and {len(worse)} lose"
    )
    text += f"; the most: {named}." if named else "."
    names = ", ".join(line.title for line in beyond[:6]) + (" ..." if len(beyond) > 6 else "")
    text += (
        f" {len(beyond)} gain beyond the best trivial remedy of each data set"
        + (f" ({names})" if names else "")
        + f". {len(told)} are told to be better than nothing on at least one data set."
    )
    for line in others:
        if line.title in GENERATIVE:
            text += (
                f" The generative {line.title} has rank {line.rank:.2f} where nothing has "
                f"{base.rank:.2f}, gains {gain_text(line.effect)} and takes {line.times:.0f} times "
                "as long."
            )
    return text


def section(board: Leaderboard, metric: str, title: str, image: str) -> str:
    """Return the part of the page about one metric."""
    parts = [f"## {title}"]
    if board.rankings and image:
        parts.append(f"![Mean gain in {metric} over none, by model]({image})")
    for ranking in board.rankings:
        lines = lines_of(ranking, board)
        if len(lines) < 2:  # nothing alone, as of models of one class
            continue
        parts += [f"### {name_of(ranking.title)}, {len(ranking.datasets)} data sets",
                  summary(lines, metric), table(lines)]  # fmt: skip
        if ranking.left_out:
            parts.append(f"Not run on every data set: {', '.join(ranking.left_out)}.")
    return "\n\n".join(parts)


def draw(board: Leaderboard, metric: str, path: Path) -> None:
    """Draw the mean gains over doing nothing, a panel for each model, the largest on top."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    panels = [(name_of(r.title), lines_of(r, board)) for r in board.rankings]
    panels = [(title, lines) for title, lines in panels if len(lines) > 1]
    n_columns = min(len(panels), PANELS_A_ROW)
    n_rows = math.ceil(len(panels) / n_columns)
    figure, grid = plt.subplots(
        n_rows, n_columns, figsize=(4.2 * n_columns, 4.6 * n_rows), layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axes in grid.flat[len(panels) :]:
        axes.remove()
    for axes, (title, lines) in zip(grid.flat, panels, strict=False):
        known = [line for line in lines if line.effect is not None and line.title != BASELINE]
        shown = sorted(known, key=lambda line: -line.effect.mean if line.effect else 0.0)
        shown = shown[:SHOWN_IN_FIGURE][::-1]
        for y, line in enumerate(shown):
            assert line.effect is not None
            mean, low, high = line.effect.mean, line.effect.low, line.effect.high
            axes.plot([low, high], [y, y], color="tab:blue")
            axes.plot(mean, y, "o", color="tab:blue", markersize=4)
        axes.axvline(0, color="grey", linewidth=0.8)
        axes.set_yticks(range(len(shown)), [line.title for line in shown], fontsize=8)
        axes.set(title=title, xlabel=f"gain in {metric} over none")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def frame(board: Leaderboard, metric: str, tuned: Collection[str] = ()) -> pd.DataFrame:
    """Return one line for each cell: what it scores, gains, and costs; `tuned` are run ids."""
    return pd.DataFrame(
        [
            _numbers(row, block, metric, row.run_id in tuned)
            for block in board.blocks
            for row in block.rows
        ]
    )


def _numbers(row: Row, block: Block, metric: str, is_tuned: bool) -> dict[str, object]:
    told = row.comparison
    gain_beyond, error_beyond = beyond(row, block)
    return {
        "metric": metric,
        "dataset": block.dataset,
        "model": block.model,
        "tuned": is_tuned,
        "strategy": row.title,
        "status": row.status,
        "value": row.mean.get(metric, math.nan),
        "gain": told.gain if told else math.nan,
        "error": told.error if told else math.nan,
        "low": told.low if told else math.nan,
        "high": told.high if told else math.nan,
        "verdict": told.verdict if told else "",
        "gain_beyond_trivial": gain_beyond,
        "error_beyond_trivial": error_beyond,
        "trivial": block.trivial,
        "fit_s": row.fit_s,
    }


def models_table(boards: Sequence[tuple[str, Leaderboard]]) -> str:
    """Return the mean of each metric over data sets of every model that does nothing.

    Only data sets on which all models ran count. Models that are tuned are other models.
    """
    means: dict[str, dict[str, float]] = {}
    n_datasets = 0
    for metric, board in boards:
        titles = {title: ranking.title for ranking in board.rankings for title in ranking.datasets}
        values: dict[str, dict[str, float]] = {}
        for block in board.blocks:
            base = next((row for row in block.rows if row.title == BASELINE), None)
            if base is not None and base.status == "ok" and metric in base.mean:
                model = name_of(titles.get(block.title, block.model))
                values.setdefault(model, {})[block.dataset] = base.mean[metric]
        table_ = pd.DataFrame(values).dropna()
        n_datasets = max(n_datasets, len(table_))
        for model, value in table_.mean().items():
            means.setdefault(str(model), {})[metric] = float(value)
    out = [f"| model | {' | '.join(means[next(iter(means))])} |" if means else "| model |"]
    out.append("| --- |" + " ---: |" * len(boards))
    for model in sorted(means, key=lambda m: -means[m].get("average_precision", -math.inf)):
        out.append(f"| {model} | {' | '.join(f'{v:.3f}' for v in means[model].values())} |")
    return f"Means over {n_datasets} data sets that all models have.\n\n" + "\n".join(out)


def read(folders: Sequence[Path]) -> list[CellResult]:
    """Read the cells of folders of runs; one that is damaged is named and left out."""
    cells = []
    for runs in folders:
        for cell in Store(runs.parent, runs).read_cells():
            if isinstance(cell, DataError):
                print(f"leaderboards: {cell}", file=sys.stderr)
            else:
                cells.append(cell)
    if not cells:
        raise SystemExit(
            f"leaderboards: no results in {', '.join(map(str, folders))}: make them "
            "by `bash scripts/reproduce.sh NAME`, or name other folders with --runs."
        )
    return cells


def page(
    name: str, commands: Sequence[str], boards: Sequence[tuple[str, Leaderboard]], image: str
) -> str:
    """Return the page."""
    notes = (
        "Gain: mean by a random-effects model (Paule-Mandel, Hartung-Knapp) with its 95 % "
        "interval, over the data sets to which a strategy can be applied; on a further data set: "
        "its 95 % prediction interval. The best trivial remedy of "
        "a data set is the best of doing nothing, class weights and a moved threshold, chosen by "
        "the same folds, so that gains beyond it are a little too low. Seconds of fitting a fold "
        "(times those of `none`): medians over data sets, with other work on the machine. "
        "\\*: within Nemenyi's critical difference of the best rank. Imputed: where a strategy "
        "cannot be applied it scores what `none` scores; where it failed it ranks last. Ranks "
        "count those that can be applied nowhere too."
    )
    made = "\n".join(commands)
    return "\n\n".join(
        [
            f"# {name}",
            f"Made by\n\n```\n{made}\n```\n\n({conditions()}). Five folds once, seed 0.",
            notes,
            *(section(board, metric, METRICS[metric], image.format(metric))
              for metric, board in boards),
            "## Models that do nothing about imbalance",
            models_table(boards) + "\n",
        ]
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Write page, table and figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", help="of the experiment; its results lie in results/NAME")
    parser.add_argument("--runs", type=Path, nargs="+", help="folders of runs to read instead")
    parser.add_argument("--commands", nargs="+", default=[], help="what made the results")
    parser.add_argument("--metrics", nargs="+", default=list(METRICS), choices=list(METRICS))
    parser.add_argument("--tables", type=Path, default=ROOT / "results" / "tables")
    parser.add_argument("--images", type=Path, default=ROOT / "docs" / "images")
    given = parser.parse_args(arguments)
    cells = read(given.runs or [ROOT / "results" / given.name / "runs"])
    boards = [
        (name, build_leaderboard(cells, MetricOptions(columns=(name,), sort=name)))
        for name in given.metrics
    ]
    for metric, board in boards:
        if board.rankings:
            draw(board, metric, given.images / f"{given.name}-{metric}.png")
    given.tables.mkdir(parents=True, exist_ok=True)
    image = os.path.relpath(given.images, given.tables) + f"/{given.name}-{{}}.png"
    commands = given.commands or [f"bash scripts/reproduce.sh {given.name}"]
    commands = [*commands, f"python scripts/leaderboards.py {given.name}"]
    text = page(given.name, commands, boards, image)
    (given.tables / f"{given.name}.md").write_text(text, encoding="utf-8")
    tuned = {cell.run_id for cell in cells if cell.config.get("tuning")}
    numbers = pd.concat([frame(board, metric, tuned) for metric, board in boards])
    order = ["metric", "dataset", "model", "tuned", "strategy"]
    numbers.sort_values(order).to_csv(
        given.tables / f"{given.name}.csv", index=False, float_format="%.5g"
    )


if __name__ == "__main__":
    main()
