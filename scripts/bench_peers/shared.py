"""Shared by the peers: read the job, the data and the folds, print the measurement.

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

N_FOLDS_TO_CHOOSE = 5  # on which the fastest way is found


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
    """Measure the fastest way of running the job, after a warm-up unless ``is_first`` is set.

    Parameters
    ----------
    run : callable
        From (X, y, folds) and a way to the macro F1 of each fold.
    ways : mapping of str to object
        By a name for people. The fastest is found on the first folds. ``job["how"]`` names it
        where it is known already.
    """
    tiny, (X, y, folds) = read(job["warm_up"]), read(job["data"])
    found: dict[str, Any] = {}
    for how, way in ways.items():
        if job.get("how") in (None, how):
            if not job.get("is_first"):
                run(tiny, way)
            timed = _timed(run, (X, y, folds[:N_FOLDS_TO_CHOOSE]), way) | {"how": how}
            found = min(found, timed, key=lambda f: f["seconds"]) if found else timed
    if len(folds) > N_FOLDS_TO_CHOOSE:
        found |= _timed(run, (X, y, folds), ways[found["how"]])
    return found


def _timed(
    run: Callable[[tuple[Any, Any, Folds], Any], list[float]],
    data: tuple[Any, Any, Folds],
    way: Any,
) -> dict[str, Any]:
    started = time.perf_counter()
    scores = run(data, way)
    return {"seconds": time.perf_counter() - started, "f1": [float(f) for f in scores]}


def main(measure: Callable[[Job], Mapping[str, Any]]) -> None:
    """Read the job that the command line names, and print what was measured."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(json.dumps(measure(job)))
