"""Folds of a cell in processes beside each other, where the cells are fewer than the processes."""

import os
import signal

import numpy as np
import psutil
import pytest

import imbench
from imbench.results.fold import ARRAYS
from imbench.run.cell import Runner, run_apart
from imbench.run.executors import local
from imbench.run.processes import START_S, Workers, can_run_apart
from imbench.run.sweep import run_cells
from tests.cells import cells_of

pytestmark = pytest.mark.process

HERE = "tests.unit.test_folds_apart"


class FailsOnce:
    """A resampler that fails, or is killed, on the training part of one fold."""

    def __init__(self, rows: int = 0, killed: bool = False, random_state: int | None = None):
        self.rows = rows
        self.killed = killed
        self.random_state = random_state

    def get_params(self, deep=True):
        return {"rows": self.rows, "killed": self.killed, "random_state": self.random_state}

    def set_params(self, **values):
        vars(self).update(values)
        return self

    def fit_resample(self, X, y):
        if len(y) == self.rows:
            if self.killed:
                os.kill(os.getpid(), signal.SIGKILL)
            raise ValueError("this part is refused.")
        return X[:-1], y[:-1]


def compose(*words):
    return cells_of("dataset=synthetic", "device=cpu", "splits.n_splits=3", *words)


def cells(folder, n_jobs, *words):
    return list(run_cells(Runner(folder), compose(*words), n_jobs))


@pytest.mark.parametrize(
    "words",
    [
        ["model=random_forest", "strategy=smote", "dataset.n_rows=150"],
        ["model=logistic_regression", "strategy=[smote,threshold]", "dataset.n_rows=150"],
        ["model=decision_tree", "dataset.n_rows=150", "tuning=optuna", "tuning.trials=2"],
    ],
)
def test_folds_side_by_side_end_as_one_after_the_other(words, tmp_path):
    (one,) = cells(tmp_path / "one", 1, *words)
    (two,) = cells(tmp_path / "two", 2, *words)
    assert one.status == two.status == "ok", two.reason
    for a, b in zip(one.folds, two.folds, strict=True):
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        for name in ("notes", "audit", "counts_after", "tuned", "warnings"):
            assert getattr(a, name) == getattr(b, name), name
    stored = sorted(path.name for path in (tmp_path / "two").rglob("r0-f?.json"))
    assert stored == ["r0-f0.json", "r0-f1.json", "r0-f2.json"]


def worker_processes():
    """Return the processes of this one that run folds."""
    return [
        child.pid
        for child in psutil.Process().children(recursive=True)
        if child.is_running() and "run.executors.worker" in " ".join(child.cmdline())
    ]


def test_a_comparison_in_python_leaves_no_process_behind(tmp_path):
    before = worker_processes()
    X = np.random.default_rng(0).normal(size=(60, 2))
    found = imbench.compare(
        X, (X[:, 0] > 0.5).astype(int), ["none"], ["decision_tree"], results_dir=tmp_path,
        progress=False, overrides=["n_jobs=2", "splits.n_splits=2", "splits.n_repeats=1"],
    )  # fmt: skip
    assert found.cells[0].status == "ok"
    assert worker_processes() == before


def test_folds_that_are_stored_are_not_run_again(tmp_path):
    words = ["model=decision_tree", "dataset.n_rows=150"]
    cells(tmp_path, 1, *words)
    kept = next(tmp_path.rglob("r0-f1.json"))
    before = kept.stat().st_mtime_ns
    for n in (0, 2):
        next(tmp_path.rglob(f"r0-f{n}.json")).unlink()
    (cell,) = cells(tmp_path, 2, *words)
    assert [f.status for f in cell.folds] == ["ok"] * 3
    assert kept.stat().st_mtime_ns == before


def failing(rows, killed=False):
    return [
        "model=decision_tree", "dataset.n_rows=100", "strategy=none",
        f"+strategy.resample.x={{_target_: {HERE}.FailsOnce, rows: {rows}, killed: {killed}}}",
    ]  # fmt: skip


def test_a_failed_fold_ends_its_cell_and_finished_folds_are_stored(tmp_path):
    # 100 rows in three folds: the first training part has 66, the others 67.
    (one,) = cells(tmp_path / "one", 1, *failing(67))
    (two,) = cells(tmp_path / "two", 2, *failing(67))
    assert one.status == two.status == "failed"
    assert one.reason == two.reason == "strategy.resample.x: this part is refused."
    assert [f.status for f in two.folds] == [f.status for f in one.folds] == ["ok", "failed"]
    assert list((tmp_path / "two").rglob("r0-f0.json"))


def test_a_killed_process_is_one_sentence_and_finished_folds_are_stored(tmp_path):
    (cell,) = cells(tmp_path, 2, *failing(67, killed=True))
    assert cell.status == "failed"
    assert cell.reason.startswith("crashed (signal 9): ")
    assert "n_jobs=1" in cell.reason
    assert [fold.status for fold in cell.folds] == ["ok", "failed"]
    (again,) = cells(tmp_path, 2, *failing(67)[:3])
    assert again.status == "ok"


