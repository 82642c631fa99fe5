"""Rows of tables: the default command against imbalanced-learn's pipelines, and its memory.

Both sides are whole processes, from start to end, with imports and reading the data. No variable of
the environment says how many threads there are: both sides decide that by themselves.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data, environments, scale
from benchmarks.commands import cells_of, imbench, tracked
from benchmarks.ours import f1
from benchmarks.outcome import Aim, Failed, NotMeasured, Outcome, Pair, judge
from benchmarks.sides import PEERS, Bench, Rows, fastest_first
from imbench.data.dataset import Dataset
from imbench.data.splits import RepeatedKFold
from imbench.data.synthetic import load_synthetic
from imbench.data.table import load_table

REACH = 0.8  # times the peer's time
MOST_BUSY = 1.5  # times as long as alone
MOST_MEMORY = 3.0  # times the data
N_ROWS, N_COLUMNS, RATIO = 50_000, 30, 49  # 2 % of the rows are rare
MEMORY_ROWS = 1_000_000
CSV, TARGET, DROP = "csv/telco-customer-churn.csv", "Churn", ["customerID"]
WAYS = ("n_jobs=-1", "n_jobs=1")  # of cross_validate: a process a core, or the model's threads
MODELS = {"hgb": "hist_gradient_boosting", "lightgbm": "lightgbm"}
N_TREES, SMOKE_TREES = 100, 5  # the default of both models
TREES = {"hgb": "estimator.max_iter", "lightgbm": "estimator.estimator.n_estimators"}

ON_MIXED = (
    "none", "random_over", "random_under", "smotenc", "inverse_weights", "sqrt_inverse",
    "balanced_bagging", "threshold", "isotonic", "platt",
)  # fmt: skip
ON_NUMBERS = tuple("smote" if name == "smotenc" else name for name in ON_MIXED)
# Nearly all of their time is spent in searches for neighbors, which both sides do alike.
SAMPLERS = (
    "none", "random_over", "random_under", "smote", "borderline_smote", "adasyn", "tomek",
    "smote_tomek", "inverse_weights", "threshold",
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table on which both sides are measured.

    Parameters
    ----------
    name : str
        What the rows call it.
    words : str
        What it is, for people.
    strategies : tuple of str
    reach : float or None
        Times the peer's time; None where the row only informs.
    """

    name: str
    words: str
    strategies: tuple[str, ...]
    reach: float | None = REACH


TELCO = Table("telco", "Telco churn, 7,043 rows of mixed columns", ON_MIXED)
LARGE = Table("50k", f"{N_ROWS:,} x {N_COLUMNS}, 2 % rare rows", ON_NUMBERS)
SEARCHES = Table("50k_samplers", f"{LARGE.words}, mostly samplers", SAMPLERS, reach=None)


def _aim(table: Table, model: str) -> Aim:
    words = f"{MODELS[model]}, 10 strategies x 5 folds on {table.words}: time over the peer's"
    return Aim(f"tables_{table.name}_{model}", words, table.reach, at_most=True)


BUSY = Aim(
    "busy", f"{MODELS['hgb']} on Telco churn beside a busy process, over the time alone",
    MOST_BUSY, at_most=True,
)  # fmt: skip


def _memory_aim(model: str) -> Aim:
    words = f"peak memory of one fold at 10^6 x {N_COLUMNS}, over the bytes of the data"
    return Aim(f"memory_{model}", f"{MODELS.get(model, model)}: {words}", MOST_MEMORY, at_most=True)


def folder_of(bench: Bench) -> Path:
    """Return the folder that holds the CSV file of Telco churn; made-up rows in the smoke run.

    Raises
    ------
    NotMeasured
        If it is not there.
    """
    if bench.smoke:
        data.write_churn(bench.folder / CSV)
        return bench.folder
    if bench.data_dir is None or not (bench.data_dir / CSV).is_file():
        raise NotMeasured(f"Telco churn is not there: IMBENCH_DATA names no folder with {CSV}.")
    return bench.data_dir


def load(bench: Bench, table: Table) -> tuple[Dataset, list[str], Path | None]:
    """Return the data, the words of the command that select it, and its CSV file if it has one."""
    if table is TELCO:
        folder = folder_of(bench)
        rows = load_table(CSV, TARGET, drop=DROP, data_dir=str(folder))
        # Splits are derived from the name of a data set.
        return replace(rows, name="telco_churn"), ["dataset=telco_churn"], folder / CSV
    n_rows = 1_000 if bench.smoke else N_ROWS
    words = [
        f"dataset.n_rows={n_rows}",
        f"dataset.n_features={N_COLUMNS}",
        f"dataset.ratio={RATIO}",
    ]
    rows = load_synthetic(n_rows=n_rows, n_features=N_COLUMNS, ratio=RATIO)
    return rows, ["dataset=synthetic", *words], None


def command(bench: Bench, words: Sequence[str], model: str, labels: Sequence[str]) -> list[str]:
    """Return the words of the command: data, model, strategies, folds and nothing else."""
    smaller = [f"model.{TREES[model]}={SMOKE_TREES}"] if bench.smoke else []
    fixed = ["splits.n_repeats=1", *smaller]  # as many folds as the peer
    return ["-m", *words, f"model={MODELS[model]}", f"strategy={','.join(labels)}", *fixed]


def environ(bench: Bench) -> dict[str, str]:
    """Return an environment that leaves the number of threads open, except in the smoke run."""
    if bench.smoke:
        return {**bench.environ(), "IMBENCH_DATA": str(bench.folder)}
    return bench.environ(threads=False)


