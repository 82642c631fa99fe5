"""Measure what a cell, a fold and a row cost imbench itself, without any fit.

    python scripts/scale.py [--cells 60] [--rows 1000000]

Seconds are those of the processor in this process, so that other processes change them little.
The printed table is the source of the figures in docs/scale.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from imbench.config.compose import Composer
from imbench.config.parse import Draft
from imbench.data.splits import RepeatedKFold
from imbench.data.synthetic import load_synthetic
from imbench.report.tables import build_leaderboard
from imbench.results.claims import Claims
from imbench.results.fold import CellKey, CellResult, FoldResult
from imbench.results.metric_options import MetricOptions
from imbench.results.store import Store
from imbench.run.plan import Entry, Piece, Plan, balanced
from imbench.run.plan_status import status_of

N_FOLDS, N_TEST = 5, 200  # of a cell
Result = TypeVar("Result")


def timed(what: str, n: float, function: Callable[[], Result]) -> Result:
    """Call a function once and print the milliseconds a part."""
    started = time.process_time()
    result = function()
    print(f"{what:<52} {1000 * (time.process_time() - started) / n:9.3f} ms", flush=True)
    return result


def each(function: Callable[..., None], calls: Sequence[tuple[Any, ...]]) -> None:
    """Call a function with each of some arguments."""
    for call in calls:
        function(*call)


def composed() -> MetricOptions:
    """Compose and parse a sweep over strategies; what is imported once is left out."""
    composer = Composer(None)
    base = ["dataset=synthetic", "model=knn"]
    few = composer.cells([*base, "strategy=none,smote,[smote,threshold]"], multirun=True)
    for config in few:  # imports what these need
        Draft(config, composer.folders).cell()
    timed("compose: a data set, model or other value", 1, lambda: composer.compose(base))
    n = len(list((composer.folders[0] / "strategy").glob("*.yaml")))
    every = [*base, "strategy=glob(*)"]
    timed("compose: a strategy", n, lambda: composer.cells(every, multirun=True))
    drafts = [Draft(config, composer.folders) for config in few * 5]
    timed("outline: a cell", len(drafts), lambda: [draft.outline for draft in drafts])
    timed("parse: a cell", len(drafts), lambda: [draft.cell() for draft in drafts])
    return drafts[0].metrics


def stored(folder: Path, n_cells: int, options: MetricOptions) -> None:
    """Write, claim, plan, look through and report cells of which nothing was fitted."""
    rng = np.random.default_rng(0)
    store, claims = Store(folder), Claims(folder / "runs")
    y = (np.arange(N_TEST) % 5 == 0).astype(np.int64)
    keys = [
        CellKey(f"{i:016x}", "toy", "knn", f"s{i}", (), N_FOLDS, {"seed": 0, "number": i})
        for i in range(n_cells)
    ]
    score = rng.dirichlet([1, 1], N_TEST)

    def fold(key: CellKey, number: int) -> FoldResult:
        return FoldResult(
            run_id=key.run_id, dataset=key.dataset, model=key.model, label=key.label, repeat=0,
            fold=number, status="ok", reason="", class_names=("no", "yes"), minority=1,
            test_index=np.arange(N_TEST), y_true=y, y_pred=score.argmax(axis=1), y_score=score,
        )  # fmt: skip

    n = n_cells * N_FOLDS

    def claim() -> None:
        for key in keys:
            for i in range(N_FOLDS):
                claims.take(key.folder, [f"r0-f{i}"])
                claims.release(key.folder, [f"r0-f{i}"])

    timed("cell.json: a cell", n_cells, lambda: each(store.write_cell, [(key,) for key in keys]))
    timed("claim and release: a fold", n, claim)
    folds = [(key, fold(key, i)) for key in keys for i in range(N_FOLDS)]
    timed("store: a fold", n, lambda: each(store.write_fold, folds))
    entries = tuple(Entry(k.run_id, k.dataset, k.model, k.label, k.folder, N_FOLDS) for k in keys)
    pieces = [Piece([(i, (0, f))], 1.0) for i in range(n_cells) for f in range(N_FOLDS)]
    chunks = timed("divide into 100 chunks: a fold", n, lambda: balanced(pieces, 100))
    plan = Plan((), None, str(folder), "0", entries, chunks)
    timed("write and read the plan: a cell", n_cells, lambda: _there_and_back(plan, folder))
    timed("status: a fold", n, lambda: status_of(plan, store))
    cells = timed(
        "read for a report: a fold",
        n,
        lambda: [cell for cell in store.read_cells() if isinstance(cell, CellResult)],
    )
    timed("leaderboard: a cell", n_cells, lambda: build_leaderboard(cells, options))
    n_bytes = sum(path.stat().st_size for path in store.runs.rglob("*") if path.is_file())
    print(f"{'files: a fold of ' + str(N_TEST) + ' test rows':<52} {n_bytes / n / 1e3:9.1f} kB")


def _there_and_back(plan: Plan, folder: Path) -> None:
    plan.write(folder / "plan.json")
    Plan.read(folder / "plan.json")


def rows(n_rows: int) -> None:
    """Print the bytes that a row takes."""
    n = n_rows / 10**6
    data = timed("make: a million rows", n, lambda: load_synthetic(n_rows=n_rows))
    n_bytes = {
        "table: a row": data.X.nbytes + data.y.nbytes,
        "hash for the audit: a row": data.contents.hashes.nbytes,
    }
    folds = timed("5 folds: a million rows", n, lambda: _split(data))
    n_bytes["row numbers of 5 folds: a row"] = sum(
        fold.train_index.nbytes + fold.test_index.nbytes for fold in folds
    )
    for what, size in n_bytes.items():
        print(f"{what:<52} {size / n_rows:9.1f} bytes")


def _split(data: object) -> list:
    return RepeatedKFold(5).split(data, seed=0)  # type: ignore[arg-type]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=60)
    parser.add_argument("--rows", type=int, default=10**6)
    arguments = parser.parse_args()
    options = composed()
    with tempfile.TemporaryDirectory() as folder:
        stored(Path(folder), arguments.cells, options)
    rows(arguments.rows)


if __name__ == "__main__":
    main()
