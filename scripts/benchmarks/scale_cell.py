"""One measurement of :mod:`benchmarks.scale`, in a process of its own: seconds and peak memory.

The peak is that of the process, so that two measurements in one process would hide each other.
"""

from __future__ import annotations

import ctypes
import gc
import json
import resource
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from imbench.config.cell import Cell
from imbench.config.compose import Composer
from imbench.config.parse import parse
from imbench.data.dataset import Dataset
from imbench.results.fold import FoldResult
from imbench.results.metrics import compute
from imbench.run.cell import Runner

N_FEATURES = 30
MINORITY_SHARE = 0.002
FEWEST = 20  # rows of the minority: inner folds and neighbours need some
RATIO = 3  # of the large classes to the small ones, where there are more than two
WARM_UP_ROWS = 1000
MEMORY = Path("/proc/self")


def class_sizes(n_rows: int, n_classes: int, of_two: bool) -> list[int]:
    """Return the rows of each class, largest first.

    Parameters
    ----------
    n_rows, n_classes : int
    of_two : bool
        Whether the classes are of two sizes, 3 : 1. An over-sampler then adds no more rows with
        a hundred classes than with two. Otherwise all but the first are a minority.

    >>> class_sizes(100_000, 2, False)
    [99800, 200]
    >>> class_sizes(1000, 2, False)
    [980, 20]
    >>> class_sizes(800, 4, True)
    [300, 300, 100, 100]
    """
    n_large = (n_classes + 1) // 2 if of_two else 1
    shares = np.array([RATIO] * n_large + [1] * (n_classes - n_large))
    small = int(n_rows / shares.sum()) if of_two else int(MINORITY_SHARE * n_rows)
    sizes = [max(small, FEWEST)] * (n_classes - n_large)
    left = n_rows - sum(sizes)
    return [left // n_large + (k < left % n_large) for k in range(n_large)] + sizes


@lru_cache(maxsize=1)
def load_table(n_rows: int, n_classes: int, of_two: bool) -> Dataset:
    """Return normal values around a centre a class; called by `measure` and then by the runner.

    The cached one is what the runner gets: making the data is no part of a measurement.
    """
    rng = np.random.default_rng(0)
    sizes = class_sizes(n_rows, n_classes, of_two)
    y = rng.permutation(np.repeat(np.arange(n_classes), sizes))
    centres = rng.normal(size=(n_classes, N_FEATURES))
    X = rng.standard_normal((n_rows, N_FEATURES))
    for column in range(N_FEATURES):  # by column: no second table is made
        X[:, column] += centres[y, column]
    names = tuple(f"class {k}" for k in range(n_classes))
    return Dataset("scale", X, y, names, tuple(f"x{i}" for i in range(N_FEATURES)))


def compose(words: Sequence[str], n_rows: int, n_classes: int, of_two: bool) -> Cell:
    """Return a cell with a hold-out on a table of this size.

    Raises
    ------
    RuntimeError
        If a value is refused.
    """
    composer = Composer(None)
    fixed = ["splits=holdout", "device=cpu", "tracking=none"]
    [config] = composer.cells([*fixed, *words], multirun=False)
    table = {"n_rows": n_rows, "n_classes": n_classes, "of_two": of_two}
    config["dataset"] = {"name": "scale", "_target_": f"{__name__}.load_table", **table}
    cell = parse(config, composer.folders)
    if not isinstance(cell, Cell):
        raise RuntimeError(cell.reason)
    return cell


def run(cell: Cell) -> FoldResult:
    """Run one fold through the runner and compute its metrics, as a command does.

    Raises
    ------
    RuntimeError
        If the cell is not ``ok``.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Runner(Path(folder)).run(cell)
    if result.status != "ok":
        raise RuntimeError(result.reason)
    compute(result.folds[0], cell.metrics)
    return result.folds[0]


def measure(
    words: Sequence[str], n_rows: int, n_classes: int, of_two: bool = False
) -> dict[str, float]:
    """Measure one fold of a cell, after a small one that loads what is loaded late.

    Returns
    -------
    dict
        ``seconds``: processor time of all threads, for everything from the fingerprint of the
        data and the split to the stored fold and its metrics. ``fit_s``, ``predict_s``: wall
        clock, as stored. ``n_trained``: rows that a model got. ``data_bytes``: of the rows.
        ``peak_bytes``: memory of the process at its peak less what it had before the data was
        made.
    """
    run(compose(words, WARM_UP_ROWS, 2, of_two=False))
    cell = compose(words, n_rows, n_classes, of_two)
    load_table.cache_clear()
    gc.collect()
    _give_back()
    before = _memory("VmRSS")
    n_bytes = load_table(n_rows=n_rows, n_classes=n_classes, of_two=of_two).X.nbytes
    _give_back()
    _reset_peak()
    started = time.process_time()
    fold = run(cell)
    return {
        "seconds": time.process_time() - started,
        "fit_s": fold.fit_s,
        "predict_s": fold.predict_s,
        "n_trained": sum(fold.counts_after),
        "data_bytes": n_bytes,
        "peak_bytes": _memory("VmHWM") - before,
    }


def _give_back() -> None:
    """Return freed memory to the system, where the C library knows how to."""
    if hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)


def _memory(name: str) -> int:
    """Return ``VmRSS`` (now) or ``VmHWM`` (peak) in bytes; the peak, where Linux says neither."""
    try:
        lines = (MEMORY / "status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])


def _reset_peak() -> None:
    """Begin the peak anew; where that cannot be done, making the data may be it."""
    try:
        (MEMORY / "clear_refs").write_text("5")
    except OSError:
        return


def main(text: str) -> int:
    """Print a measurement that is given as JSON, as JSON."""
    wanted: Mapping[str, Any] = json.loads(text)
    try:
        print(json.dumps(measure(**wanted)))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
