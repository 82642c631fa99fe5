"""Folds of a cell in processes beside each other, where the cells are fewer than the processes."""

import os
import signal

import numpy as np
import pytest

from imbench.cli.compose import Composer
from imbench.errors import ImbenchError
from imbench.results.fold import ARRAYS
from imbench.run import sweep
from imbench.run.cell import Runner
from imbench.run.folds import can_run_apart
from imbench.run.sweep import run_cells

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


def configs(results_dir, *words):
    fixed = [f"results_dir={results_dir}", "dataset=synthetic", "device=cpu", "splits.n_splits=3"]
    return Composer(None).cells([*fixed, *words], multirun=True)


def cells(folder, n_jobs, *words):
    return list(run_cells(Runner(folder), configs(folder, *words), n_jobs))


@pytest.mark.parametrize(
    "words",
    [
        ["model=random_forest", "strategy=smote", "dataset.n_rows=150"],
        ["model=logistic_regression", "strategy=[smote,threshold]", "dataset.n_rows=150"],
        ["model=decision_tree", "dataset.n_rows=150", "tuning=optuna", "tuning.trials=2"],
    ],
)
def test_folds_side_by_side_end_as_one_after_the_other(words, tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "_run_cell", None)  # cells are not what is sent away
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
    with pytest.raises(ImbenchError, match=r"of 2 processes was killed.*smaller n_jobs"):
        cells(tmp_path, 2, *failing(67, killed=True))
    (again,) = cells(tmp_path, 2, *failing(67)[:3])
    assert again.status == "ok"


def test_nets_that_train_in_stacks_keep_to_their_stack(tmp_path):
    def apart(*words):
        (config,) = configs(tmp_path, *words)
        return can_run_apart(Runner(tmp_path).task_of(config))

    assert not apart("model=mlp", "strategy=focal")
    assert apart("model=random_forest")
    assert apart("dataset=digits", "model=cnn")
    runner = Runner(tmp_path, n_workers=4)
    (config,) = configs(tmp_path, "model=mlp", "model.estimator.epochs=1", "dataset.n_rows=150")
    runner._run_apart = None  # would be called
    assert [fold.n_together for fold in runner.run(config).folds] == [3, 3, 3]


def test_a_gpu_is_not_shared_by_processes(tmp_path, monkeypatch):
    import torch

    from imbench.strategies.nets import device

    (config,) = configs(tmp_path, "dataset=digits", "model=cnn")
    task = Runner(tmp_path).task_of(config)
    task.model.estimator.set_params(device="auto")
    monkeypatch.setattr(device, "select_device", lambda name: torch.device("cuda"))
    assert not can_run_apart(task)
