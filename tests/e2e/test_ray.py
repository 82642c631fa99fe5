"""Sweeps on a Ray cluster of three nodes on loopback, one of which is killed."""

import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imbench.results.store import Store
from imbench.run.executors import ray as executor
from imbench.run.executors.ray_worker import Driver, Job, problem_here, run_job, versions
from tests.cells import cell_of
from tests.e2e.conftest import Run, says

if find_spec("ray") is None:
    pytest.skip("pip install 'imbench[ray]' installs Ray", allow_module_level=True)

MODELS = """
import os, signal
from sklearn.tree import DecisionTreeClassifier

class Broken(DecisionTreeClassifier):
    def fit(self, X, y):
        raise ValueError("this model is broken")

class Crashing(DecisionTreeClassifier):
    def fit(self, X, y):
        os.kill(os.getpid(), signal.SIGSEGV)
"""
DATA = ("dataset=synthetic", "dataset.n_rows=150", "splits.n_splits=3", "splits.n_repeats=1")
SLOW = ("model=random_forest", "model.estimator.n_estimators=150")
SMALL = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "node_ip_address": "127.0.0.1"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A head and two nodes, whose workers find the models of these tests."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "models_of_the_test.py").write_text(MODELS)
    root = Path(__file__).parents[2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # this process is on loopback too
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(root)]))
        patch.syspath_prepend(folder)
        import ray
        from ray.cluster_utils import Cluster

        before = signal.getsignal(signal.SIGTERM)  # Ray has one of its own
        made = Cluster(True, head_node_args={**SMALL, "include_dashboard": False})
        try:
            for _ in range(2):
                made.add_node(**SMALL)
            yield made
        finally:
            ray.shutdown()
            made.shutdown()
            signal.signal(signal.SIGTERM, before)


def on(cluster, *more: str) -> tuple[str, ...]:
    return ("executor=ray", f"executor.address={cluster.address}", *more)


def same(one: Path, two: Path) -> None:
    """Assert that two folders hold the same folds, bit by bit."""
    cells = [{cell.run_id: cell for cell in Store(folder).read_cells()} for folder in (one, two)]
    assert cells[0].keys() == cells[1].keys()
    for run_id, cell in cells[0].items():
        other = cells[1][run_id]
        assert len(cell.folds) == len(other.folds) == cell.n_folds
        for a, b in zip(cell.folds, other.folds, strict=True):
            assert a.status == b.status == "ok", b.reason
            for name in ("test_index", "y_true", "y_pred", "y_score"):
                np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_a_tuned_cell_comes_back_without_a_shared_folder(run: Run, cluster, tmp_path) -> None:
    words = (*DATA, "model=decision_tree", "strategy=smote", "tuning=optuna", "tuning.trials=3")
    words = (*words, "tuning.inner_splits=2", "output=json")
    assert run(*words, "results_dir=here").code == 0
    done = run(*words, "results_dir=there", *on(cluster, "executor.store=return"))
    assert done.code == 0, done.err
    same(tmp_path / "here", tmp_path / "there")
    found = [studies(tmp_path / name) for name in ("here", "there")]
    assert found[0] == found[1]
    assert [len(trials) for trials in found[1].values()] == [3, 3, 3]


def studies(folder: Path) -> dict[str, list]:
    import optuna

    from imbench.run.tuning.storage import open_storage

    (path,) = (folder / "tuning").glob("*.log")
    storage = open_storage(str(path))
    names = sorted(optuna.get_all_study_names(storage))
    trials = {n: optuna.load_study(study_name=n, storage=storage).trials for n in names}
    return {name: [(t.params, t.value, t.state) for t in found] for name, found in trials.items()}


