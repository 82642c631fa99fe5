"""Are stacks as large, and threads as many, as is fastest here? ``python scripts/bench.py stacks``.

Trains the same nets in stacks of several sizes, one after the other with every thread, or side
by side with one thread each, and shows what :mod:`imbench.models.nets.schedule` chooses beside the
best.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator, nn

from imbench.models.nets.job import Job, Settings, Stages
from imbench.models.nets.rows import Rows
from imbench.models.nets.schedule import crew, groups, run_works, step_flops
from imbench.models.nets.together import StackWork
from imbench.strategies.loss.cross_entropy import CrossEntropyLoss, cross_entropy

SIZES = (1, 2, 3, 5, 10, 20, 50, 100)
SMALLEST_FOR_MANY = 5  # 100 nets one by one take minutes, and the answer is known


@dataclass(frozen=True)
class Shape:
    """Nets to train: ``columns``-``hidden``-2, so many of them."""

    n_nets: int
    columns: int
    hidden: int
    n_rows: int
    epochs: int

    def __str__(self) -> str:
        return f"{self.n_nets} x {self.columns}-{self.hidden}-2"


SHAPES = (
    Shape(1, 10, 64, 800, 20),
    Shape(5, 10, 64, 800, 20),
    Shape(20, 10, 64, 800, 20),
    Shape(100, 10, 64, 800, 20),
    Shape(20, 30, 256, 2000, 5),
    Shape(5, 784, 256, 8000, 1),
    Shape(5, 784, 1024, 4000, 1),
)


@dataclass(frozen=True)
class Way:
    """Stacks of at most ``size`` nets, ``n_workers`` at a time with ``n_threads`` each."""

    size: int
    n_workers: int
    n_threads: int

    def __str__(self) -> str:
        return f"stacks of {self.size}, {self.n_workers} at a time, {self.n_threads} threads each"


def make_jobs(shape: Shape) -> list[Job]:
    """Return nets with rows of noise: what they learn is of no interest."""
    generator = Generator().manual_seed(0)
    jobs = []
    for seed in range(shape.n_nets):
        x = torch.randn(shape.n_rows, shape.columns, generator=generator)
        y = torch.randint(2, (shape.n_rows,), generator=generator)
        body = nn.Sequential(nn.Linear(shape.columns, shape.hidden), nn.ReLU())
        net = nn.Sequential(body, nn.Linear(shape.hidden, 2))
        settings = Settings(2, shape.epochs, 64, "adam", 1e-3, 0.0, False)
        order = Generator().manual_seed(seed)
        stages = Stages(cross_entropy, stack_loss=CrossEntropyLoss().bind)
        jobs.append(Job(net, Rows(x, y), None, stages, settings, order))
    return jobs


def ways(shape: Shape, n_cores: int) -> list[Way]:
    """Return what is tried."""
    sizes = [s for s in SIZES if s < shape.n_nets] + [shape.n_nets]
    if shape.n_nets >= 100:
        sizes = [s for s in sizes if s >= SMALLEST_FOR_MANY]
    found = [Way(size, 1, threads) for size in sizes for threads in {1, n_cores}]
    return found + [Way(size, n_cores, 1) for size in sizes if size < shape.n_nets]


def chosen(shape: Shape, n_cores: int) -> Way:
    """Return what the engine does."""
    jobs = make_jobs(shape)
    stacks = [[jobs[i] for i in group] for group in groups(jobs)]
    return Way(max(map(len, stacks)), *crew(stacks, n_cores))


def seconds(shape: Shape, way: Way) -> float:
    """Return how long the training takes in a way."""
    jobs = make_jobs(shape)
    stacks = [jobs[i : i + way.size] for i in range(0, len(jobs), way.size)]
    started = time.perf_counter()
    run_works([StackWork(stack) for stack in stacks], way.n_workers, way.n_threads)
    return time.perf_counter() - started


def measure(shape: Shape, n_rounds: int) -> dict[str, Any]:
    """Return the median seconds of the way that is chosen and of the fastest, and their ratio."""
    n_cores = torch.get_num_threads()
    ours = chosen(shape, n_cores)
    tried = list(dict.fromkeys([ours, *ways(shape, n_cores)]))
    times: dict[Way, list[float]] = {way: [] for way in tried}
    for _ in range(n_rounds):
        for way in tried:
            times[way].append(seconds(shape, way))
    medians = {way: statistics.median(values) for way, values in times.items()}
    best = min(medians, key=lambda way: medians[way])
    alone = Way(1, 1, n_cores)
    return {
        "shape": str(shape),
        "step_mflop": step_flops(make_jobs(shape)[0]) / 1e6,
        "chosen": str(ours),
        "chosen_s": medians[ours],
        "best": str(best),
        "best_s": medians[best],
        "one_by_one_s": medians.get(alone),
        "all": [{**asdict(way), "seconds": value} for way, value in medians.items()],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table row a shape."""
    parser = argparse.ArgumentParser(prog="bench.py stacks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--smoke", action="store_true", help="one small shape, for correctness")
    options = parser.parse_args(argv)
    shapes = (Shape(3, 4, 8, 64, 1),) if options.smoke else SHAPES
    print(f"{torch.get_num_threads()} threads, median of {options.rounds} rounds")
    print("| nets | MFLOP a step and net | chosen | s | fastest | s | chosen / fastest |")
    print("|---|---|---|---|---|---|---|")
    rows = []
    for shape in shapes:
        row = measure(shape, options.rounds)
        rows.append(row)
        chosen_s, best_s = row["chosen_s"], row["best_s"]
        print(
            f"| {row['shape']} | {row['step_mflop']:.2f} | {row['chosen']} | {chosen_s:.3f} "
            f"| {row['best']} | {best_s:.3f} | {chosen_s / best_s:.2f} |",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
