"""What every peer shares: reading the job, the data and the folds, and printing what was measured.

A peer is a plain script that is run as ``python <peer>.py job.json`` in an environment without
imbench, and prints one line of JSON: ``seconds`` of fit and predict of all folds, ``f1`` (macro)
of each fold, and ``how`` it was run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Job = Mapping[str, Any]
Folds = list[tuple[Any, Any]]


def read(path: str) -> tuple[Any, Any, Folds]:
    """Return float32 rows (n, d), labels (n,) and the (train, test) row numbers of each fold.

    Pixels become [0, 1], before the clock runs.
    """
    with np.load(path) as content:
        X, y = content["X"], content["y"]
        n_folds = sum(name.startswith("train_") for name in content)
        folds = [(content[f"train_{i}"], content[f"test_{i}"]) for i in range(n_folds)]
    scale = np.float32(255 if X.dtype == np.uint8 else 1)
    return X.astype(np.float32) / scale, y, folds


def fastest(
    run: Callable[[tuple[Any, Any, Folds], Any], list[float]],
    ways: Mapping[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Time each way of running the job, after a warm-up on tiny data, and return the fastest.

    Parameters
    ----------
    run : callable
        From (X, y, folds) and a way to the macro F1 of each fold.
    ways : mapping of str to object
        By a name for people. ``job["how"]`` names the one to take, where it is known already.
    """
    tiny, data = read(job["warm_up"]), read(job["data"])
    found: dict[str, Any] = {}
    for how, way in ways.items():
        if job.get("how") not in (None, how):
            continue
        run(tiny, way)
        started = time.perf_counter()
        scores = run(data, way)
        seconds = time.perf_counter() - started
        if not found or seconds < found["seconds"]:
            found = {"seconds": seconds, "f1": [float(f) for f in scores], "how": how}
    return found


def main(measure: Callable[[Job], Mapping[str, Any]]) -> None:
    """Read the job that the command line names, and print what was measured."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(json.dumps(measure(job)))