def test_a_model_that_fails_or_crashes_is_a_record_and_the_sweep_goes_on(
    run: Run, cluster, tmp_path
) -> None:
    targets = "sklearn.dummy.DummyClassifier,models_of_the_test.Broken,models_of_the_test.Crashing"
    words = (*DATA, "model=own", f"model.estimator._target_={targets}", "results_dir=bad")
    done = run("-m", *words, *on(cluster))
    assert done.code == 1, done.err
    cells = {cell.model: cell for cell in Store(tmp_path / "bad").read_cells()}
    assert {name: cell.status for name, cell in cells.items()} == {
        "DummyClassifier": "ok",
        "Broken": "failed",
        "Crashing": "failed",
    }
    assert "this model is broken" in cells["Broken"].reason
    assert cells["Crashing"].reason.startswith("crashed (signal 11): ")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("executor.num_cpus=64",), ("num_cpus=64", "no node", "executor.num_cpus=1")),
        (("executor.num_gpus=1",), ("num_gpus=1", "no node", "executor.num_gpus=0")),
        (("executor.memory_gb=0",), ("memory_gb must be a number above 0",)),
        (("executor.store=s3",), ("store must be shared or return", "'s3'")),
        (("executor.adress=x",), ("executor.adress", "did you mean 'address'")),
        (("n_jobs=2",), ("n_jobs=2", "executor=local")),
    ],
)
def test_what_cannot_run_is_one_sentence_before_the_first_fold(
    run: Run, cluster, tmp_path, words, parts
) -> None:
    done = run(*DATA, "model=decision_tree", "results_dir=none", *on(cluster), *words)
    says(replace(done, err=without_notices(done.err)), *parts)
    assert done.code == 2
    assert not list((tmp_path / "none").rglob("r*-f*.json"))


def without_notices(text: str) -> str:
    return "\n".join(x for x in text.splitlines() if not x.startswith("synthetic: "))


def test_a_node_that_is_killed_in_the_middle_costs_nothing_but_time(
    run: Run, cluster, tmp_path
) -> None:
    import ray

    words = ("-m", *DATA, *SLOW, "strategy=none,smote,random_over,random_under", "output=json")
    assert run(*words, "results_dir=here", "n_jobs=1").code == 0
    left: list[int] = []

    def kill() -> None:
        """Kill a node once three folds are stored, while each node is at work on one."""
        folder = tmp_path / "there" / "runs"
        while len(list(folder.rglob("r*-f*.json"))) < 3:
            time.sleep(0.01)
        own = ray.get_runtime_context().get_node_id()  # this process is connected to one of them
        node = next(node for node in cluster.worker_nodes if node.node_id != own)
        cluster.remove_node(node, allow_graceful=False)
        left.append(12 - len(list(folder.rglob("r*-f*.json"))))

    killer = threading.Thread(target=kill)
    killer.start()
    done = run(*words, "results_dir=there", *on(cluster))
    killer.join(timeout=30)
    assert done.code == 0, done.err
    assert left, "a node was killed"
    assert left[0] > 0, "before the sweep had ended"
    same(tmp_path / "here", tmp_path / "there")


def test_a_node_with_another_version_folder_or_file_says_so(tmp_path) -> None:
    here = Driver(str(tmp_path), str(tmp_path), "token", versions())
    assert "results_dir=" in problem_here(here)
    assert "executor.store=return" in problem_here(here)
    (tmp_path / "token").touch()
    assert problem_here(here) == ""
    other = replace(here, versions=here.versions | {"scikit-learn": "0.1", "nonsense": "2"})
    assert "nonsense missing and not 2" in problem_here(other)
    assert "and not 0.1" in problem_here(other)
    cell = cell_of(*DATA, "model=decision_tree")
    receipt = run_job(Job(here, cell, "0f1a", ((0, 0),), ((0, 0),)))
    assert receipt.problem.startswith("dataset=synthetic has other content on node ")
    assert not receipt.places


def test_a_job_and_its_receipt_are_small(tmp_path) -> None:
    (tmp_path / "token").touch()
    here = Driver(str(tmp_path), str(tmp_path), "token", versions())
    cell = cell_of(*DATA, "dataset.n_rows=20000", "model=decision_tree")
    from imbench.run.cell import Runner

    run_id = Runner(tmp_path).prepare(cell).key.run_id
    job = Job(here, cell, run_id, ((0, 1),), ((0, 1),))
    receipt = run_job(job)
    assert receipt.places == ((0, 1),)
    assert len(pickle.dumps(job)) < 20_000
    assert len(pickle.dumps(receipt)) < 1_000


def test_without_ray_a_sentence_says_what_installs_it(monkeypatch) -> None:
    from imbench.errors import ConfigError

    monkeypatch.setattr(executor.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'imbench\[ray\]'"):
        executor.RayExecutor(runner=None)._connected()