def run_ours(
    bench: Bench, name: str, words: Sequence[str], labels: Sequence[str], seed: int
) -> dict[str, Any]:
    """Run the command; return its seconds and the macro F1 of every strategy and fold.

    Raises
    ------
    Failed
        If a cell is not ``ok``.
    """
    results = bench.folder / f"{name}-{seed}"
    done = imbench(bench, results, [*words, f"seed={seed}"], environ=environ(bench))
    cells = {cell.label: cell for cell in cells_of(results)}
    bad = [label for label in labels if label not in cells or cells[label].status != "ok"]
    if bad:
        raise Failed(f"not ok: {', '.join(bad)}.")
    folds = [fold for label in labels for fold in cells[label].folds]
    return {
        "seconds": done.seconds,
        "f1": [f1(fold.y_true, fold.y_pred) for fold in folds],
        "test_rows": [fold.test_index for fold in cells[labels[0]].folds],
    }


def run_peer(bench: Bench, job: dict[str, Any], how: str | None) -> dict[str, Any]:
    """Run the peer in the way that is named, or in every way; return the faster."""
    # The smoke run stays in this process, where there is all that the peer imports.
    python = None if bench.smoke else environments.python_of("peers")
    found = [
        bench.script(python, PEERS / "tables.py", {**job, "how": way}, environ(bench))
        for way in ([how] if how else WAYS[-1:] if bench.smoke else WAYS)
    ]
    fastest = min(found, key=lambda one: one["answer_s"])
    return {**fastest, "seconds": fastest["answer_s"]}


def slower(one: Mapping[str, Any], other: Mapping[str, Any]) -> Pair:
    """Return the time of the first side over that of the second."""
    ratio = one["seconds"] / other["seconds"]
    return Pair(ratio, one["seconds"], other["seconds"], one["f1"], other["f1"])


def against_pipelines(bench: Bench, table: Table, model: str) -> list[Outcome]:
    """Measure the command and the peer in turns, on the same folds."""
    aim = _aim(table, model)
    rows, words, csv = load(bench, table)
    labels = table.strategies[-3:-1] if bench.smoke else table.strategies
    words = command(bench, words, model, labels)
    folds_of = {}

    def ours(seed: int) -> dict[str, Any]:
        return run_ours(bench, aim.name, words, labels, seed)

    def peer(seed: int, how: str | None) -> dict[str, Any]:
        folds_of[seed] = folds = RepeatedKFold(5).split(rows, seed)
        path = data.write(bench.folder / f"{aim.name}-{seed}.npz", rows, folds)
        job = {
            "data": str(path),
            "csv": str(csv) if csv else None,
            "drop": DROP,
            "target": TARGET,
            "model": MODELS[model],
            "n_trees": SMOKE_TREES if bench.smoke else N_TREES,
            "strategies": labels,
            "cores": bench.cores,
            "seed": seed,
        }
        return run_peer(bench, job, how)

    found = bench.in_turns(ours, fastest_first(peer), 3)
    for (one, _), folds in zip(found, folds_of.values(), strict=True):
        for mine, fold in zip(one["test_rows"], folds, strict=True):
            if not np.array_equal(mine, fold.test_index):
                raise Failed("the sides predict other folds.")
    pairs = [slower(*pair) for pair in found]
    said = (
        f"`python -m imbench {' '.join(words)}`, {tracked(bench)}, against {', '.join(labels)} as "
        f"pipelines of imbalanced-learn in cross_validate, the faster of {' and '.join(WAYS)}: "
        f"{found[0][1]['how']}; whole processes; {len(rows.y):,} rows; {bench.cores} cores"
    )
    return [judge(aim, pairs, said)]


@contextmanager
def busy_process() -> Iterator[None]:
    """Keep one core busy with another process."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


def busy(bench: Bench) -> list[Outcome]:
    """Run the same command alone, and beside a process that keeps a core busy."""
    _, words, _ = load(bench, TELCO)
    labels = TELCO.strategies[-3:-1] if bench.smoke else TELCO.strategies
    words = command(bench, words, "hgb", labels)

    def beside(seed: int) -> dict[str, Any]:
        with busy_process():
            return run_ours(bench, "busy", words, labels, seed)

    found = bench.in_turns(beside, lambda seed: run_ours(bench, "alone", words, labels, seed), 3)
    pairs = [slower(*pair) for pair in found]
    said = (
        f"`python -m imbench {' '.join(words)}`, {tracked(bench)}; a process in an endless loop on "
        f"one of {bench.cores} cores"
    )
    return [judge(BUSY, pairs, said)]


def memory(bench: Bench, model: str) -> list[Outcome]:
    """Measure the peak memory of one fold of a large table, in a process of its own."""
    n_rows = 2_000 if bench.smoke else MEMORY_ROWS
    words = ["strategy=none", f"model={MODELS.get(model, model)}"]
    words += ["model.estimator.epochs=1"] if model == "mlp" else []
    points = [
        scale.measure(scale.Case(model, "none", tuple(words)), n_rows, 2, False, timeout=1800)
        for _ in range(bench.pairs(1))
    ]
    for point in points:
        if point.why_not:
            raise Failed(point.why_not)
    said = f"{' '.join(words)}; {n_rows:,} rows, {scale.CONDITIONS}; the data itself is counted"
    return [judge(_memory_aim(model), [Pair(point.peak) for point in points], said)]


ROWS: Rows = {
    **{
        (_aim(table, model),): partial(against_pipelines, table=table, model=model)
        for table in (TELCO, LARGE, SEARCHES)
        for model in MODELS
    },
    (BUSY,): busy,
    **{(_memory_aim(model),): partial(memory, model=model) for model in ("mlp", "hgb")},
}
