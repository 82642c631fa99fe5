"""Measure what a process of its own costs a fold, beside a fold in the process of the command.

python scripts/isolation.py             4 repeats of 5 folds, three pairs
python scripts/isolation.py --pairs 1   quicker

Folds of a small decision tree, so that what is measured is what comes on top of the fits. Both
sides of a pair run the same cell in one process, in turns, the second with a limit that ends
nothing. The first fold of a pair pays for the start of its process.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

from imbench.config.cell import Cell
from imbench.config.compose import Composer
from imbench.config.limits import Limits
from imbench.config.parse import parse
from imbench.run.cell import Runner
from imbench.run.sweep import run_cells

WORDS = ("dataset=synthetic", "model=decision_tree", "splits.n_repeats=4", "n_jobs=1")


def seconds(limits: Limits) -> tuple[float, float, float]:
    """Return the seconds of the first fold and of a further one (median), and CPU seconds."""
    composer = Composer(None)
    cell = parse(composer.cells(WORDS, multirun=False)[0], composer.folders)
    assert isinstance(cell, Cell)
    cpu_s = sum(os.times()[:4])
    ends = [time.perf_counter()]
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder), lambda *_: ends.append(time.perf_counter()), limits=limits)
        (done,) = run_cells(runner, [cell], 1)
    assert done.status == "ok", done.reason
    each = [after - before for before, after in pairwise(ends)]
    return each[0], median(each[1:]), sum(os.times()[:4]) - cpu_s


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    n_pairs = parser.parse_args().pairs
    seconds(Limits())  # imports
    pairs = [(seconds(Limits()), seconds(Limits(timeout_s=3600))) for _ in range(n_pairs)]
    here = median(pair[0][1] for pair in pairs)
    apart = median(pair[1][1] for pair in pairs)
    start = median(pair[1][0] for pair in pairs)
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {n_pairs} pairs")
    print(f"a fold in this process: {1000 * here:.1f} ms")
    print(f"a fold in a process of its own: {1000 * apart:.1f} ms")
    print(f"the first fold there, with the start of the process: {start:.2f} s")
    cpu = [median(pair[side][2] for pair in pairs) for side in (0, 1)]
    print(f"processor time of 20 folds: {cpu[0]:.2f} s here, {cpu[1]:.2f} s apart")


if __name__ == "__main__":
    main()
