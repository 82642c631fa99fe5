"""Folds that crash, hang, grow or exit: a failed cell each, and the sweep goes on."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from imbench.config.limits import Limits, limit_problems
from imbench.run.cell import Runner
from imbench.run.executors import isolation
from imbench.run.executors.pool import Call, Ended, Pool
from imbench.run.returned import check_returned
from imbench.run.sweep import run_cells
from tests import limited
from tests.cells import cell_of
from tests.conftest import ROOT

TARGET = "tests.limited.Misbehaves"


def words(how, *more):
    return (
        "dataset=synthetic", "dataset.n_rows=100", "splits.n_splits=3", "device=cpu", "model=own",
        f"model.estimator._target_={TARGET}", f"+model.estimator.how={how}", *more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def pool():
    """One process for all tests that leave theirs alive."""
    made = Pool()
    yield made
    made.close()


def outcome_of(pool, how, **limits):
    """Return what became of a fit in a worker process."""
    model = limited.Misbehaves(how, rows=2)
    call = Call("fit", fit_one, (model,), **limits)
    ((back, outcome),) = pool.run([call], 1)
    assert back is call
    return outcome


def fit_one(model):
    return model.fit(np.zeros((2, 1)), np.array([0, 1])).share_.tolist()


@pytest.mark.process
@pytest.mark.parametrize(
    ("how", "limits", "ended"),
    [
        ("segfault", {}, Ended("crashed", signal.SIGSEGV)),
        ("quit", {}, Ended("exited", 0)),
        ("exit", {}, Ended("exited", 0, is_lost=False)),
        ("hang", {"timeout_s": 0.2}, Ended("timeout")),
        ("hog", {"memory_bytes": 4e8}, "memory"),
        ("well", {"timeout_s": 60, "memory_bytes": 4e9}, [0.5, 0.5]),
    ],
)
def test_a_call_that_ends_its_process_is_told_from_the_others(pool, how, limits, ended):
    outcome = outcome_of(pool, how, **limits)
    if ended == "memory":
        assert outcome.kind == "memory"
        assert outcome.fact > 4e8
    else:
        assert outcome == ended


@pytest.mark.process
def test_a_sweep_goes_on_behind_a_segfault_and_gives_its_cell_up_after_two(tmp_path):
    def sweep(*hows):
        cells = [cell_of(*words(how)) for how in hows]
        return list(run_cells(Runner(tmp_path), cells, 1))

    bad, good = sweep("segfault", "well")
    assert (bad.status, good.status) == ("failed", "ok")
    assert bad.reason.startswith("crashed (signal 11): ")
    assert TARGET in bad.reason
    assert [fold.status for fold in bad.folds] == ["ok", "failed"]
    assert sweep("segfault")[0].reason == bad.reason
    (third,) = sweep("segfault")
    assert third.reason.startswith("crashed (signal 11): ")
    assert "2 times" in third.reason
    assert "retry=true" in third.reason


def test_what_a_limit_ended_is_tried_again_with_another_limit(tmp_path):
    cell = cell_of(*words("well"))
    runner = Runner(tmp_path, limits=Limits(timeout_s=1))
    task = runner.prepare(cell)
    for _ in range(2):
        assert runner.given_up(task.key) == ""
        runner.ended(cell, (task.folds, task.folds), "timeout: it took long.", is_lost=True)
    assert "retry=true" in runner.given_up(task.key)
    assert Runner(tmp_path, limits=Limits(timeout_s=9)).given_up(task.key) == ""
    again = Runner(tmp_path, limits=Limits(timeout_s=1), retry=True)
    assert again.given_up(task.key) == ""
    assert runner.given_up(task.key) == ""  # it was forgotten


@pytest.mark.process
def test_a_hang_is_a_failed_fold(tmp_path):
    runner = Runner(tmp_path, limits=Limits(timeout_s=0.5))
    (cell,) = run_cells(runner, [cell_of(*words("hang", "+model.estimator.rows=66"))], 1)
    assert [fold.status for fold in cell.folds] == ["failed"]
    assert cell.reason.startswith("timeout: it took longer than limits.timeout_s=0.5: ")
    assert "limits.timeout_s=1 " in cell.reason


def test_sys_exit_in_this_process_is_a_failed_fold_too(tmp_path):
    result = Runner(tmp_path).run(cell_of(*words("exit")))
    assert result.status == "failed"
    assert result.reason == "exited: a component called sys.exit(0)."


@pytest.mark.parametrize(
    ("how", "parts"),
    [
        ("short", ("rows of scores",)),
        ("one", ("2 classes", "a column for each")),
        ("undefined", ("not finite",)),
        ("label", ("label 99", "2 classes")),
        ("fewer", ("predict returned labels of shape",)),
    ],
)
def test_what_a_model_returns_is_checked_before_it_is_stored(tmp_path, how, parts):
    result = Runner(tmp_path).run(cell_of(*words(how)))
    assert result.status == "failed"
    assert all(part in result.reason for part in parts), result.reason
    (stored,) = Runner(tmp_path).store.read_cells()
    assert stored.status == "failed"


def test_what_is_right_passes_the_check():
    check_returned(np.array([[0.2, 0.8], [1.0, 0.0]]), np.array([1, 0]), 2)


@pytest.mark.parametrize("inner", [False, True])
def test_components_of_others_are_told_from_ours(inner):
    ours = cell_of("dataset=synthetic", "model=decision_tree", "strategy=smote")
    assert isolation.foreign_targets(ours) == ()
    assert not isolation.needs_process(ours, Limits())
    assert isolation.needs_process(ours, Limits(memory_gb=1))
    own = [f"model.estimator._target_={TARGET}"]
    if inner:
        own = ["model.estimator._target_=sklearn.ensemble.BaggingClassifier"]
        own += [f"+model.estimator.estimator={{_target_: {TARGET}}}"]
    theirs = cell_of("dataset=synthetic", "model=own", *own)
    assert isolation.foreign_targets(theirs) == (TARGET,)
    assert isolation.needs_process(theirs, Limits())


def test_the_timeout_of_tuning_limits_a_fold_where_no_other_does():
    tuned = cell_of("dataset=synthetic", "model=knn", "tuning=optuna", "tuning.timeout=50")
    assert isolation.seconds_of(tuned, Limits()) == (150, "tuning.timeout")
    assert isolation.seconds_of(tuned, Limits(timeout_s=7)) == (7, "limits.timeout_s")
    sentence = isolation.sentence_of(Ended("timeout"), tuned, ((1,), (1,)), Limits())
    assert "tuning.timeout" in sentence
    assert "limits.timeout_s=300" in sentence
    stack = isolation.sentence_of(Ended("timeout"), tuned, ((1, 2), (1,)), Limits(timeout_s=7))
    assert "each of 2 folds" in stack


def test_limits_that_are_none_are_one_sentence_each():
    node = {"timeout_s": True, "memory_gb": 0, "timeout": 3}
    found = limit_problems(node)
    assert len(found) == 3
    assert "did you mean 'timeout_s'?" in found[0]
    assert limit_problems(5) == [
        "limits=5 must hold keys, such as limits.timeout_s=60 limits.memory_gb=4."
    ]


PARENT = """
import sys
from tests.unit.test_limits import Call, Pool, limited, fit_one
list(Pool().run([Call("fit", fit_one, (limited.Misbehaves("hang", rows=2, note=sys.argv[1]),))], 1))
"""


@pytest.mark.process
def test_workers_end_with_their_parent(tmp_path):
    note = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(note)], cwd=ROOT)
    while not note.exists() or not note.read_text().endswith("\n"):
        assert parent.poll() is None
        time.sleep(0.05)
    worker = int(note.read_text())
    parent.kill()
    parent.wait()
    ended = time.monotonic() + 5
    while is_alive(worker):
        assert time.monotonic() < ended
        time.sleep(0.05)


def is_alive(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
