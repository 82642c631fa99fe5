"""Write the order in which `recommend` starts strategies, from the published tables.

In each table of results/tables/ (one data set, one model) the candidates of the race are ranked by
a metric. A skipped strategy ranks where doing nothing does, as who cannot apply it does nothing.
The order is that of the mean of the ranks, scaled to 0 (best) to 1: over models within a data set,
then over data sets.

    python scripts/race_order.py            # writes imbench/api/published_order.json
    python scripts/race_order.py --check    # 1 if it is not what the tables say
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from imbench.api.recommend import CANDIDATES

ROOT = Path(__file__).parents[1]
PUBLISHED = ("strategies", "to_smote_or_not")  # names of pages in results/tables/
METRICS = {"f1_macro": 1, "average_precision": 1, "brier": -1}  # 1: higher is better
TARGET = ROOT / "imbench" / "api" / "published_order.json"


def tables(page: str) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield data set, model and the means by strategy and metric of each table of a page."""
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        title, *lines = part.splitlines()
        rows = [
            [cell.strip() for cell in line.strip("|").split(" | ")]
            for line in lines
            if line.startswith("| ")
        ]
        dataset, _, model = title.partition(" · ")
        if not rows or "verdict" not in rows[0]:  # a ranking over data sets
            continue
        names = [name.strip().split(" ")[0] for name in rows[0]]
        body = {row[0]: dict(zip(names, row, strict=False)) for row in rows[2:]}
        means = {
            strategy: {metric: _mean(cells.get(metric, "")) for metric in METRICS}
            for strategy, cells in body.items()
        }
        yield dataset, model, pd.DataFrame.from_dict(means, orient="index")


def _mean(cell: str) -> float:
    """Return the mean of a cell such as "0.702 ± 0.025"; NaN of an empty one."""
    found = re.match(r"-?[0-9.]+", cell)
    return float(found[0]) if found else np.nan


def places(table: pd.DataFrame, metric: str) -> pd.Series:
    """Return the scaled ranks of the candidates that a table has."""
    values = METRICS[metric] * table[metric]
    values = values.fillna(values["none"]).reindex([c for c in CANDIDATES if c in table.index])
    ranks = rankdata(-values.to_numpy())
    return pd.Series((ranks - 1) / max(len(ranks) - 1, 1), index=values.index)


def order() -> dict[str, object]:
    """Return the order for each metric, and how many data sets it comes from."""
    found = [
        (dataset, table)
        for name in PUBLISHED
        for dataset, _, table in tables((ROOT / "results" / "tables" / f"{name}.md").read_text())
        if "none" in table.index and table["f1_macro"].notna().any()
    ]
    orders: dict[str, list[str]] = {}
    for metric in METRICS:
        ranks = pd.DataFrame([places(table, metric) for _, table in found])
        mean = ranks.groupby([dataset for dataset, _ in found]).mean().mean()
        orders[metric] = mean.sort_index().sort_values(kind="stable").index.tolist()
    return {
        "made_by": "python scripts/race_order.py",
        "tables": [f"results/tables/{name}.md" for name in PUBLISHED],
        "n_datasets": len({dataset for dataset, _ in found}),
        "orders": orders,
    }


def main() -> int:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    text = json.dumps(order(), indent=2) + "\n"
    if parser.parse_args().check:
        return int(text != TARGET.read_text())
    TARGET.write_text(text)
    print(text, end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