def test_nets_that_train_in_stacks_keep_to_their_stack(tmp_path):
    def apart(*words):
        (cell,) = compose(*words)
        return can_run_apart(cell)

    assert not apart("model=mlp", "strategy=focal")
    assert apart("model=random_forest")
    assert apart("dataset=digits", "model=cnn")
    words = ("model=mlp", "model.estimator.epochs=1", "dataset.n_rows=150", "strategy=none,focal")
    for cell in cells(tmp_path, 2, *words):  # each stack in a process of its own
        assert [fold.n_together for fold in cell.folds] == [3, 3, 3]


def test_a_gpu_is_not_shared_by_processes(monkeypatch):
    import torch

    from imbench.strategies.nets import device

    (cell,) = compose("dataset=digits", "model=cnn")
    cell.model.estimator.set_params(device="auto")
    monkeypatch.setattr(device, "select_device", lambda name: torch.device("cuda"))
    assert not can_run_apart(cell)


@pytest.fixture
def apart(monkeypatch):
    """What was handed to processes, in order: labels of cells, numbers of folds."""
    handed = []

    def in_this_process(self, tasks, n_workers, n_threads):
        for task in tasks:
            handed.extend((task.cell.label, fold.fold) for fold in task.stack[1])
            arguments = (self.runner.results_dir, self.runner.cache, task.cell, task.stack)
            yield task, run_apart(*arguments)

    monkeypatch.setattr(local.LocalExecutor, "apart", in_this_process)
    monkeypatch.setattr(local, "n_cores", lambda: 2)
    return handed


TABLES = ("model=decision_tree", "dataset.n_rows=150")
SWEEP = "strategy=none,random_over,random_under"


def slow(monkeypatch, seconds):
    """Let every fold that is timed seem to take so long."""
    from imbench.run import processes

    clock = iter(range(10**6))
    monkeypatch.setattr(processes.time, "perf_counter", lambda: next(clock) * seconds)


def test_auto_fits_small_work_in_this_process(tmp_path, apart, monkeypatch):
    slow(monkeypatch, START_S / 100)
    found = cells(tmp_path, "auto", *TABLES, SWEEP)
    assert [cell.label for cell in found] == ["none", "random_over", "random_under"]
    assert apart == []


def test_auto_times_one_fold_and_hands_the_rest_to_processes(tmp_path, apart, monkeypatch):
    slow(monkeypatch, START_S)
    found = cells(tmp_path, "auto", *TABLES, SWEEP)
    assert [cell.status for cell in found] == ["ok"] * 3
    rest = [(label, i) for label in ("random_over", "random_under") for i in range(3)]
    assert apart == [("none", 1), ("none", 2), *rest]


def test_auto_hands_all_folds_to_processes_of_an_earlier_round(tmp_path, apart, monkeypatch):
    for n in (1, 2):  # the first alone may be one of a limited fold
        monkeypatch.setattr(local.Pool, "n_workers", n)
        words = ("strategy=none", f"dataset.n_rows={150 + n}")
        cells(tmp_path, "auto", *TABLES, *words)
        assert apart == [("none", i) for i in range(3) if n == 2]


def test_auto_keeps_a_single_fold_and_nets_in_this_process(tmp_path, apart, monkeypatch):
    slow(monkeypatch, START_S)
    words = ("dataset=synthetic", *TABLES, "splits=holdout")
    list(run_cells(Runner(tmp_path), cells_of(*words), "auto"))
    cells(tmp_path, "auto", "model=mlp", "model.estimator.epochs=1", "dataset.n_rows=150", SWEEP)
    assert apart == []


def test_auto_starts_no_more_processes_than_fit_into_memory(monkeypatch):
    from imbench.run import processes

    monkeypatch.setattr(processes, "_memory_bytes", lambda: 24 * 10**9)
    workers = Workers(8, is_measured=True)
    workers.fit_into_memory(10**8)
    assert workers.n_max == 8
    workers.fit_into_memory(10**9)
    assert workers.n_max == 2
    workers.fit_into_memory(10**11)
    assert workers.n_max == 1
    assert not workers.pays(100)


def test_folds_of_all_cells_are_handed_over_one_by_one(tmp_path, apart):
    """Whole cells would leave workers idle behind the longest strategy."""
    words = ("dataset=synthetic", *TABLES, SWEEP, "splits.n_splits=2")
    found = list(run_cells(Runner(tmp_path), cells_of(*words), 2))
    labels = ["none", "random_over", "random_under"]
    assert [cell.label for cell in found] == labels
    assert apart == [(label, i) for label in labels for i in range(2)]
    apart.clear()
    next(tmp_path.rglob("*random_over*/r0-f1.json")).unlink()
    again = list(run_cells(Runner(tmp_path), cells_of(*words), 2))
    assert apart == [("random_over", 1)]
    assert [len(cell.folds) for cell in again] == [2, 2, 2]
