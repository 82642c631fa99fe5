"""Write the order in which `recommend` starts strategies, from the published leaderboards.

In each block of results/tables/*.csv (one data set, one model) the candidates of the race are
ranked by a metric. A skipped strategy ranks where doing nothing does, as who cannot apply it does
nothing; one that failed ranks last. The order is that of the mean of the ranks, scaled to 0 (best)
to 1: over models within a data set, then over data sets.

    python scripts/race_order.py            # writes imbench/api/published_order.json
    python scripts/race_order.py --check    # 1 if it is not what the tables say
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from published import PAGES, blocks, numbers
from scipy.stats import rankdata

from imbench.api.recommend import CANDIDATES

METRICS = {"f1_macro": 1, "average_precision": 1, "brier": -1}  # 1: higher is better
TARGET = Path(__file__).parents[1] / "imbench" / "api" / "published_order.json"


def places(lines: pd.DataFrame, metric: str) -> pd.Series:
    """Return the scaled ranks of the candidates of a block.

    Examples
    --------
    >>> status, value = ["ok", "ok", "skipped"], [0.7, 0.8, np.nan]
    >>> index = ["none", "smote", "smotenc"]
    >>> lines = pd.DataFrame({"status": status, "value": value}, index=index)
    >>> places(lines, "f1_macro").to_dict()
    {'smote': 0.0, 'smotenc': 1.0}
    """
    own = lines.loc[[name for name in CANDIDATES if name in lines.index]]
    values = METRICS[metric] * own["value"]
    values = values.mask(own["status"] == "skipped", METRICS[metric] * lines.at["none", "value"])
    ranks = rankdata(-values.fillna(-np.inf).to_numpy())
    return pd.Series((ranks - 1) / max(len(ranks) - 1, 1), index=own.index)


def order() -> dict[str, object]:
    """Return the order for each metric, and how many data sets it comes from."""
    found = numbers()
    orders: dict[str, list[str]] = {}
    for metric in METRICS:
        names, ranks = [], []
        for (dataset, _, _), lines in blocks(found, metric):
            names.append(dataset)
            ranks.append(places(lines, metric))
        mean = pd.DataFrame(ranks).groupby(names).mean().mean()
        orders[metric] = mean.sort_index().sort_values(kind="stable").index.tolist()
    return {
        "made_by": "python scripts/race_order.py",
        "tables": [f"results/tables/{page}.csv" for page in PAGES],
        "n_datasets": int(found["dataset"].nunique()),
        "orders": orders,
    }


def main() -> int:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    text = json.dumps(order(), indent=2) + "\n"
    if given.check:
        return int(text != TARGET.read_text())
    TARGET.write_text(text)
    print(text, end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
