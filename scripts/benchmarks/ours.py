"""Our side, run as ``python ours.py job.json`` in the project's environment.

Times fit and predict of all folds through :func:`imbench.run.folds.run_folds`, as a run does it,
from the words of the command line (``job["words"]``), after a warm-up on tiny data. Prints one line
of JSON as the peers do.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

Job = Mapping[str, Any]


def task_of(job: Job, path: str) -> Any:
    """Return the cell that the words name, on the data and the folds of a file."""
    from benchmarks.data import read
    from imbench.config.cell import Cell
    from imbench.config.compose import Composer
    from imbench.config.parse import parse
    from imbench.run.folds import Task

    composer = Composer(None)
    words = [*job["words"], f"seed={job['seed']}"]
    cell = parse(composer.cells(words, multirun=False)[0], composer.folders)
    if not isinstance(cell, Cell):
        raise ValueError(cell.reason)
    data, folds = read(Path(path))
    key = replace(cell.key(data.name, data.fingerprint), n_folds=len(folds))
    return Task(cell, key, data, folds, results_dir=Path("results"))


def f1(y_true: Any, y_pred: Any) -> float:
    """Return the macro F1."""
    from sklearn.metrics import f1_score

    return float(f1_score(y_true, y_pred, average="macro"))


def run(task: Any) -> tuple[float, list[float], float]:
    """Fit and predict the folds of a cell.

    Returns
    -------
    seconds : float
        Wall clock, from the first fit to the last prediction and the audit of the rows.
    scores : list of float
        Macro F1 of each fold.
    fit_predict_s : float
        What the folds themselves say.
    """
    from imbench.run.folds import run_folds

    started = time.perf_counter()
    results = list(run_folds(task, task.folds))
    seconds = time.perf_counter() - started
    bad = next((r for r in results if r.status != "ok"), None)
    if bad is not None:
        raise RuntimeError(f"{bad.status}: {bad.reason}\n{bad.traceback}")
    spent = sum(r.fit_s + r.predict_s for r in results)
    return seconds, [f1(r.y_true, r.y_pred) for r in results], spent


def alone(task: Any) -> list[Any]:
    """Return the cell once for each fold, with that fold only."""
    return [replace(task, folds=[fold]) for fold in task.folds]


def together(job: Job) -> dict[str, Any]:
    """Time all folds as a run does; if asked, measure the peak of the machine around it.

    After a warm-up on tiny data, unless the first fits of a process are asked for.
    """
    tiny, task = task_of(job, job["warm_up"]), task_of(job, job["data"])
    if not job.get("is_first"):
        run(tiny)
    gc.freeze()  # as the command does before its first cell
    size = job.get("peak_size")
    peaks = [peak_gflops(size)] if size else []
    seconds, scores, spent = run(task)
    peaks += [peak_gflops(size)] if size else []
    return {"seconds": seconds, "f1": scores, "fit_predict_s": spent, "peaks": peaks}


def one_by_one(job: Job) -> dict[str, Any]:
    """Time the folds one after the other, each in a stack of its own."""
    tiny, task = task_of(job, job["warm_up"]), task_of(job, job["data"])
    run(alone(tiny)[0])
    gc.freeze()
    parts = [run(part) for part in alone(task)]
    return {"seconds": sum(p[0] for p in parts), "f1": [p[1][0] for p in parts]}


def separate(job: Job) -> dict[str, Any]:
    """Time a bagging by hand: members fitted one by one on bootstrap samples, scores averaged."""
    import torch

    tiny, task = task_of(job, job["warm_up"]), task_of(job, job["data"])

    gc.freeze()

    def bags(folds: list[Any], n_threads: int) -> tuple[float, list[float]]:
        torch.set_num_threads(n_threads)
        _bag(tiny, tiny.folds[0], 2, job["seed"])
        started = time.perf_counter()
        scores = [_bag(task, fold, job["n_members"], job["seed"]) for fold in folds]
        return time.perf_counter() - started, scores

    # The faster number of threads is found on the first fold.
    best = min(sorted({1, job["cores"]}), key=lambda n: bags(task.folds[:1], n)[0])
    seconds, scores = bags(task.folds, best)
    torch.set_num_threads(job["cores"])
    return {"seconds": seconds, "f1": scores, "how": f"threads={best}"}


def _bag(task: Any, fold: Any, n_members: int, seed: int) -> float:
    from imbench.pipeline.build import build

    rng = np.random.default_rng([seed, fold.fold])
    total: Any = 0
    for _ in range(n_members):
        rows = rng.choice(fold.train_index, len(fold.train_index))
        member = build(task.model, task.strategy, task.data.info, int(rng.integers(2**31)))
        member.fit(task.data.X[rows], task.data.y[rows])
        total = total + member.predict_proba(task.data.X[fold.test_index])
    return f1(task.data.y[fold.test_index], total.argmax(1))


def stack_and_one(job: Job) -> dict[str, Any]:
    """Time the nets of all folds as one stack, and the net of the first fold alone.

    Both are run once before the clock does: kernels and graphs belong to a shape.
    """
    task = task_of(job, job["data"])
    one = alone(task)[0]
    run(task)
    run(one)
    seconds, scores, _ = run(task)
    one_s, one_f1, _ = run(one)
    return {"seconds": seconds, "f1": scores[:1], "one_s": one_s, "one_f1": one_f1}


def peak_gflops(size: int, n_times: int = 8) -> float:
    """Return the best rate of float32 products of two (size, size) matrices, in 10^9 a second.

    By the fastest of PyTorch's default library (MKL), oneDNN and NumPy's library (OpenBLAS).
    """
    import torch
    from torch.nn.functional import linear

    a, b = torch.rand(2, size, size)
    products: list[Callable[[], Any]] = [lambda: a @ b, lambda: a.numpy() @ b.numpy()]
    if torch.backends.mkldnn.is_available():
        packed = a.to_mkldnn(), b.to_mkldnn()  # this layout has a linear layer and no matmul
        products.append(lambda: linear(*packed))
    best = float("inf")
    for multiply in products:
        multiply()
        for _ in range(n_times):
            started = time.perf_counter()
            multiply()
            best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best / 1e9


MEASURES: dict[str, Callable[[Job], dict[str, Any]]] = {
    "together": together,
    "one_by_one": one_by_one,
    "separate": separate,
    "stack_and_one": stack_and_one,
}


def measure(job: Job) -> dict[str, Any]:
    """Return what ``job["measure"]`` names."""
    return MEASURES[job["measure"]](job)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    print(json.dumps(measure(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
