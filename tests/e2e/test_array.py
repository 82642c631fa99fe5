"""A sweep in chunks: planned, run by processes of which one is killed, completed, and read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from imbench.results.fold import ARRAYS, CellResult
from imbench.results.store import Store
from tests.conftest import ROOT
from tests.e2e.conftest import Run, says

SWEEP = ("dataset=synthetic", "splits.n_splits=3", "splits.n_repeats=2", "n_jobs=1")
SMALL = (*SWEEP, "dataset.n_rows=60", "model=decision_tree", "strategy=none,random_over,threshold")


def cells(results: Path) -> dict[str, CellResult]:
    found = [c for c in Store(results).read_cells() if isinstance(c, CellResult)]
    return {cell.run_id: cell for cell in found}


def assert_bit_equal(one: Path, two: Path) -> None:
    a, b = cells(one), cells(two)
    assert a.keys() == b.keys()
    for run_id, cell in a.items():
        assert [(f.repeat, f.fold, f.status) for f in cell.folds] == [
            (f.repeat, f.fold, f.status) for f in b[run_id].folds
        ]
        for f, g in zip(cell.folds, b[run_id].folds, strict=True):
            for name in ARRAYS:
                np.testing.assert_array_equal(getattr(f, name), getattr(g, name))


def test_chunks_end_as_one_command_does(run: Run, tmp_path: Path, monkeypatch) -> None:
    planned = run("plan", *SMALL, "--chunks", "2")
    assert planned.code == 0
    assert "3 cells with 18 folds in 2 chunks of 9 to 9 folds" in planned.out
    assert "sbatch --array=0-1 --wrap 'python -m imbench work plan.json'" in planned.out
    assert not (tmp_path / "results").exists()
    before = run("status", "plan.json")
    assert before.code == 1
    assert "0 of 18 folds done, 18 missing" in before.out
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    first = run("work", "plan.json")
    assert (first.code, "work: chunk 1, from JOB_COMPLETION_INDEX." in first.err) == (0, True)
    assert "9 folds run, 0 were stored" in first.out
    assert "0 folds run, 9 were stored" in run("work", "plan.json").out
    half = run("status", "plan.json")
    assert "missing: synthetic decision_tree none: " in half.out
    assert "(chunk 0)" in half.out
    assert "(chunk 1)" not in half.out
    assert "run next: python -m imbench work plan.json 0" in half.out
    assert run("work", "plan.json", "0").code == 0
    done = run("status", "plan.json")
    assert (done.code, "complete. run next: python -m imbench report" in done.out) == (0, True)
    assert run("-m", *SMALL, "results_dir=local").code == 0
    assert_bit_equal(tmp_path / "results", tmp_path / "local")


def test_executor_array_writes_the_plan_and_runs_nothing(run: Run, tmp_path: Path) -> None:
    words = ("-m", *SMALL, "executor=array")
    says(run(*words), "executor.chunks is not set")
    done = run(*words, "executor.chunks=2", "executor.out=mine.json")
    assert done.code == 0
    assert "mine.json: 3 cells with 18 folds in 2 chunks" in done.out
    assert not (tmp_path / "results").exists()
    assert run("status", "mine.json").code == 1
    says(run(*words, "executor.chunks=0"), "chunks must be an integer of at least 1, got 0")


def test_an_executor_of_ones_own_plans_if_its_class_says_so(
    run: Run, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "my_planner.py").write_text(
        "from imbench.run.executors.array import ArrayExecutor\n\n\n"
        "class Planner(ArrayExecutor):\n    pass\n"
    )
    (tmp_path / "mine" / "executor").mkdir(parents=True)
    text = "_target_: my_planner.Planner\nchunks: 2\n"
    (tmp_path / "mine" / "executor" / "ours.yaml").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    words = ("--config-dir", "mine", "-m", *SMALL, "executor=ours")
    done = run(*words)
    assert (done.code, "in 2 chunks" in done.out, (tmp_path / "plan.json").exists()) == (0, 1, 1)
    assert not (tmp_path / "results").exists()
    monkeypatch.setattr(sys.modules["my_planner"].Planner, "plans", False, raising=False)
    assert "runs nothing here" in run(*words).err


def test_stored_cells_are_shown_where_nothing_is_left_to_plan(run: Run, tmp_path: Path) -> None:
    one = ("dataset=synthetic", "dataset.n_rows=60", "model=decision_tree", "splits=holdout")
    assert run(*one).code == 0
    done = run(*one, "executor=array", "executor.chunks=2")
    assert (done.code, "report: python -m imbench report" in done.out) == (0, True)
    assert not (tmp_path / "plan.json").exists()


def test_two_folders_are_reported_together(run: Run, tmp_path: Path) -> None:
    run("plan", *SMALL, "--chunks", "2")
    for i in (0, 1):
        assert run("work", "plan.json", str(i), f"results_dir=machine{i}").code == 0
    assert run("status", "plan.json", "machine0").code == 1
    done = run("report", "machine0/runs", "machine1/runs", "--out", "page")
    assert (done.code, done.err) == (0, "")
    assert "Mean ± sd over 6 folds in 2 repeats" in done.out
    assert (tmp_path / "page" / "index.html").exists()
    says(run("report", "machine0/runs", "none/runs"), "there is no such folder")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("work", "none.json", "0"), ("none.json cannot be read", "python -m imbench plan")),
        (("status", "none.json"), ("none.json cannot be read",)),
        (("plan", "model=knn", "--chunks", "2"), ("splits.n_repeats=3",)),
    ],
)
def test_what_is_wrong_is_one_sentence(run: Run, words, parts) -> None:
    done = run(*words)
    assert done.code == 2
    says(done, *parts)


@pytest.mark.process
def test_a_worker_that_is_killed_is_named_and_completed(run: Run, tmp_path: Path) -> None:
    sweep = (*SWEEP, "dataset.n_rows=400", "model=random_forest", "strategy=none,smote")
    assert run("plan", *sweep, "--chunks", "2").code == 0
    command = [sys.executable, "-m", "imbench", "work", "plan.json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    workers = [subprocess.Popen([*command, str(i)], cwd=tmp_path, env=environment) for i in (0, 1)]
    folders = tmp_path / "results" / "runs"
    plan_of_first = run("status", "plan.json").out  # names which folds are whose
    assert "(chunk 0)" in plan_of_first
    while not list(folders.glob("*/r?-f?.json")):
        assert workers[0].poll() is None
        time.sleep(0.01)
    os.kill(workers[0].pid, signal.SIGKILL)
    assert workers[0].wait() == -signal.SIGKILL
    assert workers[1].wait() == 0
    left = run("status", "plan.json")
    assert left.code == 1
    assert "(chunk 0)" in left.out
    assert "(chunk 1)" not in left.out
    assert "run next: python -m imbench work plan.json 0" in left.out
    assert run("work", "plan.json", "0").code == 0
    assert run("status", "plan.json").code == 0
    # The kill may have come between the fold and the end of its claim, which then hinders nobody.
    claims = list(folders.rglob("*.claim"))
    assert [path.name for path in claims if not path.with_suffix(".json").exists()] == []
    assert len(claims) <= 1
    assert run("-m", *sweep, "results_dir=local").code == 0
    assert_bit_equal(tmp_path / "results", tmp_path / "local")


@pytest.mark.process
def test_overlapping_sweeps_fit_no_fold_and_no_trial_twice(run: Run, tmp_path: Path) -> None:
    tuned = (*SWEEP, "dataset.n_rows=80", "model=decision_tree", "strategy=none,smote")
    tuned += ("tuning=optuna", "tuning.trials=3", "results_dir=results")
    command = [sys.executable, "-m", "imbench", "-m", *tuned, "tracking=none"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [process.wait() for process in both] == [0, 0]
    import optuna
    from optuna.storages.journal import JournalFileBackend

    for log in (tmp_path / "results" / "tuning").glob("*.log"):
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(log)))
        trials = [study.n_trials for study in optuna.get_all_study_summaries(storage)]
        assert trials == [3] * 6
    assert run("-m", *tuned, "results_dir=local").code == 0
    assert_bit_equal(tmp_path / "results", tmp_path / "local")
