"""Commands of their own process group, that are killed, and what they have stored."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from imbench.errors import DataError
from imbench.results.store import Store
from tests.conftest import ROOT

TREE = (
    "dataset=synthetic", "dataset.n_rows=120", "model=decision_tree", "splits.n_splits=3",
    "splits.n_repeats=1",
)  # fmt: skip
TUNED = (
    "tuning=optuna", "tuning.trials=4", "tuning.parallel_trials=2", "tuning.inner_splits=2",
)  # fmt: skip
SWEEP = ("-m", "strategy=none,smote,[random_over,threshold]", "n_jobs=2", *TREE, *TUNED)


def start(folder: Path, *words: str, tracking: str = "none") -> subprocess.Popen[str]:
    """Start a command whose results lie in a folder; MLflow's file lies there too."""
    environ = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "imbench", *words, f"tracking={tracking}", f"results_dir={folder}"],
        cwd=folder.parent,
        env=environ,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def exported(folder: Path) -> list[str]:
    """Return the run ids of the cells that MLflow's file holds in full, in order."""
    query = (
        "select t.value from tags t join runs r on r.run_uuid = t.run_uuid "
        "join tags d on d.run_uuid = t.run_uuid and d.key = 'imbench.digest' "
        "where r.lifecycle_stage = 'active' and t.key = 'imbench.run_id'"
    )
    with closing(sqlite3.connect(folder / "mlflow.db")) as store:
        return sorted(row[0] for row in store.execute(query))


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill what is left of a command, and wait for it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def kill_after(process: subprocess.Popen[str], seconds: float, parent_alone: bool) -> bool:
    """Kill a command, unless it ends by itself before; return whether it was killed.

    Where the parent alone is killed, its workers go on for half a second, and are ended then.
    """
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        if parent_alone:
            os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.5)
        kill_group(process)
        return True
    assert process.returncode == 0, out + err
    return False


def fold_files(folder: Path) -> dict[Path, bytes]:
    """Return the content of all stored folds, which holds the seconds of their fits."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.glob("runs/*/r*-f*.json")
        if path.exists()
    }


def bits(folder: Path) -> Mapping[tuple[Any, ...], Any]:
    """Return what must not depend on faults: predictions, scores, and trials without seconds."""
    found = {}
    for cell in Store(folder).read_cells():
        assert not isinstance(cell, DataError), cell
        for fold in cell.folds:
            trials = [{k: v for k, v in t.items() if k != "seconds"} for t in fold.trials]
            arrays = (fold.y_pred, fold.y_score, fold.test_index)
            key = (cell.run_id, cell.label, fold.repeat, fold.fold)
            values = *(a.tobytes() for a in arrays), repr(trials), repr(fold.tuned), fold.status
            found[key] = values
    return found


def finish(folder: Path, words: Sequence[str], tracking: str = "none") -> str:
    """Run a command to its end, and return what it printed."""
    process = start(folder, *words, tracking=tracking)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, out + err
    return out
