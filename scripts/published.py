"""Read the numbers of the published leaderboards: ``results/tables/*.csv``.

``scripts/leaderboards.py`` writes them, one line for each metric, data set, model and strategy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from imbench.report.statistics.random_effects import RandomEffects

TABLES = Path(__file__).parents[1] / "results" / "tables"
PAGES = ("leaderboard_keel", "leaderboard_tables", "to_smote_or_not")  # the first one counts
CELL = ["metric", "dataset", "model", "tuned", "strategy"]


def numbers(pages: Sequence[str] = PAGES, tables: Path = TABLES) -> pd.DataFrame:
    """Return the lines of all pages; of a cell that several pages have, those of the first.

    Parameters
    ----------
    pages : sequence of str
        Names of files in `tables`, without ``.csv``.
    tables : Path

    Returns
    -------
    DataFrame
        With the columns of :func:`leaderboards.frame` and `page`.
    """
    read = [pd.read_csv(tables / f"{page}.csv").assign(page=page) for page in pages]
    found = pd.concat(read, ignore_index=True)
    # A block is one data set with one model: its strategies are compared on the same folds.
    block = ["metric", "dataset", "model", "tuned"]
    first = found.groupby(block)["page"].transform("first")
    return found[found["page"] == first].reset_index(drop=True)


def blocks(found: pd.DataFrame, metric: str) -> list[tuple[tuple[str, str, bool], pd.DataFrame]]:
    """Return data set, model, whether it was tuned, and the lines of each block with ``none``."""
    own = found[found["metric"] == metric]
    return [
        ((str(dataset), str(model), bool(tuned)), lines.set_index("strategy"))
        for (dataset, model, tuned), lines in own.groupby(["dataset", "model", "tuned"])
        if (lines.loc[lines["strategy"] == "none", "status"] == "ok").any()
    ]


def gain_text(effect: RandomEffects | None) -> str:
    """Return a mean gain with its 95 % interval for a table in Markdown."""
    if effect is None:
        return ""
    return f"{effect.mean:+.3f} \\[{effect.low:+.3f}, {effect.high:+.3f}\\]"
