"""What the Ray executor does with what comes back, by a stand-in for Ray in this process."""

import types

import numpy as np
import pytest

from imbench.errors import ImbenchError
from imbench.results.store import Store
from imbench.run.cell import Runner
from imbench.run.executors.base import Tasks
from imbench.run.executors.ray import RayExecutor
from tests.cells import cell_of

WORDS = ("dataset=synthetic", "dataset.n_rows=120", "model=decision_tree", "splits.n_splits=3")


class TaskFailed(Exception):
    def __init__(self, cause):
        super().__init__(str(cause))
        self.cause = cause


ERRORS = types.SimpleNamespace(
    RayError=type("RayError", (Exception,), {}),
    RayTaskError=TaskFailed,
    **{
        name: type(name, (Exception,), {})
        for name in ("NodeDiedError", "ObjectLostError", "OutOfMemoryError", "WorkerCrashedError")
    },
)


class Reference:
    def __init__(self, outcome):
        self.outcome = outcome


class StandIn:
    """Runs a task as it is waited for; the latest first, so that nothing comes in order.

    Parameters
    ----------
    broken : mapping of int to Exception
        What the call of a task comes to, by the number of the call.
    """

    exceptions = ERRORS
    util = types.SimpleNamespace(
        scheduling_strategies=types.SimpleNamespace(
            NodeAffinitySchedulingStrategy=lambda node, soft: None
        )
    )

    def __init__(self, broken=(), n_cpus=1.0):
        self.broken = dict(broken)
        self.n_cpus = n_cpus
        self.n_calls = self.most = 0
        self.cancelled = []

    def nodes(self):
        return [{"Alive": True, "NodeID": "a", "Resources": {"CPU": self.n_cpus}}]

    def remote(self, function=None, **options):
        if function is None:
            return self.remote
        work = types.SimpleNamespace(options=lambda **options: work)
        work.remote = lambda argument: Reference(lambda: function(argument))
        return work

    def wait(self, references, num_returns, timeout):
        self.most = max(self.most, len(references))
        reference = references[-1]
        outcome, call = reference.outcome, self.n_calls
        self.n_calls += 1
        reference.outcome = lambda: (
            self.raised(self.broken[call]) if call in self.broken else outcome()
        )
        return [reference], []

    def get(self, reference):
        return reference.outcome()

    def raised(self, error):
        raise error

    def cancel(self, reference, force):
        self.cancelled.append(reference)


def run(folder, monkeypatch, ray, *words, **options):
    runner = Runner(folder)
    executor = RayExecutor(runner, **options)
    monkeypatch.setattr(RayExecutor, "_connected", lambda self: ray)
    tasks = Tasks(runner, [cell_of(*WORDS, *words)])
    for task, results in executor.run(tasks):
        tasks.take_back(task, results)
    (cell,) = tasks.complete()
    return cell


@pytest.fixture
def alone(tmp_path):
    return Runner(tmp_path / "alone").run(cell_of(*WORDS))


@pytest.mark.parametrize("store", ["shared", "return"])
def test_a_sweep_has_the_bits_of_a_local_run_and_is_stored(tmp_path, monkeypatch, alone, store):
    ray = StandIn()
    cell = run(tmp_path, monkeypatch, ray, store=store)
    assert ray.most == 2, "twice as many as the slots"
    (stored,) = Store(tmp_path).read_cells()
    for found in (cell, stored):
        assert [fold.fold for fold in found.folds] == [0, 1, 2]
        for a, b in zip(found.folds, alone.folds, strict=True):
            np.testing.assert_array_equal(a.y_score, b.y_score)
    assert not list(tmp_path.glob(".ray-*"))


def test_a_task_goes_out_again_as_often_as_its_node_dies(tmp_path, monkeypatch, alone):
    ray = StandIn({i: ERRORS.NodeDiedError() for i in range(5)})
    cell = run(tmp_path, monkeypatch, ray)
    assert ray.n_calls == 8
    for a, b in zip(cell.folds, alone.folds, strict=True):
        np.testing.assert_array_equal(a.y_score, b.y_score)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ERRORS.WorkerCrashedError, "crashed: its process on a node of Ray was ended 2 times."),
        (ERRORS.OutOfMemoryError, "memory: Ray ended its process 2 times"),
    ],
)
def test_a_task_that_ends_its_process_twice_is_a_failed_fold(tmp_path, monkeypatch, error, reason):
    cell = run(tmp_path, monkeypatch, StandIn({0: error(), 1: error()}))
    assert cell.status == "failed"
    assert cell.reason.startswith(reason)


def test_a_file_that_cannot_be_written_is_tried_again_and_then_ends_the_sweep(
    tmp_path, monkeypatch
):
    full = OSError(28, "No space left on device")
    assert run(tmp_path / "a", monkeypatch, StandIn({0: TaskFailed(full)})).status == "ok"
    ray = StandIn({0: TaskFailed(full), 1: TaskFailed(full)})
    with pytest.raises(ImbenchError, match=r"No space left on device.*run the same command again"):
        run(tmp_path / "b", monkeypatch, ray)
    assert len(ray.cancelled) == 1, "what was under way is given up"


def test_tuned_trials_come_back_into_the_journal_and_go_out_again(tmp_path, monkeypatch):
    words = ("tuning=optuna", "tuning.trials=3", "tuning.inner_splits=2")
    alone = Runner(tmp_path / "alone").run(cell_of(*WORDS, *words))
    ray = StandIn()
    cell = run(tmp_path / "ray", monkeypatch, ray, *words)
    (journal,) = (tmp_path / "ray" / "tuning").glob("*.log")
    before = journal.read_bytes()
    for a, b in zip(cell.folds, alone.folds, strict=True):
        np.testing.assert_array_equal(a.y_score, b.y_score)
        assert [t["values"] for t in a.trials] == [t["values"] for t in b.trials]
    for path in (tmp_path / "ray" / "runs").rglob("r0-f1.*"):
        path.unlink()
    monkeypatch.setattr("imbench.run.tuning.optuna.Search._run", lambda *_: pytest.fail("fitted"))
    again = run(tmp_path / "ray", monkeypatch, StandIn(), *words)
    assert again.status == "ok", "its trials were known to the node"
    assert journal.read_bytes() == before
