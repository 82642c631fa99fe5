"""Count how often a recommendation claims a gain on tables where there is none.

The classes of a null table do not depend on its columns, so that every ranking is as good as
chance, whatever the strategy. A claim is a verdict "better" of the race between strategies, over
doing nothing or over the best trivial remedy.

    python scripts/recommend_check.py --tables 60
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence

import joblib
import numpy as np
from scipy.stats import binomtest

from imbench.api.recommend import recommend
from imbench.components.seeding import derive
from imbench.report.statistics.verdict import Comparison

N_ROWS, N_RARE, N_COLUMNS = 300, 60, 5
MODELS = ("logistic_regression", "decision_tree")
ALLOWED = 0.05


def null_table(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return columns (n, d) and classes (n,) that do not depend on them."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [N_ROWS - N_RARE, N_RARE])
    return rng.normal(size=(N_ROWS, N_COLUMNS)), rng.permutation(y)


def claims(number: int) -> list[str]:
    """Return the strategies that are told to be better on a null table."""
    X, y = null_table(derive(0, "null", "recommend", number))
    with tempfile.TemporaryDirectory() as folder:
        found = recommend(
            X, y, goal="ranking", budget="10m", models=MODELS, results_dir=folder, progress=False,
            overrides=["n_jobs=1", f"seed={number}"],
        )  # fmt: skip
        rows = found.result.board.blocks[0].finished
    return [row.title for row in rows if any(map(_is_better, (row.comparison, row.trivial)))]


def _is_better(told: Comparison | None) -> bool:
    return told is not None and told.verdict == "better"


def report(found: Sequence[Sequence[str]]) -> tuple[str, bool]:
    """Return the sentence to print, and whether claims are not proven to be too many."""
    n, wrong = len(found), sum(bool(names) for names in found)
    low, high = binomtest(wrong, n).proportion_ci()
    words = (
        f"{wrong} of {n} null tables end with a claim ({wrong / n:.1%}, exact 95 % interval "
        f"{low:.1%} to {high:.1%}); at most {ALLOWED:.0%} are allowed."
    )
    return words, low <= ALLOWED


def main() -> int:
    """Run the check; 1 if too many tables end with a claim."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tables", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    calls = (joblib.delayed(claims)(i) for i in range(given.tables))
    found = joblib.Parallel(given.jobs)(calls)
    for i, names in enumerate(found):
        if names:
            print(f"table {i}: {', '.join(names)}")
    words, is_held = report(found)
    print(words)
    return 0 if is_held else 1


if __name__ == "__main__":
    raise SystemExit(main())
