"""A cell that is stored in full is read, and anything that is missing of it is made good."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from imbench.config.compose import Composer
from imbench.config.parse import Draft
from imbench.report.mlflow import export
from imbench.results.store import Store
from imbench.run import lookup
from tests.e2e.conftest import says, table_words

ROOT = Path(__file__).parents[2]
# SQLAlchemy keeps its connections for the life of the process, which is what MLflow wants.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")


@pytest.fixture
def words(table):
    return table_words(table, "splits.n_splits=3")


@pytest.fixture
def fitted(monkeypatch):
    """The folds that were fitted, as (label, fold), from now on."""
    from imbench.run import folds

    found = []
    fitting = folds._fitting

    def spy(task, fold, *rest):
        found.append((task.key.label, fold.fold))
        return fitting(task, fold, *rest)

    monkeypatch.setattr(folds, "_fitting", spy)
    return found


def cell_folder(name="none"):
    (folder,) = Path("results/runs").glob(f"table-logistic_regression-{name}-*")
    return folder


def arrays():
    return {path.name: path.read_bytes() for path in cell_folder().glob("*.npz")}


def exported():
    """Runs in the MLflow store: (run id of the cell, whether it is deleted)."""
    query = """
        SELECT tags.value, runs.lifecycle_stage FROM runs
        JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'imbench.run_id'
    """
    connection = sqlite3.connect("results/mlflow.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.fixture
def store(empty_store, tmp_path):
    return empty_store(tmp_path / "results")


@pytest.fixture
def writes_here(monkeypatch):
    """Export in this process, which imports MLflow once: what is written is the same."""
    monkeypatch.setattr(export, "in_background", lambda tracker, *rest: tracker)


def change(store, statement):
    connection = sqlite3.connect(store)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.fixture
def no_mlflow(monkeypatch):
    """Make the import of MLflow fail, once the fixture's function is called.

    It counts as installed: where it is not, ``tracking=mlflow`` is refused without an import.
    """

    def forbid():
        monkeypatch.setattr("imbench.components.extras.is_installed", lambda package: True)
        monkeypatch.setitem(sys.modules, "mlflow", None)
        monkeypatch.setitem(sys.modules, "mlflow.entities", None)

    return forbid


def test_the_same_table_and_nothing_is_constructed(run, words, fitted, monkeypatch):
    first = run(*words)
    assert len(fitted) == 3
    monkeypatch.setattr(Draft, "cell", lambda *_: pytest.fail("was constructed"))
    monkeypatch.setattr("imbench.run.cell.load", lambda *_: pytest.fail("data was loaded"))
    second = run(*words)
    assert (first.code, second.code) == (0, 0)
    assert second.out == first.out
    assert len(fitted) == 3


def test_the_cell_that_is_found_is_the_one_that_ran(run, words, table):
    assert run(*words, "strategy=[smote,threshold]").code == 0
    composer = Composer(None)
    config = composer.cells([*words, "strategy=[smote,threshold]"], False)[0]
    found = lookup.find(Draft(config, composer.folders).outline, Store(Path("results")))
    (cell,) = Store(Path("results")).read_cells()
    for name in ("run_id", "dataset", "model", "label", "stages", "status", "n_folds"):
        assert getattr(found, name) == getattr(cell, name), name
    assert json.loads(json.dumps(found.config)) == cell.config
    assert [f.fold for f in found.folds] == [0, 1, 2]


def harm_bits(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("suffix", ["npz", "json"])
@pytest.mark.parametrize("harm", [harm_bits, Path.unlink])
def test_a_fold_that_is_damaged_or_gone_is_run_again(run, words, fitted, suffix, harm):
    first = run(*words)
    before = arrays()
    del fitted[:]
    harm(cell_folder() / f"r0-f1.{suffix}")
    second = run(*words)
    assert fitted == [("none", 1)]
    assert arrays() == before
    assert second.code == 0
    assert run(*words).code == first.code
    assert fitted == [("none", 1)]


def test_the_description_of_a_cell_is_written_again(run, words, fitted):
    run(*words)
    path = cell_folder() / "cell.json"
    before = path.read_bytes()
    path.unlink()
    assert run(*words).code == 0
    assert path.read_bytes() == before
    assert len(fitted) == 3


def test_other_data_in_the_file_is_another_cell(run, words, table, fitted):
    run(*words)
    table.write_text(table.read_text() + "0.1,0.2,yes\n")
    assert run(*words).code == 0
    assert len(fitted) == 6


def test_a_lost_cache_costs_a_parse_and_no_fit(run, words, fitted, tmp_path, monkeypatch):
    first = run(*words)
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "another"))
    assert run(*words).out == first.out
    assert len(fitted) == 3


def test_a_failed_cell_is_tried_again(run, words, fitted):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imbench.run.folds._predict", lambda *_: 1 / 0)
        assert run(*words).code == 1
    assert run(*words).code == 0
    assert [fold for _, fold in fitted] == [0, 0, 1, 2]


def test_a_sweep_runs_what_is_missing_and_keeps_its_order(run, words, fitted):
    words = (*words, "splits.n_repeats=1")
    run(*words, "strategy=random_over")
    del fitted[:]
    done = run("-m", *words, "strategy=none,random_over,threshold", "output=json")
    assert done.code == 0, done.err
    assert {label for label, _ in fitted} == {"none", "threshold"}
    labels = {json.loads(line)["label"] for line in done.out.splitlines()}
    assert labels == {"none", "random_over", "threshold"}


def test_what_is_stored_does_not_hide_a_wrong_neighbour(run, words):
    run(*words)
    done = run("-m", *words, "strategy=none,smote", "+strategy.resample.smote.neighbours=3")
    assert done.code == 2
    assert "neighbours" in done.err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("device=gpu", "device=gpu"),
        ("seed=-1", "seed=-1"),
        ("output=xml", "output=xml"),
        ("metrics.sort=f3", "metrics.sort"),
        ("metrics.minority=maybe", "metrics.minority=maybe"),
        ("tracking.nonsense=1", "nonsense"),
        ("splits.n_splits=1", "n_splits"),
    ],
)
def test_a_wrong_value_is_said_of_a_stored_cell_too(run, words, wrong, said):
    run(*words)
    says(run(*words, wrong), said)


def test_other_metric_options_are_computed_from_the_stored_folds(run, words, fitted):
    plain = run(*words, "output=json")
    other = run(*words, "output=json", "metrics.ece_bins=3", "metrics.minority=no")
    assert len(fitted) == 3
    before, after = (json.loads(done.out)["metrics"] for done in (plain, other))
    assert before["f1_minority"] != after["f1_minority"]
    assert before["ece"] != after["ece"]
    assert before["f1_macro"] == after["f1_macro"]


class TestMlflow:
    def test_a_cell_that_is_exported_needs_no_mlflow(self, run, words, store, no_mlflow):
        first = run(*words, tracking="mlflow")
        assert len(exported()) == 1
        no_mlflow()
        second = run(*words, tracking="mlflow")
        assert (second.code, second.out, second.err) == (0, first.out, "")

    def test_a_deleted_store_is_filled_again(self, run, words, store, migrated, fitted):
        # Another process: MLflow keeps its connection to a file that is gone.
        command = [sys.executable, "-m", "imbench", *words]
        path = {"PYTHONPATH": str(ROOT)}
        subprocess.run(command, check=True, capture_output=True, env=os.environ | path)
        assert len(exported()) == 1
        shutil.copy(migrated, store)
        assert not exported()
        assert run(*words, tracking="mlflow").code == 0
        assert len(exported()) == 1
        assert not fitted

    def test_a_run_that_was_deleted_in_the_ui_is_exported_again(
        self, run, words, store, writes_here
    ):
        run(*words, tracking="mlflow")
        change(store, "UPDATE runs SET lifecycle_stage = 'deleted'")
        run(*words, tracking="mlflow")
        assert sorted(stage for _, stage in exported()) == ["active", "deleted"]

    def test_a_run_that_was_cut_off_is_written_again(self, run, words, store, writes_here):
        run(*words, tracking="mlflow")
        change(store, "DELETE FROM tags WHERE key = 'imbench.digest'")
        run(*words, tracking="mlflow")
        assert sorted(stage for _, stage in exported()) == ["active", "deleted"]

    def test_other_metric_options_are_exported_anew(self, run, words, store, writes_here, fitted):
        run(*words, tracking="mlflow")
        run(*words, "metrics.ece_bins=3", tracking="mlflow")
        assert sorted(stage for _, stage in exported()) == ["active", "deleted"]
        assert len(fitted) == 3

    def test_another_experiment_has_a_run_of_its_own(self, run, words, store, writes_here):
        run(*words, tracking="mlflow")
        run(*words, "tracking.experiment=other", tracking="mlflow")
        assert [stage for _, stage in exported()] == ["active", "active"]

    def test_a_file_that_is_no_store_is_an_error(self, run, words, store):
        run(*words, tracking="mlflow")
        Path("results/other.db").write_text("this is no database, but long enough to be read" * 9)
        done = run(*words, "tracking.uri=sqlite:///results/other.db", tracking="mlflow")
        says(done, "results/other.db")
